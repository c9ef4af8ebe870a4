import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.amounts import find_amounts, names_currency

# fmt: off
PIECES = [
    "100", "5.000", "12", "$", "US$", "£", "€", "eur", "Euro", "euros", "USD", "sek", "kr", "kr.",
    "Rs.", "rs", "R", "SFr.", "Fr.", "zł", "złotych", "ZŁ", "zl", "Kč", "KČ", "lpa", "lakhs", "Lac",
    "k", "m", " ", "-", "years",
]
# fmt: on


@pytest.mark.parametrize(
    "text", ["5+ years of experience", "401(k) plan", "24/7 support", "100 people in 12 countries"]
)
def test_a_line_about_no_money_names_no_currency(text: str) -> None:
    assert not names_currency(text)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_amount_with_a_currency_stands_where_none_is_named(text: str) -> None:
    if any(amount.currency for amount in find_amounts(text, None)):
        assert names_currency(text)


def test_amounts_of_a_part_of_a_text_stand_where_they_do_in_the_whole() -> None:
    text = "Rates: $10, $20 and $30"
    (amount,) = find_amounts(text, None, text.index("$20"), text.index(" and"))
    assert text[amount.start : amount.end] == "$20"
    assert amount.value == 20
