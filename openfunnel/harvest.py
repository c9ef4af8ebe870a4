"""From an answer to the store: its postings page by page, then what it means for the board.

Each page is a transaction of its own, so a board of any size needs the memory of one page. What
happens once for the whole (closing what is gone, the board's own state) comes last, after an answer
that the source's parser read to its end and found as long as it says.

All of it may be done again after a crash, and a crawler that was overtaken changes nothing any
more: every transaction claims the board with the fencing token of its lease.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from openfunnel.errors import UnparsableAnswer
from openfunnel.records import BoardAnswer, BoardContent, DeadLetter, Failure
from openfunnel.sources import SOURCES
from openfunnel.sources.addresses import Address
from openfunnel.sources.board import name_failure
from openfunnel.store import crawl_writes, posting_writes
from openfunnel.store.claims import Claim, claim
from openfunnel.store.crawl_writes import BoardOutcome, UnchangedVisit
from openfunnel.store.database import Database

log = logging.getLogger(__name__)

Jitter = Callable[[], float]
"""Draws the factor by which a due time is moved, so that boards do not all come due at once."""


class Overtaken(Exception):
    """A later lease of the same board has written already; never leaves this module."""


@dataclass
class Harvest:
    """What the pages of one answer held, added up."""

    external_ids: dict[str, None] = field(default_factory=dict)
    """In the order they came; one that stands on two pages counts once."""
    broken: list[str] = field(default_factory=list)
    new: int = 0
    changed: int = 0
    reopened: int = 0
    closed: int = 0


def store_answer(database: Database, answer: BoardAnswer, jitter: Jitter) -> None:
    """Store what `answer` says; fills in what became of it. `raw_response_id` must be there.

    Raises:
        DatabaseUnavailable: PostgreSQL went away; done again, it will be as if done once.
    """
    try:
        if answer.failure is None:
            _store_postings(database, answer, jitter)
        if answer.failure is not None and answer.final:
            with _claimed(database, answer) as (session, _):
                _store_failure(session, answer, jitter())
    except Overtaken:
        log.info("%s: a later crawl of it is stored already", answer.board)


def store_unchanged(database: Database, answers: Sequence[BoardAnswer], jitter: Jitter) -> None:
    """Store that these boards were fetched, and answered what they had answered before.

    Raises:
        DatabaseUnavailable: PostgreSQL went away; done again, it will be as if done once.
    """
    visits = [UnchangedVisit(one.board, one.fence, one.checksum) for one in answers]
    latest = max(answer.at for answer in answers)
    with database.begin() as session:
        crawl_writes.finish_unchanged(session, visits, latest, jitter())


def _store_postings(database: Database, answer: BoardAnswer, jitter: Jitter) -> None:
    harvest = Harvest()
    answer.awaiting, answer.postings, answer.prospects = (), 0, 0  # of a time before that broke off
    answer.unknown_fields.clear()
    try:
        pages = _pages(answer)
        page: BoardContent | None = next(pages)
        while page is not None:
            following = next(pages, None)
            with _claimed(database, answer) as (session, board):
                if following is not None and answer.posting_id is None:
                    # Until the last page is stored, what was known of the board is no whole.
                    crawl_writes.forget_answer(session, board.board_id)
                _store_page(session, board, answer, page, harvest)
                if following is None:
                    _finish(session, board, answer, harvest, jitter())
            page = following
    except UnparsableAnswer as error:
        answer.failure, answer.detail = name_failure(error), str(error)
        with database.begin() as session:
            crawl_writes.mark_unusable(session, _raw_id(answer), answer.failure)
        return
    log.info(
        "%s: %d postings, %d new, %d changed, %d gone",
        answer.board,
        answer.postings,
        harvest.new,
        harvest.changed,
        harvest.closed,
    )


def _finish(
    session: Session, board: Claim, answer: BoardAnswer, harvest: Harvest, jitter: float
) -> None:
    if answer.posting_id is None:
        _finish_board(session, board, answer, harvest, jitter)
    elif answer.posting_id not in harvest.external_ids:
        # It is there, but unreadable or a talent-pool entry: asked again, it would be that.
        failure = Failure.UNPARSABLE if harvest.broken else Failure.NOT_FOUND
        posting_writes.fail_discovered(session, board.board_id, answer.posting_id, failure)
    for reason in harvest.broken:
        letter = _letter(answer, "posting", reason)
        if not crawl_writes.has_dead_letter(session, letter):
            crawl_writes.save_dead_letter(session, letter, answer.at)


def _store_page(
    session: Session, board: Claim, answer: BoardAnswer, page: BoardContent, harvest: Harvest
) -> None:
    saved = posting_writes.save_postings(session, board, _raw_id(answer), page.postings, answer.at)
    answer.awaiting += saved.awaiting
    answer.postings += len(page.postings)
    answer.prospects += page.prospects
    answer.unknown_fields.update(page.unknown_fields)
    harvest.external_ids.update((posting.external_id, None) for posting in page.postings)
    harvest.broken += page.broken
    harvest.new += saved.new
    harvest.changed += saved.changed
    harvest.reopened += saved.reopened


def _finish_board(
    session: Session, board: Claim, answer: BoardAnswer, harvest: Harvest, jitter: float
) -> None:
    assert answer.raw is not None
    raw, found = answer.raw, list(harvest.external_ids)
    if not found and not crawl_writes.suspect_empty(session, board.board_id, answer.at):
        return  # nobody believes it yet, and it must not vouch for the next answer
    if not harvest.broken:  # a broken entry hides which posting it is
        harvest.closed = posting_writes.close_missing(session, board.board_id, found, answer.at)
    outcome = BoardOutcome(
        posting_count=len(found),
        changed=bool(harvest.new or harvest.changed or harvest.reopened or harvest.closed),
        etag=raw.etag,
        last_modified=raw.last_modified,
        checksum=hashlib.sha256(raw.body).hexdigest(),
        raw_response_id=answer.raw_response_id,
    )
    crawl_writes.finish_board(session, board, outcome, answer.at, jitter)


def _store_failure(session: Session, answer: BoardAnswer, jitter: float) -> None:
    assert answer.failure is not None
    board_id, failure = _id(answer), answer.failure
    if answer.posting_id is None:
        crawl_writes.fail_board(session, board_id, failure, answer.detail, answer.at, jitter)
    else:
        posting_writes.fail_discovered(session, board_id, answer.posting_id, failure)
    if failure != Failure.NOT_FOUND:  # gone is an answer, not work left undone
        letter = _letter(answer, failure, answer.detail)
        crawl_writes.save_dead_letter(session, letter, answer.at)


@contextmanager
def _claimed(database: Database, answer: BoardAnswer) -> Iterator[tuple[Session, Claim]]:
    """One transaction that holds the board's row.

    Raises:
        Overtaken: a later lease has written already; nothing is done.
    """
    # Leases of single postings tell nothing about who came first to the board.
    fence = answer.fence if answer.posting_id is None else 0
    with database.begin() as session:
        board = claim(session, _id(answer), fence)
        if board is None:
            raise Overtaken
        yield session, board


def _pages(answer: BoardAnswer) -> Iterator[BoardContent]:
    assert answer.raw is not None
    source = SOURCES[answer.board.ats]
    parse = source.parse_board if answer.posting_id is None else source.parse_posting
    return parse(answer.raw.body, answer.board)


def _raw_id(answer: BoardAnswer) -> int:
    assert answer.raw_response_id is not None
    return answer.raw_response_id


def _id(answer: BoardAnswer) -> int:
    assert answer.board_id is not None
    return answer.board_id


def _letter(answer: BoardAnswer, reason: str, detail: str) -> DeadLetter:
    board, posting_id = answer.board, answer.posting_id
    return DeadLetter(
        kind="crawl",
        key=str(Address(board, posting_id)),
        reason=reason,
        attempts=answer.attempts,
        last_error=detail,
        raw_response_id=answer.raw_response_id,
        payload={"board": board.model_dump(), "posting_id": posting_id},
    )
