"""The schemas that answers are to follow."""

from collections.abc import Mapping
from typing import Any

import pytest

from openfunnel.extraction.answer import ModelAnswer
from openfunnel.extraction.contract import ANSWER_SCHEMA, MOST_CHARACTERS, MOST_ITEMS
from openfunnel.extraction.triage import TRIAGE_SCHEMA

MOST_REPETITIONS = 2_000
"""Of one rule in llama.cpp's grammars: `MAX_REPETITION_THRESHOLD` of its `llama-grammar.cpp`."""


def keywords(schema: object) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(keywords, schema))
    if not isinstance(schema, dict):
        return set()
    named = schema.get("properties", {})
    inner = [value for key, value in schema.items() if key not in ("properties", "enum")]
    return set(schema).union(*map(keywords, [*inner, *named.values()]))


def types_with(schema: object, bounds: set[str]) -> list[list[str]]:
    """The types that any of `bounds` is given for."""
    if isinstance(schema, list):
        return [kind for item in schema for kind in types_with(item, bounds)]
    if not isinstance(schema, dict):
        return []
    here = [schema["type"]] if not bounds.isdisjoint(schema) else []
    return here + [kind for value in schema.values() for kind in types_with(value, bounds)]


@pytest.mark.parametrize("schema", [ANSWER_SCHEMA, TRIAGE_SCHEMA], ids=["answer", "triage"])
def test_a_schema_uses_only_what_grammar_converters_understand(schema: Mapping[str, Any]) -> None:
    known = {"type", "enum", "properties", "required", "items", "maxItems"}
    of_strings, of_integers = {"minLength", "maxLength"}, {"minimum", "maximum"}

    assert keywords(schema) <= known | of_strings | of_integers
    for kind in types_with(schema, of_integers):
        assert set(kind) <= {"integer", "null"}


def test_no_bound_is_more_than_a_grammar_may_repeat() -> None:
    assert MOST_CHARACTERS < MOST_REPETITIONS > 10 * MOST_ITEMS


def test_the_schema_asks_for_what_the_answer_has_in_the_same_order() -> None:
    assert list(ANSWER_SCHEMA["properties"]) == list(ModelAnswer.model_fields)
    assert ANSWER_SCHEMA["required"] == list(ModelAnswer.model_fields)
