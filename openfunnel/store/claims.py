"""Claims: who may write about a board."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

_CLAIM = text("""
    UPDATE boards SET fence = greatest(fence, :fence)
    WHERE id = :board_id AND (:fence = 0 OR fence <= :fence)
    RETURNING company_id, crawl_seconds, last_fetched_at
""")


@dataclass(frozen=True)
class Claim:
    """A board that is locked for the rest of the transaction, and what is known of it."""

    board_id: int
    company_id: int | None
    crawl_seconds: int
    last_fetched_at: datetime | None


def claim(session: Session, board_id: int, fence: int) -> Claim | None:
    """Lock a board for the rest of the transaction, in the name of a lease.

    None where a later lease (a greater `fence`) has written about it: this one is over, and what
    it brings is stale. A `fence` of 0, of nobody's lease, only locks.
    """
    row = session.execute(_CLAIM, {"board_id": board_id, "fence": fence}).one_or_none()
    return None if row is None else Claim(board_id, *row)
