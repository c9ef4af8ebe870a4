"""The search over postings: filters to SQL, keyset pages, capped counts.

A page is `SELECT ... WHERE filters AND (sort value, id) < (last row's) ORDER BY sort value DESC,
id DESC`: every row comes exactly once, however deep, and new rows do not shift the pages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping, select, text
from sqlalchemy.orm import Session

from openfunnel.errors import InvalidQuery
from openfunnel.normalize.text import fold
from openfunnel.records import (
    BoardRef,
    EmploymentType,
    PayPeriod,
    Place,
    PostingStatus,
    RoleFunction,
    Seniority,
    Workplace,
)
from openfunnel.store.models import SkillAlias

COUNT_CAP = 10_000
"""Matches beyond this number are estimated."""

MAX_AMOUNT = Decimal("1e30")

Position = tuple[str, int]
"""Where a page ended: the last row's sort value as text, and its id."""


class PostingSort(StrEnum):
    """Orders of a search, each the greatest first."""

    POSTED_AT = "-posted_at"
    """By `listed_at`: the first sighting stands in where the posting's own date is unknown."""
    FIRST_SEEN_AT = "-first_seen_at"
    COMP = "-comp"
    """By the top of the yearly pay in USD; unknown pay comes last."""


@dataclass(frozen=True)
class PostingFilters:
    """What to look for. Empty means everything; of several values any, of skills all."""

    q: str | None = None
    """As people type it into a search engine: words, "phrases", or, -not."""
    status: Sequence[PostingStatus] = ()
    company_names: Sequence[str] = ()
    """Employers' names or board tokens, in any case."""
    place_keys: Sequence[str] | None = None
    """As `normalize.location.query_keys` gives them; an empty sequence matches nothing."""
    min_comp_usd_year: Decimal | None = None
    include_unknown_comp: bool = False
    seniority: Sequence[Seniority] = ()
    role_function: Sequence[RoleFunction] = ()
    employment_type: Sequence[EmploymentType] = ()
    workplace: Sequence[Workplace] = ()
    ats: Sequence[str] = ()
    skills: Sequence[str] = ()
    """Names, slugs or aliases, in any case."""
    posted_after: datetime | None = None
    """Inclusive, on `listed_at`."""
    first_seen_after: datetime | None = None
    """Inclusive."""
    closed: bool | None = False
    """True: only closed ones; None: both."""


@dataclass(frozen=True)
class ListedPay:
    """Pay as stated, and the top of it per year in US dollars where the currency has a rate."""

    min: Decimal
    max: Decimal
    currency: str
    period: PayPeriod
    ote: bool
    max_usd_year: Decimal | None
    rate_date: date | None


@dataclass(frozen=True)
class PostingRow:
    """A posting in a list; what only an extraction can tell is None before it."""

    id: int
    status: PostingStatus
    board: BoardRef
    external_id: str
    company_name: str | None
    title: str | None
    canonical_url: str
    public_url: str | None
    apply_url: str | None
    posted_at: datetime | None
    updated_at: datetime | None
    first_seen_at: datetime
    fetched_at: datetime | None
    listed_at: datetime
    closed_at: datetime | None
    failure: str | None
    raw_response_id: int | None
    role_function: RoleFunction | None
    seniority: Seniority | None
    employment_type: EmploymentType | None
    workplace: Workplace | None
    years_experience_min: int | None
    locations: tuple[Place, ...]
    compensation: ListedPay | None
    summary: str | None
    extractor: str | None
    """Who made the extraction: `rules`, `ollama` or `openai`."""

    def position(self, sort: PostingSort) -> Position:
        """Return where this row stands under `sort`: what `search_postings` continues after."""
        pay = self.compensation
        values: dict[PostingSort, datetime | Decimal] = {
            PostingSort.POSTED_AT: self.listed_at,
            PostingSort.FIRST_SEEN_AT: self.first_seen_at,
            PostingSort.COMP: (pay and pay.max_usd_year) or Decimal(0),
        }
        return str(values[sort]), self.id


