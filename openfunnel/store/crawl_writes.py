"""What the crawl writes about boards: that they exist, are wanted, answered, or failed.

Every function works in the caller's transaction and may be repeated without harm. Rows of boards
are locked in the order of their ids. Postings have a module of their own.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import zstandard
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from openfunnel import lifecycle
from openfunnel.records import BoardRef, DeadLetter, Failure, RawResponse
from openfunnel.store.boards import BoardVisit
from openfunnel.store.claims import Claim
from openfunnel.store.companies import company_ids, name_board
from openfunnel.store.encoding import storable_time, to_json
from openfunnel.store.models import Board, StoredDeadLetter, StoredResponse
from openfunnel.store.posting_writes import close_missing

ZSTD_LEVEL = 3

MOST_FAILURES = 32_767
"""As far as the column counts."""

_WANTED = """
    SELECT * FROM json_to_recordset(CAST(:wanted AS json))
        AS wanted (number integer, ats text, region text, token text, whole boolean)
"""

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

_FINISH_BOARD = text("""
    WITH ended AS (
        UPDATE run_boards SET finished_at = :now, failure = NULL
        WHERE board_id = :board_id AND finished_at IS NULL
    )
    UPDATE boards SET
        posting_count = :posting_count, etag = :etag, last_modified = :last_modified,
        checksum = :checksum, raw_response_id = :raw_response_id,
        changed_at = CASE WHEN :changed THEN :now ELSE changed_at END,
        last_fetched_at = :now, crawl_seconds = :crawl_seconds, due_at = :due_at,
        status = 'active', queued_at = NULL, failure = NULL, failure_detail = NULL,
        failed_at = NULL, failures = 0, missing_since = NULL, empty_fetches = 0, empty_at = NULL
    WHERE id = :board_id
""")

_SAVE_RAW_RESPONSE = text("""
    WITH known AS (
        SELECT min(id) AS id FROM raw_responses
        WHERE board_id = :board_id AND checksum = :checksum AND http_status = :http_status
    ), added AS (
        INSERT INTO raw_responses (board_id, run_id, url, fetched_at, http_status, content_type,
                                   etag, last_modified, checksum, body_bytes, body, failure)
        SELECT :board_id,
               (SELECT id FROM runs WHERE id = :run_id),  -- start entries may name any number
               :url, :fetched_at, :http_status, :content_type,
               :etag, :last_modified, :checksum, :body_bytes, :body, :failure
        FROM known WHERE known.id IS NULL
        RETURNING id
    )
    SELECT coalesce(known.id, added.id) FROM known LEFT JOIN added ON true
""")

_CLAIM_UNCHANGED = text("""
    SELECT id, crawl_seconds, visit.fence, boards.checksum = visit.checksum AS same
    FROM boards JOIN unnest(CAST(:ats AS text[]), CAST(:regions AS text[]), CAST(:tokens AS text[]),
                            CAST(:fences AS bigint[]), CAST(:checksums AS text[]))
        AS visit (ats, region, token, fence, checksum) USING (ats, region, token)
    WHERE visit.fence = 0 OR boards.fence <= visit.fence
    ORDER BY id FOR NO KEY UPDATE OF boards
""")

_FINISH_UNCHANGED = text("""
    WITH ended AS (
        UPDATE run_boards SET finished_at = :now, failure = NULL
        WHERE board_id = ANY(CAST(:board_ids AS bigint[])) AND finished_at IS NULL
    )
    UPDATE boards SET
        fence = greatest(boards.fence, visit.fence), crawl_seconds = seconds,
        due_at = visit.due_at, last_fetched_at = :now, status = 'active', queued_at = NULL,
        failure = NULL, failure_detail = NULL, failed_at = NULL, failures = 0,
        missing_since = NULL, empty_fetches = 0, empty_at = NULL
    FROM unnest(CAST(:board_ids AS bigint[]), CAST(:fences AS bigint[]),
                CAST(:seconds AS integer[]), CAST(:due_at AS timestamptz[]))
        AS visit (id, fence, seconds, due_at)
    WHERE boards.id = visit.id
""")

_READ_AGAIN = text("""
    UPDATE boards SET queued_at = NULL, due_at = :now,
                      etag = NULL, last_modified = NULL, checksum = NULL
    WHERE id = ANY(CAST(:board_ids AS bigint[]))
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
        name_board(session, board.id, company_id)
    return int(board.id)


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
    due_at = _due(now, lifecycle.FIRST_INTERVAL)
    session.execute(_MAKE_KNOWN, {"wanted": wanted, "now": now, "due_at": due_at})
    return {
        (ref := numbered[row.number]): BoardVisit(
            row.id, ref, row.etag, row.last_modified, row.checksum
        )
        for row in session.execute(_TAKE_UP, {"wanted": wanted, "now": now})
    }


