"""A model's answer: read strictly, or salvaged, but never taken as it comes.

Nothing here knows the posting; `openfunnel.extraction.verification` compares the two. Whatever
characters come in, a `ModelAnswer` or an `InvalidAnswer` comes out, in time linear in their number;
and each value of a `ModelAnswer` can be stored: within bounds, no NUL, no lone surrogate.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic import ValidationError as InvalidAnswer
from pydantic_core import ErrorDetails, PydanticCustomError

from openfunnel.normalize.text import one_line
from openfunnel.records import (
    EmploymentType,
    InitiativeType,
    PayPeriod,
    RoleFunction,
    Seniority,
    Stance,
    Workplace,
)

__all__ = [
    "NOT_IN_SCHEMA",
    "OUT_OF_BOUNDS",
    "UNSTORABLE",
    "InvalidAnswer",
    "ModelAnswer",
    "StatedInitiative",
    "StatedPlace",
    "StatedSkill",
    "describe",
    "read_answer",
    "salvage_answer",
]

OUT_OF_BOUNDS = "out_of_bounds"
"""Reason: a number or length that nothing real has."""
NOT_IN_SCHEMA = "not_in_schema"
"""Reason: missing, of another type, or none of the choices."""
UNSTORABLE = "unstorable"
"""Reason: text with NUL characters or lone surrogates, which PostgreSQL cannot store."""

MOST_ITEMS = 200
"""Of a list; postings name tens."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BEFORE_A_NAME, _BEHIND_A_NAME = "\"'`“”„‘’«»,;:•·–—- ", "\"'`“”„‘’«»,;:•·–—-.…? "
"""What belongs to a sentence or list that a name was taken from. A dot before it, and `!`, `+`, `#`
and `*` behind it, are parts of names."""
_NOTHING = frozenset(("", "null", "none", "n/a"))