_FROM = """
    FROM job_postings p
    JOIN boards b ON b.id = p.board_id
    LEFT JOIN companies c ON c.id = p.company_id
    LEFT JOIN extractions e ON e.job_posting_id = p.id
"""

POSTING_COLUMNS = """
    p.id, p.status, b.ats, b.region, b.token, p.external_id, c.name AS company_name, p.title,
    p.canonical_url, p.public_url, p.apply_url, p.posted_at, p.updated_at, p.first_seen_at,
    p.fetched_at, p.listed_at, p.closed_at, p.failure, p.raw_response_id, e.role_function,
    e.seniority, e.employment_type, e.workplace, e.years_experience_min,
    e.fields -> 'locations' AS locations, e.comp_min, e.comp_max, e.comp_currency, e.comp_period,
    e.comp_ote, e.comp_max_usd_year, e.comp_rate_date,
    e.fields #>> '{summary,value}' AS summary, e.extractor
"""

SELECT_POSTINGS = f"SELECT {POSTING_COLUMNS} {_FROM}"
"""The columns that `read_posting` reads; aliases `p`, `b`, `c`, `e`."""

_SORTS = {
    PostingSort.POSTED_AT: ("p.listed_at", "timestamptz"),
    PostingSort.FIRST_SEEN_AT: ("p.first_seen_at", "timestamptz"),
    PostingSort.COMP: ("coalesce(e.comp_max_usd_year, 0::numeric)", "numeric"),
}

_ANY_OF = {
    "status": "p.status = ANY(CAST(:status AS text[]))",
    "ats": "b.ats = ANY(CAST(:ats AS text[]))",
    "seniority": "e.seniority = ANY(CAST(:seniority AS text[]))",
    "role_function": "e.role_function = ANY(CAST(:role_function AS text[]))",
    "employment_type": "e.employment_type = ANY(CAST(:employment_type AS text[]))",
    "workplace": "e.workplace = ANY(CAST(:workplace AS text[]))",
}

_ONE = {
    "q": "e.search @@ websearch_to_tsquery('english', :q)",
    "posted_after": "p.listed_at >= CAST(:posted_after AS timestamptz)",
    "first_seen_after": "p.first_seen_at >= CAST(:first_seen_after AS timestamptz)",
}

_EMPLOYER = """(
    p.company_id = ANY(ARRAY(
        SELECT id FROM companies WHERE folded = ANY(CAST(:company_names AS text[]))))
    OR p.board_id = ANY(ARRAY(
        SELECT id FROM boards WHERE lower(token) = ANY(CAST(:company_names AS text[]))))
)"""


def search_postings(
    session: Session,
    filters: PostingFilters,
    sort: PostingSort = PostingSort.POSTED_AT,
    limit: int = 25,
    after: Position | None = None,
) -> list[PostingRow]:
    """Return one page of the postings that match, behind `after` (`PostingRow.position`).

    Raises:
        InvalidQuery: `after` is no position of this order.

    """
    conditions, values = _where(session, filters)
    column, kind = _SORTS[sort]
    if after is not None:
        conditions.append(f"({column}, p.id) < (CAST(:after_value AS {kind}), :after_id)")
        values |= {"after_value": _sort_value(sort, after[0]), "after_id": after[1]}
    statement = f"""
        {SELECT_POSTINGS}
        WHERE {" AND ".join(conditions)}
        ORDER BY {column} DESC, p.id DESC
        LIMIT :limit
    """
    rows = session.execute(text(statement), {**values, "limit": limit})
    return [read_posting(row) for row in rows.mappings()]


def count_postings(
    session: Session, filters: PostingFilters, cap: int = COUNT_CAP
) -> tuple[int, bool]:
    """Count the matches, and say whether that is an estimate: beyond `cap` it is the planner's."""
    conditions, values = _where(session, filters)
    matches = f"SELECT 1 {_FROM} WHERE {' AND '.join(conditions)}"
    capped = text(f"SELECT count(*) FROM ({matches} LIMIT :most) AS capped")  # noqa: S608
    count: int = session.execute(capped, {**values, "most": cap + 1}).scalar_one()
    if count <= cap:
        return count, False
    plan = session.execute(text(f"EXPLAIN (FORMAT JSON) {matches}"), values).scalar_one()
    return max(count, int(plan[0]["Plan"]["Plan Rows"])), True


