"""Store what an answer says: its postings, or why there are none."""

import asyncio
import logging
from typing import Any

from itemadapter import ItemAdapter
from sqlalchemy.orm import Session

from openfunnel.clock import utc_now
from openfunnel.records import BoardContent, DeadLetter, Failure
from openfunnel.store import crawl_writes, posting_writes
from pipelines import Pipeline

logger = logging.getLogger(__name__)


class StorePostings(Pipeline):
    """Commits a board's postings and the outcome of its crawl in one transaction."""

    async def process_item(self, item: Any) -> Any:
        """Fill in `awaiting`."""
        await asyncio.to_thread(self._store, ItemAdapter(item))
        return item

    def _store(self, answer: ItemAdapter) -> None:
        with self.connections.database.begin() as session:
            if answer["content"] is not None:
                _store_content(session, answer)
            elif answer["final"]:
                _store_failure(session, answer)


def _store_content(session: Session, answer: ItemAdapter) -> None:
    content: BoardContent = answer["content"]
    board_id, raw_response_id = answer["board_id"], answer["raw_response_id"]
    now = answer["raw"].fetched_at
    saved = posting_writes.save_postings(session, board_id, raw_response_id, content.postings, now)
    answer["awaiting"] = saved.awaiting
    if answer["posting_id"] is None:
        closed = 0
        if content.postings and not content.broken:
            # An empty board may be a hiccup, and a broken entry hides which posting it is.
            listed = [posting.external_id for posting in content.postings]
            closed = posting_writes.close_missing(session, board_id, listed, now)
        crawl_writes.finish_board(session, board_id, len(content.postings), now)
        logger.info(
            "%s: %d postings, %d new, %d changed, %d gone",
            answer["board"],
            len(content.postings),
            saved.new,
            saved.changed,
            closed,
        )
    elif answer["posting_id"] not in {posting.external_id for posting in content.postings}:
        # It is there, but unreadable or a talent-pool entry: asked again, it would be that again.
        failure = Failure.UNPARSABLE if content.broken else Failure.NOT_FOUND
        posting_writes.fail_discovered(session, board_id, answer["posting_id"], failure)
    for reason in content.broken:
        crawl_writes.save_dead_letter(session, _dead_letter(answer, "posting", reason), now)


def _store_failure(session: Session, answer: ItemAdapter) -> None:
    board_id, posting_id = answer["board_id"], answer["posting_id"]
    failure, detail, now = answer["failure"], answer["detail"], utc_now()
    if posting_id is None:
        crawl_writes.fail_board(session, board_id, failure, detail, now)
    else:
        posting_writes.fail_discovered(session, board_id, posting_id, failure)
    if failure != Failure.NOT_FOUND:  # gone is an answer, not work left undone
        crawl_writes.save_dead_letter(session, _dead_letter(answer, failure, detail), now)


def _dead_letter(answer: ItemAdapter, reason: str, detail: str) -> DeadLetter:
    board, posting_id = answer["board"], answer["posting_id"]
    return DeadLetter(
        kind="crawl",
        key=str(board) if posting_id is None else f"{board}/{posting_id}",
        reason=reason,
        attempts=answer["attempts"],
        last_error=detail,
        raw_response_id=answer["raw_response_id"],
        payload={"board": board.model_dump(), "posting_id": posting_id},
    )
