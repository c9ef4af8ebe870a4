from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.compensation import parse_pay, yearly
from openfunnel.records import Compensation, PayPeriod

# fmt: off
FRAGMENTS = [
    "$", "1", "12", "120,000", "1.5", "k", "M", "€", "-",
    "to", "per", "hour", "year", "USD", "kr", ",", ".", "salary",
    "bonus",
]
# fmt: on


def read(text: str, country: str | None = None) -> str | None:
    found = parse_pay(text, country)
    if found is None:
        return None
    pay, _ = found
    ote = " ote" if pay.ote else ""
    return f"{pay.min:f}-{pay.max:f} {pay.currency} {pay.period.value}{ote}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$120,000 - $150,000", "120000-150000 USD year"),
        ("$120k-$150k", "120000-150000 USD year"),
        ("$120-150K base", "120000-150000 USD year"),
        ("£65,000 per annum", "65000-65000 GBP year"),
        (
            "base pay between USD $73,100 in the cheapest and USD $117,000 in the dearest "
            "geographic market",
            "73100-117000 USD year",
        ),
        ("pay (£90k - £110k base + equity | £70k - £90k base)", "70000-110000 GBP year"),
        ("€45.000 – 55.000 brut annuel", "45000-55000 EUR year"),
        ("45-55k€", "45000-55000 EUR year"),
        ("rémunération : 45 000 à 55 000 € brut", "45000-55000 EUR year"),
        ("Gehalt: 50.000 – 60.000 € brutto im Jahr", "50000-60000 EUR year"),
        ("3.500 € brutto im Monat", "3500-3500 EUR month"),
        ("USD 30.00 - 35.50 hourly", "30.00-35.50 USD hour"),
        ("$45/hour", "45-45 USD hour"),
        ("TJM : 450 - 550 €", "450-550 EUR day"),
        ("A$120,000 - A$140,000", "120000-140000 AUD year"),
        ("C$90k–C$110k", "90000-110000 CAD year"),
        ("S$5,000 - S$7,000 per month", "5000-7000 SGD month"),
        ("$120,000 - $150,000 CAD", "120000-150000 CAD year"),
        ("Salary (EUR): 60,000 - 70,000", "60000-70000 EUR year"),
        ("550 000 - 650 000 kr per year", "550000-650000 SEK year"),
        ("₹12,00,000 – ₹18,00,000 per annum", "1200000-1800000 INR year"),
        ("12-18 LPA", "1200000-1800000 INR year"),
        ("18 000 - 22 000 PLN brutto miesięcznie", "18000-22000 PLN month"),
        ("CHF 110'000 - 130'000", "110000-130000 CHF year"),
        ("The salary is up to $150,000", "150000-150000 USD year"),
        ("## Salary\n$90,000", "90000-90000 USD year"),
        ("Pay range: $18.50 - $22.00", "18.50-22.00 USD hour"),
        ("CAD $90K to $110K", "90000-110000 CAD year"),
        ("Salary (CAD): $90,000 - $110,000", "90000-110000 CAD year"),
        ("New York: $150,000 - $180,000\nDenver: $130,000 - $150,000", "130000-180000 USD year"),
        ("OTE: $200,000 - $240,000", "200000-240000 USD year ote"),
        ("Base salary $100k-$120k, OTE $200k-$240k", "100000-120000 USD year"),
        ("Salary: $100,000 - $120,000 plus a $20,000 bonus", "100000-120000 USD year"),
        (
            "Salary: $120,000 to $150,000 in one city\nSalary: $100,000 to $130,000 elsewhere",
            "100000-150000 USD year",
        ),
        ("Pay: $100k - $120k, or in London £80k - £90k", "100000-120000 USD year"),
    ],
)
def test_stated_pay_is_read(text: str, expected: str) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "We raised $50M in our Series B",
        "We process $2B in payments",
        "a competitive salary",
        "$1,000 referral bonus",
        "a signing bonus of $5,000 - $10,000",
        "a housing subsidy of $2k per month",
        "professional development: up to $5,000/year",
        "$500 home office stipend",
        "an annual learning budget of $2,000",
        "equity worth $100,000 - $200,000",
        "10,000 - 20,000 customers in 2023 - 2024",
        "products that cost $20,000",
        "Salary: $0 - $0",
        "Salary: $1 - $999,999,999",
        "Salary: $150,000 - $100,000",
        "",
    ],
)
def test_what_is_no_pay_is_not_read_as_pay(text: str) -> None:
    assert read(text) is None


def test_the_country_says_whose_dollar_and_whose_crown_it_is() -> None:
    assert read("$100,000 - $120,000", "CA") == "100000-120000 CAD year"
    assert read("550 000 - 650 000 kr", "NO") == "550000-650000 NOK year"


def test_the_span_covers_the_amounts() -> None:
    text = "About us\nSalary range: $100,000 - $120,000 per year"
    found = parse_pay(text)
    assert found is not None
    start, end = found[1]
    assert text[start:end] == "$100,000 - $120,000"


@pytest.mark.parametrize(
    ("period", "expected"),
    [("year", 100), ("month", 1_200), ("week", 5_200), ("day", 26_000), ("hour", 208_000)],
)
def test_a_year_has_so_many_periods(period: str, expected: int) -> None:
    pay = Compensation(min=Decimal(100), max=Decimal(200), currency="USD", period=PayPeriod(period))
    assert yearly(pay) == (Decimal(expected), Decimal(2 * expected))


@given(st.text(max_size=300))
def test_no_text_breaks_the_parser(text: str) -> None:
    parse_pay(text)


@given(
    st.lists(
        st.sampled_from(FRAGMENTS),
        max_size=20,
    ).map(" ".join)
)
def test_whatever_is_read_lies_inside_the_text(text: str) -> None:
    found = parse_pay(text)
    assert found is None or 0 <= found[1][0] < found[1][1] <= len(text)


@pytest.mark.parametrize("unit", ["$1 ", "1,234,", "$100,000 - ", "9", "1 2 3 ", "USD ", " "])
def test_two_megabytes_of_anything_are_read(unit: str) -> None:
    parse_pay(unit * (2_000_000 // len(unit)))
