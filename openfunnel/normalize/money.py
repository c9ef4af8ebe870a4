"""Amounts in US dollars, at the European Central Bank's dated reference rates, offline."""

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from currency_converter import CurrencyConverter, RateNotFoundError

_LARGEST = Decimal("1e15")
_CENT = Decimal("0.01")


class UsdAmount(NamedTuple):
    """An amount in US dollars, to the cent, and the day of the rate it was converted at."""

    amount: Decimal
    rate_date: date


def to_usd(amount: Decimal, currency: str) -> UsdAmount | None:
    """Return `amount` of `currency` (ISO 4217) in US dollars, at that currency's latest rate.

    None for a currency without a rate and for amounts that are no money (NaN, above 1e15). The
    rates ship with CurrencyConverter and are read at the first call (about half a second).
    """
    if not amount.is_finite() or abs(amount) > _LARGEST:
        return None
    rate = _usd_rate(currency)
    if rate is None:
        return None
    return UsdAmount((amount * rate.amount).quantize(_CENT), rate.rate_date)


@lru_cache(maxsize=1)
def _converter() -> CurrencyConverter:
    return CurrencyConverter(fallback_on_missing_rate=True)


@lru_cache(maxsize=256)
def _usd_rate(currency: str) -> UsdAmount | None:
    """Return what one unit of `currency` is worth, not rounded."""
    bounds = _converter().bounds.get(currency)
    if bounds is None:
        return None
    if currency == "USD":
        return UsdAmount(Decimal(1), bounds.last_date)
    try:
        rate = _converter().convert(1, currency, "USD", date=bounds.last_date)
    except (RateNotFoundError, ValueError):
        return None
    return UsdAmount(Decimal(str(rate)), bounds.last_date)
