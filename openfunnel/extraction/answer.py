"""A model's answer: read strictly, or salvaged, but never taken as it comes.

Nothing here knows the posting; `openfunnel.extraction.verification` compares the two.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic import ValidationError as InvalidAnswer
from pydantic_core import ErrorDetails, from_json

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
    "InvalidAnswer",
    "ModelAnswer",
    "StatedPlace",
    "StatedSkill",
    "describe",
    "read_answer",
    "salvage_answer",
]


def _clean(value: object) -> object:
    return one_line(value) if isinstance(value, str) else value


def _blank_is_null(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


Name = Annotated[
    str,
    BeforeValidator(_clean),
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
]
Quote = Annotated[
    str,
    BeforeValidator(_clean),
    StringConstraints(strip_whitespace=True, min_length=1, max_length=1000),
]
Amount = Annotated[Decimal, Field(gt=0, le=Decimal("1e12"))]
Currency = Annotated[
    str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[A-Za-z]{3}$")
]
_NULLABLE = BeforeValidator(_blank_is_null)


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
    name: Name
    stance: Stance


class StatedInitiative(_Answer):
    """An initiative in the model's words."""

    evidence: Quote
    type: InitiativeType


class ModelAnswer(_Answer):
    """A model's answer: right in shape and within bounds, not yet compared with the posting.

    Keys beyond the schema are ignored: they do no harm, and asking again would cost a whole answer.
    """

    summary: Annotated[
        str,
        BeforeValidator(_clean),
        StringConstraints(strip_whitespace=True, min_length=1, max_length=600),
    ]
    role_function: RoleFunction
    seniority: Seniority
    employment_type: Annotated[EmploymentType | None, _NULLABLE]
    workplace: Annotated[Workplace | None, _NULLABLE]
    locations: Annotated[tuple[StatedPlace, ...], Field(max_length=200)]
    pay_evidence: Annotated[Quote | None, _NULLABLE]
    pay_min: Annotated[Amount | None, _NULLABLE]
    pay_max: Annotated[Amount | None, _NULLABLE]
    pay_currency: Annotated[Currency | None, _NULLABLE]
    pay_period: Annotated[PayPeriod | None, _NULLABLE]
    pay_is_on_target_earnings: bool | None
    years_evidence: Annotated[Quote | None, _NULLABLE]
    years_experience_min: Annotated[
        Annotated[int, Field(ge=0, le=50)] | None,
        _NULLABLE,
    ]
    technologies: Annotated[tuple[StatedSkill, ...], Field(max_length=200)]
    skills: Annotated[tuple[StatedSkill, ...], Field(max_length=200)]
    initiatives: Annotated[tuple[StatedInitiative, ...], Field(max_length=100)]


REQUIRED = frozenset({"summary", "role_function", "seniority"})
LISTS = frozenset({"locations", "technologies", "skills", "initiatives"})
_FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*", re.DOTALL)


def read_answer(content: str) -> ModelAnswer:
    """Read a model's answer, strictly; a fence around the JSON is taken off.

    Raises:
        InvalidAnswer: it is no JSON, or breaks the schema or a bound.
    """
    return ModelAnswer.model_validate_json(_json(content))


def salvage_answer(content: str) -> tuple[ModelAnswer, int]:
    """Read an answer without its faulty list items and optional values; return how many they were.

    Raises:
        InvalidAnswer: more than that is wrong with it.
    """
    try:
        return read_answer(content), 0
    except InvalidAnswer as error:
        answer = _without_faults(content, error.errors(include_url=False))
        if answer is None:
            raise
        faults = {_fault(detail["loc"]) for detail in error.errors(include_url=False)}
        return ModelAnswer.model_validate(answer), len(faults)


def describe(error: InvalidAnswer) -> str:
    """Say in one line what is wrong with an answer: the first five faults with their places."""
    faults = error.errors(include_url=False, include_input=False)
    said = [
        f"{'.'.join(str(part) for part in fault['loc']) or 'answer'}: {fault['msg']}"
        for fault in faults[:5]
    ]
    return "; ".join([*said, f"and {len(faults) - 5} more"] if len(faults) > 5 else said)


def _json(content: str) -> bytes:
    fenced = _FENCED.fullmatch(content)
    return (fenced[1] if fenced else content).encode("utf-8", "replace")


def _fault(place: Sequence[int | str]) -> tuple[int | str, ...]:
    """Return what to leave out: an item of a list (`technologies`, 3), or a field."""
    return tuple(place[:2]) if len(place) > 1 and place[0] in LISTS else tuple(place[:1])


def _without_faults(content: str, errors: Sequence[ErrorDetails]) -> dict[str, Any] | None:
    faults = {_fault(error["loc"]) for error in errors}
    if any(len(fault) < 2 and (not fault or fault[0] in REQUIRED | LISTS) for fault in faults):
        return None
    answer: dict[str, Any] = from_json(_json(content))
    for name in LISTS:
        faulty = {fault[1] for fault in faults if fault[0] == name}
        answer[name] = [item for at, item in enumerate(answer[name]) if at not in faulty]
    return answer | {str(fault[0]): None for fault in faults if len(fault) == 1}
