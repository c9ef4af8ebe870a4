"""Pay in structured fields: what counts, and what it is for."""

from decimal import Decimal

import pytest

from openfunnel.records import Compensation, PayPeriod
from openfunnel.sources.pay import guess_period, pay_range, widest


def pay(low: float, high: float, currency: str = "EUR", period: str = "year") -> Compensation:
    return Compensation(
        min=Decimal(str(low)), max=Decimal(str(high)), currency=currency, period=PayPeriod(period)
    )


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (50_000, 60_000.5, pay(50_000, 60_000.5)),
        (50_000, None, pay(50_000, 50_000)),
        (0, 60_000, pay(60_000, 60_000)),
        (None, None, None),
        (60_000, 50_000, None),
        (-5, 60_000, None),
        (30, 45, None),
        (1, 10**15, None),
    ],
)
def test_only_a_plausible_range_counts(
    low: float | None, high: float | None, expected: Compensation | None
) -> None:
    assert pay_range(low, high, "eur", PayPeriod.YEAR) == expected


@pytest.mark.parametrize("currency", [None, "", "EURO", "€", "12"])
def test_pay_in_no_currency_is_none(currency: str | None) -> None:
    assert pay_range(50_000, 60_000, currency, PayPeriod.YEAR) is None


def test_pay_for_no_known_period_is_none() -> None:
    assert pay_range(50_000, 60_000, "EUR", None) is None


@pytest.mark.parametrize(
    ("amount", "period"),
    [
        (18.5, PayPeriod.HOUR),
        (999, PayPeriod.HOUR),
        (1_000, None),
        (9_999, None),
        (10_000, PayPeriod.YEAR),
        (180_000, PayPeriod.YEAR),
    ],
)
def test_its_size_tells_an_hours_pay_from_a_years(amount: float, period: PayPeriod | None) -> None:
    assert guess_period(amount) is period


def test_several_bands_give_the_widest_of_the_first_ones_kind() -> None:
    bands = [pay(50, 60), pay(40, 55), pay(10, 90, "NOK"), pay(1, 99, "EUR", "hour")]

    assert widest(bands) == pay(40, 60)
    assert widest([]) is None
