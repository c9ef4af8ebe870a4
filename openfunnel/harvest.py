"""From answers to the store: their postings page by page, then what they mean for the boards.

Every page of an answer but the last is a transaction of its own, so a board of any size needs the
memory of one page. The last pages of all the answers stored together are one transaction, and with
them what happens once for the whole (closing what is gone, the board's own state): it comes after
an answer that the source's parser read to its end and found as long as it says.

All of it may be done again after a crash, and a crawler that was overtaken changes nothing any
more: every transaction claims its boards with the fencing tokens of their leases.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from openfunnel.errors import UnparsableAnswer
from openfunnel.records import BoardAnswer, BoardContent, DeadLetter, Failure
from openfunnel.sources import SOURCES
from openfunnel.sources.addresses import Address
from openfunnel.sources.board import name_failure
from openfunnel.store import crawl_writes, dead_letters, posting_writes, raw_writes
from openfunnel.store.claims import Claim, claim, claim_all
from openfunnel.store.crawl_writes import BoardOutcome, Fetch
from openfunnel.store.database import Database
from openfunnel.store.posting_writes import Listing, Page, SavedPostings
from openfunnel.store.unchanged import UnchangedVisit, finish_unchanged

log = logging.getLogger(__name__)

Jitter = Callable[[], float]
"""Draws the factor by which a due time is moved, so that boards do not all come due at once."""

OVERTAKEN = "%s: a later crawl of it is stored already"


class Overtaken(Exception):
    """A later lease of the same board has written already; never leaves this module."""


@dataclass
class Harvest:
    """What the pages of one answer hold, added up."""

    answer: BoardAnswer
    last: BoardContent | None = None
    """The last page, not yet stored; None where the answer is a failure."""
    external_ids: dict[str, None] = field(default_factory=dict)
    """In the order they came; one that stands on two pages counts once."""
    broken: list[str] = field(default_factory=list)
    new: int = 0
    changed: int = 0
    reopened: int = 0
    closed: int = 0

    @property
    def board_id(self) -> int:
        """The board's id; the pipeline before has filled it in."""
        assert self.answer.board_id is not None
        return self.answer.board_id

    @property
    def fence(self) -> int:
        """Fencing token to claim the board with."""
        # Leases of single postings tell nothing about who came first to the board.
        return self.answer.fence if self.answer.posting_id is None else 0

    def outcome(self) -> BoardOutcome:
        """What a complete answer that is stored says of the board."""
        raw = self.answer.raw
        assert raw is not None
        return BoardOutcome(
            posting_count=len(self.external_ids),
            changed=bool(self.new or self.changed or self.reopened or self.closed),
            etag=raw.etag,
            last_modified=raw.last_modified,
            checksum=hashlib.sha256(raw.body).hexdigest(),
            raw_response_id=self.answer.raw_response_id,
        )

    def add(self, content: BoardContent, saved: SavedPostings) -> None:
        """Add a page that was stored."""
        answer = self.answer
        answer.awaiting += saved.awaiting
        answer.postings += len(content.postings)
        answer.prospects += content.prospects
        answer.unknown_fields.update(content.unknown_fields)
        self.external_ids.update((posting.external_id, None) for posting in content.postings)
        self.broken += content.broken
        self.new += saved.new
        self.changed += saved.changed
        self.reopened += saved.reopened


Held = tuple[Harvest, Claim, BoardContent]
"""An answer, its board, and the page of it to store."""


def store_answers(database: Database, answers: Sequence[BoardAnswer], jitter: Jitter) -> None:
    """Store what `answers`, of different boards, say; fills in what became of each.

    Their `raw_response_id` must be there. Where it raises, nothing is said of any of the boards.

    Raises:
        DatabaseUnavailable: PostgreSQL went away; done again, it will be as if done once.
    """
    harvests = []
    for answer in answers:
        try:
            harvests.append(_read(database, answer))
        except Overtaken:
            log.info(OVERTAKEN, answer.board)
    if not (ends := [harvest for harvest in harvests if harvest.answer.final]):
        return
    with database.begin() as session:
        stored = _store_ends(session, ends, jitter)
    for harvest in stored:
        log.info(
            "%s: %d postings, %d new, %d changed, %d gone",
            harvest.answer.board,
            harvest.answer.postings,
            harvest.new,
            harvest.changed,
            harvest.closed,
        )


def store_unchanged(database: Database, answers: Sequence[BoardAnswer], jitter: Jitter) -> None:
    """Store that these boards were fetched, and answered what they had answered before.

    Raises:
        DatabaseUnavailable: PostgreSQL went away; done again, it will be as if done once.
    """
    visits = [UnchangedVisit(one.board, one.fence, one.checksum) for one in answers]
    latest = max(answer.at for answer in answers)
    with database.begin() as session:
        finish_unchanged(session, visits, latest, jitter())


