"""Amounts of money as people write them: `$120k`, `45.000 €`, `12 LPA`, `SEK 550 000`."""

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

_MOST_AMOUNTS = 4_000

_CODES = (
    "USD|EUR|GBP|CAD|AUD|NZD|CHF|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|ISK|TRY|ILS|INR|SGD|HKD|JPY|CNY"
    "|RMB|KRW|TWD|THB|MYR|IDR|PHP|VND|AED|SAR|QAR|EGP|ZAR|NGN|KES|BRL|MXN|ARS|CLP|COP|PEN|UAH|PKR"
)
_SYMBOLS = {
    "us$": "USD",
    "usd$": "USD",
    "$usd": "USD",
    "ca$": "CAD",
    "c$": "CAD",
    "cad$": "CAD",
    "cdn$": "CAD",
    "a$": "AUD",
    "au$": "AUD",
    "aud$": "AUD",
    "nz$": "NZD",
    "s$": "SGD",
    "sg$": "SGD",
    "hk$": "HKD",
    "nt$": "TWD",
    "mx$": "MXN",
    "r$": "BRL",
    "£": "GBP",
    "€": "EUR",
    "eur": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "₹": "INR",
    "rs": "INR",
    "rs.": "INR",
    "₪": "ILS",
    "₩": "KRW",
    "zł": "PLN",
    "zl": "PLN",
    "kč": "CZK",
    "₺": "TRY",
    "₴": "UAH",
    "₱": "PHP",
    "฿": "THB",
    "rmb": "CNY",
    "fr.": "CHF",
    "sfr.": "CHF",
}
_DOLLARS = {
    "CA": "CAD",
    "AU": "AUD",
    "NZ": "NZD",
    "SG": "SGD",
    "HK": "HKD",
    "TW": "TWD",
    "MX": "MXN",
    "AR": "ARS",
    "CL": "CLP",
    "CO": "COP",
}
DOLLARS = frozenset({"USD", *_DOLLARS.values()})
_CROWNS = {"SE": "SEK", "NO": "NOK", "DK": "DKK", "IS": "ISK"}
_YEN = {"CN": "CNY"}

_BEFORE = (
    rf"(?:(?:USD|AUD|CAD)\s?\$|\$\s?USD|(?:us|ca|c|cdn|au|a|nz|sg|s|hk|nt|mx|r)?\$|£|€|₹|₪|₩|¥|₺"
    rf"|₴|₱|฿|\b(?:{_CODES})\b|\beuros?\b|\bRs\.?|\bS?Fr\.|\bkr\.?|\bR(?=\s?\d))"
)
_AFTER = (
    rf"(?:\$\s?(?:CAD|USD|AUD)?|£|€|₹|₪|₩|¥|₺|\b(?:{_CODES})\b|\beuros?\b|zł|\bzl\b|\bkr\b\.?|Kč)"
)
_SYMBOL = re.compile("[$£€₹₪₩¥₺₴₱฿łčŁČ]")
_CURRENCY_WORDS = frozenset(
    f"{_CODES}|euro|euros|rs|fr|sfr|kr|r|zl|lpa|lakh|lakhs|lac|lacs".casefold().split("|")
)
"""All that `_BEFORE`, `_AFTER` and the Indian scales know a currency by, save the symbols."""
_LETTERS = re.compile("[a-zß-öø-ÿ]+")
r"""Quicker than `[^\W\d_]`; it cuts words at rarer letters, too, which hides no currency."""
_DIGITS = (
    r"(?:\d{1,3}(?:[,.'’ \u00a0\u202f]\d{2,3}(?!\d)){1,4}(?:[.,]\d{1,2}(?!\d))?"
    r"|\d{1,9}(?:[.,]\d{1,2}(?!\d))?)"
)
_AMOUNT = re.compile(
    rf"(?<![\w.,/])(?P<before>{_BEFORE})?\s?(?<![\d.,])(?P<number>{_DIGITS})(?![\d%])"
    rf"(?P<scale>\s?(?:k\b|k(?=[€£$])|mm?\b|m(?=[€£$])|bn?\b|million|billion|thousand|lpa\b"
    rf"|lakhs?\b|lacs?\b|tsd\b\.?))?"
    rf"\s?(?P<after>{_AFTER})?",
    re.IGNORECASE,
)
_LONGEST_BEFORE = 12
"""Characters; an amount begins no farther before its first digit."""
_DIGIT = re.compile(r"\d")
_SEPARATOR = re.compile(r"[,.'’ \u00a0\u202f]")
_FRACTION = re.compile(r"[.,]\d{1,2}$")
_CODE_BEFORE = re.compile(rf"\b({_CODES})\b[^\d\n]{{0,25}}$")
_JOINT = re.compile(
    r"\s*(?:(?:gross|brutto?|per|an?|/)?\s*(?:year|annum|hour|hr|month|annually|hourly)?)?"
    r"\s*(?:-|–|—|−|~|/|to|and|up\s+to|bis|und|à|a|et|do)\s*(?:up\s+to\s+)?",
    re.IGNORECASE,
)


