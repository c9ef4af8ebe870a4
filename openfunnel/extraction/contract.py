"""What every extractor promises, and what a language model is asked to answer.

The schema is written for grammar-constrained decoding: flat, without `$defs`, `pattern`, `format`
or bounds of fractions, which grammar converters refuse or skip (llama.cpp's knows `minimum` and
`maximum` of integers alone). The bounds that matter are those of
`openfunnel.extraction.answer.ModelAnswer`, which checks every answer, because a server may ignore
the schema. Evidence comes before the value it stands for: a model that has quoted first makes up
less.
"""

from enum import StrEnum
from typing import Any, Protocol

from openfunnel.records import (
    EmploymentType,
    ExtractionResult,
    InitiativeType,
    PayPeriod,
    PostingText,
    RoleFunction,
    Seniority,
    Stance,
    Workplace,
)

MOST_ITEMS = 40
"""Of a list. Real postings name fewer; a model that repeats itself comes to an end."""
MOST_CHARACTERS = 240
"""Of a string, likewise. A bound becomes as many rules of llama.cpp's grammar, which takes 2,000
at the most (`MAX_REPETITION_THRESHOLD` of its `llama-grammar.cpp`)."""


NAME_CHARACTERS = 100
"""Of a name or a place."""
MOST_YEARS = 50
"""Of experience."""


class Extractor(Protocol):
    """Turns a posting's text into structured fields."""

    name: str
    """`rules`, `ollama` or `openai`."""
    model: str | None
    """The model that answers; None without one."""

    async def extract(self, posting: PostingText) -> ExtractionResult:
        """Return the fields of one posting.

        Raises:
            ExtractionFailed: this posting cannot be extracted; counts as an attempt.
            ModelBusy: nobody could be asked now; counts nothing.
        """

    async def check(self) -> None:
        """Make sure that the extractor can work. Raises ModelUnavailable if it cannot."""

    async def close(self) -> None:
        """Let go of connections and threads."""


def label(extractor: Extractor) -> str:
    """Return `rules`, or `ollama:MODEL`."""
    return f"{extractor.name}:{extractor.model}" if extractor.model else extractor.name


# --- the schema ---------------------------------------------------------------------------------


def _one_of(choices: type[StrEnum]) -> dict[str, Any]:
    return {"type": "string", "enum": [choice.value for choice in choices]}


def _one_of_or_null(choices: type[StrEnum]) -> dict[str, Any]:
    return {"enum": [*(choice.value for choice in choices), None]}


def _or_null(kind: str) -> dict[str, Any]:
    return {"type": [kind, "null"]}


def _all_of(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list_of(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": _all_of(properties), "maxItems": MOST_ITEMS}


def _text(most: int) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": most}


def _text_or_null(most: int) -> dict[str, Any]:
    return {"type": ["string", "null"], "maxLength": most}


_TEXT, _TEXT_OR_NULL = _text(MOST_CHARACTERS), _text_or_null(MOST_CHARACTERS)
_NAME_OR_NULL = _text_or_null(NAME_CHARACTERS)
_SKILL = {"evidence": _TEXT, "name": _text(NAME_CHARACTERS), "stance": _one_of(Stance)}

ANSWER_SCHEMA: dict[str, Any] = _all_of(
    {
        "summary": _TEXT,
        "role_function": _one_of(RoleFunction),
        "seniority": _one_of(Seniority),
        "employment_type": _one_of_or_null(EmploymentType),
        "workplace": _one_of_or_null(Workplace),
        "locations": _list_of(
            {"city": _NAME_OR_NULL, "region": _NAME_OR_NULL, "country": _NAME_OR_NULL}
        ),
        "pay_evidence": _TEXT_OR_NULL,
        "pay_min": _or_null("number"),
        "pay_max": _or_null("number"),
        "pay_currency": _text_or_null(3),
        "pay_period": _one_of_or_null(PayPeriod),
        "pay_is_on_target_earnings": _or_null("boolean"),
        "years_evidence": _TEXT_OR_NULL,
        "years_experience_min": {**_or_null("integer"), "minimum": 0, "maximum": MOST_YEARS},
        "technologies": _list_of(_SKILL),
        "skills": _list_of(_SKILL),
        "initiatives": _list_of({"evidence": _TEXT, "type": _one_of(InitiativeType)}),
    }
)
"""JSON schema of an answer, in the order in which a model writes it."""
