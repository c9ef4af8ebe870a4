"""The extraction worker: takes jobs, extracts, stores, and only then acknowledges.

A result is in PostgreSQL, guarded by its lease's fencing token, before its job leaves Redis:
whatever dies in between, the job comes back and finds its posting done. A service that is away
costs no attempt and ends no worker.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from openfunnel.clock import utc_now
from openfunnel.errors import ExtractionFailed
from openfunnel.extraction.contract import Extractor, label
from openfunnel.extraction.dead_letters import posting_id_of, store_dead_letters
from openfunnel.extraction.outages import AWAY, Outage, pause_for
from openfunnel.extraction.reconciliation import reconcile
from openfunnel.queue.leases import DeadJob, Lease, LeaseQueue
from openfunnel.queue.presence import Presence, PresenceBoard
from openfunnel.records import ExtractionResult, PostingStatus
from openfunnel.store import extraction_writes, queries
from openfunnel.store.database import Database

ROLE = "extractor"
REASON_LENGTH = 2000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """How long a worker waits for what; all in seconds."""

    poll_seconds: float = 0.2
    """Between two looks into an empty queue."""
    beat_seconds: float = 3.0
    """Between two signs of life; leases are extended after a third of their time at the latest."""
    retry_seconds: float = 5.0
    """Before a failed posting is tried again; four times as long after each further failure."""
    outage_seconds: float = 1.0
    """First pause when a service is away."""
    grace_seconds: float = 10.0
    """What a stopped worker gives the postings in its hands."""


class Worker:
    """Keeps `concurrency` postings in work; each slot is filled as soon as it is free."""

    def __init__(
        self,
        queue: LeaseQueue,
        database: Database,
        extractor: Extractor,
        presence: PresenceBoard,
        *,
        lease_seconds: float,
        concurrency: int = 4,
        clock: Callable[[], datetime] = utc_now,
        pace: Pace = Pace(),
    ) -> None:
        self._queue = queue
        self._database = database
        self._extractor = extractor
        self._presence = presence
        self._lease_seconds = lease_seconds
        self._concurrency = concurrency
        self._clock = clock
        self._pace = pace
        self._name = f"{socket.gethostname()}:{os.getpid()}:{id(self):x}"
        self._outage = Outage(pace.outage_seconds)
        self._in_hand: dict[asyncio.Task[None], Lease] = {}
        self._lost: set[int] = set()

    async def run(self, stop: asyncio.Event, drain: bool = False) -> None:
        """Work until `stop` is set, or, to `drain`, until nothing is queued, delayed or leased."""
        ended = asyncio.Event()
        pulse = asyncio.create_task(self._pulse(ended))
        stopped = asyncio.create_task(stop.wait())
        try:
            if drain:
                await self._persist(stop, lambda: reconcile(self._database, self._queue))
            while not stop.is_set():
                taken = await self._fill()
                if drain and not taken and not self._in_hand and await self._is_drained():
                    break
                await self._wait(stopped)
        finally:
            stopped.cancel()
            await self._let_go()
            # Not cancelled: a cancellation that meets redis-py at the wrong moment is swallowed.
            ended.set()
            await asyncio.gather(pulse, stopped, return_exceptions=True)
            await self._leave()

    # --- taking ---------------------------------------------------------------------------------

    async def _fill(self) -> int:
        """Take jobs for the free slots; after an outage a single one, to see how it goes."""
        free = self._concurrency - len(self._in_hand)
        if self._outage.ongoing:
            free = 0 if self._in_hand or self._outage.seconds_left(time.monotonic()) else 1
        if not free:
            return 0
        try:
            leases = await self._queue.take(free, self._lease_seconds)
        except AWAY as error:
            self._outage.begin(error, time.monotonic())
            return 0
        for lease in leases:
            self._in_hand[asyncio.create_task(self._serve(lease))] = lease
        return len(leases)

    async def _wait(self, stopped: asyncio.Task[bool]) -> None:
        """Wait until a slot is free, the queue is worth a look, or the worker is to stop."""
        seconds = max(self._pace.poll_seconds, self._outage.seconds_left(time.monotonic()))
        busy = len(self._in_hand) >= self._concurrency
        done, _ = await asyncio.wait(
            {stopped, *self._in_hand},
            timeout=None if busy else seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in done - {stopped}:
            lease = self._in_hand.pop(task)  # type: ignore[arg-type]
            self._lost.discard(lease.token)
            if error := task.exception():
                log.error("Posting %s: left to the reaper", lease.job.key, exc_info=error)

    async def _is_drained(self) -> bool:
        """Whether nothing is left to do, for anybody; what dead workers held is taken back."""
        try:
            if await self._queue.reap():
                return False
            await self._store(await self._queue.dead(100))
            depth = await self._queue.depth()
            return depth.unfinished == depth.dead == 0  # somebody may be storing a letter, or dead
        except AWAY as error:
            self._outage.begin(error, time.monotonic())
            return False

    # --- one job --------------------------------------------------------------------------------

    async def _serve(self, lease: Lease) -> None:
        """Extract the posting of one lease, and settle what goes wrong."""
        try:
            await self._extract(lease)
            self._outage.end()
        except AWAY as error:
            pause = self._outage.begin(error, time.monotonic())
            await self._try(self._queue.release(lease, pause))
        except ExtractionFailed as error:
            log.warning("Posting %s: %s", lease.job.key, error)
            await self._try(self._fail(lease, str(error)))
        except Exception as error:
            log.exception("Posting %s: unexpected", lease.job.key)
            await self._try(self._fail(lease, f"{type(error).__name__}: {error}"))

    async def _extract(self, lease: Lease) -> None:
        posting_id = posting_id_of(lease.job.key)
        pending = (
            await asyncio.to_thread(self._load, posting_id) if posting_id is not None else None
        )
        if pending and pending.status in (PostingStatus.FETCHED, PostingStatus.FAILED):
            result = await self._extractor.extract(pending.posting)
            stored = await asyncio.to_thread(self._save, pending, result, lease.token)
            if not stored:
                log.info("Posting %s: a later worker was quicker", lease.job.key)
        await self._queue.acknowledge(lease)

    def _load(self, posting_id: int) -> queries.PendingPosting | None:
        with self._database.begin() as session:
            return queries.posting_for_extraction(session, posting_id)

    def _save(self, pending: queries.PendingPosting, result: ExtractionResult, token: int) -> bool:
        with self._database.begin() as session:
            return extraction_writes.save_extraction(
                session, pending.id, pending.text_checksum, result, token, self._clock()
            )

    async def _fail(self, lease: Lease, error: str) -> None:
        delay = self._pace.retry_seconds * 4 ** min(lease.attempts, 10)
        dead = await self._queue.fail(lease, error[:REASON_LENGTH], delay)
        if dead:
            log.error("Posting %s: given up after %s attempts", dead.job.key, dead.attempts)
            await self._store([dead])

    async def _store(self, dead: list[DeadJob]) -> None:
        await store_dead_letters(dead, self._database, self._queue, self._clock())

    # --- signs of life --------------------------------------------------------------------------

    async def _pulse(self, ended: asyncio.Event) -> None:
        """Extend the leases in hand and say who is alive, until the worker has ended."""
        while not ended.is_set():
            try:
                await self._try(self._beat())
            except Exception:
                log.exception("A sign of life failed; the next one comes")
            await pause_for(min(self._pace.beat_seconds, self._lease_seconds / 3), ended)

    async def _beat(self) -> None:
        await self._presence.beat(self._sign())
        held = [lease for lease in self._in_hand.values() if lease.token not in self._lost]
        for lease in await self._queue.extend(held, self._lease_seconds) if held else ():
            # Its result is still worth storing: the fence refuses it only if a later one is there.
            log.info("Posting %s: the lease is lost", lease.job.key)
            self._lost.add(lease.token)

    def _sign(self) -> Presence:
        return Presence(ROLE, self._name, len(self._in_hand), label(self._extractor))

    # --- ending ---------------------------------------------------------------------------------

    async def _let_go(self) -> None:
        """Finish what is in hand within the grace period, and hand the rest back."""
        if not self._in_hand:
            return
        _, unfinished = await asyncio.wait(self._in_hand, timeout=self._pace.grace_seconds)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*self._in_hand, return_exceptions=True)
        for task in unfinished:
            await self._try(self._queue.release(self._in_hand[task]))
        self._in_hand.clear()

    async def _leave(self) -> None:
        await self._try(self._presence.leave(self._sign()))

    # --- outages --------------------------------------------------------------------------------

    async def _persist(self, stop: asyncio.Event, work: Callable[[], Awaitable[object]]) -> None:
        """Do `work`, again and again while a service is away."""
        while not stop.is_set():
            try:
                await work()
            except AWAY as error:
                pause = self._outage.begin(error, time.monotonic())
                await pause_for(pause, stop)
            else:
                self._outage.end()
                return

    async def _try(self, work: Awaitable[object]) -> None:
        """Do `work` once; if a service is away, the lease's expiry or the next beat makes up."""
        try:
            await work
        except AWAY as error:
            self._outage.begin(error, time.monotonic())
