"""Openings in the shape of Lever's postings API."""

import json
import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from openfunnel.records import EmploymentType, PayPeriod, Workplace
from openfunnel.sandbox.companies import Company
from openfunnel.sandbox.layouts import LAYOUTS, Layout, list_items, plain
from openfunnel.sandbox.openings import Opening
from openfunnel.sandbox.pay import Offer, units
from openfunnel.sandbox.texts import Section

INTERVALS = {
    PayPeriod.YEAR: "per-year-salary",
    PayPeriod.MONTH: "per-month-salary",
    PayPeriod.HOUR: "per-hour-wage",
}
COMMITMENTS = {
    EmploymentType.FULL_TIME: ("Full-time", "Full Time", "Permanent - Full-time"),
    EmploymentType.PART_TIME: ("Part-time",),
    EmploymentType.CONTRACT: ("Fixed Term Contract", "Contract"),
    EmploymentType.INTERNSHIP: ("Internship", "Intern"),
}
WORKPLACE_TYPES = {
    Workplace.REMOTE: "remote",
    Workplace.HYBRID: "hybrid",
    Workplace.ONSITE: "onsite",
    None: "unspecified",
}
AS_LISTS = ("duties", "required", "preferred")
"""Sections that Lever's editor keeps as lists, outside the description."""
AFTER_LISTS = ("benefits", "closing")


def render(rng: random.Random, company: Company, openings: list[Opening]) -> bytes:
    """Write the list answer: a bare array."""
    postings = [_posting(rng, company, opening) for opening in openings]
    return json.dumps(postings, ensure_ascii=False, separators=(",", ":")).encode()


def _posting(rng: random.Random, company: Company, opening: Opening) -> dict[str, Any]:
    posting_id = str(UUID(int=rng.getrandbits(128), version=4))
    host = "jobs.eu.lever.co" if company.ref.region == "eu" else "jobs.lever.co"
    address = f"https://{host}/{company.ref.token}/{posting_id}"
    layout = LAYOUTS[company.layout % len(LAYOUTS)]
    # One board in five writes everything into the description and uses no lists.
    listed = AS_LISTS if company.layout // len(LAYOUTS) % 5 else ()
    after = [section for section in opening.sections if section.kind in AFTER_LISTS]
    opener, *others = opening.sections
    body = [section for section in others if section.kind not in (*listed, *AFTER_LISTS)]
    posting = {
        **_text("additional", after, layout),
        "categories": {
            "commitment": rng.choice(COMMITMENTS[opening.commitment]),
            "department": opening.department,
            "location": opening.labels[0],
            "team": opening.team,
            "allLocations": list(opening.labels),
        },
        "createdAt": int(opening.opened_at.timestamp() * 1000),
        **_text("description", [opener, *body], layout),
        "id": posting_id,
        "lists": [
            {"text": section.heading, "content": list_items(section)}
            for section in opening.sections
            if section.kind in listed
        ],
        **(_salary(opening.offer) if opening.offer else {}),
        "text": opening.title,
        "country": opening.cities[0].country if rng.random() < 0.9 else None,
        "workplaceType": WORKPLACE_TYPES[opening.workplace],
        **_text("opening", [opener], layout),
        **_text("descriptionBody", body, layout),
        "hostedUrl": address,
        "applyUrl": f"{address}/apply",
    }
    if rng.random() < 0.1:
        del posting["categories"]["department"]
    return posting


def _text(name: str, sections: Sequence[Section], layout: Layout) -> dict[str, str]:
    """Give a text and its plain twin."""
    return {
        name: "\n".join(layout(section) for section in sections),
        f"{name}Plain": "\n\n".join(plain(section) for section in sections),
    }


def _salary(offer: Offer) -> dict[str, Any]:
    return {
        "salaryRange": {
            "min": units(offer.low_cents),
            "max": units(offer.high_cents),
            "currency": offer.currency,
            "interval": INTERVALS[offer.period],
        }
    }
