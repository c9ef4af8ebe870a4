"""How amounts are written."""

import pytest

from openfunnel.sandbox.pay import write_amount


@pytest.mark.parametrize(
    ("cents", "currency", "language", "written"),
    [
        (15_000_000, "USD", "en", "$150,000"),
        (3_250, "USD", "en", "$32.50"),
        (5_500_000, "EUR", "en", "€55,000"),
        (5_500_000, "EUR", "de", "55.000 €"),
        (5_500_000, "EUR", "fr", "55\u00a0000 €"),
        (900_000, "BRL", "pt", "R$ 9.000"),
        (600_000_000, "JPY", "ja", "6,000,000円"),
        (600_000_000, "JPY", "en", "¥6,000,000"),
    ],
)
def test_an_amount_is_written_as_its_language_does(cents, currency, language, written):
    assert write_amount(cents, currency, language) == written


def test_only_whole_thousands_are_shortened():
    assert write_amount(15_000_000, "USD", "en", in_thousands=True) == "$150K"
    assert write_amount(15_050_000, "USD", "en", in_thousands=True) == "$150,500"
