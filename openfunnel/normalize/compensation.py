"""Stated base pay: free text becomes a `Compensation`; never a bonus, equity, a price or a fund.

Amounts are found first, joined to ranges, and then judged by the words around them: the period,
on-target earnings, and whether the sentence speaks of pay at all.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from openfunnel.normalize.amounts import Amount, currency_of, find_amounts, is_range, names_currency
from openfunnel.normalize.money import to_usd
from openfunnel.normalize.text import holds_any
from openfunnel.records import Compensation, PayPeriod

_LONGEST_TEXT = 200_000
_MOST_AMOUNTS = 400
_DIGIT = re.compile(r"\d")
_DIGITS = re.compile(r"\d(?:.*\d)?")
"""From the first digit of a line to its last."""
_REACH = 40
"""Characters before and after a line's digits in which the currency of its amounts may stand."""
_LONGEST_SPAN = 400

PERIODS_A_YEAR = {
    PayPeriod.YEAR: 1,
    PayPeriod.MONTH: 12,
    PayPeriod.WEEK: 52,
    PayPeriod.DAY: 260,
    PayPeriod.HOUR: 2080,
}

_LEAST_USD_A_YEAR, _MOST_USD_A_YEAR = 1_500, 5_000_000
_WIDEST_RATIO = 6
_HOURLY_USD = (7, 100)
"""What is called pay and lies between is paid an hour: `Pay range: $18.50 - $22.00`."""

