"""What the crawl writes about boards: that they exist, are wanted, answered, or failed.

Every function works in the caller's transaction and may be repeated without harm. Rows of boards
are locked in the order of their ids. Postings, raw answers, and boards that answer what they had
answered before have modules of their own.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from openfunnel import lifecycle
from openfunnel.records import BoardRef, Failure
from openfunnel.store.boards import BoardVisit
from openfunnel.store.claims import Claim
from openfunnel.store.companies import company_ids, name_boards
from openfunnel.store.encoding import to_json
from openfunnel.store.models import Board
from openfunnel.store.posting_writes import Listing, close_unlisted

MOST_FAILURES = 32_767
"""As far as the column counts."""

_WANTED = """
    SELECT * FROM json_to_recordset(CAST(:wanted AS json))
        AS wanted (number integer, ats text, region text, token text, whole boolean)
"""

_BOARD_IDS = text("""
    SELECT number, id
    FROM boards JOIN unnest(CAST(:numbers AS integer[]), CAST(:ats AS text[]),
                            CAST(:regions AS text[]), CAST(:tokens AS text[]))
        AS wanted (number, ats, region, token) USING (ats, region, token)
""")

_MAKE_KNOWN = text(f"""
    INSERT INTO boards (ats, region, token, first_seen_at, due_at)
    SELECT ats, region, token, :now, :due_at FROM ({_WANTED}) AS wanted
    WHERE NOT EXISTS (SELECT FROM boards AS known WHERE
        (known.ats, known.region, known.token) = (wanted.ats, wanted.region, wanted.token))
    ORDER BY ats, region, token
    ON CONFLICT DO NOTHING
""")  # noqa: S608 - a constant

_TAKE_UP = text(f"""
    WITH wanted AS ({_WANTED}), locked AS MATERIALIZED (
        SELECT number, id, whole, etag, last_modified, checksum
        FROM boards JOIN wanted USING (ats, region, token)
        ORDER BY id FOR NO KEY UPDATE OF boards
    ), queued AS (
        UPDATE boards SET queued_at = :now FROM locked WHERE boards.id = locked.id AND whole
    )
    SELECT number, id, etag, last_modified, checksum FROM locked
""")  # noqa: S608 - a constant

_FINISH_BOARDS = text("""
    WITH ended AS (
        UPDATE run_boards SET finished_at = seen.at, failure = NULL
        FROM unnest(CAST(:board_ids AS bigint[]), CAST(:times AS timestamptz[])) AS seen (id, at)
        WHERE board_id = seen.id AND finished_at IS NULL
    )
    UPDATE boards SET
        posting_count = outcome.posting_count, etag = outcome.etag,
        last_modified = outcome.last_modified, checksum = outcome.checksum,
        raw_response_id = outcome.raw_response_id,
        changed_at = CASE WHEN outcome.changed THEN at ELSE changed_at END,
        last_fetched_at = at, crawl_seconds = seconds, due_at = outcome.due_at,
        status = 'active', queued_at = NULL, failure = NULL, failure_detail = NULL,
        failed_at = NULL, failures = 0, missing_since = NULL, empty_fetches = 0, empty_at = NULL
    FROM unnest(CAST(:board_ids AS bigint[]), CAST(:times AS timestamptz[]),
                CAST(:seconds AS integer[]), CAST(:due_at AS timestamptz[]),
                CAST(:posting_count AS integer[]), CAST(:changed AS boolean[]),
                CAST(:etag AS text[]), CAST(:last_modified AS text[]), CAST(:checksum AS text[]),
                CAST(:raw_response_id AS bigint[]))
        AS outcome (id, at, seconds, due_at, posting_count, changed, etag, last_modified, checksum,
                    raw_response_id)
    WHERE boards.id = outcome.id
""")

_HAS_OPEN = text("""
    SELECT EXISTS (SELECT FROM job_postings WHERE board_id = :board_id AND closed_at IS NULL)
""")

_COUNT_FAILURE = text("""
    INSERT INTO board_failures AS known (board_id, failure, times, last_at)
    VALUES (:board_id, :failure, 1, :now)
    ON CONFLICT (board_id, failure) DO UPDATE SET times = known.times + 1, last_at = :now
