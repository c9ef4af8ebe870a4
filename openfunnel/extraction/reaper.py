"""The reaper: brings back what crashed workers held and what Redis has lost, and tidies up.

Each step stands alone and may be repeated, so several reapers do no harm, and one that dies in
between leaves nothing half done.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from openfunnel.clock import utc_now
from openfunnel.extraction.dead_letters import store_dead_letters
from openfunnel.extraction.outages import AWAY, Outage, pause_for
from openfunnel.extraction.reconciliation import reconcile
from openfunnel.lost_requests import LostRequests
from openfunnel.queue.leases import LeaseQueue
from openfunnel.queue.presence import Presence, PresenceBoard
from openfunnel.store.database import Database
from openfunnel.store.model_answers import forget_answers

ROLE = "reaper"
DEAD_PAGE = 100
ANSWERS_KEPT = timedelta(days=180)
"""Since their last use; few postings are open for longer, and each replay uses those it needs."""
ANSWERS_PAGE = 1_000
"""Deleted at a turn, at the most."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReapReport:
    """What one turn brought back."""

    returned: int
    """Leases that had expired, of extraction and of the crawl."""
    dead: int
    """Dead letters stored."""
    pushed: int
    """Postings whose job was missing."""
    boards: int
    """Boards and postings whose request was missing."""


class Reaper:
    """Takes turns; the queue is that of extraction, the requests are those of all frontiers."""

    def __init__(
        self,
        queue: LeaseQueue,
        database: Database,
        requests: LostRequests,
        presence: PresenceBoard,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._queue = queue
        self._database = database
        self._requests = requests
        self._presence = presence
        self._clock = clock
        self._sign = Presence(ROLE, f"{socket.gethostname()}:{os.getpid()}", 0, "")

    async def turn(self) -> ReapReport:
        """Do everything once.

        Raises:
            DatabaseUnavailable, RedisUnavailable, redis.RedisError: a service is away.
        """
        returned = await self._queue.reap()
        dead = await self._bury()
        pushed = await reconcile(self._database, self._queue)
        crawl = await self._requests.recover()
        await self._forget()
        return ReapReport(returned + crawl.returned, dead + crawl.dead, pushed, crawl.queued)

    async def run(self, stop: asyncio.Event, every_seconds: float) -> None:
        """Take turns until `stop` is set, through every outage."""
        outage = Outage(min(1.0, every_seconds))
        while not stop.is_set():
            pause = every_seconds
            try:
                await self._presence.beat(self._sign, ttl_seconds=2 * every_seconds + 10)
                report = await self.turn()
            except AWAY as error:
                pause = outage.begin(error, time.monotonic())
            except Exception:
                log.exception("The reaper's turn failed; the next one comes")
            else:
                outage.end()
                if report != ReapReport(0, 0, 0, 0):
                    log.info("Brought back: %s", report)
            await pause_for(pause, stop)
        try:
            await self._presence.leave(self._sign)
        except AWAY as error:
            log.info("Left without a word: %s", error)

    async def _bury(self) -> int:
        stored = 0
        while dead := await self._queue.dead(DEAD_PAGE):
            await store_dead_letters(dead, self._database, self._queue, self._clock())
            stored += len(dead)
        return stored

    async def _forget(self) -> None:
        """Delete answers of models that nothing has asked for in a long time."""

        def forget() -> int:
            with self._database.autocommit() as session:
                return forget_answers(session, self._clock() - ANSWERS_KEPT, ANSWERS_PAGE)

        if forgotten := await asyncio.to_thread(forget):
            log.info("Forgot %s answers of models that were of no use any more", forgotten)
