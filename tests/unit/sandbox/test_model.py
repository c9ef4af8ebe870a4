"""What the sandbox's model answers to which question."""

import json
from typing import Any

import pytest

from openfunnel.extraction.contract import ANSWER_SCHEMA
from openfunnel.extraction.prompt import ask
from openfunnel.records import PostingText
from openfunnel.sandbox.model import NO_POSTING, reply


def asked(text: str, schema: dict[str, Any] | None = None, title: str = "Data Engineer") -> Any:
    """Return the facts that the model states of a posting."""
    messages = ask(PostingText(title=title, text=text), text)
    chat = [{"role": one.role, "content": one.content} for one in messages]
    return json.loads(reply(chat, schema).content)


def of(*names: str) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}}


def test_all_facts_are_those_of_the_projects_own_schema() -> None:
    assert asked("We use Python.").keys() == ANSWER_SCHEMA["properties"].keys()
    assert list(asked("We use Python.", ANSWER_SCHEMA)) == list(ANSWER_SCHEMA["properties"])


def test_only_what_the_schema_names_is_stated() -> None:
    assert asked("We use Python.", of("seniority", "role_function")) == {
        "seniority": "mid",
        "role_function": "data",
    }


def test_a_schema_with_something_unknown_in_it_gets_all_facts() -> None:
    facts = asked("We use Python.", of("seniority", "shoe_size"))

    assert facts.keys() == ANSWER_SCHEMA["properties"].keys()


def test_a_schemas_bounds_are_kept() -> None:
    text = {"type": "string", "maxLength": 3}
    items = {"type": "object", "properties": {"name": text}}
    schema = {"properties": {"technologies": {"type": "array", "items": items, "maxItems": 1}}}

    [only] = asked("We use Python, PostgreSQL and Kafka.", schema)["technologies"]

    assert len(only["name"]) == 3


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("You will build the tools of our planning team and work with us.", "en"),
        ("Du baust mit uns die Werkzeuge für das Team und der Planung.", "de"),
        ("Vous construirez les outils de planification avec nous et pour vous.", "fr"),
        ("Construirás las herramientas con el equipo y los datos para que funcionen.", "es"),
    ],
)
def test_a_language_is_told_by_its_commonest_words(text: str, language: str) -> None:
    assert asked(text, of("language")) == {"language": language}


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("This role is based in Toronto, Canada.", "CA"),
        ("Location: Lyon, France", "FR"),
        ("You will love our office dog.", None),
    ],
)
def test_a_country_is_that_of_the_first_place_the_text_names(
    text: str, country: str | None
) -> None:
    assert asked(text, of("country")) == {"country": country}


def test_a_posting_can_come_bare_as_triage_shows_it() -> None:
    shown = json.dumps({"title": "Account Executive", "text": "You sell from our office in Lyon."})

    answer = reply([{"role": "user", "content": shown}], of("role_function", "country"))

    assert json.loads(answer.content) == {"role_function": "sales", "country": "FR"}


@pytest.mark.parametrize(
    "content",
    ["hello", "{}", '{"title": 3, "text": null}', "```json\n[]\n```", "```json\n{\n```", ""],
)
def test_about_anything_but_a_posting_it_says_what_it_is(content: str) -> None:
    assert reply([{"role": "user", "content": content}]).content == NO_POSTING


@pytest.mark.parametrize("schema", [{"properties": 3}, {"properties": {"seniority": True}}])
def test_a_schema_that_makes_no_sense_does_no_harm(schema: dict[str, Any]) -> None:
    assert asked("We use Python.", schema)["seniority"] == "mid"
