from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.money import to_usd


def test_a_dollar_is_a_dollar() -> None:
    found = to_usd(Decimal("123.45"), "USD")
    assert found is not None
    assert found.amount == Decimal("123.45")


def test_an_amount_is_converted_at_a_dated_rate() -> None:
    found = to_usd(Decimal(1000), "EUR")
    assert found is not None
    assert Decimal(500) < found.amount < Decimal(2000)
    assert found.rate_date >= date(2024, 1, 1)


def test_a_currency_that_is_no_longer_quoted_keeps_its_last_rate() -> None:
    found = to_usd(Decimal(1000), "HRK")
    assert found is not None
    assert found.rate_date == date(2022, 12, 30)


@pytest.mark.parametrize("currency", ["XXX", "", "usd", "DOLLAR"])
def test_an_unknown_currency_has_no_amount(currency: str) -> None:
    assert to_usd(Decimal(1), currency) is None


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "1e999"])
def test_what_is_no_amount_is_not_converted(amount: str) -> None:
    assert to_usd(Decimal(amount), "EUR") is None


@given(st.decimals(allow_nan=True, allow_infinity=True), st.sampled_from(["JPY", "GBP", "KRW"]))
def test_no_amount_breaks_the_conversion(amount: Decimal, currency: str) -> None:
    found = to_usd(amount, currency)
    assert found is None or found.amount.is_finite()