def _read(database: Database, answer: BoardAnswer) -> Harvest:
    """Read an answer to its end, and store its pages up to the last one.

    Raises:
        Overtaken: a later lease has written already; nothing more is done.
    """
    harvest = Harvest(answer)
    if answer.failure is not None:
        return harvest
    answer.awaiting, answer.postings, answer.prospects = (), 0, 0  # of a time before that broke off
    answer.unknown_fields.clear()
    try:
        pages = _pages(answer)
        last = next(pages)
        for following in pages:
            with database.begin() as session:
                _store_page(session, harvest, last)
            last = following
    except UnparsableAnswer as error:
        failure = name_failure(error)
        with database.begin() as session:
            raw_writes.mark_unusable(session, _raw_id(answer), failure)
        answer.failure, answer.detail = failure, str(error)
    else:
        harvest.last = last
    return harvest


def _store_page(session: Session, harvest: Harvest, content: BoardContent) -> None:
    """Store a page that is not the last one."""
    board = claim(session, harvest.board_id, harvest.fence)
    if board is None:
        raise Overtaken
    if harvest.answer.posting_id is None:
        # Until the last page is stored, what was known of the board is no whole.
        crawl_writes.forget_answer(session, board.board_id)
    _save_pages(session, [(harvest, board, content)])


def _store_ends(session: Session, harvests: Sequence[Harvest], jitter: Jitter) -> list[Harvest]:
    """Store the last pages, and what the answers mean for their boards.

    Returns those with postings, and leaves out what was overtaken.
    """
    claims = claim_all(session, {one.board_id: one.fence for one in harvests})
    held: list[Held] = []
    for harvest in harvests:
        if (board := claims.get(harvest.board_id)) is None:
            log.info(OVERTAKEN, harvest.answer.board)
        elif harvest.last is None:
            _store_failure(session, harvest, jitter())
        else:
            held.append((harvest, board, harvest.last))
    if held:
        _save_pages(session, held)
    if whole := [one for one in held if one[0].answer.posting_id is None]:
        _finish_boards(session, whole, jitter)
    for harvest, *_ in held:
        _finish(session, harvest)
    return [harvest for harvest, *_ in held]


def _save_pages(session: Session, held: Sequence[Held]) -> None:
    pages = [
        Page(board, _raw_id(harvest.answer), content.postings, harvest.answer.at)
        for harvest, board, content in held
    ]
    saved = posting_writes.save_pages(session, pages)
    for (harvest, _, content), counts in zip(held, saved, strict=True):
        harvest.add(content, counts)


def _finish_boards(session: Session, held: Sequence[Held], jitter: Jitter) -> None:
    """Store what complete answers mean for their boards."""
    believed = [
        (harvest, board)
        for harvest, board, _ in held
        # An empty answer that nobody believes yet must not vouch for the next one.
        if harvest.external_ids
        or crawl_writes.suspect_empty(session, harvest.board_id, harvest.answer.at)
    ]
    listings = [
        Listing(harvest.board_id, harvest.external_ids, harvest.answer.at)
        for harvest, _ in believed
        if not harvest.broken  # a broken entry hides which posting it is
    ]
    closed = posting_writes.close_unlisted(session, listings)
    for harvest, _ in believed:
        harvest.closed = closed[harvest.board_id]
    fetches = [
        Fetch(board, harvest.outcome(), harvest.answer.at, jitter()) for harvest, board in believed
    ]
    crawl_writes.finish_boards(session, fetches)


def _finish(session: Session, harvest: Harvest) -> None:
    """Store what an answer says of single postings."""
    answer = harvest.answer
    if answer.posting_id is not None and answer.posting_id not in harvest.external_ids:
        # It is there, but unreadable or a talent-pool entry: asked again, it would be that.
        failure = Failure.UNPARSABLE if harvest.broken else Failure.NOT_FOUND
        posting_writes.fail_discovered(session, harvest.board_id, answer.posting_id, failure)
    for reason in harvest.broken:
        letter = _letter(answer, "posting", reason)
        if not dead_letters.has_dead_letter(session, letter):
            dead_letters.save_dead_letter(session, letter, answer.at)


def _store_failure(session: Session, harvest: Harvest, jitter: float) -> None:
    answer, board_id = harvest.answer, harvest.board_id
    assert answer.failure is not None
    if answer.posting_id is None:
        crawl_writes.fail_board(session, board_id, answer.failure, answer.detail, answer.at, jitter)
    else:
        posting_writes.fail_discovered(session, board_id, answer.posting_id, answer.failure)
    if answer.failure != Failure.NOT_FOUND:  # gone is an answer, not work left undone
        letter = _letter(answer, answer.failure, answer.detail)
        dead_letters.save_dead_letter(session, letter, answer.at)


def _pages(answer: BoardAnswer) -> Iterator[BoardContent]:
    assert answer.raw is not None
    source = SOURCES[answer.board.ats]
    parse = source.parse_board if answer.posting_id is None else source.parse_posting
    return parse(answer.raw.body, answer.board)


def _raw_id(answer: BoardAnswer) -> int:
    assert answer.raw_response_id is not None
    return answer.raw_response_id


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
