"""What is left of an answer when something befell it."""

import json
import math
import re
from typing import Any

import pytest

from openfunnel.extraction.contract import ANSWER_SCHEMA
from openfunnel.extraction.prompt import ask
from openfunnel.records import PostingText
from openfunnel.sandbox.faults import FaultKind
from openfunnel.sandbox.model import NO_POSTING, Reply, reply
from openfunnel.sandbox.model_faults import NONSENSE, VIOLATIONS, spoil

POSTING = PostingText(
    title="Senior Data Engineer",
    company_name="Acme",
    text=(
        "You will build the pipelines of our planning tool with Python.\n"
        "- 5+ years of experience with PostgreSQL and data modelling\n"
        "We are expanding into Germany this year.\n"
        "The base salary is $150,000 - $180,000 per year."
    ),
)
MESSAGES = [{"role": one.role, "content": one.content} for one in ask(POSTING, POSTING.text)]
RIGHT = reply(MESSAGES, ANSWER_SCHEMA)
TRIAGE = reply(MESSAGES, {"properties": dict.fromkeys(("role_function", "language"))})
FAULTS = [kind for kind in FaultKind if kind.of_ollama]


def facts(spoilt: Reply) -> dict[str, Any]:
    """Read an answer as a careless client would."""
    read: dict[str, Any] = json.loads(spoilt.content)
    return read


TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def follows(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value follows the schema, bounds aside: as much of JSON Schema as is used."""
    kinds = schema.get("type", list(TYPES))
    allowed = [
        kind for name in ([kinds] if isinstance(kinds, str) else kinds) for kind in TYPES[name]
    ]
    if type(value) not in allowed or value not in schema.get("enum", [value]):
        return False
    if isinstance(value, list):
        return all(follows(item, schema["items"]) for item in value)
    if not isinstance(value, dict):
        return True
    return value.keys() >= set(schema["required"]) and all(
        follows(value[name], of) for name, of in schema["properties"].items() if name in value
    )


def test_an_answer_that_nothing_befalls_is_what_it_was() -> None:
    assert spoil(RIGHT, None, 0) is RIGHT


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("given", [RIGHT, TRIAGE], ids=["facts", "triage"])
def test_what_befalls_an_answer_leaves_text_that_can_be_sent(kind: FaultKind, given: Reply) -> None:
    for turn in range(20):
        assert spoil(given, kind, turn).content.encode("utf-8")


@pytest.mark.parametrize(
    "kind",
    [FaultKind.OLLAMA_SCHEMA, FaultKind.OLLAMA_EVIDENCE, FaultKind.OLLAMA_NONSENSE],
)
def test_an_answer_without_facts_has_none_to_lose(kind: FaultKind) -> None:
    assert spoil(Reply(NO_POSTING, 1, 1), kind, 0).content == NO_POSTING


@pytest.mark.parametrize("turn", range(len(VIOLATIONS)))
@pytest.mark.parametrize("given", [RIGHT, TRIAGE], ids=["facts", "triage"])
def test_json_breaks_the_schema_every_time(given: Reply, turn: int) -> None:
    schema = ANSWER_SCHEMA | {
        "required": list(facts(given)),
        "properties": {"language": {"type": "string"}} | ANSWER_SCHEMA["properties"],
    }

    assert follows(facts(given), schema)
    assert not follows(facts(spoil(given, FaultKind.OLLAMA_SCHEMA, turn)), schema)


def test_invented_evidence_stands_nowhere_in_the_posting() -> None:
    spoilt = facts(spoil(RIGHT, FaultKind.OLLAMA_EVIDENCE, 0))

    lists = [spoilt[name] for name in ("technologies", "skills", "initiatives")]
    evidences = [item["evidence"] for items in lists for item in items]
    evidences += [spoilt["pay_evidence"], spoilt["years_evidence"]]
    assert all(lists)
    assert not any(evidence in POSTING.text for evidence in evidences)
    assert not any(one["name"] in POSTING.text for one in spoilt["technologies"])
    assert {name: spoilt[name] for name in ("seniority", "pay_min")} == {
        name: facts(RIGHT)[name] for name in ("seniority", "pay_min")
    }


def test_all_nonsense_is_told_within_the_schema() -> None:
    told = [spoil(RIGHT, FaultKind.OLLAMA_NONSENSE, turn) for turn in range(len(NONSENSE))]

    assert all(follows(facts(one), ANSWER_SCHEMA) for one in told)
    everything = [facts(one) for one in told]
    words = json.dumps(everything)
    assert 62997139034615 in [one["years_experience_min"] for one in everything]
    assert "18e8393482890949" in "".join(one.content for one in told)
    assert math.inf in [one["pay_max"] for one in everything]
    assert "\\u0000" in words
    assert re.search(r"\\ud800(?!\\ud[c-f])", words)
    assert "x" * 10_000 in words
    assert not any("@" in one.content for one in told)


def test_a_broken_off_answer_has_no_ending() -> None:
    assert spoil(RIGHT, FaultKind.OLLAMA_UNDONE, 0).ending is None
    assert spoil(RIGHT, FaultKind.OLLAMA_LENGTH, 0).ending == "length"