_LONGEST_JOINT, _LONGEST_GAP = 30, 60
_BETWEEN = re.compile(r"\b(?:between|from)\s*$", re.IGNORECASE)
_AND = re.compile(r"\s[\w ,'’-]*\b(?:and|to)\s+(?:up\s+to\s+)?", re.IGNORECASE)
"""`between $73,100 in the cheapest town and $117,000`."""


class Amount(NamedTuple):
    """A number with its scale applied; `is_huge` for millions, which are no pay."""

    value: Decimal
    is_scaled: bool
    currency: str | None
    is_any_dollar: bool
    """Written with a mere `$`: a code of a dollar beside it says which."""
    is_huge: bool
    start: int
    end: int


def names_currency(text: str) -> bool:
    """Return whether `text` may name a currency; without one, its numbers are no pay."""
    return _SYMBOL.search(text) is not None or not _CURRENCY_WORDS.isdisjoint(
        _LETTERS.findall(text.casefold())
    )


def find_amounts(
    text: str, country: str | None, start: int = 0, end: int | None = None
) -> Iterator[Amount]:
    """Yield the numbers from `start` to `end` of `text` in order, at most 4,000.

    `country` says whose dollar is meant.
    """
    for match in islice(_matches(text, start, len(text) if end is None else end), _MOST_AMOUNTS):
        scale = (match["scale"] or "").strip(" .").casefold()
        value = _number(match["number"])
        if scale in ("k", "thousand", "tsd"):
            value *= 1_000
        elif scale in ("lpa", "lakh", "lakhs", "lac", "lacs"):
            value *= 100_000
        elif scale in ("m", "mm", "million"):
            value *= 1_000_000
        currency = _currency(match["after"], country) or _currency(match["before"], country)
        if match["before"] and match["after"] and match["after"].strip() == "$":
            currency = _currency(match["before"], country)
        yield Amount(
            value=value,
            is_scaled=bool(scale),
            currency=currency or ("INR" if scale.startswith(("lpa", "la")) else None),
            is_any_dollar="$" in ((match["before"] or "").strip(), (match["after"] or "").strip()),
            is_huge=scale in ("m", "mm", "million", "b", "bn", "billion"),
            start=match.end() - len(match.group().lstrip()),
            end=match.start() + len(match.group().rstrip()),
        )


def _matches(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """Yield what `finditer` would, without trying what stands far before a digit."""
    while digit := _DIGIT.search(text, start, end):
        match = _AMOUNT.search(text, max(start, digit.start() - _LONGEST_BEFORE), end)
        if match is None:
            return
        yield match
        start = match.end()


def _number(digits: str) -> Decimal:
    """Read `45,000`, `45.000`, `45 000`, `12,00,000`, `35.50` and `35,5`."""
    parts = _SEPARATOR.split(digits)
    is_fraction = len(parts) > 1 and len(parts[-1]) < 3
    if is_fraction and (len(parts) == 2 or _FRACTION.search(digits)):
        return Decimal("".join(parts[:-1]) + "." + parts[-1])
    return Decimal("".join(parts))


def _currency(symbol: str | None, country: str | None) -> str | None:
    if not symbol:
        return None
    mark = "".join(symbol.split()).casefold()
    if mark == "$":
        return _DOLLARS.get(country or "", "USD")
    if mark.rstrip(".") == "kr":
        return _CROWNS.get(country or "", "SEK")
    if mark == "¥":
        return _YEN.get(country or "", "JPY")
    if mark == "r":
        return "ZAR"
    if mark.startswith("$"):
        mark = mark[1:]
    return _SYMBOLS.get(mark) or (mark.upper() if len(mark) == 3 and mark.isalpha() else None)


def is_range(text: str, low: Amount, high: Amount) -> bool:
    """Return whether two amounts in sequence are the ends of one range."""
    gap = text[low.end : high.start]
    if "\n" in gap or len(gap) > _LONGEST_GAP:
        return False
    if _JOINT.fullmatch(gap):
        return len(gap) <= _LONGEST_JOINT
    return bool(_BETWEEN.search(text, max(0, low.start - 12), low.start)) and bool(
        _AND.fullmatch(gap)
    )


def currency_of(text: str, low: Amount, high: Amount) -> str | None:
    """Return the currency of a range: a code says more than the `$` beside it (`CAD $90K`)."""
    named = currency_before(text, low.start)
    found = high.currency or low.currency or named
    if high.is_any_dollar or (low.is_any_dollar and not high.currency):
        exact = low.currency if not low.is_any_dollar else named
        return exact if exact in DOLLARS else found
    return found


def currency_before(text: str, start: int) -> str | None:
    """Return the currency named a few words before `start`: `Salary (USD): 100,000`."""
    match = _CODE_BEFORE.search(text[max(0, start - 40) : start])
    return match[1] if match else None
