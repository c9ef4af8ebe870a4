"""How far an answer may be trusted: computed from what can be compared, never asked of the model.

confidence = sqrt(agreement x quoting), so that an answer which fails at either is worth little.

- agreement: of role function, seniority, employment type, workplace and pay, those are compared
  which the ATS states or the rules find in title or text. An ATS field that the model says nothing
  about is left out, because the model does not see it. With `k` of `n` alike it is
  (k + 1/2) / (n + 1): the rules err, too, and one difference is no proof, nor one likeness.
- quoting: the mean of two shares, as far as there is anything to share. Of the values that need
  evidence, those with evidence (what had to be left out of the answer had none); and of the
  technologies and skills that the rules find, those the model found, too, where LEAST_MENTIONS or
  more can be compared. An answer that quotes nothing where the rules find so many has 0 for both;
  where neither finds anything, it is NOTHING_TO_SHARE.

So an answer that nothing speaks for stays below the usual bar of 0.5, and one thing it is right
about lifts it above.
"""

from collections.abc import Iterator
from math import sqrt
from typing import TypeVar

from openfunnel.extraction.answer import ModelAnswer
from openfunnel.extraction.verification import Verified
from openfunnel.records import Extraction, RoleFunction, Sourced, ValueSource

T = TypeVar("T")

LEAST_MENTIONS = 3
"""Fewer may well be found in other words."""
NOTHING_TO_SHARE = 0.4


def confidence(
    answer: ModelAnswer, verified: Verified, stated: Extraction, left_out: int = 0
) -> float:
    """Return what an answer's confidence is, from 0 to 1.

    `verified` is what is left of `answer`, `stated` what the rules say about the same posting,
    `left_out` how many faulty values `answer` had before.
    """
    return round(sqrt(_agreement(answer, stated) * _quoting(verified, stated, left_out)), 3)


def _agreement(answer: ModelAnswer, stated: Extraction) -> float:
    alike = list(_compared(answer, stated))
    return (sum(alike) + 0.5) / (len(alike) + 1)


def _compared(answer: ModelAnswer, stated: Extraction) -> Iterator[bool]:
    if stated.role_function.value is not RoleFunction.OTHER:
        yield answer.role_function is stated.role_function.value
    if stated.seniority.evidence is not None:
        yield answer.seniority is stated.seniority.value
    yield from _stated_alike(answer.employment_type, stated.employment_type)
    yield from _stated_alike(answer.workplace, stated.workplace)
    pay = stated.compensation
    said_pay = answer.pay_min or answer.pay_max, answer.pay_max or answer.pay_min
    if pay is not None and not (None in said_pay and pay.source is ValueSource.ATS):
        yield said_pay == (pay.value.min, pay.value.max)


def _stated_alike(said: T | None, known: Sourced[T] | None) -> Iterator[bool]:
    if known is not None and not (said is None and known.source is ValueSource.ATS):
        yield said == known.value


def _quoting(verified: Verified, stated: Extraction, left_out: int) -> float:
    named = {one.slug for one in (*stated.technologies, *stated.skills)}
    found = {one.slug for one in (*verified.extraction.technologies, *verified.extraction.skills)}
    quoted, unquoted = verified.quoted + left_out, verified.unquoted + left_out
    shares = [1 - unquoted / quoted] if quoted else []
    if len(named) >= LEAST_MENTIONS:
        shares.append(len(named & found) / len(named) if quoted else 0.0)
    return sum(shares) / len(shares) if shares else NOTHING_TO_SHARE
