"""The function of the person hired, from titles and departments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.role import title_role
from openfunnel.records import RoleFunction


@pytest.mark.parametrize(
    ("title", "function"),
    [
        ("Senior Backend Engineer", "engineering"),
        ("Machine Learning Engineer", "engineering"),
        ("Site Reliability Engineer", "engineering"),
        ("Engineering Manager, Sales Tools", "engineering"),
        ("Product Engineer", "engineering"),
        ("Développeur Full-Stack (H/F)", "engineering"),
        ("Softwareentwickler (m/w/d)", "engineering"),
        ("Data Scientist, Risk", "data"),
        ("Analytics Engineer", "data"),
        ("Product Analyst", "data"),
        ("Security Engineer", "security"),
        ("IT Support Specialist", "it"),
        ("Systems Administrator", "it"),
        ("Product Manager, Payments", "product"),
        ("Product Designer", "design"),
        ("Brand Designer, Advertising", "design"),
        ("Research Scientist", "research"),
        ("User Researcher", "research"),
        ("Product Marketing Manager", "marketing"),
        ("Developer Advocate", "marketing"),
        ("Public Relations Manager", "marketing"),
        ("Account Executive, Enterprise", "sales"),
        ("Sales Development Representative", "sales"),
        ("Solutions Engineer", "sales"),
        ("Customer Success Manager", "customer_success"),
        ("Technical Account Manager", "customer_success"),
        ("Implementation Consultant", "customer_success"),
        ("Customer Support Agent", "support"),
        ("Technical Support Engineer", "support"),
        ("Technical Program Manager", "operations"),
        ("Supply Chain Planner", "operations"),
        ("Revenue Operations Analyst", "operations"),
        ("Chief of Staff", "operations"),
        ("Accountant", "finance"),
        ("FP&A Analyst", "finance"),
        ("Tax Manager", "finance"),
        ("Senior Counsel", "legal"),
        ("Compliance Officer", "legal"),
        ("Head of Public Policy", "legal"),
        ("Technical Recruiter", "people"),
        ("HR Business Partner", "people"),
        ("People Operations Specialist", "people"),
        ("Executive Assistant", "administration"),
        ("Office Manager", "administration"),
        ("Registered Nurse", "healthcare"),
        ("Math Teacher", "education"),
        ("Sales Enablement Trainer", "education"),
        ("CNC Machinist", "manufacturing"),
        ("Store Associate", "retail"),
        ("Astronaut", "other"),
    ],
)
def test_a_title_names_its_function(title: str, function: str) -> None:
    assert title_role(title) == RoleFunction(function)


def test_the_department_helps_where_the_title_says_nothing() -> None:
    assert title_role("Wizard II", ("Finance",)) is RoleFunction.FINANCE
    assert title_role("Wizard II", ("Magic", "Legal")) is RoleFunction.LEGAL
    assert title_role("Wizard II") is RoleFunction.OTHER


def test_the_title_wins_over_the_department() -> None:
    assert title_role("Recruiter", ("Engineering",)) is RoleFunction.PEOPLE


@given(st.text(max_size=2000), st.lists(st.text(max_size=50), max_size=3))
def test_any_text_has_a_function(title: str, departments: list[str]) -> None:
    assert title_role(title, departments) in RoleFunction
