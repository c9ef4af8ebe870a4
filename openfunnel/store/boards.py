"""Reads about boards: which there are, and how their crawl stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from openfunnel.records import BoardRef
from openfunnel.store.models import Board, Company


@dataclass(frozen=True)
class BoardRow:
    """A board."""

    id: int
    ref: BoardRef
    company_name: str | None
    queued_at: datetime | None
    posting_count: int | None
    due_at: datetime


@dataclass(frozen=True)
class BoardVisit:
    """What a crawler needs to know of a board it is about to ask."""

    id: int
    ref: BoardRef
    etag: str | None
    """Validators of the last complete fetch."""
    last_modified: str | None
    checksum: str | None
    """SHA-256 of its body, in hex."""


@dataclass(frozen=True)
class FailedBoard:
    """A board whose last crawl was given up."""

    ref: BoardRef
    failure: str
    detail: str


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


def failed_boards(session: Session, board_ids: Sequence[int]) -> list[FailedBoard]:
    """Those of these boards whose last crawl was given up, by id."""
    ended = Board.id.in_(board_ids), Board.queued_at.is_(None)
    failed = select(Board).where(*ended, Board.failure.is_not(None))
    return [
        FailedBoard(
            BoardRef(ats=board.ats, region=board.region, token=board.token),
            board.failure or "",
            board.failure_detail or "",
        )
        for board in session.scalars(failed.order_by(Board.id))
    ]


def due_boards(session: Session, now: datetime, limit: int) -> list[BoardRow]:
    """Return active boards that are due and not being crawled, the longest due first."""
    due = (Board.status == "active", Board.queued_at.is_(None), Board.due_at <= now)
    return _boards(session, *due, order=(Board.due_at, Board.id), limit=limit)


def _boards(
    session: Session, *conditions: Any, order: Sequence[Any] = (Board.id,), limit: int | None = None
) -> list[BoardRow]:
    statement = (
        select(
            Board.id,
            Board.ats,
            Board.region,
            Board.token,
            Company.name,
            Board.queued_at,
            Board.posting_count,
            Board.due_at,
        )
        .outerjoin(Company, Company.id == Board.company_id)
        .where(*conditions)
        .order_by(*order)
        .limit(limit)
    )
    return [
        BoardRow(
            row.id,
            BoardRef(ats=row.ats, region=row.region, token=row.token),
            row.name,
            row.queued_at,
            row.posting_count,
            row.due_at,
        )
        for row in session.execute(statement)
    ]
