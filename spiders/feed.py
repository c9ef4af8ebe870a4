"""Where a spider's requests come from: the shared start list, and who else is crawling it."""

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Iterable, Mapping

from redis.exceptions import RedisError
from scrapy.core.engine import ExecutionEngine
from scrapy.crawler import Crawler

from openfunnel.errors import AddressRefused, DatabaseUnavailable
from openfunnel.intake import Intake, StartEntry, read_entry
from openfunnel.queue.connection import connect
from openfunnel.queue.counters import Counters
from openfunnel.queue.presence import Presence, PresenceBoard
from openfunnel.queue.rate import HostRate
from openfunnel.queue.redis_leases import RedisLeaseQueue
from openfunnel.queue.start_lists import StartLists
from openfunnel.settings import Settings
from openfunnel.sources.source import Source
from openfunnel.store.database import Database

logger = logging.getLogger(__name__)

TAKE_AT_ONCE = 8
"""Start entries taken in one go: as many as one host is asked at the same time."""
POLL_SECONDS = 0.1
BEAT_SECONDS = 1.0
AWAY_SECONDS = 1.0
"""Pause before a server that does not answer is tried again."""


class Feed:
    """The connections of one crawler process, and the entries it takes.

    Attributes that need Redis exist once it is `opened`, when `entries` is first asked.
    """

    host_rate: HostRate
    extract_queue: RedisLeaseQueue

    def __init__(self, crawler: Crawler, source: Source) -> None:
        self._crawler = crawler
        self._source = source
        self._settings: Settings = crawler.settings["OPENFUNNEL"]
        self.database: Database = crawler.settings["OPENFUNNEL_DATABASE"]
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._beating: asyncio.Task[None] | None = None
        self._quiet_since: float | None = None
        self._unsettled: list[bytes] = []
        self._opened = asyncio.Event()
        self._closed = False

    async def entries(self, idle_seconds: float | None) -> AsyncIterator[StartEntry]:
        """Yield start entries for ever, or until the source was idle for `idle_seconds`."""
        await self._open()
        away = False
        while True:
            try:
                taken = [] if self._engine.needs_backout() else await self._take()
                if not taken and await self._idle_for(idle_seconds):
                    return
            except (RedisError, DatabaseUnavailable) as error:
                if not away:
                    logger.warning("Waiting for PostgreSQL or Redis: %s", error)
                away = True
                await asyncio.sleep(AWAY_SECONDS)
                continue
            if away:
                logger.warning("PostgreSQL and Redis are back")
            away = False
            for entry in taken:
                yield entry
            if not taken:
                await asyncio.sleep(POLL_SECONDS)

    async def close(self, unknown_fields: Mapping[str, int]) -> None:
        """Say goodbye and close the connections."""
        if self._beating is None:
            return
        self._closed = True  # a cancellation that meets redis-py in the middle is swallowed
        self._beating.cancel()
        with contextlib.suppress(RedisError):  # leaving is a courtesy: the mark expires by itself
            for path, times in unknown_fields.items():
                await self._counters.add("unknown_fields", f"{self._source.name} {path}", times)
            await self._presences.leave(self._presence())
        await self._redis.aclose()
        self.database.close()

    @property
    def _engine(self) -> ExecutionEngine:
        assert self._crawler.engine is not None
        return self._crawler.engine

    async def _open(self) -> None:
        self._redis = await connect(self._settings)
        self.host_rate = HostRate(self._redis, self._settings.host_rate)
        self.extract_queue = RedisLeaseQueue(self._redis, "extract")
        self._start_lists = StartLists(self._redis)
        self._counters = Counters(self._redis)
        self._presences = PresenceBoard(self._redis)
        self._intake = Intake(self.database, self._start_lists, self._settings)
        self._beating = asyncio.create_task(self._beat())
        self._opened.set()

    async def opened(self) -> "Feed":
        """Wait for the connections: requests of earlier crawls are handed out before `entries`."""
        await self._opened.wait()
        return self

    async def _take(self) -> list[StartEntry]:
        """Take entries; while a server is away, the same ones are tried again."""
        source = self._source.name
        if not self._unsettled:
            self._unsettled = await self._start_lists.take(source, TAKE_AT_ONCE)
        if not self._unsettled:
            return []
        self._quiet_since = None
        entries = await self._read(self._unsettled)
        await self._intake.accept(entries)
        await self._start_lists.settle(source, self._unsettled)
        self._unsettled = []
        return entries

    async def _read(self, taken: Iterable[bytes]) -> list[StartEntry]:
        entries = []
        for data in taken:
            try:
                entry = read_entry(data, self._source.name, self._settings)
            except AddressRefused as error:
                logger.warning("%s", error)
                await self._counters.add("refused_entries", self._source.name, 1)
                continue
            if entry.address.board.ats != self._source.name:
                await self._intake.forward(entry)
            else:
                entries.append(entry)
        return entries

    async def _idle_for(self, seconds: float | None) -> bool:
        if seconds is None:
            return False
        waiting = await self._start_lists.waiting(self._source.name)
        others = await self._presences.present(f"crawler:{self._source.name}")
        elsewhere = any(one.busy for one in others if one.name != self._name)
        if self._busy() or elsewhere or waiting.entries or waiting.requests:
            self._quiet_since = None
            return False
        now = time.monotonic()
        self._quiet_since = self._quiet_since or now
        return now - self._quiet_since >= seconds

    def _busy(self) -> int:
        scraping = self._engine.scraper.slot
        in_store = 0 if scraping is None or scraping.is_idle() else 1
        return len(self._unsettled) + len(self._engine.downloader.active) + in_store

    def _presence(self) -> Presence:
        return Presence(f"crawler:{self._source.name}", self._name, self._busy(), "")

    async def _beat(self) -> None:
        while not self._closed:
            try:
                await self._presences.beat(self._presence())
            except RedisError as error:
                logger.debug("No heartbeat: %s", error)
            await asyncio.sleep(BEAT_SECONDS)
