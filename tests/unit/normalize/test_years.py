import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.years import parse_years

# fmt: off
FRAGMENTS = [
    "5", "+", "years", "of", "experience", "-", "to", "three", "(",
    ")", "##", "\n", "preferred", "or", "degree", "ans", "99",
]
# fmt: on


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5+ years of experience", 5),
        ("at least three years of experience in sales", 3),
        ("Three (3) years of relevant experience", 3),
        ("3-5 years of experience", 3),
        ("4 years of experience in bread (a past in cakes is preferred)", 4),
        ("5+ years of successful sales experience", 5),
        ("- 1-5 years at a bakery that grew", 1),
        ("- Degree and 3 years of experience\n- Without a degree, 7 years of experience", 3),
        ("In lieu of a degree, 4 years of experience", 4),
        ("3 to 5 yrs experience", 3),
        ("0-2 years of experience", 0),
        ("Minimum 2 Jahre Berufserfahrung", 2),
        ("mindestens drei Jahre Erfahrung im Vertrieb", 3),
        ("3 ans d’expérience minimum", 3),
        ("al menos 4 años de experiencia", 4),
        ("Experience: 6 years", 6),
        ("10+ years in a quota-carrying role", 10),
        ("7 years working with data", 7),
        ("8+ years of experience, including 3 years in management", 8),
        ("8+ years of experience, 3 of them in payments", 8),
        ("- 5+ years of experience\n- 2+ years of experience with SQL", 5),
        ("- 3+ years as a nurse, experience on a ward\n- 5+ years experience with Foo", 3),
        ("- 4 years experience with Foo", 4),
        ("- 5+ years in kettle operations", 5),
        ("- At least 5 years of film production", 5),
        ("- 10 years of sales experience with 5+ years of leading others", 10),
        ("You are a strong engineer, including 12+ years of experience with systems", 12),
        ("- 4 years of experience in sales — kettles are a plus", 4),
        ("entre 2 et 5 ans d'expérience", 2),
        ("PhD with 2 years of experience or a Bachelor's degree and 5 years", 2),
        ("5+ years of experience, ideally in a startup", 5),
        ("5 years of experience\n## Nice to have\n- 10 years of experience in finance", 5),
        (
            "## Preferred\n9 years of experience\n## Required\n4 years of experience",
            4,
        ),
    ],
)
def test_the_overall_experience_asked_for_is_read(text: str, expected: int) -> None:
    found = parse_years(text)
    assert found is not None
    assert found[0] == expected


@pytest.mark.parametrize(
    "text",
    [
        "We look back on 20 years of history",
        "We look back on 20 years of success",
        "avec jusqu'à deux ans d'expérience",
        "Our team has 30 years of combined experience",
        "For over 15 years we have built software",
        "founded 10 years ago by experienced people",
        "You are at least 18 years old",
        "We grew fast in the last 3 years, with experienced colleagues",
        "Ideally, you have 5 years of experience",
        "5 years of experience are a plus",
        "Preferred: 5+ years of experience",
        "a 3-year vesting schedule",
        "- 5 weeks of holidays, more after 4 years in the company",
        "two weeks of holidays a year",
        "",
    ],
)
def test_what_is_not_asked_for_is_not_read(text: str) -> None:
    assert parse_years(text) is None


def test_the_span_holds_the_number() -> None:
    text = "## About you\n- at least 6 years of experience"
    found = parse_years(text)
    assert found is not None
    assert text[slice(*found[1])] == "6 years"


@given(st.text(max_size=300))
def test_no_text_breaks_the_parser(text: str) -> None:
    parse_years(text)


@given(
    st.lists(
        st.sampled_from(FRAGMENTS),
        max_size=20,
    ).map(" ".join)
)
def test_whatever_is_read_is_a_sane_number_inside_the_text(text: str) -> None:
    found = parse_years(text)
    assert found is None or (0 <= found[0] <= 25 and found[1][0] < found[1][1] <= len(text))


@pytest.mark.parametrize(
    "unit",
    ["5 years ", "5 years " * 250 + "\n", "5 ", "two ", "2 - 3 - ", "## \n", "\n", "a "],
)
def test_two_megabytes_of_anything_are_read(unit: str) -> None:
    parse_years(unit * (2_000_000 // len(unit)))
