"""Claims: who may write about a board."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

# Rows are locked in the order of their ids, so that two claims never wait for each other in a
# circle; the update then looks at the fence as it is once the row is locked.
_CLAIM = text("""
    WITH locked AS MATERIALIZED (
        SELECT id, wanted.fence
        FROM boards JOIN unnest(CAST(:board_ids AS bigint[]), CAST(:fences AS bigint[]))
            AS wanted (id, fence) USING (id)
        ORDER BY id FOR NO KEY UPDATE OF boards
    )
    UPDATE boards SET fence = greatest(boards.fence, locked.fence) FROM locked
    WHERE boards.id = locked.id AND (locked.fence = 0 OR boards.fence <= locked.fence)
    RETURNING boards.id, company_id, crawl_seconds, last_fetched_at
""")


@dataclass(frozen=True)
class Claim:
    """A board that is locked for the rest of the transaction, and what is known of it."""

    board_id: int
    company_id: int | None
    crawl_seconds: int
    last_fetched_at: datetime | None


def claim_all(session: Session, fences: Mapping[int, int]) -> dict[int, Claim]:
    """Lock boards for the rest of the transaction, each in the name of a lease.

    `fences` holds the fencing token of the lease by the board's id. Left out of what is returned is
    a board that a later lease (a greater one) has written about: this one is over, and what it
    brings is stale. A fence of 0, of nobody's lease, only locks.
    """
    wanted = {"board_ids": list(fences), "fences": list(fences.values())}
    return {row.id: Claim(*row) for row in session.execute(_CLAIM, wanted)}


def claim(session: Session, board_id: int, fence: int) -> Claim | None:
    """Lock one board as `claim_all` does; None where a later lease has written about it."""
    return claim_all(session, {board_id: fence}).get(board_id)
