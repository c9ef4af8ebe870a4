"""Second chances: what a dead letter gave up on is put back to work, and the letter is deleted.

The letter goes last. Whatever ends the process before leaves a letter that can be tried again, and
everything that is put back twice is done once, or once too often without harm.
"""

import asyncio
import base64
import binascii
from collections.abc import Callable
from datetime import datetime

from pydantic import BaseModel, ValidationError

from openfunnel.clock import utc_now
from openfunnel.errors import RetryRefused
from openfunnel.extraction.dead_letters import posting_id_of
from openfunnel.intake import Intake
from openfunnel.queue.leases import Job, LeaseQueue
from openfunnel.queue.start_lists import StartLists
from openfunnel.records import BoardRef
from openfunnel.sources import SOURCES
from openfunnel.sources.addresses import Address
from openfunnel.store import crawl_writes, second_chances
from openfunnel.store.database import Database
from openfunnel.store.dead_letters import StoredLetter, delete_dead_letters


class CrawlPayload(BaseModel):
    """What a letter of kind `crawl` holds."""

    board: BoardRef
    posting_id: str | None


class EntryPayload(BaseModel):
    """What a letter of kind `entry` holds."""

    source: str
    entry: str
    """Its first bytes, in base64."""
    bytes: int
    """How many it had."""


class Revival:
    """Gives dead letters another try; `extraction` is the queue of postings to extract."""

    def __init__(
        self,
        database: Database,
        intake: Intake,
        start_lists: StartLists,
        extraction: LeaseQueue,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._intake = intake
        self._start_lists = start_lists
        self._extraction = extraction
        self._clock = clock

    async def retry(self, letter: StoredLetter) -> None:
        """Put back what the letter gave up on, and delete the letter.

        Raises:
            RetryRefused: there is nothing left to try; the letter stays.
            DatabaseUnavailable, redis.RedisError: a service is away; the letter stays.
        """
        try:
            match letter.kind:
                case "crawl":
                    await self._crawl(letter, CrawlPayload.model_validate(letter.payload))
                case "entry":
                    await self._push_entry(letter, EntryPayload.model_validate(letter.payload))
                case "extract":
                    await self._extract(letter)
                case _:
                    raise RetryRefused(id=letter.id, reason=f"nobody knows the kind {letter.kind}")
        except ValidationError:
            reason = "its payload does not say what to do"
            raise RetryRefused(id=letter.id, reason=reason) from None
        await asyncio.to_thread(self._delete, letter.id)

    async def _crawl(self, letter: StoredLetter, payload: CrawlPayload) -> None:
        board = payload.board
        if board.ats not in SOURCES or board.region not in SOURCES[board.ats].api_bases:
            raise RetryRefused(id=letter.id, reason=f"there is no source for {board}")
        await asyncio.to_thread(self._forget_outcome, payload)
        await self._intake.queue([Address(board, payload.posting_id)])

    async def _push_entry(self, letter: StoredLetter, payload: EntryPayload) -> None:
        if payload.source not in SOURCES:
            raise RetryRefused(id=letter.id, reason=f"there is no source {payload.source}")
        try:
            data = base64.b64decode(payload.entry, validate=True)
            text = data.decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            raise RetryRefused(id=letter.id, reason="the entry is no text") from None
        if len(data) != payload.bytes:
            reason = f"of its {payload.bytes} bytes only {len(data)} were kept"
            raise RetryRefused(id=letter.id, reason=reason)
        await self._start_lists.push(payload.source, [text])

    async def _extract(self, letter: StoredLetter) -> None:
        posting_id = posting_id_of(letter.key)
        if posting_id is None or not await asyncio.to_thread(self._await_extraction, posting_id):
            reason = f"no posting {letter.key} waits for extraction"
            raise RetryRefused(id=letter.id, reason=reason)
        await self._extraction.push([Job(letter.key)])

    def _forget_outcome(self, payload: CrawlPayload) -> None:
        """Make sure that the next answer is read, and not put aside as the one known already."""
        with self._database.begin() as session:
            board_id = crawl_writes.upsert_board(session, payload.board, None, self._clock())
            crawl_writes.forget_answer(session, board_id)
            if payload.posting_id is not None:
                second_chances.await_fetch(session, board_id, payload.posting_id)

    def _await_extraction(self, posting_id: int) -> bool:
        with self._database.begin() as session:
            return second_chances.await_extraction(session, posting_id)

    def _delete(self, letter_id: int) -> None:
        with self._database.begin() as session:
            delete_dead_letters(session, [letter_id])
