"""The reaper: brings back what crashed workers held, and what Redis has lost.

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
from datetime import datetime

from openfunnel.clock import utc_now
from openfunnel.extraction.dead_letters import store_dead_letters
from openfunnel.extraction.outages import AWAY, Outage, pause_for
from openfunnel.extraction.reconciliation import reconcile
from openfunnel.lost_requests import LostRequests
from openfunnel.queue.leases import LeaseQueue
from openfunnel.queue.presence import Presence, PresenceBoard
from openfunnel.store.database import Database

ROLE = "reaper"
DEAD_PAGE = 100

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
