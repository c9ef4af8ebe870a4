"""The scheduler: puts boards that are due onto the frontier.

Any number of processes may run; one of them leads and the others stand by. Should two ever lead
for a moment, a board may be fetched twice, and nothing else happens.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable
from datetime import datetime

from openfunnel.clock import utc_now
from openfunnel.extraction.outages import AWAY, Outage, pause_for
from openfunnel.intake import Intake, Queued
from openfunnel.queue.presence import Presence, PresenceBoard
from openfunnel.sources.addresses import Address
from openfunnel.store.boards import BoardRow, due_boards
from openfunnel.store.database import Database
from openfunnel.store.leadership import Leadership

ROLE = "scheduler"
PAGE = 500
"""Boards of one transaction."""

log = logging.getLogger(__name__)


class Scheduler:
    """Takes turns, as long as it leads."""

    def __init__(
        self,
        database: Database,
        intake: Intake,
        presence: PresenceBoard,
        leadership: Leadership,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._intake = intake
        self._presence = presence
        self._leadership = leadership
        self._clock = clock
        self._name = f"{socket.gethostname()}:{os.getpid()}"

    async def turn(self) -> int | None:
        """Queue every board that is due; return how many, or None where another leads.

        Raises:
            DatabaseUnavailable, redis.RedisError: a service is away. Boards of the page it came
                upon are recorded as wanted, and the reaper sees to them.
        """
        if not await asyncio.to_thread(self._leadership.take):
            return None
        return len((await queue_due(self._database, self._intake, self._clock())).board_ids)

    async def run(self, stop: asyncio.Event, every_seconds: float) -> None:
        """Take turns until `stop` is set, through every outage; then give up the lead."""
        outage = Outage(min(1.0, every_seconds))
        sign = self._sign(leads=False)
        while not stop.is_set():
            pause = every_seconds
            try:
                queued = await self.turn()
                sign = self._sign(leads=queued is not None)
                await self._presence.beat(sign, ttl_seconds=2 * every_seconds + 10)
                if queued:
                    log.info("%d boards were due", queued)
            except AWAY as error:
                pause = outage.begin(error, time.monotonic())
            except Exception:
                log.exception("The scheduler's turn failed; the next one comes")
            else:
                outage.end()
            await pause_for(pause, stop)
        await asyncio.to_thread(self._leadership.close)
        try:
            await self._presence.leave(sign)
        except AWAY as error:
            log.info("Left without a word: %s", error)

    def _sign(self, leads: bool) -> Presence:
        return Presence(ROLE, self._name, 0, "leads" if leads else "stands by")


async def queue_due(database: Database, intake: Intake, now: datetime) -> Queued:
    """Put every board that is due onto the frontier, the longest due first."""
    queued = Queued((), (), frozenset())
    while page := await asyncio.to_thread(_page, database, now):
        # Recorded as wanted, they are not on the next page.
        added = await intake.queue([Address(board.ref) for board in page])
        queued = Queued(queued.board_ids + added.board_ids, (), queued.sources | added.sources)
    return queued


def _page(database: Database, now: datetime) -> list[BoardRow]:
    with database.begin() as session:
        return due_boards(session, now, PAGE)
