"""Which of the fields, the title and the text say where the work is done."""

import pytest

from openfunnel.extraction.whereabouts import places_of, workplace_of
from openfunnel.records import (
    REMOTE_ALLOWED,
    AtsFields,
    PostingText,
    ValueSource,
    Workplace,
)


def posting(text: str = "", title: str = "Engineer", **fields: object) -> PostingText:
    return PostingText(title=title, text=text, fields=AtsFields.model_validate(fields))


def places(of: PostingText, workplace: Workplace | None = None) -> list[str | None]:
    found = places_of(of, of.text, workplace)
    return [place.value.city or place.value.country or place.value.region for place in found]


# --- places -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locations", "text", "expected"),
    [
        (("Netherlands",), "This role is based in Amsterdam.", ["Amsterdam"]),
        (("Japan",), "This role is based in Tokyo or Yokohama.", ["Tokyo", "Yokohama"]),
        (("Texas, United States",), "This role is based in Boston.", ["US", "Boston"]),
        (("London",), "This role is based in London or Dublin.", ["London", "Dublin"]),
        (("Berlin, Germany",), "This role is based in Germany.", ["Berlin"]),
        (("Germany",), "This role is based in France or Germany.", ["DE", "FR"]),
        (("Berlin",), "We have an office in Paris.", ["Berlin"]),
        ((), "This role is based in Berlin.", ["Berlin"]),
        (("N/A",), "Location: Berlin", ["Berlin"]),
    ],
)
def test_the_text_narrows_a_country_and_adds_cities(
    locations: tuple[str, ...], text: str, expected: list[str]
) -> None:
    assert places(posting(text, locations=locations)) == expected


def test_a_text_that_an_office_bears_out_wins_over_the_location() -> None:
    text = "This role is based in our office in Tokyo; we help you move."
    moving = posting(text, locations=("Seoul",), offices=("Tokyo, Japan",))
    assert places(moving) == ["Tokyo"]
    assert places(posting(text, locations=("Seoul",))) == ["Seoul", "Tokyo"]


def test_offices_count_only_where_neither_field_nor_text_says_and_give_remote_work_no_city() -> (
    None
):
    offices = ("Columbus, Ohio, United States", "Remote (Canada)")
    assert places(posting(locations=("Hybrid",), offices=offices)) == ["Columbus", "CA"]
    assert places(posting("Location: Berlin", offices=offices)) == ["Berlin"]
    remote = posting(locations=("Remote",), offices=offices)
    assert places(remote, Workplace.REMOTE) == ["CA"]


def test_a_code_of_two_letters_may_be_a_state_of_the_country_of_the_offices() -> None:
    fields = {"locations": ("Remote - MA",), "offices": ("Remote - US",)}
    assert places(posting(**fields)) == ["US"]
    assert places(posting(locations=("Remote - MA",))) == ["MA"]


def test_a_group_of_countries_in_the_text_counts_for_remote_work() -> None:
    remote = posting("We are open to candidates based in the US and Europe.", locations=("LATAM",))
    assert places(remote, Workplace.REMOTE) == ["LATAM", "US", "Europe"]
    assert places(remote) == ["LATAM", "US"]


def test_the_country_of_the_location_settles_a_city_of_the_text() -> None:
    text = "This role is based in Birmingham."
    (found,) = places_of(posting(text, locations=("United States",)), text, None)
    assert (found.value.city, found.value.country) == ("Birmingham", "US")


def test_a_place_of_the_text_brings_its_evidence() -> None:
    text = "Hello\nThis role is based in Berlin, Germany."
    (found,) = places_of(posting(text), text, None)
    assert found.source is ValueSource.RULES
    assert found.evidence is not None
    assert found.evidence.text == "Berlin, Germany"
    assert text[found.evidence.start : found.evidence.end] == "Berlin, Germany"


# --- workplace ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (Workplace.REMOTE, ValueSource.ATS)),
        ("This is a remote role.", (Workplace.REMOTE, ValueSource.ATS)),
        ("This is a hybrid role.", (Workplace.HYBRID, ValueSource.RULES)),
    ],
)
def test_a_mark_that_hybrid_jobs_have_too_gives_way_to_the_text(
    text: str, expected: tuple[Workplace, ValueSource]
) -> None:
    found = workplace_of(posting(workplace=REMOTE_ALLOWED), text)
    assert found is not None
    assert (found.value, found.source) == expected


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (posting("This is a remote role.", workplace="OnSite"), Workplace.ONSITE),
        (posting("This role is on-site.", locations=("Remote - US",)), Workplace.REMOTE),
        (posting("This role is on-site.", title="Engineer (Remote)"), Workplace.REMOTE),
        (posting("This role is on-site.", title="Distributed Systems Lead"), Workplace.ONSITE),
        (posting(locations=("Berlin",)), None),
    ],
)
def test_a_field_says_the_workplace_before_the_title_and_the_title_before_the_text(
    of: PostingText, expected: Workplace | None
) -> None:
    found = workplace_of(of, of.text)
    assert (found.value if found else None) is expected
