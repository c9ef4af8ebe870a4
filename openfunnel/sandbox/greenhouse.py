"""Openings in the shape of Greenhouse's job board API."""

import html
import json
import random
import zlib
from datetime import datetime, timedelta, timezone
from typing import Any

from openfunnel.records import EmploymentType, PayPeriod, Workplace
from openfunnel.sandbox import words
from openfunnel.sandbox.companies import Company
from openfunnel.sandbox.layouts import LAYOUTS
from openfunnel.sandbox.openings import Opening

EASTERN = timezone(timedelta(hours=-5))
"""Greenhouse writes its times with the offset of New York."""
LOCATION_TYPES = {
    Workplace.REMOTE: "Remote",
    Workplace.HYBRID: "Hybrid",
    Workplace.ONSITE: "On-Site",
    None: None,
}
TIME_TYPES = {
    EmploymentType.FULL_TIME: "Full time",
    EmploymentType.PART_TIME: "Part time",
    EmploymentType.CONTRACT: "Contract",
    EmploymentType.INTERNSHIP: "Internship",
}
PAY_TITLES = {
    PayPeriod.YEAR: "Annual Salary Range",
    PayPeriod.MONTH: "Monthly Salary Range",
    PayPeriod.HOUR: "Hourly Rate",
}
EDUCATION = ("education_optional", "education_required")
PROSPECT_TITLES = ("Join our talent community", "Don't see your role? Write to us")


def render(rng: random.Random, company: Company, openings: list[Opening]) -> bytes:
    """Write the list answer with content; a talent pool may stand among the jobs."""
    jobs = [_job(rng, company, opening) for opening in openings]
    if jobs and rng.random() < 0.25:
        jobs.insert(rng.randrange(len(jobs) + 1), _prospect(rng, company, jobs[0], len(jobs)))
    answer = {"jobs": jobs, "meta": {"total": len(jobs)}}
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def _job(rng: random.Random, company: Company, opening: Opening) -> dict[str, Any]:
    job_id = _job_id(company, opening.number)
    job: dict[str, Any] = {
        "absolute_url": _public_url(company, job_id),
        "data_compliance": [
            {
                "type": "gdpr",
                "requires_consent": False,
                "requires_processing_consent": False,
                "requires_retention_consent": False,
                "retention_period": None,
                "demographic_data_consent_applies": False,
            }
        ],
        "internal_job_id": job_id - 1_000_000_000,
        "location": {"name": _location(rng, opening)},
        "metadata": _metadata(rng, company, opening),
        "id": job_id,
        "updated_at": _time(opening.updated_at),
        "requisition_id": f"R-{opening.number + 1:04}",
        "title": opening.title,
        "company_name": company.name,
        "first_published": _time(opening.opened_at),
        "language": opening.language,
        "application_deadline": None,
        "content": _content(company, opening),
        "departments": [_department(opening.department)],
        "offices": [_office(city.name, city.office) for city in opening.cities],
        "ai_disclaimer": None,
        "include_ai_disclaimer": None,
        "ai_opt_out_request_url": None,
    }
    if rng.random() < 0.05:
        job["education"] = rng.choice(EDUCATION)
    if opening.offer:
        job["pay_input_ranges"] = [
            {
                "min_cents": opening.offer.low_cents,
                "max_cents": opening.offer.high_cents,
                "currency_type": opening.offer.currency,
                "title": PAY_TITLES[opening.offer.period],
                "blurb": "",
            }
        ]
    return job


def _prospect(
    rng: random.Random, company: Company, like: dict[str, Any], number: int
) -> dict[str, Any]:
    job_id = _job_id(company, number)
    kept = {name: value for name, value in like.items() if name != "pay_input_ranges"}
    return kept | {
        "absolute_url": _public_url(company, job_id),
        "internal_job_id": None,
        "id": job_id,
        "requisition_id": None,
        "title": rng.choice(PROSPECT_TITLES),
        "metadata": None,
        "content": "&lt;p&gt;Tell us what you would like to do.&lt;/p&gt;",
    }


def _content(company: Company, opening: Opening) -> str:
    layout = LAYOUTS[company.layout % len(LAYOUTS)]
    intro, *body, closing = (layout(section) for section in opening.sections)
    document = (
        f'<div class="content-intro">{intro}</div>'
        + "\n".join(body)
        + f'<div class="content-conclusion">{closing}</div>'
    )
    return html.escape(document).replace("&#x27;", "'")


def _location(rng: random.Random, opening: Opening) -> str:
    if opening.workplace is Workplace.HYBRID and rng.random() < 0.08:
        return "Hybrid"
    return rng.choice((" | ", "; ")).join(opening.labels)


def _metadata(
    rng: random.Random, company: Company, opening: Opening
) -> list[dict[str, Any]] | None:
    """Fill custom fields: a third of the boards name the workplace, a third a hiring manager."""
    base = _number(company.ref.token) * 10
    match company.layout % 3:
        case 0:
            value = LOCATION_TYPES[opening.workplace]
            return [_field(base, "Location Type", value, "single_select")]
        case 1:
            name = rng.choice(words.load().companies.people)
            address = f"{name.split()[0].lower()}@{company.ref.token}.example"
            user = {"name": name, "email": address, "user_id": _number(name)}
            return [
                _field(base + 1, "Hiring Manager", user, "user"),
                _field(base + 2, "Time Type", TIME_TYPES[opening.commitment], "single_select"),
            ]
    return None


def _field(field_id: int, name: str, value: object, value_type: str) -> dict[str, Any]:
    return {"id": field_id, "name": name, "value": value, "value_type": value_type}


def _department(name: str) -> dict[str, Any]:
    return {"id": _number(name), "name": name, "child_ids": [], "parent_id": None}


def _office(name: str, location: str) -> dict[str, Any]:
    return {
        "id": _number(location),
        "name": name,
        "location": location,
        "child_ids": [],
        "parent_id": None,
    }


def _public_url(company: Company, job_id: int) -> str:
    if company.own_site:
        return f"https://careers.{company.ref.token}.example/jobs?gh_jid={job_id}"
    return f"https://job-boards.greenhouse.io/{company.ref.token}/jobs/{job_id}"


def _job_id(company: Company, number: int) -> int:
    return 4_000_000_000 + _number(company.ref.token) % 1_000_000 * 10_000 + number


def _number(name: str) -> int:
    return zlib.crc32(name.encode())


def _time(moment: datetime) -> str:
    return moment.astimezone(EASTERN).isoformat()
