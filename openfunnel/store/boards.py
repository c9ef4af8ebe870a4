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
    requeues: int
    """How often the crawl that is asked for was lost."""
    posting_count: int | None


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


def _boards(session: Session, *conditions: Any) -> list[BoardRow]:
    statement = (
        select(
            Board.id,
            Board.ats,
            Board.region,
            Board.token,
            Company.name,
            Board.queued_at,
            Board.requeues,
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
            row.requeues,
            row.posting_count,
        )
        for row in session.execute(statement)
    ]
