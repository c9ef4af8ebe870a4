import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.employment import (
    employment_type,
    find_employment_type,
    title_employment,
)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Full-time", "full_time"),
        ("FullTime", "full_time"),
        ("FULL_TIME", "full_time"),
        ("Permanent - Full Time", "full_time"),
        ("Vollzeit", "full_time"),
        ("Temps plein", "full_time"),
        ("Part time", "part_time"),
        ("Teilzeit", "part_time"),
        ("Werkstudent", "part_time"),
        ("Intern", "internship"),
        ("Internship - Full-time", "internship"),
        ("Stage", "internship"),
        ("Praktikum", "internship"),
        ("Contract", "contract"),
        ("Fixed term", "contract"),
        ("CDD", "contract"),
        ("Freelance", "contract"),
        ("Temporary", "temporary"),
        ("Seasonal", "temporary"),
        ("CDI", None),
        ("Permanent", None),
        ("Permanent contract", None),
        ("Unbefristeter Vertrag", None),
        ("Apprenticeship", None),
        ("International team", None),
        ("Internal", None),
        ("", None),
    ],
)
def test_the_words_of_an_ats_name_a_type_or_none(words: str, expected: str | None) -> None:
    assert employment_type(words) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("This is a full-time role in our office.", "full_time"),
        ("Employment type: Part-time", "part_time"),
        ("This role is a part-time position.", "part_time"),
        ("Acme is seeking a part-time baker.", "part_time"),
        ("We are hiring a full-time baker.", "full_time"),
        ("It may lead to full-time employment.", None),
        ("Duration: Contractor, to the end of May", "contract"),
        ("We offer a 6-month contract.", "contract"),
        ("This is a fixed-term position until May.", "contract"),
        ("During this 12-week internship you will learn.", "internship"),
        ("As a marketing intern, you will help.", "internship"),
        ("This is a temporary role.", "temporary"),
        ("Full-time", "full_time"),
        ("Benefits for employees in a full-time role: lunch.", None),
        ("Full-time employees get lunch.", None),
        ("You negotiate contracts with customers.", None),
        ("You spend time on many things.", None),
        ("", None),
    ],
)
def test_a_text_states_a_type_or_none(text: str, expected: str | None) -> None:
    found = find_employment_type(text)
    assert (found[0] if found else None) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Baker (Seasonal)", "temporary"),
        ("Baker [Part-time], Leeds", "part_time"),
        ("Baker - 6 month contract", "contract"),
        ("Contract Manager", None),
        ("Account Executive - B2B", None),
        ("Baker (Leeds)", None),
    ],
)
def test_a_title_names_a_type_aside(title: str, expected: str | None) -> None:
    assert title_employment(title) == expected


def test_the_span_stands_where_the_type_is_said() -> None:
    text = "Hello\n\nJoin us.\nThis is a full-time role."
    found = find_employment_type(text)
    assert found is not None
    assert text[slice(*found[1])] == "full-time role"


@given(st.text(max_size=300))
def test_no_text_breaks_either(text: str) -> None:
    employment_type(text)
    find_employment_type(text)
    title_employment(f"Baker ({text})")


@pytest.mark.parametrize("unit", ["full-time ", "this internship ", "type: ", "12 month ", "\n"])
def test_two_megabytes_of_anything_are_read(unit: str) -> None:
    text = unit * (2_000_000 // len(unit))
    employment_type(text)
    find_employment_type(text)
