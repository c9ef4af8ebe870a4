"""Pay as structured fields state it: plausible ranges become a `Compensation`, others nothing."""

from collections.abc import Sequence
from decimal import Decimal

from pydantic import ValidationError

from openfunnel.records import Compensation, PayPeriod

LEAST_PER_YEAR = 1_000
"""A smaller amount, in any currency, is no pay for a year."""
SURELY_PER_YEAR = 10_000
"""A greater amount is no pay for an hour, in the currencies that pay ranges come in."""


def pay_range(
    low: float | Decimal | None,
    high: float | Decimal | None,
    currency: str | None,
    period: PayPeriod | None,
) -> Compensation | None:
    """Return the range, or None where it states nothing usable.

    An end that is missing or 0 is taken from the other. A range that is upside down, in no known
    currency code, for no known period, or below `LEAST_PER_YEAR` a year, is none.
    """
    ends = [Decimal(str(end)) for end in (low, high) if end]
    if not ends or currency is None or period is None:
        return None
    if period is PayPeriod.YEAR and ends[-1] < LEAST_PER_YEAR:
        return None
    try:
        return Compensation(min=ends[0], max=ends[-1], currency=currency.upper(), period=period)
    except ValidationError:
        return None


def guess_period(amount: float | Decimal) -> PayPeriod | None:
    """Return what an amount without a period is for: by its size an hour, a year, or unclear."""
    if amount < LEAST_PER_YEAR:
        return PayPeriod.HOUR
    return PayPeriod.YEAR if amount >= SURELY_PER_YEAR else None


def widest(ranges: Sequence[Compensation]) -> Compensation | None:
    """Return the widest of several bands, of those in the first one's currency and period."""
    if not ranges:
        return None
    first = ranges[0]
    alike = [pay for pay in ranges if (pay.currency, pay.period) == (first.currency, first.period)]
    return first.model_copy(
        update={"min": min(pay.min for pay in alike), "max": max(pay.max for pay in alike)}
    )
