"""From a model's answer to an `Extraction`: names made canonical, what is not evidenced refused.

A model is believed only where it quotes: technologies, skills, initiatives, pay and years of
experience are kept if their evidence stands verbatim (white space folded) in text or title and
names what it stands for. Places must be named there, too, and a summary must be made of the
posting's words. What the ATS states in a structured field wins over all of it, and so do pay
and places of work that the rules find in the text.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, TypeVar

from pydantic import Field, ValidationError

from openfunnel.extraction.answer import ModelAnswer, StatedInitiative, StatedPlace
from openfunnel.extraction.evidence import Source
from openfunnel.extraction.initiative_evidence import initiative_of
from openfunnel.extraction.naming import Refusal, Refused, evidence_of, mention_of
from openfunnel.extraction.stance import STRENGTH, sentence_span
from openfunnel.normalize.amounts import find_amounts
from openfunnel.normalize.gazetteer import gazetteer, name_key
from openfunnel.normalize.location import parse_places
from openfunnel.normalize.taxonomy import SKILL
from openfunnel.normalize.years import parse_years
from openfunnel.records import (
    Compensation,
    Extraction,
    Initiative,
    PayPeriod,
    Place,
    PostingText,
    SkillMention,
    Sourced,
    ValueSource,
)

SUMMARY_WORDS = 3
SUMMARY_SHARE = 0.5
"""Least share of a summary's longer words that the posting must have, in some form."""

_WORD = re.compile(r"[^\W_]+")
_YEARS = re.compile(
    r"(?<!\d)(\d{1,2})\s?(?:\+|(?:-|–|to|à|a|bis)\s?\d{1,2})?\s?"
    r"(?:years?|yrs?|ans?|ann[ée]es?|jahren?|años?|anos?|anni|年)",
    re.IGNORECASE,
)
_CODE = re.compile(r"[A-Z]{2}")
ABBREVIATION = 3
"""Letters; a country's name of no more (`UK`, `UAE`) is written in capitals."""
_CENT = Decimal("0.01")

LEAST_A_YEAR = 10_000
"""What is more is pay a year, where nothing else is said."""
_PERIODS = {
    PayPeriod.YEAR: re.compile(r"year|annu|\bp\.?a\b|jahr|\ban\b|anual|\baño|\bano\b|lpa", re.I),
    PayPeriod.MONTH: re.compile(r"month|monat|mois|mensu|\bm[eê]s\b|mese", re.I),
    PayPeriod.WEEK: re.compile(r"week|woche|semaine|semana|settimana", re.I),
    PayPeriod.DAY: re.compile(r"\bday|daily|\btag|jour|\bd[ií]a\b|giorno", re.I),
    PayPeriod.HOUR: re.compile(r"hour|\bhr|/h\b|stunde|heure|\bhora|\bora\b", re.I),
}

T = TypeVar("T")
Years = Annotated[int, Field(ge=0, le=50)]


@dataclass(frozen=True)
class Verified:
    """What is left of an answer."""

    extraction: Extraction
    refused: Counter[str]
    """How many of its values were refused, by reason."""
    quoted: int
    """Values of it that need evidence."""
    unquoted: int
    """Of these, the refused ones."""


def verify(answer: ModelAnswer, posting: PostingText, stated: Extraction) -> Verified:
    """Compare an answer with its posting, and return what holds.

    `stated` is what the rules say about the same posting.
    """
    check = _Check(posting, stated)
    mentions = check.mentions(answer)
    initiatives = check.initiatives(answer.initiatives)
    years = check.years(answer)
    pay = check.pay(answer)
    unquoted = check.refused.total()
    places = check.places(answer.locations)
    extraction = Extraction(
        role_function=_of_ats(stated.role_function) or _said(answer.role_function),
        seniority=_of_ats(stated.seniority) or _said(answer.seniority),
        employment_type=_of_ats(stated.employment_type) or _said_or_none(answer.employment_type),
        workplace=_of_ats(stated.workplace) or _said_or_none(answer.workplace),
        locations=places,
        compensation=pay,
        years_experience_min=years,
        technologies=tuple(mention for mention in mentions if mention.category != SKILL),
        skills=tuple(mention for mention in mentions if mention.category == SKILL),
        initiatives=initiatives,
        summary=check.summary(answer.summary),
    )
    quoted = (
        *(*answer.technologies, *answer.skills, *answer.initiatives),
        *(value for value in (answer.pay_min or answer.pay_max,) if value is not None),
        *(value for value in (answer.years_experience_min,) if value is not None),
    )
    return Verified(extraction, check.refused, len(quoted), min(unquoted, len(quoted)))


