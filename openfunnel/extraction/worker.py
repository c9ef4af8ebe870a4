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
from datetime import datetime

from openfunnel.clock import utc_now
from openfunnel.extraction.contract import Extractor, label
from openfunnel.extraction.desk import Desk
from openfunnel.extraction.ledger import Ledger
from openfunnel.extraction.outages import AWAY, Outage, pause_for
from openfunnel.extraction.pace import USUAL, Lookahead, Pace
from openfunnel.extraction.reconciliation import reconcile
from openfunnel.extraction.usage import Meter
from openfunnel.queue.leases import Lease, LeaseQueue
from openfunnel.queue.presence import Presence, PresenceBoard
from openfunnel.store.database import Database

ROLE = "extractor"
FEWEST_TAKEN = 0.25
"""Share of the hands that is filled at a time, at the least."""

log = logging.getLogger(__name__)


class Worker:
    """Keeps `concurrency` slots of its extractor busy, by holding more postings than these."""

    def __init__(
        self,
        queue: LeaseQueue,
        database: Database,
        extractor: Extractor,
        presence: PresenceBoard,
        *,
        lease_seconds: float,
        concurrency: int = 4,
        meter: Meter | None = None,
        clock: Callable[[], datetime] = utc_now,
        pace: Pace = USUAL,
    ) -> None:
        """`meter` is the one that the extractor counts with."""
        self._queue = queue
        self._database = database
        self._extractor = extractor
        self._presence = presence
        self._lease_seconds = lease_seconds
        self._pace = pace
        self._name = f"{socket.gethostname()}:{os.getpid()}:{id(self):x}"
        self._outage = Outage(pace.outage_seconds)
        self._desk = Desk(queue, database, extractor, self._outage, clock, pace)
        self._ledger = Ledger(meter or Meter(), database, clock)
        self._lookahead = Lookahead(concurrency)
        self._in_hand: dict[asyncio.Task[None], Lease] = {}
        self._lost: set[int] = set()

    async def run(self, stop: asyncio.Event, drain: bool = False) -> None:
        """Work until `stop` is set, or, to `drain`, until nothing is queued, delayed or leased."""
        ended = asyncio.Event()
        beats = [
            asyncio.create_task(self._repeat(work, ended))
            for work in (self._beat, self._ledger.store)
        ]
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
            await asyncio.gather(*beats, stopped, return_exceptions=True)
            await self._ledger.store()
            await self._outage.attempt(self._presence.leave(self._sign()))

    # --- taking ---------------------------------------------------------------------------------

    async def _fill(self) -> int:
        """Take jobs for the free hands; after an outage a single one, to see how it goes."""
        free = self._free()
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
            self._in_hand[asyncio.create_task(self._desk.serve(lease))] = lease
        return len(leases)

    def _free(self) -> int:
        """How many jobs to take: none before a good part of the hands is free, to take many."""
        hands = self._lookahead.hands()
        free = hands - len(self._in_hand)
        return free if free >= max(1, FEWEST_TAKEN * hands) else 0

    async def _wait(self, stopped: asyncio.Task[bool]) -> None:
        """Wait until a posting is done, the queue is worth a look, or the worker is to stop."""
        seconds = max(self._pace.poll_seconds, self._outage.seconds_left(time.monotonic()))
        done, _ = await asyncio.wait(
            {stopped, *self._in_hand},
            timeout=seconds if self._free() else None,
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in done - {stopped}:
            lease = self._in_hand.pop(task)  # type: ignore[arg-type]
            self._lost.discard(lease.token)
            self._lookahead.note()
            if error := task.exception():
                log.error("Posting %s: left to the reaper", lease.job.key, exc_info=error)

    async def _is_drained(self) -> bool:
        """Whether nothing is left to do, for anybody; what dead workers held is taken back."""
        try:
            if await self._queue.reap():
                return False
            await self._desk.store(await self._queue.dead(100))
            depth = await self._queue.depth()
            return depth.unfinished == depth.dead == 0  # somebody may be storing a letter, or dead
        except AWAY as error:
            self._outage.begin(error, time.monotonic())
            return False

    # --- signs of life --------------------------------------------------------------------------

    async def _repeat(self, work: Callable[[], Awaitable[None]], ended: asyncio.Event) -> None:
        """Do `work` at every beat, until the worker has ended."""
        while not ended.is_set():
            try:
                await self._outage.attempt(work())
            except Exception:
                log.exception("A beat failed; the next one comes")
            await pause_for(min(self._pace.beat_seconds, self._lease_seconds / 3), ended)

    async def _beat(self) -> None:
        """Extend the leases in hand and say who is alive."""
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
            await self._outage.attempt(self._queue.release(self._in_hand[task]))
        self._in_hand.clear()

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
