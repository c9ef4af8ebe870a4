"""Which names of a posting are skills of the person hired."""

import pytest

from openfunnel.extraction.mentions import MOST_MENTIONS, find_mentions
from openfunnel.extraction.sections import divide
from openfunnel.records import PostingText


def skills_of(line: str) -> list[str]:
    text = f"## Requirements\n- {line}\n"
    posting = PostingText(title="Baker", text=text)
    return [
        one.name for one in find_mentions(posting, text, divide(text)) if one.category == "skill"
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Bachelor's degree in computer science, statistics or a related field",
        "You hold a Master’s or PhD in Machine Learning, Mathematics (or similar)",
        "BSc in a quantitative field (e.g., economics, data science)",
        "Diplôme en informatique ou comptabilité",
    ],
)
def test_the_subject_of_a_degree_is_no_skill(line: str) -> None:
    assert skills_of(line) == []


@pytest.mark.parametrize(
    "line",
    [
        "Partner with our Data Science, Sales and Customer Success teams",
        "Work closely with machine learning engineers",
        "Collaborate across financial modeling, procurement and legal departments",
    ],
)
def test_the_trade_of_colleagues_is_no_skill(line: str) -> None:
    assert skills_of(line) == []


def test_who_works_with_a_method_has_a_skill() -> None:
    line = "Work with customers to apply financial modeling"
    assert skills_of(line) == ["financial modeling"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("A degree in law and experience with contract drafting", ["contract drafting"]),
        ("Degree in economics; data modeling", ["data modeling"]),
        ("Machine learning. A degree is welcome.", ["machine learning"]),
        ("You master financial modeling", ["financial modeling"]),
    ],
)
def test_what_is_asked_for_beside_a_degree_is_a_skill(line: str, found: list[str]) -> None:
    assert skills_of(line) == found


def test_what_is_read_of_a_text_crowded_with_names_is_bounded() -> None:
    crowd = "- Docker, Kafka, Terraform and Ansible\n" * (MOST_MENTIONS // 4)
    for text, found in ((f"{crowd[:-39]}- Python\n", True), (f"{crowd}- Python\n", False)):
        posting = PostingText(title="Baker", text=text)
        names = {one.name for one in find_mentions(posting, text, divide(text))}
        assert ("Python" in names) is found
        assert "Docker" in names
