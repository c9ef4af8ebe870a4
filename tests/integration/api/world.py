"""A small world of postings, written as the crawl and the extraction write it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from openfunnel.records import (
    AtsFields,
    BoardRef,
    Compensation,
    EmploymentType,
    Evidence,
    Extraction,
    ExtractionResult,
    Initiative,
    InitiativeType,
    JobPosting,
    PayPeriod,
    Place,
    RawResponse,
    RoleFunction,
    Seniority,
    SkillMention,
    Sourced,
    Stance,
    ValueSource,
    Workplace,
)
from openfunnel.store import (
    crawl_writes,
    queries,
    run_writes,
)
from openfunnel.store.database import Database
from openfunnel.store.extraction_writes import FinishedExtraction, save_extractions
from tests.integration import singly

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
BODY = b'{"jobs": [ ]}\r\n'
NEW_YORK = Place(city="New York", region="New York", country="US")
BERLIN = Place(city="Berlin", region="Berlin", country="DE")
SKILLS = {
    "Python": ("python", "language"),
    "PostgreSQL": ("postgresql", "database"),
    "Salesforce": ("salesforce", "business application"),
}


FETCHED = crawl_writes.BoardOutcome(
    posting_count=4,
    changed=True,
    etag=None,
    last_modified=None,
    checksum=None,
    raw_response_id=None,
)


@dataclass(frozen=True)
class World:
    """Ids of what `build_world` stored."""

    postings: dict[str, int]
    """By title."""
    raw_response_id: int
    run_id: int


def _sourced(value: Any, text: str | None = None) -> Sourced[Any]:
    evidence = Evidence(text=text) if text else None
    return Sourced(value=value, source=ValueSource.RULES, evidence=evidence)


def _posting(
    board: BoardRef, number: int, title: str, company: str, posted: datetime | None
) -> Any:
    return JobPosting(
        board=board,
        external_id=str(number),
        title=title,
        company_name=company,
        canonical_url=f"https://job-boards.greenhouse.io/{board.token}/jobs/{number}",
        public_url=f"https://careers.example/{number}",
        text=f"We build looms in many towns.\nYou know Python and PostgreSQL. Number {number}.",
        fields=AtsFields(locations=("New York, NY",)),
        posted_at=posted,
        payload={"id": number, "title": title, "metadata": None},
    )


def _extraction(
    seniority: Seniority,
    place: Place,
    pay: Compensation | None,
    workplace: Workplace | None,
    skills: tuple[str, ...],
) -> Extraction:
    mentions = tuple(
        SkillMention(
            name=name,
            slug=SKILLS[name][0],
            category=SKILLS[name][1],
            stance=Stance.REQUIRED,
            evidence=Evidence(text="You know Python and PostgreSQL", start=30, end=60),
            source=ValueSource.RULES,
        )
        for name in skills
    )
    return Extraction(
        role_function=_sourced(RoleFunction.DATA),
        seniority=_sourced(seniority, "Staff"),
        employment_type=_sourced(EmploymentType.FULL_TIME),
        workplace=workplace and _sourced(workplace),
        locations=(_sourced(place, "New York"),),
        compensation=pay and _sourced(pay),
        years_experience_min=_sourced(5),
        technologies=mentions,
        initiatives=(
            Initiative(
                type=InitiativeType.SCALING,
                evidence=Evidence(text="We build looms in many towns", start=0, end=28),
                source=ValueSource.RULES,
            ),
        ),
        summary=_sourced("Builds data pipelines for looms."),
    )


def _pay(low: int, high: int, currency: str = "USD", period: PayPeriod = PayPeriod.YEAR) -> Any:
    return Compensation(min=Decimal(low), max=Decimal(high), currency=currency, period=period)


EXTRACTIONS = {
    "Staff Data Engineer": _extraction(
        Seniority.STAFF,
        NEW_YORK,
        _pay(200_000, 250_000),
        Workplace.HYBRID,
        ("Python", "PostgreSQL"),
    ),
    "Data Analyst": _extraction(
        Seniority.MID, BERLIN, _pay(50_000, 60_000, "EUR"), None, ("PostgreSQL",)
    ),
    "Hourly Analyst": _extraction(
        Seniority.JUNIOR, NEW_YORK, _pay(40, 50, period=PayPeriod.HOUR), None, ("Python",)
    ),
    "Remote Seller": _extraction(
        Seniority.SENIOR, Place(country="US"), None, Workplace.REMOTE, ("Salesforce",)
    ),
}
"""By title; `Fresh Opening` has none, `Gone Opening` is closed."""


def build_world(database: Database) -> World:
    """Store two boards with six postings, four of them extracted and one of them closed."""
    weaver, miller = (BoardRef(ats="greenhouse", token=token) for token in ("weaver", "miller"))
    with database.begin() as session:
        weaver_id = crawl_writes.upsert_board(session, weaver, "Wéaver & Sons", NOON)
        miller_id = crawl_writes.upsert_board(session, miller, "Miller", NOON)
        run = run_writes.create_run(session, "all", "ab" * 16, [weaver_id, miller_id], NOON)
        raw = RawResponse(
            url="https://boards-api.greenhouse.io/v1/boards/weaver/jobs",
            fetched_at=NOON,
            http_status=200,
            body=BODY,
            content_type="application/json; charset=utf-8",
        )
        raw_id = singly.save_answer(session, weaver_id, raw, run.id)
        weavers = [
            _posting(weaver, 1, "Staff Data Engineer", "Wéaver & Sons", NOON - 1 * DAY),
            _posting(weaver, 2, "Data Analyst", "Wéaver & Sons", NOON - 2 * DAY),
            _posting(weaver, 3, "Hourly Analyst", "Wéaver & Sons", None),
            _posting(weaver, 4, "Gone Opening", "Wéaver & Sons", NOON - 4 * DAY),
        ]
        millers = [
            _posting(miller, 5, "Remote Seller", "Miller", NOON - 5 * DAY),
            _posting(miller, 6, "Fresh Opening", "Miller", NOON - 6 * DAY),
        ]
        singly.save_page(session, weaver_id, raw_id, weavers, NOON)
        singly.save_page(session, miller_id, raw_id, millers, NOON)
        singly.close_all_but(session, weaver_id, ["1", "2", "3"], NOON + DAY)
        singly.finish(session, weaver_id, FETCHED, NOON, jitter=1.0)
        waiting = queries.postings_awaiting_extraction(session, 0, 100)
        pending = queries.postings_for_extraction(session, waiting).values()
        ids = {one.posting.title: one.id for one in pending}
        finished = [
            FinishedExtraction(
                one.id,
                one.text_checksum,
                ExtractionResult(
                    extraction=EXTRACTIONS[one.posting.title],
                    extractor="rules",
                    prompt_version="rules-1",
                    duration_ms=3,
                ),
                fence=1,
            )
            for one in pending
            if one.posting.title in EXTRACTIONS
        ]
        assert len(save_extractions(session, finished, NOON)) == len(EXTRACTIONS)
    return World(ids, raw_id, run.id)


def payload_of(number: int, title: str) -> dict[str, Any]:
    """Return the payload that posting `number` was stored with."""
    return dict(json.loads(json.dumps({"id": number, "title": title, "metadata": None})))
