import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.workplace import find_workplace, workplace


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
    ("text", "expected"),
    [
        ("We are a remote-first company.", "remote"),
        ("This role is fully remote within the EU.", "remote"),
        ("This is a remote role.", "remote"),
        ("Location: Remote, anywhere in Europe", "remote"),
        ("This is a hybrid role.", "hybrid"),
        ("You spend 3 days a week in the office.", "hybrid"),
        ("three (3) days per week in our office", "hybrid"),
        ("We are in the office at least two days a week.", "hybrid"),
        (
            "We are a remote-first company.\nThis role asks for 2 days per week in our office.",
            "hybrid",
        ),
        ("Modelo híbrido: tres días por semana en la oficina", "hybrid"),
        ("Trabajamos tres días por semana en la oficina.", "hybrid"),
        ("Trabalhamos em modelo híbrido.", "hybrid"),
        ("Regime de trabalho híbrido, dois dias por semana no escritório", "hybrid"),
        ("Un modelo híbrido de nube, diseñado en la oficina.", None),
        ("This role is on-site.", "onsite"),
        ("This is an in-office position.", "onsite"),
        ("We work five days a week in the office.", "onsite"),
        ("This is not a remote role.", None),
        ("Remote work is not possible.", None),
        ("This position cannot be remote.", None),
        ("You support our remote teams and remote sites.", None),
        ("You know hybrid cloud and remote sensing.", None),
        ("On-site gym and lunch in the office.", None),
        ("", None),
    ],
)
def test_a_text_states_a_workplace_or_none(text: str, expected: str | None) -> None:
    found = find_workplace(text)
    assert (found[0] if found else None) == expected


def test_the_span_stands_where_the_workplace_is_said() -> None:
    text = "Hello\n\nThis is a fully remote role."
    found = find_workplace(text)
    assert found is not None
    assert text[slice(*found[1])] == "fully remote"


@given(st.text(max_size=300))
def test_no_text_breaks_either(text: str) -> None:
    workplace(text)
    find_workplace(text)


@pytest.mark.parametrize(
    "unit", ["remote ", "role is ", "3 days a week ", "in the office for the ", "hybrid ", "\n"]
)
def test_two_megabytes_of_anything_are_read(unit: str) -> None:
    text = unit * (2_000_000 // len(unit))
    workplace(text)
    find_workplace(text)
