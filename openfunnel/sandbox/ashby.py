"""Openings in the shape of Ashby's public job posting API."""

import json
import random
from typing import Any
from uuid import UUID

from openfunnel.records import EmploymentType, PayPeriod, Workplace
from openfunnel.sandbox.companies import Company
from openfunnel.sandbox.layouts import LAYOUTS, plain
from openfunnel.sandbox.openings import Opening
from openfunnel.sandbox.pay import Offer, units, write_amount
from openfunnel.sandbox.words import City

INTERVALS = {PayPeriod.YEAR: "1 YEAR", PayPeriod.MONTH: "1 MONTH", PayPeriod.HOUR: "1 HOUR"}
EMPLOYMENT_TYPES = {
    EmploymentType.FULL_TIME: "FullTime",
    EmploymentType.PART_TIME: "PartTime",
    EmploymentType.CONTRACT: "Contract",
    EmploymentType.INTERNSHIP: "Intern",
}
WORKPLACE_TYPES = {
    Workplace.REMOTE: "Remote",
    Workplace.HYBRID: "Hybrid",
    Workplace.ONSITE: "OnSite",
    None: None,
}
FROM_HOME = (Workplace.REMOTE, Workplace.HYBRID)
"""What Ashby marks as remote."""


def render(rng: random.Random, company: Company, openings: list[Opening]) -> bytes:
    """Write the list answer with compensation."""
    answer = {"jobs": [_job(rng, company, opening) for opening in openings], "apiVersion": "1"}
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def _job(rng: random.Random, company: Company, opening: Opening) -> dict[str, Any]:
    job_id = _uuid(rng)
    page = f"https://jobs.ashbyhq.com/{company.ref.token}/{job_id}"
    layout = LAYOUTS[company.layout % len(LAYOUTS)]
    first, *others = zip(opening.labels, opening.cities, strict=True)
    return {
        "id": job_id,
        "title": opening.title,
        "department": opening.department,
        "team": opening.team,
        "employmentType": EMPLOYMENT_TYPES[opening.commitment],
        "location": first[0],
        "shouldDisplayCompensationOnJobPostings": opening.offer is not None,
        "secondaryLocations": [
            {"location": label, "address": _address(city)} for label, city in others
        ],
        "publishedAt": opening.opened_at.isoformat(timespec="milliseconds"),
        "isListed": True,
        "isRemote": opening.workplace in FROM_HOME,
        "workplaceType": WORKPLACE_TYPES[opening.workplace],
        "address": _address(first[1]),
        "jobUrl": page,
        "applyUrl": f"{page}/application",
        "descriptionHtml": "\n".join(layout(section) for section in opening.sections),
        "descriptionPlain": "\n\n".join(plain(section) for section in opening.sections),
        "compensation": _compensation(rng, opening.offer),
    }


def _address(city: City) -> dict[str, Any]:
    parts = {"addressCountry": city.country_name, "addressLocality": city.name}
    if region := city.office.split(", ")[1:-1]:
        parts["addressRegion"] = region[0]
    return {"postalAddress": parts}


def _compensation(rng: random.Random, offer: Offer | None) -> dict[str, Any]:
    """Write one tier with the salary, and at half of the offers equity before or behind it."""
    components = [_salary(rng, offer)] if offer else []
    if components and rng.random() < 0.5:
        components.insert(rng.randrange(2), _equity(rng))
    summary = " • ".join(component["summary"] for component in components) or None
    tiers = [
        {
            "id": _uuid(rng),
            "tierSummary": summary,
            "title": None,
            "additionalInformation": None,
            "components": components,
        }
    ]
    hidden = ("id", "summary")
    return {
        "compensationTierSummary": summary,
        "scrapeableCompensationSalarySummary": _range(offer) if offer else None,
        "compensationTiers": tiers if components else [],
        "summaryComponents": [
            {name: value for name, value in component.items() if name not in hidden}
            for component in components
        ],
    }


def _salary(rng: random.Random, offer: Offer) -> dict[str, Any]:
    return {
        "id": _uuid(rng),
        "summary": f"{'OTE ' if offer.on_target else ''}{_range(offer)}",
        "compensationType": "Salary",
        "interval": INTERVALS[offer.period],
        "currencyCode": offer.currency,
        "minValue": units(offer.low_cents),
        "maxValue": units(offer.high_cents),
    }


def _equity(rng: random.Random) -> dict[str, Any]:
    return {
        "id": _uuid(rng),
        "summary": "Offers Equity",
        "compensationType": "EquityPercentage",
        "interval": "NONE",
        "currencyCode": None,
        "minValue": None,
        "maxValue": None,
    }


def _range(offer: Offer) -> str:
    amounts = (offer.low_cents, offer.high_cents)
    return " – ".join(write_amount(cents, offer.currency, "en") for cents in amounts)


def _uuid(rng: random.Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))
