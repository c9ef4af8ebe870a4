"""What the crawl writes of many boards at once, for tests that write of one."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from openfunnel.records import JobPosting, RawResponse
from openfunnel.store.claims import claim
from openfunnel.store.crawl_writes import BoardOutcome, Fetch, finish_boards
from openfunnel.store.posting_writes import (
    Listing,
    Page,
    SavedPostings,
    close_unlisted,
    save_pages,
)
from openfunnel.store.raw_writes import Received, save_raw_responses


def save_answer(
    session: Session,
    board_id: int,
    raw: RawResponse,
    run_id: int | None = None,
    failure: str | None = None,
) -> int:
    """Store one answer of a board; return its id."""
    (raw_response_id,) = save_raw_responses(session, [Received(board_id, raw, run_id, failure)])
    return raw_response_id


def save_page(
    session: Session,
    board_id: int,
    raw_response_id: int,
    postings: Sequence[JobPosting],
    at: datetime,
) -> SavedPostings:
    """Store one page of a board, which nobody else has claimed."""
    board = claim(session, board_id, 0)
    assert board is not None
    (saved,) = save_pages(session, [Page(board, raw_response_id, postings, at)])
    return saved


def close_all_but(
    session: Session, board_id: int, external_ids: Collection[str], at: datetime
) -> int:
    """Close the postings that the board no longer lists; return how many."""
    return close_unlisted(session, [Listing(board_id, external_ids, at)])[board_id]


def finish(
    session: Session, board_id: int, outcome: BoardOutcome, at: datetime, jitter: float = 1.0
) -> None:
    """Record a complete fetch of a board, which nobody else has claimed."""
    board = claim(session, board_id, 0)
    assert board is not None
    finish_boards(session, [Fetch(board, outcome, at, jitter)])
