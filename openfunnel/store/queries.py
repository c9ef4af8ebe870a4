"""Every read but the search: what the store knows, as frozen records."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import zstandard
from sqlalchemy import Executable, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session, defer

from openfunnel.errors import RawResponseDamaged
from openfunnel.records import (
    AtsFields,
    BoardRef,
    Evidence,
    Extraction,
    ExtractionResult,
    PostingStatus,
    PostingText,
    RawResponse,
    Stance,
    ValueSource,
)
from openfunnel.store.models import (
    Board,
    Company,
    JobSkill,
    Posting,
    Run,
    Skill,
    StoredDeadLetter,
    StoredExtraction,
    StoredResponse,
)
from openfunnel.store.search import SELECT_POSTINGS, PostingRow, read_posting

# --- the crawl ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class BoardRow:
    """A board."""

    id: int
    ref: BoardRef
    company_name: str | None
    queued_at: datetime | None
    posting_count: int | None


@dataclass(frozen=True)
class DiscoveredPosting:
    """A posting of which only the address is known."""

    id: int
    ref: BoardRef
    external_id: str


@dataclass(frozen=True)
class BoardProgress:
    """How the crawl of some boards stands."""

    done: int
    failed: int
    pending: int


def active_boards(session: Session, ats: str | None = None) -> list[BoardRow]:
    """Return the boards not marked as not found, in the order they became known."""
    conditions = [Board.status == "active"]
    if ats is not None:
        conditions.append(Board.ats == ats)
    return _boards(session, *conditions)


def boards_in_progress(session: Session, queued_before: datetime) -> list[BoardRow]:
    """Return the boards whose crawl was asked for before then and has not ended."""
    return _boards(session, Board.queued_at < queued_before)


def discovered_postings(session: Session, before: datetime) -> list[DiscoveredPosting]:
    """Return the postings known by address alone since before then."""
    statement = (
        select(Posting.id, Board.ats, Board.region, Board.token, Posting.external_id)
        .join(Board, Board.id == Posting.board_id)
        .where(Posting.status == PostingStatus.DISCOVERED, Posting.first_seen_at < before)
        .order_by(Posting.id)
    )
    return [
        DiscoveredPosting(
            row.id, BoardRef(ats=row.ats, region=row.region, token=row.token), row.external_id
        )
        for row in session.execute(statement)
    ]


def board_progress(session: Session, board_ids: Sequence[int]) -> BoardProgress:
    """Count how many of these boards are fetched, failed, and still wanted."""
    pending = Board.queued_at.is_not(None)
    failed = Board.failure.is_not(None)
    counts = select(
        func.count().filter(~pending & ~failed).label("done"),
        func.count().filter(~pending & failed).label("failed"),
        func.count().filter(pending).label("pending"),
    ).where(Board.id.in_(board_ids))
    return BoardProgress(**session.execute(counts).mappings().one())


def _boards(session: Session, *conditions: Any) -> list[BoardRow]:
    statement = (
        select(
            Board.id,
            Board.ats,
            Board.region,
            Board.token,
            Company.name,
            Board.queued_at,
            Board.posting_count,
        )
        .outerjoin(Company, Company.id == Board.company_id)
        .where(*conditions)
        .order_by(Board.id)
    )
    return [
        BoardRow(
            row.id,
            BoardRef(ats=row.ats, region=row.region, token=row.token),
            row.name,
            row.queued_at,
            row.posting_count,
        )
        for row in session.execute(statement)
    ]


# --- extraction ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class PendingPosting:
    """What a worker needs of a posting."""

    id: int
    status: PostingStatus
    text_checksum: str
    """To be handed back with the extraction."""
    posting: PostingText


def posting_for_extraction(session: Session, posting_id: int) -> PendingPosting | None:
    """Return a posting with its text; None if there is none, or nothing was fetched yet."""
    statement = (
        select(
            Posting.id,
            Posting.status,
            Posting.text_checksum,
            Posting.title,
            Posting.text,
            Posting.fields,
            Company.name.label("company_name"),
        )
        .outerjoin(Company, Company.id == Posting.company_id)
        .where(Posting.id == posting_id, Posting.text_checksum.is_not(None))
    )
    row = session.execute(statement).one_or_none()
    if row is None:
        return None
    return PendingPosting(
        row.id,
        PostingStatus(row.status),
        row.text_checksum,
        PostingText(
            title=row.title,
            text=row.text,
            company_name=row.company_name,
            fields=AtsFields.model_validate(row.fields),
        ),
    )


def postings_awaiting_extraction(session: Session, after_id: int, limit: int) -> list[int]:
    """Return the ids of fetched postings beyond `after_id`, in order; a page of the reconciler."""
    statement = (
        select(Posting.id)
        .where(Posting.status == PostingStatus.FETCHED, Posting.id > after_id)
        .order_by(Posting.id)
        .limit(limit)
    )
    return list(session.scalars(statement))


# --- postings -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class PostingDetail:
    """One posting, whole."""

    posting: PostingRow
    text: str | None
    fields: AtsFields | None
    """What the ATS states beside title and text."""


@dataclass(frozen=True)
class ExtractionRow:
    """A stored extraction and what was derived from it."""

    job_posting_id: int
    result: ExtractionResult
    extracted_at: datetime
    outdated: bool
    """True where the posting's text has changed since."""
    comp_max_usd_year: Decimal | None
    comp_rate_date: date | None


