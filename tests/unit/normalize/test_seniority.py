"""Levels from titles and from the words of a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.seniority import (
    is_for_beginners,
    stated_manager,
    stated_seniority,
    title_seniority,
)
from openfunnel.records import Seniority


@pytest.mark.parametrize(
    ("title", "level"),
    [
        ("Software Engineering Intern", "intern"),
        ("Founder & CEO", "executive"),
        ("Station Manager", "manager"),
        ("Sales Graduate Program", "junior"),
        ("Principal Member of Technical Staff", "principal"),
        ("Stage - Développeur Web", "intern"),
        ("Junior Developer", "junior"),
        ("Associate Product Manager", "junior"),
        ("Graduate Software Engineer", "junior"),
        ("Apprentice Electrician", "junior"),
        ("Early Careers Programme", "junior"),
        ("Mid-level Backend Engineer", "mid"),
        ("Senior Software Engineer", "senior"),
        ("Sr. Data Scientist", "senior"),
        ("Sr Account Executive", "senior"),
        ("Staff Engineer, Payments", "staff"),
        ("Senior Staff Engineer", "staff"),
        ("Senior / Staff Engineer", "senior"),
        ("Junior or Senior Designer", "junior"),
        ("Principal Engineer", "principal"),
        ("Distinguished Engineer", "principal"),
        ("Tech Lead", "lead"),
        ("Team Lead, Support", "lead"),
        ("Senior Lead Designer", "lead"),
        ("Engineering Manager", "manager"),
        ("Senior Engineering Manager, Platform", "manager"),
        ("Manager of Data Science", "manager"),
        ("Manager, Customer Support", "manager"),
        ("Store Manager", "manager"),
        ("Director of Marketing", "director"),
        ("Associate Director, Finance", "director"),
        ("General Manager, Lisbon", "manager"),
        ("Sales Manager_Lisbon", "manager"),
        ("Student Externship", "intern"),
        ("Head of Design", "director"),
        ("Leiterin Vertrieb", "director"),
        ("VP Sales", "vp"),
        ("Senior Vice President, Engineering", "vp"),
        ("Chief Financial Officer", "executive"),
        ("CTO", "executive"),
        ("Co-Founder", "executive"),
        ("Développeur confirmé", "senior"),
        ("Chef d'équipe", "lead"),
        ("Directrice Marketing", "director"),
        ("Praktikant (m/w/d)", "intern"),
        ("Teamleiterin Einkauf", "manager"),
        ("Berufseinsteiger IT", "junior"),
        ("Desarrollador Semi Senior", "mid"),
        ("Jefa de Ventas", "manager"),
        ("Practicante de Marketing", "intern"),
        ("Analista Pleno", "mid"),
        ("Analista Sênior", "senior"),
        ("Gerente de Engenharia", "manager"),
        ("Estagiário de Dados", "intern"),
        ("Mid-Senior Developer", "mid"),
        ("Sеniоr Engineer", "senior"),  # Cyrillic letters
        ("𝗦𝗲𝗻𝗶𝗼𝗿 Engineer", "senior"),
    ],
)
def test_a_marker_in_the_title_names_the_level(title: str, level: str) -> None:
    assert title_seniority(title) == Seniority(level)


@pytest.mark.parametrize(
    "title",
    [
        "Software Engineer",
        "Software Engineer II",
        "Member of Technical Staff",
        "Transformation Owner, CRO",
        "Product Manager",
        "Product Manager, Growth",
        "Account Executive",
        "Executive Assistant to the CEO",
        "Business Partner, Office of the CEO",
        "Customer Success Manager",
        "Business Development Manager",
        "Technical Program Manager",
        "Lead Generation Specialist",
        "Chief of Staff",
        "Internal Communications Partner",
        "Gerente de Produto",
        "Jefe de Proyecto",
        "",
    ],
)
def test_a_title_without_marker_names_no_level(title: str) -> None:
    assert title_seniority(title) is None


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("We are looking for a Senior Engineer.", "senior"),
        ("Acme is hiring an experienced staff engineer", "staff"),
        ("This is for new graduates", "junior"),
        ("An entry-level position", "junior"),
        ("No prior experience required.", "junior"),
        ("This is an entry-level 6 month contract role.", "junior"),
        ("We are seeking a dynamic and motivated Senior Account Executive", "senior"),
        ("We're looking for a lead designer.", "lead"),
        ("As a Sr. Kettle Expert, you will test kettles.", "senior"),
        ("As a Mid-Level Developer at Acme, you will code.", "mid"),
        ("This is a senior individual contributor role.", "senior"),
    ],
)
def test_a_level_stated_in_words_counts(text: str, level: str) -> None:
    found = stated_seniority(text)
    assert found is not None
    assert found[0] == Seniority(level)


@pytest.mark.parametrize(
    "text",
    [
        "You work with senior stakeholders.",
        "This is a senior leadership role.",
        "We seek a senior management consultant",
        "We are hiring an assistant to support senior people.",
        "We are looking for a manager to lead the team.",
        "As an adviser of senior people, you will travel.",
        "If you are a new graduate, please do not apply here.",
        "",
    ],
)
def test_other_people_s_level_does_not_count(text: str) -> None:
    assert stated_seniority(text) is None


@given(st.text(max_size=400))
def test_the_span_of_a_stated_level_lies_in_the_text(text: str) -> None:
    title_seniority(text)
    is_for_beginners([text])
    managed = stated_manager(f"Manager {text}", f"{text}\nyour direct reports")
    if managed is not None:
        start, end = managed[1]
        assert 0 <= start < end <= len(text) + 20
    found = stated_seniority("we are looking for a junior " + text)
    if found is not None:
        start, end = found[1]
        assert 0 <= start < end <= len(text) + 28
