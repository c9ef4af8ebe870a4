"""Nonsense within the schema, as a model of random weights writes it: refused value by value."""

import json
from typing import Any

from hypothesis import HealthCheck, assume, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from openfunnel.extraction.answer import MOST_CHARACTERS
from openfunnel.extraction.answer_cache import AnswersInMemory
from openfunnel.extraction.contract import ANSWER_SCHEMA
from openfunnel.extraction.ladder import ModelExtractor
from openfunnel.extraction.triage import Triage
from openfunnel.extraction.usage import Meter
from openfunnel.records import ExtractionResult
from openfunnel.store import queries
from openfunnel.store.database import Database
from openfunnel.store.extraction_writes import FinishedExtraction, save_extractions
from tests.unit.extraction.scripted_model import POSTING, ScriptedModel, says

from .conftest import NOW, Store

WORDS = POSTING.text.split()
QUOTES = st.builds(
    lambda start, length: " ".join(WORDS[start : start + length]),
    st.integers(0, len(WORDS)),
    st.integers(1, 15),
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=())),
    QUOTES,
    st.sampled_from(["\0", "Py\0thon", "\ud800", "\udfff\ud83d", "e" * 10_000, "C" * 240, "USD"]),
)
NUMBERS = st.one_of(
    st.sampled_from(
        ["62997139034615", "18e8393482890949", "1e999", "-1e999", "1e-400", "-7", "9" * 5_000]
    ),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)


def written(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    """Answers as a model writes them that is held to a schema by all but its `maxLength`."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"]).map(json.dumps)
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([_written_as(kind, schema) for kind in kinds])


def _written_as(kind: str, schema: dict[str, Any]) -> st.SearchStrategy[str]:
    match kind:
        case "object":
            parts = {name: written(inner) for name, inner in schema["properties"].items()}
            return st.fixed_dictionaries(parts).map(_object)
        case "array":
            few = st.lists(written(schema["items"]), max_size=4)
            many = written(schema["items"]).map(lambda item: [item] * schema["maxItems"])
            return st.one_of(few, many).map(lambda items: f"[{','.join(items)}]")
        case "string":
            return st.builds(json.dumps, TEXTS, ensure_ascii=st.booleans())
        case "number":
            return NUMBERS
        case "integer":
            return NUMBERS.filter(lambda digits: not set(digits) & set(".e"))
        case "boolean":
            return st.sampled_from(["true", "false"])
        case _:
            assert kind == "null"
            return st.just("null")


def _object(parts: dict[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}: {value}" for name, value in parts.items()) + "}"


async def extracted(content: str) -> ExtractionResult:
    """What becomes of an answer that is given twice, and trusted whatever its confidence."""
    extractor = ModelExtractor(
        [ScriptedModel(told=[says(content)] * 2)],
        AnswersInMemory(),
        None,
        Triage(),
        Meter(),
        slots=1,
        min_confidence=0.0,
        on_failure="dead",
        prompt_tokens=400,
    )
    try:
        return await extractor.extract(POSTING)
    finally:
        await extractor.close()


@given(content=written(ANSWER_SCHEMA))
@examples(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_a_random_answer_is_stored_with_what_the_posting_bears_out_and_nothing_else(
    content: str, store: Store, database: Database
) -> None:
    assume(len(content) <= MOST_CHARACTERS)  # forty names of 10,000 characters are more

    result = await extracted(content)

    found = result.extraction
    assert result.extractor == "ollama"
    for one in (*found.technologies, *found.skills, *found.initiatives):
        assert one.evidence.start is None or (
            POSTING.text[one.evidence.start : one.evidence.end] == one.evidence.text
        )
        assert one.evidence.text in POSTING.text + " ".join(POSTING.title.split())
    if found.years_experience_min:
        assert found.years_experience_min.value == 5
    assert found.compensation is not None
    assert (found.compensation.value.min, found.compensation.value.max) == (150_000, 180_000)
    assert {one.value.city for one in found.locations} <= {"Lyon"}

    (posting_id,) = store.fetch(1)
    with database.begin() as session:
        checksum = queries.postings_for_extraction(session, [posting_id])[posting_id].text_checksum
        finished = FinishedExtraction(posting_id, checksum, result, 1)
        assert save_extractions(session, [finished], NOW) == {posting_id}
        assert queries.get_extraction(session, posting_id).result.extraction == found
        session.rollback()
