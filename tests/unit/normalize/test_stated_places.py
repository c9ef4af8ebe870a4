"""Places of the job in a text, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.stated_places import find_places


def named(text: str, hint: str | None = None) -> list[tuple[str | None, str | None]]:
    return [
        (found.place.city or (None if found.place.country else found.place.region),
         found.place.country)
        for found in find_places(text, hint)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("This role is based in Berlin.", [("Berlin", "DE")]),
        ("This role is based in Kleinhausen, Germany.", [("Kleinhausen", "DE")]),
        ("This role is based in Berlin or remote within Germany.",
         [("Berlin", "DE"), (None, "DE")]),
        ("- On-site at our office in Tokyo and Yokohama.", [("Tokyo", "JP"), ("Yokohama", "JP")]),
        ("We're looking for a founding Sales Manager based in Bengaluru to build a team.",
         [("Bengaluru", "IN")]),
        ("- Are based in or willing to relocate to Paris, EU OR are open to travel",
         [("Paris", "FR")]),
        ("While we are a remote-first company, this role is specifically based in London.",
         [("London", "GB")]),
        ("The position is office-based in Dublin, Ireland or London, UK.",
         [("Dublin", "IE"), ("London", "GB")]),
        ("This is a full-time role based in our office in Tokyo - we help you move.",
         [("Tokyo", "JP")]),
        ("This is a hybrid role located in Madrid with a young team.", [("Madrid", "ES")]),
        ("The role is preferably based in the Netherlands, Portugal, or France.",
         [(None, "NL"), (None, "PT"), (None, "FR")]),
        ("The position can be based in Atlanta, GA (preferred) or New York, NY.",
         [("Atlanta", "US"), ("New York", "US")]),
        ("You'll be based in London and report to the CFO.", [("London", "GB")]),
        ("- Based in (or willing to relocate to) Madrid, Spain", [("Madrid", "ES")]),
        ("- Remote within the United Kingdom, with some travel to Paris", [(None, "GB")]),
        ("We are open to hiring in Spain or within Germany.", [(None, "ES"), (None, "DE")]),
        ("Location: Paris / Lyon", [("Paris", "FR"), ("Lyon", "FR")]),
        ("## Location: Sydney or Singapore Office", [("Sydney", "AU"), ("Singapore", "SG")]),
        ("## Location:\nHamburg", [("Hamburg", "DE")]),
        ("📍 Location : Paris (France) or London (UK)", [("Paris", "FR"), ("London", "GB")]),
        ("Standort: München", [("Munich", "DE")]),
        ("Location & language: Based in Japan (Tokyo or Yokohama). Fluent English.",
         [("Tokyo", "JP"), ("Yokohama", "JP")]),
        ("In office locations include: Chicago, Seattle", [("Chicago", "US"), ("Seattle", "US")]),
        ("This role is fully remote in Canada.", [(None, "CA")]),
        ("Location: Remote - Europe", [("Europe", None)]),
        ("Le poste est basé à Lyon avec des déplacements à Paris.", [("Lyon", "FR")]),
        ("The role is based in St. Louis, MO.", [("St. Louis", "US")]),
        ("The role is based in Washington, D.C. and reports to the CEO.", [("Washington", "US")]),
    ],
)  # fmt: skip
def test_a_text_says_where_its_job_is(
    text: str, expected: list[tuple[str | None, str | None]]
) -> None:
    assert named(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "We are headquartered in London, with offices in Paris and Tokyo.",
        "Our team is based in Berlin and Warsaw.",
        "Our customers are located in France.",
        "You report to the Head of Tax, who is located in the United States.",
        "The role is based in an agile team.",
        "The role is dedicated to accounts located in France.",
        "If you are based in California, this notice is for you.",
        "If the role is based in New York, the pay is higher.",
        "We are seeking a lawyer who knows our customers based in France.",
        "Travel to Munich once a month.",
        "Benefits vary by location. In Spain: lunch.",
        "The position is based in the Finance department.",
        "Location: flexible",
        "Locations: we have offices in Paris and Lyon",
        "## Locations",
        "",
    ],
)
def test_other_places_in_a_text_are_not_the_jobs(text: str) -> None:
    assert named(text) == []


def test_the_country_of_the_posting_settles_an_ambiguous_city() -> None:
    assert named("This role is based in Birmingham.", "US") == [("Birmingham", "US")]
    assert named("This role is based in Birmingham.", "GB") == [("Birmingham", "GB")]


def test_the_span_stands_where_the_places_are_named() -> None:
    text = "Hello\nThis role is based in our office in Berlin, Germany, and you will like it."
    (found,) = find_places(text)
    assert text[slice(*found.span)] == "Berlin, Germany"


@given(st.text(max_size=300))
def test_no_text_breaks_it(text: str) -> None:
    find_places(f"Location: {text}\nThis role is based in {text}")


@given(st.lists(st.sampled_from(
    ["role is", "based in", "Location:", "remote", "within", "Paris", "US", ",", "\n", "- ", "and"]
)))  # fmt: skip
def test_no_arrangement_of_telling_words_breaks_it(words: list[str]) -> None:
    text = " ".join(words)
    for found in find_places(text):
        assert 0 <= found.span[0] < found.span[1] <= len(text)


@pytest.mark.parametrize(
    "unit",
    [
        *("word", " ", "1", "(", "Location: Paris\n", "role is a full-time role ", "\n"),
        *("this is a a-", "based in ", "role is based in Paris ", "📍", "if role is based in "),
    ],
)
def test_two_megabytes_of_anything_are_read(unit: str) -> None:
    find_places(unit * (2_000_000 // len(unit)))