_PERIODS: tuple[tuple[PayPeriod, tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (period, tuple(stems.split("|")), re.compile(pattern, re.IGNORECASE))
    for period, stems, pattern in (
        (
            PayPeriod.HOUR,
            "/|hour|hr|ph|stund|heure|ora",
            r"\b(?:per|an|each|/)\s*h(?:ou)?r\b|/\s?h(?:(?:ou)?r)?\b|\bhourly\b|\bp/?h\b"
            r"|\bpro stunde|\bstundenlohn|\bde l['’]heure|\bpor hora|\ball'ora",
        ),
        (
            PayPeriod.DAY,
            "day|daily|tjm|tag|jour",
            r"\b(?:per|a|each)\s+day\b|/\s?day\b|\bdaily\b|\bday rate|\btjm\b"
            r"|\bpro tag|\bpar jour|\btagessatz",
        ),
        (
            PayPeriod.WEEK,
            "week|wk|woche|semaine",
            r"\b(?:per|a|each)\s+week\b|/\s?w(?:ee)?k\b|\bweekly\b|\bpro woche|\bpar semaine",
        ),
        (
            PayPeriod.MONTH,
            "/|month|mens|mois|monat|mes|mês|mies|maand|m.",
            r"\b(?:per|a|each)\s+month\b|/\s?mo(?:nth)?\b|\bmonthly\b"
            r"|\bmensuel|\bpar mois|\bpro monat|\bim monat"
            r"|\bmonatlich|\bmonats|\bmensual|\bal mes\b|\bpor m[êe]s\b"
            r"|\bmensal|\bmiesięcznie|/\s?mies|\bmensile"
            r"|\bper maand|\bp\.?\s?m\.(?!\w)|\b(?:gross/month|brutto/mes)",
        ),
        (
            PayPeriod.YEAR,
            "year|yr|annu|anual|año|jahr|jähr|jaar|p|roczn",
            r"\b(?:per|a|each|/)\s*(?:year|annum)\b|/\s?y(?:ea)?r\b"
            r"|\bannual(?:ly|ized)?\b"
            r"|\byearly\b|\bp\.?\s?a\b\.?"
            r"|\bannuel|\bpar an\b|\bpro jahr|\bj[äa]hrlich|\bjahres|\bim jahr\b|\banual"
            r"|\bal año|\bannu[ai]"
            r"|\bper jaar|\blpa\b|\brocznie|\bpar année",
        ),
    )
)
"""Each with stems, one of which stands where the expression fits: quicker to look for."""
_CLAUSE_END = re.compile(r"[.;+,(|•\n]|\b(?:plus|and|with|as well)\b")
_NEXT = re.compile(r"[\d,;.|•]")
_APART = re.compile(r"\s[|•]\s")
_BASE = re.compile(r"\bbase\b", re.IGNORECASE)
_OTE = re.compile(
    r"\bOTEs?\b|\bon[\s-]target\s+(?:earnings|compensation|income)|\btarget\s+earnings", re.I
)
_PAY = re.compile(
    r"\b(?:salar(?:y|ies)|base|pay(?:ing|s)?|compensation|wages?|remuneration|earn(?:ings)?|rate"
    r"|OTE|gehalt\w*"
    r"|verg[üu]tung|jahresgehalt\w*|entgelt|r[ée]mun[ée]ration|salaire|fourchette|package|salario"
    r"|retribuci[óo]n"
    r"|stipendio|retribuzione|sal[áa]rio|remunera[çc][ãa]o|salaris|wynagrodzenie|l[öo]n|brut\w*"
    r"|gross|ctc|hiring\s+range|target\s+range|stunde\w*|pay\s?range|salary\s?range)\b",
    re.IGNORECASE,
)
_NOT_PAY = re.compile(
    r"\b(?:bonus(?:es)?|sign[\s-]on|equity|stocks?|rsus?|options?|shares?|stipend|reimburse\w*"
    r"|allowance|credits?"
    r"|budget|per\s+diem|401\s?\(?k\)?|donat\w+|match\w*|wellness|relocation|referral|discount\w*"
    r"|rais(?:ed|ing)|raise"
    r"|funding|fund(?:ed|raise)?|series|valu(?:ation|ed)|revenues?|arr|gmv|payments?|processe[sd]"
    r"|processing"
    r"|transactions?|assets?|aum|quota|pipeline|worth|sav(?:e|ed|es|ings)|portfolio|insurance"
    r"|coverage|orders?"
    r"|prices?|fees?|subsid\w+|waiv\w+|prize|fines?|grants?|(?<!geographic )(?<!local )market"
    r"|investment|invested|investors"
    r"|backed|spend\w*|sales\s+of|deals?"
    r"|contracts?|hsa|hra|fertility|childcare|learning|professional\s+development|education\w*"
    r"|tuition|lunch|meal\w*|gym"
    r"|home\s+office|perks?"
    r"|benefits?|vouchers?|commission|variable|prime|tickets?|customers?|volume|gdp|industry"
    r"|billing|loans?)\b",
    re.IGNORECASE,
)


class YearlyPay(NamedTuple):
    """Pay a year, in the currency of the compensation it came from."""

    min: Decimal
    max: Decimal


@dataclass(frozen=True, slots=True)
class _Band:
    pay: Compensation
    start: int
    end: int


def parse_pay(
    text: str, country_hint: str | None = None
) -> tuple[Compensation, tuple[int, int]] | None:
    """Return the base pay stated in `text`, and its span; on-target earnings where no base is.

    Several bands of one currency (per place or level) give the widest; of several currencies that
    of the first band counts. `country_hint` (ISO 3166 alpha-2) says whose dollar or crown it is.
    The span covers all bands, or the first one where they stand far apart.
    """
    bands = list(_bands(text[:_LONGEST_TEXT], country_hint))
    bands = [band for band in bands if not band.pay.ote] or bands
    if not bands:
        return None
    first = bands[0].pay
    same = [
        band
        for band in bands
        if (band.pay.currency, band.pay.period) == (first.currency, first.period)
    ]
    pay = first.model_copy(
        update={
            "min": min(band.pay.min for band in same),
            "max": max(band.pay.max for band in same),
        }
    )
    span = (same[0].start, same[-1].end)
    if span[1] - span[0] > _LONGEST_SPAN:
        span = (same[0].start, same[0].end)
    return pay, span


def yearly(pay: Compensation) -> YearlyPay:
    """Return the pay a year: hour x 2080, day x 260, week x 52, month x 12."""
    factor = PERIODS_A_YEAR[pay.period]
    return YearlyPay(pay.min * factor, pay.max * factor)


# --- bands --------------------------------------------------------------------------------------


def _bands(text: str, country: str | None) -> Iterator[_Band]:
    """Yield what stands in `text` as pay; ranges, or single amounts that are called pay."""
    for low, high in islice(_ranges(text, _amounts(text, country)), _MOST_AMOUNTS):
        if band := _band(text, low, high):
            yield band


def _amounts(text: str, country: str | None) -> Iterator[Amount]:
    """Yield the amounts of `text`; what is far from digits, or from money, is not searched."""
    for left, right in _windows(text):
        if names_currency(text[max(0, left - _REACH) : right]):
            yield from find_amounts(text, country, left, right)


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans around the digits of each line, without overlaps."""
    left = right = 0
    for digits in _DIGITS.finditer(text):
        opens = max(0, digits.start() - _REACH)
        if opens > right:
            if right:
                yield left, right
            left = opens
        right = digits.end() + _REACH
    if right:
        yield left, right


def _ranges(text: str, amounts: Iterable[Amount]) -> Iterator[tuple[Amount, Amount]]:
    """Pair the two ends of a range; an amount that stands alone is both ends."""
    waiting: Amount | None = None
    for amount in amounts:
        if waiting is not None and is_range(text, waiting, amount):
            yield waiting, amount
            waiting = None
            continue
        if waiting is not None:
            yield waiting, waiting
        waiting = amount
    if waiting is not None:
        yield waiting, waiting


def _band(text: str, low: Amount, high: Amount) -> _Band | None:
    currency = currency_of(text, low, high)
    if currency is None or low.is_huge or high.is_huge:
        return None
    least, most = low.value, high.value
    if high.is_scaled and not low.is_scaled and least < 1_000:
        least *= 1_000 if most < 1_000_000 else 100_000
    before, after = _around(text, low.start, high.end)
    if not _speaks_of_pay(before, after, is_range=low is not high):
        return None
    if not 0 < least <= most <= least * _WIDEST_RATIO:
        return None
    period = _period(before, after, most, currency)
    if period is None:
        return None
    pay = Compensation(
        min=least,
        max=most,
        currency=currency,
        period=period,
        ote=_is_ote(before, after),
    )
    return _Band(pay, low.start, high.end) if _is_plausible(pay) else None


def _around(text: str, start: int, end: int) -> tuple[str, str]:
    """Return the line before and after; with the line above where the amount opens its line."""
    left = text.rfind("\n", max(0, start - 300), start) + 1 or max(0, start - 300)
    before = text[left:start]
    if not before.strip(" -•*:\t") and left > 1:
        above = text.rfind("\n", max(0, left - 200), left - 1) + 1 or max(0, left - 200)
        before = text[above:start]
    right = text.find("\n", end, end + 200)
    return before, text[end : right if right >= 0 else end + 200]


def _speaks_of_pay(before: str, after: str, *, is_range: bool) -> bool:
    """Judge by the nearest word before the amount, and by those it is directly attached to."""
    near = _CLAUSE_END.split(after[:60], maxsplit=1)[0]
    refused = _NOT_PAY.search(near)
    if refused and not (is_range and _PAY.search(near[: refused.start()])):
        return False
    behind = _APART.split(before[-160:])[-1]
    said = [(match.end(), True) for match in _PAY.finditer(behind)]
    said += [(match.end(), False) for match in _NOT_PAY.finditer(behind)]
    if said:
        return max(said)[1]
    if any(pattern.match(after[:20].strip()) for _, _, pattern in _PERIODS) or _PAY.search(near):
        return True
    return is_range


def _period(before: str, after: str, value: Decimal, currency: str) -> PayPeriod | None:
    """Return the period named after the amount, else the nearest before, else by its size."""
    ahead = _DIGIT.split(after[:60], maxsplit=1)[0]
    stated = [
        (match.start(), period)
        for period, pattern in _likely_periods(ahead)
        if (match := pattern.search(ahead)) is not None
    ]
    if stated:
        return min(stated, key=lambda item: item[0])[1]
    behind = before[-160:]
    stated = [
        (-match.end(), period)
        for period, pattern in _likely_periods(behind)
        for match in pattern.finditer(behind)
    ]
    if stated:
        return min(stated, key=lambda item: item[0])[1]
    usd = to_usd(value, currency)
    if usd is None:
        return PayPeriod.YEAR if value >= 10_000 else None
    if usd.amount >= 10_000:
        return PayPeriod.YEAR
    if _HOURLY_USD[0] <= usd.amount <= _HOURLY_USD[1] and _PAY.search(behind):
        return PayPeriod.HOUR
    return PayPeriod.MONTH if usd.amount >= 400 and currency not in ("USD", "GBP") else None


def _likely_periods(text: str) -> list[tuple[PayPeriod, re.Pattern[str]]]:
    folded = text.casefold()
    return [(period, pattern) for period, stems, pattern in _PERIODS if holds_any(folded, stems)]


def _is_ote(before: str, after: str) -> bool:
    """On-target earnings, unless the nearer word is `base`."""
    base = max((match.end() for match in _BASE.finditer(before)), default=-1)
    ote = max((match.end() for match in _OTE.finditer(before)), default=-1)
    return ote > base or _OTE.search(_NEXT.split(after[:25], maxsplit=1)[0]) is not None


def _is_plausible(pay: Compensation) -> bool:
    year = yearly(pay)
    low, high = to_usd(year.min, pay.currency), to_usd(year.max, pay.currency)
    if low is None or high is None:
        return year.min >= _LEAST_USD_A_YEAR
    return low.amount >= _LEAST_USD_A_YEAR and high.amount <= _MOST_USD_A_YEAR
