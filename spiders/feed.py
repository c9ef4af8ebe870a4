"""Keeps one crawler process supplied: takes what may be sent now, and gives back what is not.

A task of its own beside Scrapy's engine: the engine asks a scheduler synchronously and again only
after an answer or 5 s, so the feed fills a line ahead of it and wakes it. While Redis is away,
requests in hand go on, and their endings are settled when it is back.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider

from openfunnel.batches import MOST_ITEMS
from openfunnel.errors import UnsupportedScrapy
from openfunnel.extraction.outages import AWAY, Outage
from openfunnel.queue.hosts import HostReport, Hosts
from openfunnel.queue.leases import Lease
from openfunnel.queue.robots import RobotsFiles
from openfunnel.records import BoardAnswer
from spiders.connections import Connections
from spiders.endings import Endings
from spiders.engine import Engine
from spiders.entries import Entries
from spiders.frontier import DupeFilter, RequestQueue
from spiders.hands import LEASE, Hands

logger = logging.getLogger(__name__)

ENTRIES_AT_ONCE = 100
POLL_SECONDS = 0.05
"""An idle crawler looks for new entries this often."""
BEAT_SECONDS = 1.0
AWAY_SECONDS = 0.5
"""Pause before a server that does not answer is tried again."""
GRACE_SECONDS = 10.0
"""What is in the air when the crawler is asked to stop has so long to end."""
FAREWELL_SECONDS = 3.0
LONGEST_AWAY_SECONDS = 2.0
MOST_UNSTORED = 8 * MOST_ITEMS
"""Answers in hand that are not stored yet. Storing takes turns of so many items each, and the
engine bounds their bytes: fewer, and it would wait for what it could ask meanwhile.
"""


class Feed:
    """The requests of one crawler process; `open` starts it, `close` ends it."""

    def __init__(self, crawler: Crawler, connections: Connections) -> None:
        self._crawler = crawler
        self._connections = connections
        self._engine = Engine(crawler)
        self._lease_seconds = connections.settings.lease_seconds
        self._concurrency = crawler.settings.getint("CONCURRENT_REQUESTS")
        self._per_host = crawler.settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN")
        self._hands = Hands()
        self._stirred = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._closing = False
        self._stop_at: float | None = None
        self._quiet_since: float | None = None
        self._beat_at = self._extend_at = 0.0
        self.done = False
        """No more will come: idle for as long as asked for."""

    @property
    def hosts(self) -> Hosts:
        """How hosts are doing; there once it is open, as all that a request passes needs."""
        return self._connections.hosts

    @property
    def robots(self) -> RobotsFiles:
        """What robots.txt files say; there once it is open."""
        return self._connections.robots

    # --- what Scrapy's side calls -------------------------------------------------------------

    async def open(self, queue: RequestQueue, dupefilter: DupeFilter) -> None:
        """Connect, and start to take.

        Raises:
            CloseSpider: this Scrapy is not one that can be fed.
        """
        try:
            self._engine.check()
        except UnsupportedScrapy as error:
            logger.error("%s", error)
            raise CloseSpider("unsupported_scrapy") from None
        self._queue = queue
        self._endings = Endings(self._connections, self._hands, self._engine, queue, dupefilter)
        self._entries = Entries(self._crawler.spider, self._connections, self._endings.write)
        await self._connections.open()
        self._extend_at = time.monotonic() + self._lease_seconds / 3
        self._task = asyncio.create_task(self._run())
        self._watch = asyncio.create_task(self._end_in_time())

    async def close(self) -> None:
        """Settle what is over, hand back the rest, and end."""
        if self._task is None or self._watch is None:
            return
        self._closing = True
        self._stirred.set()
        await asyncio.wait([self._task])
        await self._entries.end()
        self._watch.cancel()
        try:
            await self._settle()
            await self._hand_back(self._hands.leases)
            await self._endings.bury_refused()
        except AWAY as error:
            logger.warning("Leases are left to expire: %s", error)

    def next_request(self) -> Request | None:
        """Hand out a request; where there is none, see about it."""
        request = self._hands.send()
        if request is None or not self._hands.unsent:
            self._stirred.set()
        return request

    def enqueue(self, request: Request) -> bool:
        """Take a redirect or retry under its parent's lease, or a new request.

        False where it cannot be written into the frontier.
        """
        self._stirred.set()
        return self._endings.take(request)

    @property
    def runs(self) -> bool:
        """Whether turns are taken: the stock scheduler needs none."""
        return self._task is not None

    def note(self, report: HostReport) -> None:
        """Tell, with the next turn, how a host answered."""
        self._endings.note(report)

    def note_item(self, item: object) -> None:
        """Every pipeline has done its work on an item."""
        if isinstance(item, BoardAnswer) and item.lease:
            if item.final:
                self._hands.confirm(item.lease, item.fence)
            else:
                self._hands.blame(item.lease, item.fence, f"{item.failure}: {item.detail}")

    def note_error(self, subject: object, error: BaseException | None) -> None:
        """A callback or a pipeline raised; `subject` is the request or the item."""
        words = f"{type(error).__name__}: {error}"[:1000]
        key, fence = "", 0
        if isinstance(subject, BoardAnswer):
            key, fence = subject.lease, subject.fence
        elif isinstance(subject, Request):
            key, fence = subject.meta.get(LEASE, ""), subject.meta.get("fence", 0)
        self._hands.blame(key, fence, words, ours=isinstance(error, AWAY))

    # --- the task -----------------------------------------------------------------------------

    async def _run(self) -> None:
        outage = Outage(AWAY_SECONDS)
        while not self._closing:
            self._stirred.clear()
            self._heed_stop()
            try:
                pause = await self._turn()
            except AWAY as error:
                pause = min(outage.begin(error, time.monotonic()), LONGEST_AWAY_SECONDS)
                await asyncio.sleep(pause)
            except Exception:
                logger.exception("A turn of the feed failed; the next one comes")
                await asyncio.sleep(AWAY_SECONDS)
            else:
                outage.end()
                if pause > 0:
                    await self._rest(pause)

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stirred.wait(), seconds)
        except TimeoutError:
            return

    async def _turn(self) -> float:
        """Do what is to be done now; return for how many seconds there may be nothing more."""
        await self._settle()
        await self._keep()
        if self._stop_at is not None:
            await self._hand_back(self._hands.unsent_leases)
            return POLL_SECONDS
        room = self._room()
        if room <= 0:
            return POLL_SECONDS
        asked = self._hands.by_host(self._engine.in_the_air)
        entries = ENTRIES_AT_ONCE if self._entries.check() else 0
        taken = await self._connections.frontier.take_allowed(
            room, entries, self._lease_seconds, self._per_host, asked
        )
        try:
            await self._place(taken.leases)
        except BaseException:
            # What no hand holds would wait for its lease to expire, and count a death.
            held = self._hands.leases
            await self._hand_back([lease for lease in taken.leases if lease not in held])
            raise
        if not taken.leases:
            await self._see_if_idle()
        return POLL_SECONDS if taken.wait_seconds is None else min(taken.wait_seconds, POLL_SECONDS)

    async def _place(self, leases: Sequence[Lease]) -> None:
        """Put requests in line, and begin to put requests in the place of entries."""
        for lease in leases:
            if lease.job.host:
                await self._receive(lease)
        if self._hands.unsent:
            self._engine.wake()
        if entries := [lease for lease in leases if not lease.job.host]:
            self._entries.begin(entries, self._stirred.set)

    def _room(self) -> int:
        if self._engine.is_full:
            return 0
        free = self._concurrency - len(self._engine.in_the_air) - self._hands.unsent
        return min(free, self._concurrency + MOST_UNSTORED - len(self._hands))

    async def _receive(self, lease: Lease) -> None:
        try:
            self._hands.add(lease, self._queue.read(lease.job))
        except ValueError as error:
            await self._connections.refuse(lease, "not a request of this crawler", str(error))

    async def _settle(self) -> None:
        await self._endings.settle(is_stopping=self._stop_at is not None)

    async def _keep(self) -> None:
        """Renew the leases and say that this process is alive, each when it is time."""
        now = time.monotonic()
        if now >= self._extend_at:
            held = self._hands.leases
            self._hands.lose(await self._connections.frontier.extend(held, self._lease_seconds))
            self._extend_at = now + self._lease_seconds / 3
        if now >= self._beat_at:
            self._beat_at = now + BEAT_SECONDS
            await self._connections.beat(len(self._hands))
            await self._connections.bury_all()
            await self._endings.bury_refused()

    def _heed_stop(self) -> None:
        """Note when the crawler was asked to stop."""
        if self._stop_at is None and self._engine.is_closing:
            self._stop_at = time.monotonic() + GRACE_SECONDS

    async def _end_in_time(self) -> None:
        """Once what is in the air takes too long, hand everything back, if anybody takes it.

        Not a part of a turn: that may be what takes too long, where a server says nothing.
        """
        while self._stop_at is None or time.monotonic() < self._stop_at:
            await asyncio.sleep(POLL_SECONDS)
            self._heed_stop()
        logger.warning("%d requests take too long; others will do them", len(self._hands))
        assert self._task is not None
        self._task.cancel()
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await asyncio.wait([self._task])
                await self._entries.end(now=True)
                await self._settle()
                await self._hand_back(self._hands.leases)
        except (TimeoutError, *AWAY) as error:
            logger.warning("Leases are left to expire: %s", error)
        finally:
            self._engine.abandon()

    async def _hand_back(self, leases: list[Lease]) -> None:
        if leases:
            await self._connections.frontier.release_all(leases)
            self._hands.lose(leases)

    async def _see_if_idle(self) -> None:
        spider: Any = self._crawler.spider
        seconds = spider.idle_seconds
        if seconds is None:
            return
        waiting = None if len(self._hands) else await self._connections.frontier.waiting()
        if waiting is None or waiting.entries or waiting.unfinished:
            self._quiet_since = None
            return
        now = time.monotonic()
        self._quiet_since = self._quiet_since or now
        if now - self._quiet_since >= seconds:
            self.done = True
            self._engine.wake()
