"""How far everything is: the funnel, its pace, and the runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, func, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from openfunnel.records import PostingStatus
from openfunnel.store.boards import BoardProgress
from openfunnel.store.models import (
    Board,
    BoardFailure,
    Posting,
    Run,
    StoredDeadLetter,
    StoredExtraction,
)


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
class ModelShare:
    """About how many of the postings with an extraction a model was asked."""

    asked: int
    triaged: int
    """No model was asked about them although there was one."""
    tokens_in: float | None
    """Of all calls for one posting, on average; None where every answer was known."""


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

_MODEL_SHARE = text("""
    SELECT count(*) FILTER (WHERE triage IS NULL) AS asked, count(triage) AS triaged,
           CAST(avg(tokens_in) FILTER (WHERE tokens_in > 0) AS float) AS tokens_in
    FROM extractions WHERE coalesce(model, triage, failure) IS NOT NULL
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


def failures(session: Session) -> dict[str, dict[str, int]]:
    """Count how often the crawl of boards failed, by ATS and the failure's name."""
    times = func.sum(BoardFailure.times)
    statement = (
        select(Board.ats, BoardFailure.failure, times)
        .join(Board, Board.id == BoardFailure.board_id)
        .group_by(Board.ats, BoardFailure.failure)
        .order_by(Board.ats, times.desc(), BoardFailure.failure)
    )
    counted: dict[str, dict[str, int]] = {}
    for ats, failure, count in session.execute(statement):
        counted.setdefault(ats, {})[failure] = int(count)
    return counted


def model_share(session: Session) -> ModelShare:
    """Count what models were asked about, and what triage kept from them."""
    return ModelShare(**session.execute(_MODEL_SHARE).mappings().one())


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