def save_raw_response(
    session: Session,
    board_id: int,
    raw: RawResponse,
    run_id: int | None = None,
    failure: str | None = None,
) -> int:
    """Store an answer byte for byte, zstd-compressed, and return its id; an unknown run is dropped.

    A body that the board has sent before under the same status is not stored again: the id is that
    of the first one. `failure` names why the answer could not be used.
    """
    values = {
        **raw.model_dump(exclude={"body"}),
        "board_id": board_id,
        "fetched_at": storable_time(raw.fetched_at),
        "run_id": run_id,
        "checksum": hashlib.sha256(raw.body).hexdigest(),
        "body_bytes": len(raw.body),
        "body": zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(raw.body),
        "failure": failure,
    }
    raw_response_id: int = session.execute(_SAVE_RAW_RESPONSE, values).scalar_one()
    return raw_response_id


def mark_unusable(session: Session, raw_response_id: int, failure: str) -> None:
    """Name why a stored answer could not be used: it shows only once it is read."""
    stored = update(StoredResponse).where(StoredResponse.id == raw_response_id)
    session.execute(stored.values(failure=failure))


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


def finish_board(
    session: Session, board: Claim, outcome: BoardOutcome, now: datetime, jitter: float
) -> None:
    """Record a complete fetch; it serves every run that waits for the board.

    The time until the next crawl is multiplied by `jitter`, so that what was crawled together
    drifts apart.
    """
    seconds = board.crawl_seconds
    if board.last_fetched_at is not None:  # all is new the first time: that tells nothing
        seconds = lifecycle.next_interval(seconds, outcome.changed)
    values = {
        **asdict(outcome),
        "board_id": board.board_id,
        "now": now,
        "crawl_seconds": seconds,
        "due_at": _due(now, seconds, jitter),
    }
    session.execute(_FINISH_BOARD, values)


@dataclass(frozen=True)
class UnchangedVisit:
    """A board that answered what it had answered before."""

    ref: BoardRef
    fence: int
    """Fencing token of the lease."""
    checksum: str | None
    """Of that answer."""


def finish_unchanged(
    session: Session, visits: Sequence[UnchangedVisit], now: datetime, jitter: float
) -> None:
    """Record that these boards are as they were; three statements for all of them.

    As `finish_board` for boards whose answer is that of the last complete fetch. What a later lease
    has written about stays as it is; where another answer was stored meanwhile, the board is due at
    once, to be read anew.
    """
    latest = {visit.ref: visit for visit in sorted(visits, key=lambda visit: visit.fence)}.values()
    wanted = {
        "ats": [visit.ref.ats for visit in latest],
        "regions": [visit.ref.region for visit in latest],
        "tokens": [visit.ref.token for visit in latest],
        "fences": [visit.fence for visit in latest],
        "checksums": [visit.checksum for visit in latest],
    }
    claimed = session.execute(_CLAIM_UNCHANGED, wanted).all()
    same = [row for row in claimed if row.same]
    seconds = [lifecycle.next_interval(row.crawl_seconds, changed=False) for row in same]
    values = {
        "board_ids": [row.id for row in same],
        "fences": [row.fence for row in same],
        "seconds": seconds,
        "due_at": [_due(now, one, jitter) for one in seconds],
        "now": now,
    }
    session.execute(_FINISH_UNCHANGED, values)
    if others := [row.id for row in claimed if not row.same]:
        session.execute(_READ_AGAIN, {"board_ids": others, "now": now})


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
        "due_at": _due(now, lifecycle.retry_interval(failures), jitter),
    }
    if missing_since is not None and lifecycle.confirm_missing(missing_since, now):
        values |= _NO_ANSWER | {"status": "not_found"}  # it may come back with the same answer
        close_missing(session, board_id, [], now)
    _end_crawl(session, board_id, values, now, str(failure))
    session.execute(_COUNT_FAILURE, {"board_id": board_id, "failure": str(failure), "now": now})


def forget_answer(session: Session, board_id: int) -> None:
    """Forget validators and checksum, so that the next answer is read even if it is the same."""
    session.execute(update(Board).where(Board.id == board_id).values(**_NO_ANSWER))


def save_dead_letter(session: Session, letter: DeadLetter, now: datetime) -> int:
    """Store a dead letter and return its id."""
    added = insert(StoredDeadLetter).values(
        **letter.model_dump(exclude={"payload"}), payload=dict(letter.payload), created_at=now
    )
    return session.execute(added.returning(StoredDeadLetter.id)).scalar_one()


def has_dead_letter(session: Session, letter: DeadLetter) -> bool:
    """Whether the same was said of the same before: a broken posting is met at every crawl."""
    same = (
        StoredDeadLetter.kind == letter.kind,
        func.left(StoredDeadLetter.key, 200) == letter.key[:200],
        StoredDeadLetter.reason == letter.reason,
        StoredDeadLetter.last_error == letter.last_error,
    )
    return session.scalar(select(StoredDeadLetter.id).where(*same).limit(1)) is not None


def _due(now: datetime, seconds: int, jitter: float = 1.0) -> datetime:
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
