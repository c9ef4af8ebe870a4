import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.workplace import title_workplace, workplace


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Remote", "remote"),
        ("remote", "remote"),
        ("Fully Remote", "remote"),
        ("Remote - US", "remote"),
        ("Home based", "remote"),
        ("Work from home", "remote"),
        ("Distributed", "remote"),
        ("Télétravail", "remote"),
        ("Remote or Hybrid", "remote"),
        ("Berlin (Hybrid) or Remote", "remote"),
        ("Hybrid", "hybrid"),
        ("Hybrid (2 days remote)", "hybrid"),
        ("OnSite", "onsite"),
        ("On-site", "onsite"),
        ("In Office", "onsite"),
        ("Not remote", "onsite"),
        ("unspecified", None),
        ("Berlin", None),
        ("", None),
    ],
)
def test_the_words_of_an_ats_name_a_workplace_or_none(words: str, expected: str | None) -> None:
    assert workplace(words) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Accountant (Remote)", "remote"),
        ("[Remote] VP of Sales", "remote"),
        ("Account Manager - Remote, Germany", "remote"),
        ("Entwickler (m/w/d) | Homeoffice", "remote"),
        ("Analista de Dados - Híbrido", "hybrid"),
        ("Developer (Hybrid Toronto)", "hybrid"),
        ("Technician - Onsite", "onsite"),
        ("Distributed Systems Engineer", None),
        ("Staff Engineer, Distributed Filesystem", None),
        ("Virtual Reality Developer", None),
        ("Remote Sensing Scientist", None),
        ("Hybrid Cloud Architect", None),
        ("Product Manager, In-Person Payments", None),
        ("Distributed Systems Engineer (Remote)", "remote"),
    ],
)
def test_a_title_names_a_workplace_but_not_by_the_matter_of_the_work(
    title: str, expected: str | None
) -> None:
    assert title_workplace(title) == expected


@given(st.text(max_size=300))
def test_no_words_break_it(text: str) -> None:
    workplace(text)
    title_workplace(text)


@pytest.mark.parametrize("unit", ["remote ", "distributed", "hybrid ", " ", "1", "("])
def test_two_megabytes_of_anything_are_read_in_part(unit: str) -> None:
    text = unit * (2_000_000 // len(unit))
    workplace(text)
    title_workplace(text)