def read_posting(row: RowMapping) -> PostingRow:
    """Make the record of a row of `SELECT_POSTINGS`."""
    pay = row["comp_currency"] and ListedPay(
        min=row["comp_min"],
        max=row["comp_max"],
        currency=row["comp_currency"],
        period=PayPeriod(row["comp_period"]),
        ote=row["comp_ote"],
        max_usd_year=row["comp_max_usd_year"],
        rate_date=row["comp_rate_date"],
    )
    extracted = row["role_function"] is not None
    return PostingRow(
        id=row["id"],
        status=PostingStatus(row["status"]),
        board=BoardRef(ats=row["ats"], region=row["region"], token=row["token"]),
        external_id=row["external_id"],
        company_name=row["company_name"],
        title=row["title"],
        canonical_url=row["canonical_url"],
        public_url=row["public_url"],
        apply_url=row["apply_url"],
        posted_at=row["posted_at"],
        updated_at=row["updated_at"],
        first_seen_at=row["first_seen_at"],
        fetched_at=row["fetched_at"],
        listed_at=row["listed_at"],
        closed_at=row["closed_at"],
        failure=row["failure"],
        raw_response_id=row["raw_response_id"],
        role_function=RoleFunction(row["role_function"]) if extracted else None,
        seniority=Seniority(row["seniority"]) if extracted else None,
        employment_type=row["employment_type"] and EmploymentType(row["employment_type"]),
        workplace=row["workplace"] and Workplace(row["workplace"]),
        years_experience_min=row["years_experience_min"],
        locations=tuple(
            Place.model_validate(location["value"]) for location in row["locations"] or ()
        ),
        compensation=pay or None,
        summary=row["summary"],
        extractor=row["extractor"],
    )


def _where(session: Session, filters: PostingFilters) -> tuple[list[str], dict[str, Any]]:
    conditions = ["TRUE"]
    values: dict[str, Any] = {}
    if filters.closed is not None:
        conditions.append(f"p.closed_at IS {'NOT NULL' if filters.closed else 'NULL'}")
    for name, condition in _ANY_OF.items():
        if wanted := getattr(filters, name):
            conditions.append(condition)
            values[name] = [str(value) for value in wanted]
    for name, condition in _ONE.items():
        if (wanted := getattr(filters, name)) is not None:
            conditions.append(condition)
            values[name] = wanted
    if filters.place_keys is not None:
        conditions.append("e.place_keys && CAST(:place_keys AS text[])")
        values["place_keys"] = list(filters.place_keys)
    if filters.company_names:
        conditions.append(_EMPLOYER)
        values["company_names"] = [fold(name) for name in filters.company_names]
    if filters.min_comp_usd_year is not None:
        unknown = " OR e.comp_max_usd_year IS NULL" if filters.include_unknown_comp else ""
        conditions.append(f"(e.comp_max_usd_year >= :min_comp{unknown})")
        values["min_comp"] = filters.min_comp_usd_year
    for number, skill in enumerate(filters.skills):
        # The ids are looked up first: the GIN index wants to see them as constants.
        named = select(SkillAlias.skill_id).where(SkillAlias.alias == fold(skill))
        conditions.append(f"e.skill_ids && CAST(:skill_{number} AS integer[])")
        values[f"skill_{number}"] = list(session.scalars(named))
    return conditions, values


def _sort_value(sort: PostingSort, value: str) -> datetime | Decimal:
    try:
        if sort is not PostingSort.COMP:
            return datetime.fromisoformat(value)
        amount = Decimal(value)
        if amount.is_finite() and abs(amount) < MAX_AMOUNT:
            return amount
    except (ValueError, InvalidOperation):
        pass
    raise InvalidQuery(field="cursor", problem="not a position of this order")