@dataclass(frozen=True)
class PostingSkill:
    """A skill that a posting names."""

    skill: str
    slug: str
    category: str
    stance: Stance
    evidence: Evidence
    source: ValueSource


@dataclass(frozen=True)
class SkillCount:
    """How many open postings name a skill."""

    skill: str
    slug: str
    category: str
    postings: int


_DETAIL = text(f"{SELECT_POSTINGS} WHERE p.id = :id")


def get_posting(session: Session, posting_id: int) -> PostingDetail | None:
    """Return a posting with its text, or None."""
    row = session.execute(_DETAIL, {"id": posting_id}).mappings().one_or_none()
    if row is None:
        return None
    content = select(Posting.text, Posting.fields).where(Posting.id == posting_id)
    text_, fields = session.execute(content).one()
    stated = AtsFields.model_validate(fields) if fields is not None else None
    return PostingDetail(read_posting(row), text_, stated)


def get_extraction(session: Session, posting_id: int) -> ExtractionRow | None:
    """Return the extraction of a posting, or None."""
    statement = (
        select(StoredExtraction, Posting.text_checksum)
        .options(defer(StoredExtraction.search))
        .join(Posting, Posting.id == StoredExtraction.job_posting_id)
        .where(StoredExtraction.job_posting_id == posting_id)
    )
    found = session.execute(statement).one_or_none()
    if found is None:
        return None
    stored, text_checksum = found
    return ExtractionRow(
        job_posting_id=posting_id,
        result=ExtractionResult(
            extraction=Extraction.model_validate(stored.fields),
            extractor=stored.extractor,
            model=stored.model,
            prompt_version=stored.prompt_version,
            tokens_in=stored.tokens_in,
            tokens_out=stored.tokens_out,
            duration_ms=stored.duration_ms,
            dropped=stored.dropped,
        ),
        extracted_at=stored.extracted_at,
        outdated=stored.text_checksum != text_checksum,
        comp_max_usd_year=stored.comp_max_usd_year,
        comp_rate_date=stored.comp_rate_date,
    )


def posting_skills(session: Session, posting_id: int) -> list[PostingSkill]:
    """Return the skills a posting names, in the order of their names."""
    statement = (
        select(
            Skill.name,
            Skill.slug,
            Skill.category,
            JobSkill.stance,
            JobSkill.evidence,
            JobSkill.source,
        )
        .join(Skill, Skill.id == JobSkill.skill_id)
        .where(JobSkill.job_posting_id == posting_id)
        .order_by(func.lower(Skill.name), Skill.id)
    )
    return [
        PostingSkill(
            row.name,
            row.slug,
            row.category,
            Stance(row.stance),
            Evidence.model_validate(row.evidence),
            ValueSource(row.source),
        )
        for row in session.execute(statement)
    ]


def top_skills(session: Session, limit: int) -> list[SkillCount]:
    """Return the technologies and skills that most open postings name."""
    count = func.count().label("postings")
    statement = (
        select(Skill.name.label("skill"), Skill.slug, Skill.category, count)
        .join(JobSkill, JobSkill.skill_id == Skill.id)
        .join(Posting, Posting.id == JobSkill.job_posting_id)
        .where(Posting.closed_at.is_(None))
        .group_by(Skill.id)
        .order_by(count.desc(), Skill.slug)
        .limit(limit)
    )
    return [SkillCount(**row) for row in session.execute(statement).mappings()]


def posting_payload(session: Session, posting_id: int) -> Mapping[str, Any] | None:
    """Return the posting's own part of its board's answer; None if nothing was fetched."""
    return session.scalar(select(Posting.payload).where(Posting.id == posting_id))


def get_raw_response(session: Session, raw_response_id: int) -> RawResponse | None:
    """Return an answer as it came, byte for byte; None if there is no such.

    Raises:
        RawResponseDamaged: the stored body is not the one whose checksum is stored.

    """
    stored = session.get(StoredResponse, raw_response_id)
    if stored is None:
        return None
    try:
        body = zstandard.ZstdDecompressor().decompress(stored.body)
    except zstandard.ZstdError as error:
        raise RawResponseDamaged(id=raw_response_id) from error
    if hashlib.sha256(body).hexdigest() != stored.checksum:
        raise RawResponseDamaged(id=raw_response_id)
    return RawResponse(
        url=stored.url,
        fetched_at=stored.fetched_at,
        http_status=stored.http_status,
        body=body,
        content_type=stored.content_type,
        etag=stored.etag,
        last_modified=stored.last_modified,
    )