class _Check:
    """One answer's comparison with its posting; counts what it refuses."""

    def __init__(self, posting: PostingText, stated: Extraction) -> None:
        self._source = Source(posting)
        self._stated = stated
        self.refused: Counter[str] = Counter()

    def mentions(self, answer: ModelAnswer) -> list[SkillMention]:
        """Return the technologies and skills that hold: one a slug, in its strongest stance."""
        best: dict[str, SkillMention] = {}
        for skills, is_technology in ((answer.technologies, True), (answer.skills, False)):
            for skill in skills:
                try:
                    mention = mention_of(skill, is_technology, self._source)
                except Refused as refused:
                    self.refused[refused.why] += 1
                    continue
                known = best.setdefault(mention.slug, mention)
                if STRENGTH[mention.stance] < STRENGTH[known.stance]:
                    best[mention.slug] = mention
        return list(best.values())

    def initiatives(self, stated: Sequence[StatedInitiative]) -> tuple[Initiative, ...]:
        """Return the initiatives that hold, each once."""
        kept: dict[Initiative, None] = {}
        for one in stated:
            try:
                kept[initiative_of(one, self._source, self._stated.initiatives)] = None
            except Refused as refused:
                self.refused[refused.why] += 1
        return tuple(kept)

    def pay(self, answer: ModelAnswer) -> Sourced[Compensation] | None:
        """Return the pay of the ATS or the rules, else the model's if it holds."""
        try:
            said = self._pay(answer)
        except Refused as refused:
            self.refused[refused.why] += 1
            said = None
        return self._stated.compensation or said

    def years(self, answer: ModelAnswer) -> Sourced[Years] | None:
        """Return the model's years of experience if they hold; the rules' where they do not."""
        value, quote = answer.years_experience_min, answer.years_evidence
        if value is None:
            return None
        try:
            evidence = evidence_of(quote, self._source)
            found = parse_years(evidence.text)
            said = {int(one) for one in _YEARS.findall(evidence.text)} | {found[0] if found else -1}
            if value not in said:
                raise Refused(Refusal.NOT_NAMED)
        except Refused as refused:
            self.refused[refused.why] += 1
            return self._stated.years_experience_min
        return Sourced[Years](value=value, source=ValueSource.LLM, evidence=evidence)

    def places(self, stated: Sequence[StatedPlace]) -> tuple[Sourced[Place], ...]:
        """Return the places of the ATS or the rules, else the model's that the posting names."""
        if self._stated.locations:
            return self._stated.locations
        kept: dict[Place, None] = {}
        for place in stated:
            try:
                kept.update(dict.fromkeys(self._places(place)))
            except Refused as refused:
                self.refused[refused.why] += 1
        return tuple(_said(place) for place in kept)

    def summary(self, said: str | None) -> Sourced[str] | None:
        """Return the model's first sentence if it is made of the posting, else the rules'."""
        if said is None:
            return self._stated.summary
        sentence = said[slice(*sentence_span(said, 0, 1))].strip()
        if _is_no_sentence(sentence) or self._source.share_of_words(sentence) < SUMMARY_SHARE:
            self.refused[Refusal.FOREIGN_SUMMARY] += 1
            return self._stated.summary
        return _said(sentence)

    def _pay(self, answer: ModelAnswer) -> Sourced[Compensation] | None:
        low, high = answer.pay_min or answer.pay_max, answer.pay_max or answer.pay_min
        if low is None or high is None:
            return None
        evidence = evidence_of(answer.pay_evidence, self._source)
        if answer.pay_currency is None or answer.pay_period is None:
            raise Refused(Refusal.INCOMPLETE)
        try:
            pay = Compensation(
                min=low.quantize(_CENT),
                max=high.quantize(_CENT),
                currency=answer.pay_currency,
                period=answer.pay_period,
                ote=bool(answer.pay_is_on_target_earnings),
            )
        except ValidationError:  # upside down, or less than a cent
            raise Refused(Refusal.OUT_OF_BOUNDS) from None
        if not _states_pay(evidence.text, pay, self._source.posting.fields.country):
            raise Refused(Refusal.NOT_NAMED)
        return Sourced[Compensation](value=pay, source=ValueSource.LLM, evidence=evidence)

    def _places(self, stated: StatedPlace) -> Iterable[Place]:
        """Return what the named parts of a place mean; a country may follow from its city."""
        if not (stated.city or stated.region or stated.country):
            raise Refused(Refusal.INCOMPLETE)
        named = [
            part
            for part in (stated.city, stated.region)
            if part and part != part.lower() and self._source.names_properly(part)
        ]
        if stated.city and not (stated.city in named and _is_city(stated.city)):
            raise Refused(Refusal.NOT_NAMED)
        country = stated.country or ""
        if self._names_country(country):
            named.append(country)
        found = parse_places(", ".join(named)).places
        if not found:
            raise Refused(Refusal.NOT_NAMED)
        return found

    def _names_country(self, country: str) -> bool:
        """Whether the posting has a country's code in capitals, or one of its names.

        `us` and `of` are words of every other posting, whatever country or town they mean: names so
        short count in capitals alone.
        """
        is_name = name_key(country) in gazetteer().countries and (
            country.isupper() or (len(country) > ABBREVIATION and country != country.lower())
        )
        if (is_name or _CODE.fullmatch(country)) and self._source.find(country):
            return True
        return any(
            self._source.names(name)
            if len(name) > ABBREVIATION
            else self._source.find(name.upper()) is not None
            for name in _country_names(country)
        )


