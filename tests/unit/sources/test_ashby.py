"""Ashby's pay and places, case by case; whole answers are among the recorded ones."""

import json
from typing import Any

import pytest

from openfunnel.records import REMOTE_ALLOWED, AtsFields, BoardRef
from openfunnel.sources import ashby
from openfunnel.sources.board import merge

JOB = {"id": "0c5d1f6e-3b7a-4c1e-9a44-5f2b6e0d7b01", "title": "Rigger"}
OFFICE = {"addressLocality": "Lisbon", "addressRegion": "Lisboa", "addressCountry": "Portugal"}


def fields(**more: Any) -> AtsFields:
    body = json.dumps({**JOB, **more}).encode()
    (posting,) = merge(ashby.parse_posting(body, BoardRef(ats="ashby", token="acme"))).postings
    return posting.fields


def pay(*components: dict[str, Any], words: str | None = None) -> tuple[Any, ...] | None:
    tier = {"additionalInformation": words, "components": list(components)}
    found = fields(compensation={"compensationTiers": [tier]}).compensation
    if found is None:
        return None
    return int(found.min), int(found.max), found.currency, found.period, found.ote


def salary(low: float | None, high: float | None, **more: Any) -> dict[str, Any]:
    stated = {"compensationType": "Salary", "interval": "1 YEAR", "currencyCode": "EUR"}
    return {**stated, "minValue": low, "maxValue": high, **more}


@pytest.mark.parametrize("period", ["year", "month", "week", "day", "hour"])
def test_an_interval_of_one_is_a_pay_period(period: str) -> None:
    interval = f"1 {period.upper()}"

    assert pay(salary(4000, 5000, interval=interval)) == (4000, 5000, "EUR", period, False)


@pytest.mark.parametrize("interval", ["2 WEEK", "NONE", "", None, "1 year", "11 YEAR"])
def test_any_other_interval_is_none(interval: str | None) -> None:
    assert pay(salary(4000, 5000, interval=interval)) is None


@pytest.mark.parametrize(
    "kind", ["EquityPercentage", "EquityCashValue", "Commission", "Bonus", "salary", None]
)
def test_what_is_no_salary_is_no_pay(kind: str | None) -> None:
    assert pay(salary(4000, 5000, compensationType=kind)) is None


@pytest.mark.parametrize(
    ("summary", "words", "on_target"),
    [
        ("€50K – €60K", None, False),
        ("Target Base Salary €50K – €60K", "80/20 split", False),
        ("OTE €50K – €60K", None, True),
        ("Target On Target Earnings €50K – €60K", None, True),
        ("€50K – €60K", "Total OTE with 70/30 split", True),
        ("€50K – €60K for a remote job, plus a quote", "quotes, footers", False),
        (None, None, False),
    ],
)
def test_the_words_beside_a_salary_tell_on_target_earnings(
    summary: str | None, words: str | None, on_target: bool
) -> None:
    found = pay(salary(50_000, 60_000, summary=summary), words=words)

    assert found == (50_000, 60_000, "EUR", "year", on_target)


def test_base_pay_counts_before_on_target_earnings() -> None:
    earnings, base = salary(90_000, 120_000, summary="OTE"), salary(60_000, 80_000)

    assert pay(earnings, base) == (60_000, 80_000, "EUR", "year", False)


@pytest.mark.parametrize(
    ("name", "address", "location"),
    [
        ("Lisbon", OFFICE, "Lisbon, Lisboa, Portugal"),
        ("LISBON", OFFICE, "Lisbon, Lisboa, Portugal"),
        ("Lisbon HQ", OFFICE, "Lisbon HQ"),
        ("Remote", OFFICE, "Remote (Portugal)"),
        ("Remote (EU)", OFFICE, "Remote (EU)"),
        ("Remote", {"addressLocality": "Lisbon"}, "Remote"),
        ("Singapore", dict.fromkeys(OFFICE, "Singapore"), "Singapore"),
        (None, {"addressCountry": "Portugal"}, "Portugal"),
        ("Lisbon", {}, "Lisbon"),
    ],
)
def test_an_address_completes_the_name_of_a_city_and_a_bare_remote(
    name: str | None, address: dict[str, str], location: str
) -> None:
    assert fields(location=name, address={"postalAddress": address}).locations == (location,)
    assert fields(location=name, address=address).locations == (location,)


def test_a_place_without_name_and_address_is_none() -> None:
    assert fields(location=None, address={"postalAddress": None}).locations == ()
    assert fields(secondaryLocations=[{"location": " "}]).locations == ()


@pytest.mark.parametrize(
    ("kind", "mark", "workplace"),
    [
        ("Hybrid", True, "Hybrid"),
        ("OnSite", False, "OnSite"),
        (None, True, REMOTE_ALLOWED),
        (None, False, None),
    ],
)
def test_the_mark_for_remote_counts_where_no_type_is_stated(
    kind: str | None, mark: bool, workplace: str | None
) -> None:
    assert fields(workplaceType=kind, isRemote=mark).workplace == workplace
