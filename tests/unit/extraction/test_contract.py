"""The schema that an answer is to follow."""

from openfunnel.extraction.answer import ModelAnswer
from openfunnel.extraction.contract import ANSWER_SCHEMA, MOST_CHARACTERS, MOST_ITEMS

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


def test_the_schema_uses_only_what_grammar_converters_understand() -> None:
    known = {"type", "enum", "properties", "required", "items", "maxItems", "maxLength"}

    assert keywords(ANSWER_SCHEMA) <= known
    assert MOST_CHARACTERS < MOST_REPETITIONS > 10 * MOST_ITEMS


def test_the_schema_asks_for_what_the_answer_has_in_the_same_order() -> None:
    assert list(ANSWER_SCHEMA["properties"]) == list(ModelAnswer.model_fields)
    assert ANSWER_SCHEMA["required"] == list(ModelAnswer.model_fields)
