"""One posting on its way through a worker: loaded, extracted, stored, and only then acknowledged.

Each posting goes its way alone, and shares the trips to PostgreSQL and Redis with whatever others
are at the same step.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from openfunnel.batches import Batches
from openfunnel.errors import ExtractionFailed, ModelAnswerInvalid
from openfunnel.extraction.contract import Extractor
from openfunnel.extraction.dead_letters import posting_id_of, store_dead_letters
from openfunnel.extraction.outages import AWAY, Outage
from openfunnel.extraction.pace import Pace
from openfunnel.queue.leases import DeadJob, Lease, LeaseQueue
from openfunnel.records import ExtractionResult, PostingStatus, PostingText
from openfunnel.store import extraction_writes, queries
from openfunnel.store.database import Database
from openfunnel.store.extraction_writes import FinishedExtraction

REASON_LENGTH = 2000
UNUSABLE = "no model gave an answer that can be trusted"

T = TypeVar("T")

log = logging.getLogger(__name__)


class Desk:
    """Works on any number of leases at a time, and settles whatever goes wrong with one."""

    def __init__(
        self,
        queue: LeaseQueue,
        database: Database,
        extractor: Extractor,
        outage: Outage,
        clock: Callable[[], datetime],
        pace: Pace,
    ) -> None:
        self._queue = queue
        self._database = database
        self._extractor = extractor
        self._outage = outage
        self._clock = clock
        self._pace = pace
        self._load = Batches(self._load_all, 0, shared=AWAY)
        self._serving = 0
        self._save = Batches(
            self._save_all, pace.linger_seconds, enough=lambda: self._serving, shared=AWAY
        )
        self._acknowledge = Batches(self._acknowledge_all, 0, shared=AWAY)

    async def serve(self, lease: Lease) -> None:
        """Extract the posting of one lease; a service that is away costs it no attempt."""
        self._serving += 1
        try:
            await self._extract(lease)
            self._outage.end()
        except AWAY as error:
            pause = self._outage.begin(error, time.monotonic())
            await self._outage.attempt(self._queue.release(lease, pause))
        except ModelAnswerInvalid as error:
            log.warning("Posting %s: %s", lease.job.key, error)
            await self._outage.attempt(self._kill(lease, str(error)))
        except ExtractionFailed as error:
            log.warning("Posting %s: %s", lease.job.key, error)
            await self._outage.attempt(self._fail(lease, str(error)))
        except Exception as error:
            log.exception("Posting %s: unexpected", lease.job.key)
            await self._outage.attempt(self._fail(lease, f"{type(error).__name__}: {error}"))
        finally:
            self._serving -= 1

    async def store(self, dead: Sequence[DeadJob]) -> None:
        """Store the letters of dead jobs."""
        await store_dead_letters(dead, self._database, self._queue, self._clock())

    # --- step by step ---------------------------------------------------------------------------

    async def _extract(self, lease: Lease) -> None:
        posting_id = posting_id_of(lease.job.key)
        pending = await self._load(posting_id) if posting_id is not None else None
        if pending and pending.status in (PostingStatus.FETCHED, PostingStatus.FAILED):
            result = await self._ask(pending.posting)
            finished = FinishedExtraction(pending.id, pending.text_checksum, result, lease.token)
            if not await self._insist(partial(self._save, finished)):
                log.info("Posting %s: a later worker was quicker", lease.job.key)
        await self._insist(partial(self._acknowledge, lease))

    async def _ask(self, posting: PostingText) -> ExtractionResult:
        limit = asyncio.timeout(self._pace.posting_seconds)
        try:
            async with limit:
                return await self._extractor.extract(posting)
        except TimeoutError as error:
            if not limit.expired():
                raise
            reason = f"it took longer than {self._pace.posting_seconds:g} seconds"
            raise ExtractionFailed(reason=reason) from error

    async def _load_all(self, ids: Sequence[int]) -> list[queries.PendingPosting | None]:
        def load() -> dict[int, queries.PendingPosting]:
            with self._database.autocommit() as session:
                return queries.postings_for_extraction(session, ids)

        found = await asyncio.to_thread(load)
        return [found.get(posting_id) for posting_id in ids]

    async def _save_all(self, finished: Sequence[FinishedExtraction]) -> list[bool]:
        def save() -> set[int]:
            with self._database.begin() as session:
                return extraction_writes.save_extractions(session, finished, self._clock())

        stored = await asyncio.to_thread(save)
        return [one.posting_id in stored for one in finished]

    async def _acknowledge_all(self, leases: Sequence[Lease]) -> list[bool]:
        lost = {lease.token for lease in await self._queue.acknowledge_all(leases)}
        return [lease.token not in lost for lease in leases]

    # --- when something goes wrong --------------------------------------------------------------

    async def _insist(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do `work`, again and again while a service is away: what was extracted has cost a lot."""
        while True:
            try:
                return await work()
            except AWAY as error:
                await asyncio.sleep(self._outage.begin(error, time.monotonic()))

    async def _fail(self, lease: Lease, error: str) -> None:
        delay = self._pace.retry_seconds * 4 ** min(lease.attempts, 10)
        await self._bury(await self._queue.fail(lease, error[:REASON_LENGTH], delay))

    async def _kill(self, lease: Lease, error: str) -> None:
        """Give up at once: the same question would get the same answer."""
        await self._bury(await self._queue.kill(lease, UNUSABLE, error[:REASON_LENGTH]))

    async def _bury(self, dead: DeadJob | None) -> None:
        if dead:
            log.error("Posting %s: given up after %s attempts", dead.job.key, dead.attempts)
            await self.store([dead])
