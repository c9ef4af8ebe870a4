"""Boards that answer what they had answered before: all a crawl of most boards finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from openfunnel import lifecycle
from openfunnel.records import BoardRef
from openfunnel.store.crawl_writes import due_time

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

    As `finish_boards` for boards whose answer is that of the last complete fetch. What a later
    lease has written about stays as it is; where another answer was stored meanwhile, the board is
    due at once, to be read anew.
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
        "due_at": [due_time(now, one, jitter) for one in seconds],
        "now": now,
    }
    session.execute(_FINISH_UNCHANGED, values)
    if others := [row.id for row in claimed if not row.same]:
        session.execute(_READ_AGAIN, {"board_ids": others, "now": now})