def _clean(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value.isprintable() and _UNSTORABLE.search(value):
        raise PydanticCustomError(UNSTORABLE, "Input should be text without NUL or surrogates")
    return one_line(value)


def _bare(value: object) -> object:
    """Take off what no name begins or ends with, and a bracket whose other half is missing."""
    if not isinstance(value, str):
        return value
    name = value.lstrip(_BEFORE_A_NAME).rstrip(_BEHIND_A_NAME)
    if name.endswith((")", "]", "}")) and not any(bracket in name for bracket in "([{"):
        name = name[:-1].rstrip(_BEHIND_A_NAME)
    if name.startswith(("(", "[", "{")) and not any(bracket in name for bracket in ")]}"):
        name = name[1:].lstrip(_BEFORE_A_NAME)
    return name


def _nothing_is_null(value: object) -> object:
    """Read the words that models write where the schema lets them write null."""
    return None if isinstance(value, str) and value.strip().lower() in _NOTHING else value


_CLEAN = BeforeValidator(_clean)
_BARE = BeforeValidator(_bare)
_NULLABLE = BeforeValidator(_nothing_is_null)

Name = Annotated[str, StringConstraints(min_length=1, max_length=100), _CLEAN]
BareName = Annotated[str, StringConstraints(min_length=1, max_length=100), _BARE, _CLEAN]
Quote = Annotated[str, StringConstraints(min_length=1, max_length=1000), _CLEAN]
Summary = Annotated[str, StringConstraints(min_length=1, max_length=600), _CLEAN]
Amount = Annotated[Decimal, Field(ge=Decimal("0.01"), le=Decimal("1e12"))]
Years = Annotated[int, Field(ge=0, le=50)]
Currency = Annotated[
    str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[A-Za-z]{3}$")
]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class StatedPlace(_Answer):
    """A place in the model's words."""

    city: Annotated[Name | None, _NULLABLE]
    region: Annotated[Name | None, _NULLABLE]
    country: Annotated[Name | None, _NULLABLE]


class StatedSkill(_Answer):
    """A technology or skill in the model's words."""

    evidence: Quote
    name: BareName
    stance: Stance


class StatedInitiative(_Answer):
    """An initiative in the model's words."""

    evidence: Quote
    type: InitiativeType


class ModelAnswer(_Answer):
    """A model's answer: right in shape and within bounds, not yet compared with the posting.

    Keys beyond the schema are ignored: they do no harm, and asking again would cost a whole answer.
    """

    summary: Annotated[Summary | None, _NULLABLE]
    """None where the model says nothing usable."""
    role_function: RoleFunction
    seniority: Seniority
    employment_type: Annotated[EmploymentType | None, _NULLABLE]
    workplace: Annotated[Workplace | None, _NULLABLE]
    locations: Annotated[tuple[StatedPlace, ...], Field(max_length=MOST_ITEMS)]
    pay_evidence: Annotated[Quote | None, _NULLABLE]
    pay_min: Annotated[Amount | None, _NULLABLE]
    pay_max: Annotated[Amount | None, _NULLABLE]
    pay_currency: Annotated[Currency | None, _NULLABLE]
    pay_period: Annotated[PayPeriod | None, _NULLABLE]
    pay_is_on_target_earnings: Annotated[bool | None, _NULLABLE]
    years_evidence: Annotated[Quote | None, _NULLABLE]
    years_experience_min: Annotated[Years | None, _NULLABLE]
    technologies: Annotated[tuple[StatedSkill, ...], Field(max_length=MOST_ITEMS)]
    skills: Annotated[tuple[StatedSkill, ...], Field(max_length=MOST_ITEMS)]
    initiatives: Annotated[tuple[StatedInitiative, ...], Field(max_length=MOST_ITEMS)]


def read_answer(content: str) -> ModelAnswer:
    """Read a model's answer, strictly; thinking, fences and words around the JSON are passed over.

    Raises:
        InvalidAnswer: there is no JSON object, or it breaks the schema or a bound.
    """
    return ModelAnswer.model_validate(_object_in(content))


def salvage_answer(content: str) -> tuple[ModelAnswer, Counter[str]]:
    """Read an answer without its faulty list items and optional values.

    Returns the answer and how many values were left out, by reason.

    Raises:
        InvalidAnswer: there is no JSON object, or it names no role or level.
    """
    stated, refused = _object_in(content), Counter[str]()
    for name in LISTS:
        stated[name] = _list_within_bounds(stated.get(name), refused)
    try:
        return ModelAnswer.model_validate(stated), refused
    except InvalidAnswer as error:
        faults = {_fault(detail): _reason(detail) for detail in reversed(_details(error))}
        if any(fault[0] in REQUIRED for fault in faults):
            raise
    refused.update(faults.values())
    return ModelAnswer.model_validate(_without(faults, stated)), refused


def describe(error: InvalidAnswer) -> str:
    """Say in one line what is wrong with an answer: the first five faults with their places."""
    faults = _details(error)
    said = [
        f"{'.'.join(str(part) for part in fault['loc']) or 'answer'}: {fault['msg']}"
        for fault in faults[:5]
    ]
    return "; ".join([*said, f"and {len(faults) - 5} more"] if len(faults) > 5 else said)


# --- the JSON -----------------------------------------------------------------------------------

MOST_CHARACTERS = 500_000
"""Of an answer; what a model may write within its tokens is a fraction of it."""
MOST_OPENINGS = 100
"""Braces after which an object is looked for: each failure costs a scan of what was before it."""

_OPENING = re.compile(r'\{\s*"')
_THOUGHT = "</think>"


def _number(digits: str) -> int | float:
    """Read an integer of any length; int() refuses thousands of digits."""
    return int(digits) if len(digits) < 20 else float(digits)


_DECODER = json.JSONDecoder(strict=False, parse_int=_number)
"""Not strict: line breaks inside strings are common where no grammar constrains the model."""


def _object_in(content: str) -> dict[str, Any]:
    """Return the last JSON object with a field of an answer: drafts and examples come before it."""
    if len(content) > MOST_CHARACTERS:
        _refuse(f"More than {MOST_CHARACTERS} characters")
    if not content.lstrip().startswith("{"):
        thought, closed, said = content.partition(_THOUGHT)
        content = said if closed else thought
    found: dict[str, Any] | None = None
    opening = _OPENING.search(content)
    for _ in range(MOST_OPENINGS):
        if opening is None:
            break
        try:
            stated, end = _DECODER.raw_decode(content, opening.start())
        except json.JSONDecodeError as error:  # what it has passed was a part of this object
            end = max(error.pos, opening.start() + 1)
        except RecursionError:
            _refuse("JSON nested too deeply")
        else:
            if stated.keys() & ModelAnswer.model_fields.keys():
                found = stated
        opening = _OPENING.search(content, end)
    if found is None:
        _refuse("No whole JSON object of the schema in it")
    return found


def _refuse(problem: str) -> NoReturn:
    kind = PydanticCustomError(NOT_IN_SCHEMA, "{problem}", {"problem": problem})
    raise InvalidAnswer.from_exception_data(
        ModelAnswer.__name__, [{"type": kind, "loc": (), "input": None}]
    )


# --- faults -------------------------------------------------------------------------------------

REQUIRED = frozenset({"role_function", "seniority"})
LISTS = ("locations", "technologies", "skills", "initiatives")

_BEYOND = frozenset(
    (
        "string_too_long",
        "too_long",
        "less_than_equal",
        "greater_than_equal",
        "finite_number",
        "int_parsing_size",
    )
)

Fault = tuple[int | str, ...]
"""What to leave out: a field, or an item of a list (`technologies`, 3)."""


def _details(error: InvalidAnswer) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_input=False, include_context=False)


def _fault(detail: ErrorDetails) -> Fault:
    place = detail["loc"]
    return tuple(place[:2]) if place[0] in LISTS else tuple(place[:1])


def _reason(detail: ErrorDetails) -> str:
    if detail["type"] == UNSTORABLE:
        return UNSTORABLE
    return OUT_OF_BOUNDS if detail["type"] in _BEYOND else NOT_IN_SCHEMA


def _list_within_bounds(stated: object, refused: Counter[str]) -> list[Any]:
    if not isinstance(stated, list):
        refused[NOT_IN_SCHEMA] += 1
        return []
    if len(stated) > MOST_ITEMS:
        refused[OUT_OF_BOUNDS] += len(stated) - MOST_ITEMS
    return stated[:MOST_ITEMS]


def _without(faults: Mapping[Fault, str], stated: Mapping[str, Any]) -> dict[str, Any]:
    sound: dict[str, Any] = {
        name: [item for at, item in enumerate(stated[name]) if (name, at) not in faults]
        for name in LISTS
    }
    return {**stated, **sound, **{str(fault[0]): None for fault in faults if len(fault) == 1}}
