"""What a generated opening pays, and how its text says so."""

import math
import random
from dataclasses import dataclass

from openfunnel.records import PayPeriod
from openfunnel.sandbox import words
from openfunnel.sandbox.words import City, Profession

HOURLY_COUNTRIES = {"US", "CA", "GB", "AU"}
PER_YEAR = {PayPeriod.YEAR: 1, PayPeriod.MONTH: 12, PayPeriod.HOUR: 2080}
GROUPING = {"fr": "\u00a0", "de": ".", "es": ".", "pt": "."}
"""Separator of thousands by language; a comma elsewhere."""


@dataclass(frozen=True)
class Offer:
    """A range of pay, in hundredths of the currency."""

    low_cents: int
    high_cents: int
    currency: str
    period: PayPeriod
    on_target: bool
    """Whether commission is part of it."""


def draw_offer(rng: random.Random, profession: Profession, level: str, city: City) -> Offer:
    """Draw pay that is plausible for the profession, level and city."""
    figures = words.load().pay
    yearly = profession.pay * 1000 * figures.levels[level].factor * city.pay
    yearly *= figures.currencies[city.currency].per_usd * rng.uniform(0.95, 1.1)
    period = PayPeriod.YEAR
    if profession.hourly and city.country in HOURLY_COUNTRIES:
        period = PayPeriod.HOUR
    elif city.country in figures.monthly and rng.random() < 0.5:
        period = PayPeriod.MONTH
    low = yearly / PER_YEAR[period]
    high = low * rng.uniform(1.12, 1.35)
    on_target = profession.ladder == "sales" and rng.random() < 0.3
    return Offer(_round(low), _round(high), city.currency, period, on_target)


def pay_sentence(rng: random.Random, offer: Offer, language: str) -> str:
    """State an offer in one sentence, in the ways people write amounts."""
    phrases = words.load().languages[language].pay
    sentence = rng.choice(phrases["ote" if offer.on_target else offer.period])
    in_thousands = language == "en" and offer.period is PayPeriod.YEAR and rng.random() < 0.2
    low, high = (
        write_amount(cents, offer.currency, language, in_thousands=in_thousands)
        for cents in (offer.low_cents, offer.high_cents)
    )
    return sentence.format(low=low, high=high)


def units(cents: int) -> int | float:
    """Return an amount in units of its currency, as JSON writes it: whole where it is."""
    return cents // 100 if cents % 100 == 0 else cents / 100


def write_amount(cents: int, currency: str, language: str, *, in_thousands: bool = False) -> str:
    """Write an amount as the language does: `$150K`, `55.000 €`, `R$ 9.000`, `6,000,000円`."""
    symbol = words.load().pay.currencies[currency].symbol
    if in_thousands and cents % 100_000 == 0:
        return f"{symbol}{cents // 100_000}K"
    whole, rest = divmod(cents, 100)
    decimal = "." if language in ("en", "ja") else ","
    digits = f"{whole:,}".replace(",", GROUPING.get(language, ","))
    digits += f"{decimal}{rest:02}" if rest else ""
    if currency == "JPY" and language == "ja":
        return f"{digits}円"
    if currency == "EUR" and language != "en":
        return f"{digits} {symbol}"
    return f"{symbol}{digits}"


def _round(amount: float) -> int:
    """Round to half a unit of the second digit, as offers are: 163,412 becomes 165,000."""
    step = 10.0 ** (math.floor(math.log10(amount)) - 1) / 2
    return round(round(amount / step) * step * 100)