# --- the funnel and its runs --------------------------------------------------------------------


@dataclass(frozen=True)
class BoardCounts:
    """Boards, all and by what is up with them."""

    total: int
    queued: int
    failed: int
    not_found: int


@dataclass(frozen=True)
class Funnel:
    """How far everything is."""

    boards: BoardCounts
    postings: Mapping[PostingStatus, int]
    """A count for every status."""
    closed: int
    dead_letters: Mapping[str, int]
    """By kind."""
    extractors: Mapping[str, int]
    """Extractions by who made them."""


@dataclass(frozen=True)
class Activity:
    """How many postings got how far in some time."""

    fetched: int
    extracted: int


@dataclass(frozen=True)
class RunRow:
    """A run as it began."""

    id: int
    trace_id: str
    kind: str
    created_at: datetime
    board_count: int
    job_count: int


@dataclass(frozen=True)
class RunProgress:
    """How far a run is."""

    run: RunRow
    boards: BoardProgress
    postings: Mapping[PostingStatus, int]
    """Postings on its boards, a count for every status."""

    @property
    def finished(self) -> bool:
        """True when every board was fetched or given up, and every posting is at an end."""
        waiting = (PostingStatus.DISCOVERED, PostingStatus.FETCHED)
        return not self.boards.pending and not any(self.postings[status] for status in waiting)


_FUNNEL = text("""
    SELECT (SELECT count(*) FROM boards) AS total,
           (SELECT count(*) FROM boards WHERE queued_at IS NOT NULL) AS queued,
           (SELECT count(*) FROM boards WHERE failure IS NOT NULL AND status = 'active') AS failed,
           (SELECT count(*) FROM boards WHERE status = 'not_found') AS not_found
""")

_RUN_BOARDS = text("""
    SELECT count(*) FILTER (WHERE finished_at IS NOT NULL AND failure IS NULL) AS done,
           count(*) FILTER (WHERE finished_at IS NOT NULL AND failure IS NOT NULL) AS failed,
           count(*) FILTER (WHERE finished_at IS NULL) AS pending
    FROM run_boards WHERE run_id = :run_id
""")

_RUN_POSTINGS = text("""
    SELECT status, count(*) FROM job_postings
    WHERE board_id IN (SELECT board_id FROM run_boards WHERE run_id = :run_id)
    GROUP BY status
""")


def funnel(session: Session) -> Funnel:
    """Count everything the store holds."""
    boards = BoardCounts(**session.execute(_FUNNEL).mappings().one())
    statuses = select(Posting.status, func.count()).group_by(Posting.status)
    closed = select(func.count()).where(Posting.closed_at.is_not(None))
    return Funnel(
        boards=boards,
        postings=_every_status(session, statuses),
        closed=session.execute(closed).scalar_one(),
        dead_letters=_counts(session, StoredDeadLetter.kind),
        extractors=_counts(session, StoredExtraction.extractor),
    )


def activity(session: Session, since: datetime) -> Activity:
    """Count what was fetched and extracted since then."""
    fetched = select(func.count()).where(Posting.fetched_at >= since)
    extracted = select(func.count()).where(StoredExtraction.extracted_at >= since)
    return Activity(session.execute(fetched).scalar_one(), session.execute(extracted).scalar_one())


def list_runs(session: Session, limit: int = 100) -> list[RunRow]:
    """Return the latest runs, newest first."""
    statement = select(*_RUN_COLUMNS).order_by(Run.id.desc()).limit(limit)
    return [RunRow(**row) for row in session.execute(statement).mappings()]


def run_progress(session: Session, run_id: int) -> RunProgress | None:
    """Return a run and how far it is; None if there is no such."""
    found = select(*_RUN_COLUMNS).where(Run.id == run_id)
    row = session.execute(found).mappings().one_or_none()
    if row is None:
        return None
    boards = session.execute(_RUN_BOARDS, {"run_id": run_id}).mappings().one()
    return RunProgress(
        RunRow(**row),
        BoardProgress(**boards),
        _every_status(session, _RUN_POSTINGS, {"run_id": run_id}),
    )


_RUN_COLUMNS = (
    Run.id,
    Run.trace_id,
    Run.kind,
    Run.created_at,
    Run.board_count,
    Run.job_count,
)


def _every_status(
    session: Session, statement: Executable, values: Mapping[str, Any] | None = None
) -> dict[PostingStatus, int]:
    counts = {row[0]: row[1] for row in session.execute(statement, values)}
    return {status: counts.get(status, 0) for status in PostingStatus}


def _counts(session: Session, column: InstrumentedAttribute[str]) -> dict[str, int]:
    rows = session.execute(select(column, func.count()).group_by(column).order_by(column))
    return {row[0]: row[1] for row in rows}
