"""From a model's answer to an `Extraction`: names made canonical, values without evidence dropped.

A model is believed only where it quotes: technologies, skills, initiatives, pay and years of
experience are kept if their evidence stands verbatim (white space folded) in text or title. What
the ATS states in a structured field wins over what the model says.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Annotated, TypeVar

from pydantic import Field, ValidationError

from openfunnel.extraction import rules
from openfunnel.extraction.answer import ModelAnswer, StatedPlace, StatedSkill
from openfunnel.extraction.stance import STRENGTH
from openfunnel.normalize import skills as taxonomy
from openfunnel.normalize.location import parse_places
from openfunnel.normalize.taxonomy import SKILL, Entry, entries, slug_of
from openfunnel.normalize.text import find_verbatim, fold
from openfunnel.records import (
    Compensation,
    Evidence,
    Extraction,
    Initiative,
    Place,
    PostingText,
    SkillMention,
    Sourced,
    ValueSource,
)

UNLISTED = "other"
"""Category of a technology that the taxonomy does not know."""

_WORD = re.compile(r"\w+")
_COUNTRY = re.compile(r"[A-Z]{2}")
_CENT = Decimal("0.01")

T = TypeVar("T")
Years = Annotated[int, Field(ge=0, le=50)]


@dataclass(frozen=True)
class Verified:
    """What is left of an answer, and how many of its values were dropped."""

    extraction: Extraction
    dropped: int


def verify(answer: ModelAnswer, posting: PostingText) -> Verified:
    """Compare an answer with its posting, and return what holds."""
    stated = rules.extract(posting)
    mentions = [
        _mention(skill, posting, is_technology)
        for skills, is_technology in ((answer.technologies, True), (answer.skills, False))
        for skill in skills
    ]
    kept = _strongest([mention for mention in mentions if mention])
    initiatives = [
        Initiative(type=one.type, evidence=evidence, source=ValueSource.LLM)
        for one in answer.initiatives
        if (evidence := find_evidence(one.evidence, posting))
    ]
    places = [_places(place) for place in answer.locations]
    pay = _of_ats(stated.compensation) or _pay(answer, posting)
    years = _years(answer, posting)
    dropped = (
        mentions.count(None)
        + len(answer.initiatives)
        - len(initiatives)
        + places.count(())
        + (pay is None and (answer.pay_min or answer.pay_max) is not None)
        + (years is None and answer.years_experience_min is not None)
    )
    extraction = Extraction(
        role_function=_of_ats(stated.role_function) or _said(answer.role_function),
        seniority=_of_ats(stated.seniority) or _said(answer.seniority),
        employment_type=_of_ats(stated.employment_type) or _said_or_none(answer.employment_type),
        workplace=_of_ats(stated.workplace) or _said_or_none(answer.workplace),
        locations=tuple(place for place in stated.locations if place.source is ValueSource.ATS)
        or tuple(_said(place) for place in dict.fromkeys(sum(places, ()))),
        compensation=pay,
        years_experience_min=years,
        technologies=tuple(mention for mention in kept if mention.category != SKILL),
        skills=tuple(mention for mention in kept if mention.category == SKILL),
        initiatives=tuple(initiatives),
        summary=_said(answer.summary),
    )
    return Verified(extraction, dropped)


def find_evidence(quote: str, posting: PostingText) -> Evidence | None:
    """Return where `quote` stands in the posting's text, else its title; None where it does not."""
    if span := find_verbatim(quote, posting.text):
        start, end = span
        return Evidence(text=posting.text[start:end], start=start, end=end)
    if span := find_verbatim(quote, posting.title):
        return Evidence(text=posting.title[span[0] : span[1]])
    return None


def _said(value: T) -> Sourced[T]:
    return Sourced[T](value=value, source=ValueSource.LLM)


def _said_or_none(value: T | None) -> Sourced[T] | None:
    return None if value is None else _said(value)


def _of_ats(stated: Sourced[T] | None) -> Sourced[T] | None:
    return stated if stated and stated.source is ValueSource.ATS else None


def _mention(stated: StatedSkill, posting: PostingText, is_technology: bool) -> SkillMention | None:
    evidence = find_evidence(stated.evidence, posting)
    if evidence is None:
        return None
    if entry := _entry(stated.name):
        name, slug, category = entry.name, entry.slug, entry.category
    elif _WORD.search(stated.name):
        name, slug = stated.name, slug_of(stated.name)
        category = UNLISTED if is_technology else SKILL
    else:
        return None
    spellings = (stated.name, name, *taxonomy.aliases(slug))
    if is_technology and not _names(evidence.text, spellings):
        return None
    return SkillMention(
        name=name,
        slug=slug,
        category=category,
        stance=stated.stance,
        evidence=evidence,
        source=ValueSource.LLM,
    )


def _entry(name: str) -> Entry | None:
    """Return the taxonomy's entry of a name; `C plus plus` must not pass for a new technology."""
    return taxonomy.resolve(name) or _by_slug().get(slug_of(name))


@cache
def _by_slug() -> dict[str, Entry]:
    return {entry.slug: entry for entry in entries()}


def _names(evidence: str, spellings: Sequence[str]) -> bool:
    """Whether a quote holds a word of the name it stands for: `S3` is enough for Amazon S3."""
    quoted = set(_WORD.findall(fold(evidence)))
    return any(not quoted.isdisjoint(_WORD.findall(fold(spelling))) for spelling in spellings)


def _strongest(mentions: Sequence[SkillMention]) -> list[SkillMention]:
    """One mention a slug, the one of the strongest stance, in the order of first mention."""
    best: dict[str, SkillMention] = {}
    for mention in mentions:
        known = best.setdefault(mention.slug, mention)
        if STRENGTH[mention.stance] < STRENGTH[known.stance]:
            best[mention.slug] = mention
    return list(best.values())


def _places(stated: StatedPlace) -> tuple[Place, ...]:
    named = [part for part in (stated.city, stated.region, stated.country) if part]
    if not named:
        return ()
    if found := parse_places(", ".join(named)).places:
        return found
    country = stated.country if _COUNTRY.fullmatch(stated.country or "") else None
    if not (stated.city or stated.region or country):
        return ()
    return (Place(city=stated.city, region=stated.region, country=country),)


def _pay(answer: ModelAnswer, posting: PostingText) -> Sourced[Compensation] | None:
    low, high = answer.pay_min or answer.pay_max, answer.pay_max or answer.pay_min
    if low is None or high is None or answer.pay_evidence is None:
        return None
    evidence = find_evidence(answer.pay_evidence, posting)
    if evidence is None or not (answer.pay_currency and answer.pay_period):
        return None
    try:
        pay = Compensation(
            min=low.quantize(_CENT),
            max=high.quantize(_CENT),
            currency=answer.pay_currency,
            period=answer.pay_period,
            ote=bool(answer.pay_is_on_target_earnings),
        )
    except ValidationError:  # upside down, or less than a cent
        return None
    return Sourced[Compensation](value=pay, source=ValueSource.LLM, evidence=evidence)


def _years(answer: ModelAnswer, posting: PostingText) -> Sourced[Years] | None:
    if answer.years_experience_min is None or answer.years_evidence is None:
        return None
    evidence = find_evidence(answer.years_evidence, posting)
    if evidence is None:
        return None
    return Sourced[Years](
        value=answer.years_experience_min, source=ValueSource.LLM, evidence=evidence
    )
