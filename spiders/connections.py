"""What one crawler process is connected to; shared by spider, middlewares and pipelines."""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Mapping, Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError
from scrapy.settings import BaseSettings

from openfunnel.clock import utc_now
from openfunnel.errors import DatabaseUnavailable
from openfunnel.intake import Intake
from openfunnel.lost_requests import DEAD_PAGE, bury
from openfunnel.queue.connection import connect
from openfunnel.queue.counters import Counters
from openfunnel.queue.frontier import Frontier
from openfunnel.queue.hosts import Ceilings, Hosts
from openfunnel.queue.leases import DeadJob, Lease
from openfunnel.queue.presence import Presence, PresenceBoard
from openfunnel.queue.redis_leases import RedisLeaseQueue
from openfunnel.queue.robots import RobotsFiles
from openfunnel.queue.start_lists import StartLists
from openfunnel.settings import Settings
from openfunnel.store.database import Database

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 5
"""Requests for one answer, failures that may pass included."""


class Connections:
    """PostgreSQL from the start, Redis once they are opened."""

    frontier: Frontier
    hosts: Hosts
    robots: RobotsFiles
    extract_queue: RedisLeaseQueue
    counters: Counters
    intake: Intake
    redis: Redis

    def __init__(self, crawler_settings: BaseSettings, source: str) -> None:
        self.settings: Settings = crawler_settings["OPENFUNNEL"]
        self.database: Database = crawler_settings["OPENFUNNEL_DATABASE"]
        self._source = source
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._opening: asyncio.Task[None] | None = None

    async def open(self) -> "Connections":
        """Connect to Redis, once for all who ask.

        Raises:
            RedisUnavailable: nothing answers.
        """
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        await asyncio.shield(self._opening)
        return self

    async def _open(self) -> None:
        self.redis = await connect(self.settings)
        ceilings = Ceilings(self.settings.host_rate, self.settings.host_rates)
        self.frontier = Frontier(self.redis, self._source, ceilings, max_attempts=MOST_ATTEMPTS)
        self.hosts = Hosts(self.redis, ceilings)
        self.robots = RobotsFiles(self.redis)
        self.extract_queue = RedisLeaseQueue(self.redis, "extract")
        self.counters = Counters(self.redis)
        self.intake = Intake(self.database, StartLists(self.redis), self.settings)
        self._presences = PresenceBoard(self.redis)

    async def beat(self, busy: int) -> None:
        """Say that this crawler is alive, with so many requests in hand."""
        await self._presences.beat(self._presence(busy))

    async def refuse(self, lease: Lease, reason: str, error: str) -> None:
        """Give up on a job nobody can make sense of; its dead letter says why."""
        logger.warning("%s: %.300s", reason, error.partition("\n")[0])
        if dead := await self.frontier.kill(lease, reason, error):
            await self.bury([dead])

    async def bury(self, jobs: Sequence[DeadJob]) -> bool:
        """Store dead letters; False where PostgreSQL is away, and `bury_all` does it later."""
        try:
            await bury(self._source, jobs, self.frontier, self.database, utc_now())
        except DatabaseUnavailable as error:
            logger.info("Dead letters are stored later: %s", error)
            return False
        return True

    async def bury_all(self) -> None:
        """Store the dead letters of all the frontier gave up on."""
        while jobs := await self.frontier.dead(DEAD_PAGE):
            await self.bury(jobs)

    async def close(self, unknown_fields: Mapping[str, int]) -> None:
        """Say goodbye and close everything."""
        if self._opening is not None:
            with contextlib.suppress(RedisError):  # a courtesy: the mark expires by itself
                for path, times in unknown_fields.items():
                    await self.counters.add("unknown_fields", f"{self._source} {path}", times)
                await self._presences.leave(self._presence(0))
            await self.redis.aclose()
        self.database.close()

    def _presence(self, busy: int) -> Presence:
        return Presence(f"crawler:{self._source}", self._name, busy, "")