""")

_FINISH_RUNS = text("""
    UPDATE run_boards SET finished_at = :now, failure = :failure
    WHERE board_id = ANY(CAST(:board_ids AS bigint[])) AND finished_at IS NULL
""")

_BOARDS = Board.metadata.tables["boards"]
"""Without the mapping, which would look for objects to keep in step at every update."""

_WELL: dict[str, Any] = {
    "status": "active",
    "queued_at": None,
    "failure": None,
    "failure_detail": None,
    "failed_at": None,
    "failures": 0,
    "missing_since": None,
    "empty_fetches": 0,
    "empty_at": None,
}
"""A board that answered."""

_NO_ANSWER: dict[str, Any] = {"etag": None, "last_modified": None, "checksum": None}
"""A board whose next answer is read, whatever it is."""


def upsert_board(session: Session, ref: BoardRef, company_name: str | None, now: datetime) -> int:
    """Make a board known if it is not, and return its id; `company_name` names a nameless one."""
    company_id = company_ids(session, [company_name]).get(company_name)
    same = (Board.ats == ref.ats, Board.region == ref.region, Board.token == ref.token)
    board = session.execute(select(Board.id, Board.company_id).where(*same)).one_or_none()
    if board is None:
        added = insert(Board).values(
            **ref.model_dump(), company_id=company_id, first_seen_at=now, due_at=now
        )
        session.execute(added.on_conflict_do_nothing())
        return session.execute(select(Board.id).where(*same)).scalar_one()
    if board.company_id is None and company_id is not None:
        name_boards(session, {board.id: company_id})
    return int(board.id)


def board_ids(session: Session, refs: Iterable[BoardRef], now: datetime) -> dict[BoardRef, int]:
    """Return the ids of boards; one statement where all of them are known, as they mostly are."""
    numbered = list(dict.fromkeys(refs))
    wanted = {
        "numbers": list(range(len(numbered))),
        "ats": [ref.ats for ref in numbered],
        "regions": [ref.region for ref in numbered],
        "tokens": [ref.token for ref in numbered],
    }
    ids = {numbered[row.number]: row.id for row in session.execute(_BOARD_IDS, wanted)}
    return ids | {ref: upsert_board(session, ref, None, now) for ref in numbered if ref not in ids}


def mark_queued(session: Session, board_ids: Sequence[int], now: datetime) -> None:
    """Record that a crawl of these boards was asked for, or taken up, now.

    Rows are locked in order, so that two askers never wait for each other in a circle.
    """
    wanted = select(Board.id).where(Board.id.in_(board_ids)).order_by(Board.id)
    locked = session.scalars(wanted.with_for_update(key_share=True)).all()
    session.execute(update(Board).where(Board.id.in_(locked)).values(queued_at=now))


def take_up(
    session: Session, refs: Sequence[BoardRef], now: datetime, whole: Collection[BoardRef]
) -> dict[BoardRef, BoardVisit]:
    """Make boards known, record those of `whole` as wanted now, and return what is known of each.

    Of the others a single posting is asked for: that makes no board due before a day has passed.
    """
    numbered = list(dict.fromkeys(refs))
    wanted = to_json(
        [
            {**ref.model_dump(), "number": number, "whole": ref in whole}
            for number, ref in enumerate(numbered)
        ]
    )
    due_at = due_time(now, lifecycle.FIRST_INTERVAL)
    session.execute(_MAKE_KNOWN, {"wanted": wanted, "now": now, "due_at": due_at})
    return {
        (ref := numbered[row.number]): BoardVisit(
            row.id, ref, row.etag, row.last_modified, row.checksum
        )
        for row in session.execute(_TAKE_UP, {"wanted": wanted, "now": now})
    }


@dataclass(frozen=True)
class BoardOutcome:
    """What a complete fetch says of a board."""

    posting_count: int
    changed: bool
    """Whether a posting is new, changed, back or gone."""
    etag: str | None
    last_modified: str | None
    checksum: str | None
    """SHA-256 of the body, in hex; None where the next answer is to be read in any case."""
    raw_response_id: int | None


@dataclass(frozen=True)
class Fetch:
    """A complete fetch of a board that is held."""

    board: Claim
    outcome: BoardOutcome
    at: datetime
    jitter: float
    """Factor of the time until the next crawl, so that what was crawled together drifts apart."""

    @property
    def seconds(self) -> int:
        """Time between crawls from now on."""
        if self.board.last_fetched_at is None:  # all is new the first time: that tells nothing
            return self.board.crawl_seconds
        return lifecycle.next_interval(self.board.crawl_seconds, self.outcome.changed)


def finish_boards(session: Session, fetches: Sequence[Fetch]) -> None:
    """Record complete fetches; each serves every run that waits for the board."""
    values: dict[str, list[object]] = {
        "board_ids": [fetch.board.board_id for fetch in fetches],
        "times": [fetch.at for fetch in fetches],
        "seconds": [fetch.seconds for fetch in fetches],
        "due_at": [due_time(fetch.at, fetch.seconds, fetch.jitter) for fetch in fetches],
    }
    for field in fields(BoardOutcome):
        values[field.name] = [getattr(fetch.outcome, field.name) for fetch in fetches]
    session.execute(_FINISH_BOARDS, values)


def suspect_empty(session: Session, board_id: int, now: datetime) -> bool:
    """Record a complete answer without postings; True where it is to be believed.

    It is where no posting of the board is open, and once two further ones came, each an hour or
    more after the one before. Until then nothing is closed, and the board is read anew in an hour.
    """
    if not session.scalar(_HAS_OPEN, {"board_id": board_id}):
        return True
    board = session.execute(
        select(Board.empty_fetches, Board.empty_at).where(Board.id == board_id)
    ).one()
    before = lifecycle.EmptyFetches(board.empty_fetches, board.empty_at)
    counted = lifecycle.note_empty(before, now)
    if lifecycle.confirm_empty(counted):
        return True
    suspected = {
        "empty_fetches": counted.times,
        "empty_at": counted.last_at,
        "due_at": now + lifecycle.EMPTY_APART,
    }
    _end_crawl(session, board_id, _WELL | _NO_ANSWER | suspected, now)
    return False


def fail_board(
    session: Session, board_id: int, failure: str, detail: str, now: datetime, jitter: float
) -> None:
    """Record a crawl that was given up, and when the next try is due.

    What is known of its postings stays as it is, until the ATS has denied the board for three days
    without exception (`Failure.NOT_FOUND`): then it is retired, and its postings are closed.
    """
    board = session.execute(
        select(Board.failures, Board.missing_since)
        .where(Board.id == board_id)
        .with_for_update(key_share=True)
    ).one()
    failures = min(board.failures + 1, MOST_FAILURES)
    missing_since = (board.missing_since or now) if failure == Failure.NOT_FOUND else None
    values = {
        "queued_at": None,
        "failure": str(failure),
        "failure_detail": detail,
        "failed_at": now,
        "failures": failures,
        "missing_since": missing_since,
        "due_at": due_time(now, lifecycle.retry_interval(failures), jitter),
    }
    if missing_since is not None and lifecycle.confirm_missing(missing_since, now):
        values |= _NO_ANSWER | {"status": "not_found"}  # it may come back with the same answer
        close_unlisted(session, [Listing(board_id, (), now)])
    _end_crawl(session, board_id, values, now, str(failure))
    session.execute(_COUNT_FAILURE, {"board_id": board_id, "failure": str(failure), "now": now})


def forget_answer(session: Session, board_id: int) -> None:
    """Forget validators and checksum, so that the next answer is read even if it is the same."""
    session.execute(update(Board).where(Board.id == board_id).values(**_NO_ANSWER))


def due_time(now: datetime, seconds: int, jitter: float = 1.0) -> datetime:
    """When a board is crawled again that is to rest for so long."""
    return now + timedelta(seconds=seconds * jitter)


def _end_crawl(
    session: Session,
    board_id: int,
    values: dict[str, Any],
    now: datetime,
    failure: str | None = None,
) -> None:
    session.execute(update(_BOARDS).where(_BOARDS.c.id == board_id).values(**values))
    _finish_runs(session, [board_id], failure, now)


def _finish_runs(
    session: Session, board_ids: Sequence[int], failure: str | None, now: datetime
) -> None:
    values = {"board_ids": list(board_ids), "failure": failure, "now": now}
    session.execute(_FINISH_RUNS, values)
