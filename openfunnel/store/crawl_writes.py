"""What the crawl writes about boards: that they exist, are wanted, answered, or failed.

Every function works in the caller's transaction and may be repeated without harm. Postings have a
module of their own.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import zstandard
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from openfunnel.records import BoardRef, DeadLetter, Failure, RawResponse
from openfunnel.store.companies import company_ids, name_board
from openfunnel.store.encoding import storable_time
from openfunnel.store.models import Board, RunBoard, StoredDeadLetter

ZSTD_LEVEL = 3

_SAVE_RAW_RESPONSE = text("""
    INSERT INTO raw_responses (board_id, run_id, url, fetched_at, http_status, content_type,
                               etag, last_modified, checksum, body_bytes, body, failure)
    VALUES (:board_id,
            (SELECT id FROM runs WHERE id = :run_id),  -- start entries may name any number
            :url, :fetched_at, :http_status, :content_type,
            :etag, :last_modified, :checksum, :body_bytes, :body, :failure)
    RETURNING id
""")


def upsert_board(session: Session, ref: BoardRef, company_name: str | None, now: datetime) -> int:
    """Make a board known if it is not, and return its id; `company_name` names a nameless one."""
    company_id = company_ids(session, [company_name]).get(company_name)
    same = (Board.ats == ref.ats, Board.region == ref.region, Board.token == ref.token)
    board = session.execute(select(Board.id, Board.company_id).where(*same)).one_or_none()
    if board is None:
        added = insert(Board).values(**ref.model_dump(), company_id=company_id, first_seen_at=now)
        session.execute(added.on_conflict_do_nothing())
        return session.execute(select(Board.id).where(*same)).scalar_one()
    if board.company_id is None and company_id is not None:
        name_board(session, board.id, company_id)
    return int(board.id)


def mark_queued(session: Session, board_ids: Sequence[int], now: datetime) -> None:
    """Record that a crawl of these boards was asked for, or taken up, now.

    Rows are locked in order, so that two askers never wait for each other in a circle.
    """
    wanted = select(Board.id).where(Board.id.in_(board_ids)).order_by(Board.id)
    locked = session.scalars(wanted.with_for_update()).all()
    session.execute(update(Board).where(Board.id.in_(locked)).values(queued_at=now))


def mark_lost(session: Session, board_ids: Sequence[int], now: datetime) -> None:
    """Record that a crawl of these boards was lost and is asked for again."""
    mark_queued(session, board_ids, now)
    lost = update(Board).where(Board.id.in_(board_ids))
    session.execute(lost.values(requeues=Board.requeues + 1))


def save_raw_response(
    session: Session,
    board_id: int,
    raw: RawResponse,
    run_id: int | None = None,
    failure: str | None = None,
) -> int:
    """Store an answer byte for byte, zstd-compressed, and return its id; an unknown run is dropped.

    `failure` names why the answer could not be used.
    """
    values = {
        **raw.model_dump(exclude={"body"}),
        "fetched_at": storable_time(raw.fetched_at),
        "board_id": board_id,
        "run_id": run_id,
        "checksum": hashlib.sha256(raw.body).hexdigest(),
        "body_bytes": len(raw.body),
        "body": zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(raw.body),
        "failure": failure,
    }
    raw_response_id: int = session.execute(_SAVE_RAW_RESPONSE, values).scalar_one()
    return raw_response_id


def finish_board(session: Session, board_id: int, posting_count: int | None, now: datetime) -> None:
    """Record a successful crawl; it serves every run that waits for the board.

    `posting_count` is None where the answer did not change (the count stays).
    """
    values: dict[str, Any] = {
        "status": "active",
        "queued_at": None,
        "requeues": 0,
        "last_fetched_at": now,
        "failure": None,
        "failure_detail": None,
        "failed_at": None,
    }
    if posting_count is not None:
        values["posting_count"] = posting_count
    session.execute(update(Board).where(Board.id == board_id).values(**values))
    _finish_runs(session, board_id, None, now)


def fail_board(session: Session, board_id: int, failure: str, detail: str, now: datetime) -> None:
    """Record a crawl that was given up; `Failure.NOT_FOUND` marks the board as not found.

    What is known of its postings stays as it is.
    """
    values = {
        "queued_at": None,
        "requeues": 0,
        "failure": failure,
        "failure_detail": detail,
        "failed_at": now,
    }
    if failure == Failure.NOT_FOUND:
        values["status"] = "not_found"
    session.execute(update(Board).where(Board.id == board_id).values(**values))
    _finish_runs(session, board_id, failure, now)


def save_dead_letter(session: Session, letter: DeadLetter, now: datetime) -> int:
    """Store a dead letter and return its id."""
    added = insert(StoredDeadLetter).values(
        **letter.model_dump(exclude={"payload"}), payload=dict(letter.payload), created_at=now
    )
    return session.execute(added.returning(StoredDeadLetter.id)).scalar_one()


def _finish_runs(session: Session, board_id: int, failure: str | None, now: datetime) -> None:
    waiting = (RunBoard.board_id == board_id, RunBoard.finished_at.is_(None))
    session.execute(update(RunBoard).where(*waiting).values(finished_at=now, failure=failure))
