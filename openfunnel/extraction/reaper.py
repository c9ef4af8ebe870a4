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
from typing import Protocol

from openfunnel.clock import utc_now
from openfunnel.extraction.dead_letters import store_dead_letters
from openfunnel.extraction.outages import AWAY, Outage, pause_for
from openfunnel.extraction.reconciliation import reconcile
from openfunnel.queue.leases import LeaseQueue
from openfunnel.queue.presence import Presence, PresenceBoard
from openfunnel.store.database import Database

ROLE = "reaper"
DEAD_PAGE = 100

log = logging.getLogger(__name__)


class LostBoards(Protocol):
    """What the reaper asks of the intake."""

    async def requeue_lost(self, presences: PresenceBoard) -> int:
        """Queue again the boards that are wanted and in nobody's hands; return how many."""


@dataclass(frozen=True)
class ReapReport:
    """What one turn brought back."""

    returned: int
    """Leases that had expired."""
    dead: int
    """Dead letters stored."""
    pushed: int
    """Postings whose job was missing."""
    boards: int
    """Boards queued again."""


class Reaper:
    """Takes turns; the queue is that of extraction, the boards are the intake's."""

    def __init__(
        self,
        queue: LeaseQueue,
        database: Database,
        intake: LostBoards,
        presence: PresenceBoard,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._queue = queue
        self._database = database
        self._intake = intake
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
        boards = await self._intake.requeue_lost(self._presence)
        return ReapReport(returned, dead, pushed, boards)

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