def _is_city(name: str) -> bool:
    """Whether a city is one that is known: beside a country any words pass for a city."""
    return name_key(name) in gazetteer().cities


def _is_no_sentence(sentence: str) -> bool:
    """Whether a sentence has too few words, or says the same again and again."""
    words = _WORD.findall(sentence.casefold())
    different = len(set(words))
    few = different < SUMMARY_WORDS and sentence.isascii()
    return few or different < SUMMARY_SHARE * len(words)


def _said(value: T) -> Sourced[T]:
    return Sourced[T](value=value, source=ValueSource.LLM)


def _said_or_none(value: T | None) -> Sourced[T] | None:
    return None if value is None else _said(value)


def _of_ats(stated: Sourced[T] | None) -> Sourced[T] | None:
    return stated if stated and stated.source is ValueSource.ATS else None


@lru_cache(maxsize=512)
def _country_names(code: str) -> tuple[str, ...]:
    """Return the names, in small letters, of the country of an ISO 3166-1 alpha-2 code."""
    return tuple(name for name, of in gazetteer().countries.items() if of == code)


def _states_pay(evidence: str, pay: Compensation, country: str | None) -> bool:
    """Whether a quote holds both amounts, the currency, and the period unless that is obvious.

    `country` says whose dollar is meant.
    """
    amounts = list(find_amounts(evidence, country))
    return (
        {pay.min, pay.max} <= {amount.value for amount in amounts}
        and pay.currency in {amount.currency for amount in amounts}
        and (
            _PERIODS[pay.period].search(evidence) is not None
            or (pay.period is PayPeriod.YEAR and pay.min >= LEAST_A_YEAR)
        )
    )
