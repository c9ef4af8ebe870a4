"""Labels: what a posting states, as the entries of a gold set's `labels.json` say it.

What an extractor finds is brought into the same form, so that both are compared, written and read
alike. Fields mean what `docs/fields.md` says.
"""

from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from openfunnel.records import (
    EmploymentType,
    Extraction,
    InitiativeType,
    PayPeriod,
    Place,
    RoleFunction,
    Seniority,
    ShortText,
    SkillMention,
    Sourced,
    Stance,
    Workplace,
)

T = TypeVar("T")

_Items = Annotated[tuple[T, ...], BeforeValidator(lambda items: () if items is None else items)]


class _Label(BaseModel):
    """What a labeller adds for people (a remark, a reviewer's name) is no mistake."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PlaceLabel(_Label):
    """A place the job is offered in."""

    city: str | None = None
    country: str | None = None
    region: str | None = None
    """A group of countries (`EMEA`), where there is neither city nor country."""


class PayLabel(_Label):
    """Base pay."""

    min: Decimal | None = None
    max: Decimal | None = None
    currency: str | None = None
    period: PayPeriod | None = None
    ote: bool = False


class MentionLabel(_Label):
    """A technology or skill."""

    name: ShortText
    stance: Stance
    evidence: str = ""


class InitiativeLabel(_Label):
    """Something the employer is doing."""

    type: InitiativeType
    evidence: str = ""


class Label(_Label):
    """One posting; None and empty lists: it does not say."""

    id: ShortText
    role_function: RoleFunction | None = None
    seniority: Seniority | None = None
    employment_type: EmploymentType | None = None
    workplace: Workplace | None = None
    locations: _Items[PlaceLabel] = ()
    compensation: PayLabel | None = None
    years_experience_min: int | None = None
    technologies: _Items[MentionLabel] = ()
    skills: _Items[MentionLabel] = ()
    initiatives: _Items[InitiativeLabel] = ()
    summary: str | None = None


def label_of(posting_id: str, extraction: Extraction) -> Label:
    """Return what an extractor says of a posting, as a label."""
    pay = _value(extraction.compensation)
    return Label(
        id=posting_id,
        role_function=extraction.role_function.value,
        seniority=extraction.seniority.value,
        employment_type=_value(extraction.employment_type),
        workplace=_value(extraction.workplace),
        locations=tuple(_place(one.value) for one in extraction.locations),
        compensation=PayLabel(**pay.model_dump()) if pay else None,
        years_experience_min=_value(extraction.years_experience_min),
        technologies=tuple(map(_mention, extraction.technologies)),
        skills=tuple(map(_mention, extraction.skills)),
        initiatives=tuple(
            InitiativeLabel(type=one.type, evidence=one.evidence.text)
            for one in extraction.initiatives
        ),
        summary=_value(extraction.summary),
    )


def as_json(label: Label) -> dict[str, Any]:
    """Return a label as `labels.json` has it."""
    plain = label.model_dump(mode="json")
    for place in plain["locations"]:
        if place["region"] is None:
            del place["region"]
    if label.compensation:
        pay = plain["compensation"]
        pay |= {"min": _number(label.compensation.min), "max": _number(label.compensation.max)}
        if not pay["ote"]:
            del pay["ote"]
    return plain


def _value(sourced: Sourced[T] | None) -> T | None:
    return None if sourced is None else sourced.value


def _place(place: Place) -> PlaceLabel:
    is_region = place.city is None and place.country is None
    region = place.region if is_region else None
    return PlaceLabel(city=place.city, country=place.country, region=region)


def _mention(mention: SkillMention) -> MentionLabel:
    return MentionLabel(name=mention.name, stance=mention.stance, evidence=mention.evidence.text)


def _number(amount: Decimal | None) -> int | float | None:
    if amount is None:
        return None
    return int(amount) if amount == amount.to_integral_value() else float(amount)
