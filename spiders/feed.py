"""Keeps one crawler process supplied: takes what may be sent now, and settles what is over.

A task of its own beside Scrapy's engine: the engine asks a scheduler synchronously and again only
after an answer or 5 s, so the feed fills a line ahead of it and wakes it. While Redis is away,
requests in hand go on, and their endings are settled when it is back.

It reads the engine's requests in progress and wakes its loop, which Scrapy offers no name for; this
was written for 2.19, and `open` sees to it that they are there.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import scrapy
from scrapy import Request
from scrapy.core.engine import ExecutionEngine
from scrapy.crawler import Crawler
from scrapy.exceptions import CloseSpider

from openfunnel.errors import UnsupportedScrapy
from openfunnel.extraction.outages import AWAY, Outage
from openfunnel.queue.hosts import HostReport, Hosts
from openfunnel.queue.leases import Job, Lease
from openfunnel.queue.robots import RobotsFiles
from openfunnel.records import BoardAnswer
from spiders.connections import Connections
from spiders.entries import Entries
from spiders.hands import LEASE, OWN_META, Hand, Hands, is_successor

logger = logging.getLogger(__name__)

ENTRIES_AT_ONCE = 50
POLL_SECONDS = 0.05
"""An idle crawler looks for new entries this often."""
BEAT_SECONDS = 1.0
AWAY_SECONDS = 0.5
"""Pause before a server that does not answer is tried again."""
GRACE_SECONDS = 10.0
"""What is in the air when the crawler is asked to stop has so long to end."""
FAREWELL_SECONDS = 3.0
LONGEST_AWAY_SECONDS = 2.0
LONGEST_BACKOFF_SECONDS = 60.0


class Feed:
    """The requests of one crawler process; `open` starts it, `close` ends it."""

    def __init__(self, crawler: Crawler, connections: Connections) -> None:
        self._crawler = crawler
        self._connections = connections
        self._lease_seconds = connections.settings.lease_seconds
        self._concurrency = crawler.settings.getint("CONCURRENT_REQUESTS")
        self._per_host = crawler.settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN")
        self._hands = Hands()
        self._children: list[Request] = []
        self._reports: list[HostReport] = []
        self._stirred = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
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

    async def open(self, queue: Any, dupefilter: Any) -> None:
        """Connect, and start to take.

        Raises:
            CloseSpider: this Scrapy is not one that can be fed.
        """
        slot = self._engine._slot
        progress, nextcall = (getattr(slot, name, None) for name in ("inprogress", "nextcall"))
        known = isinstance(progress, set) and hasattr(nextcall, "schedule")
        if not known or not hasattr(slot, "closing"):
            error = UnsupportedScrapy(version=scrapy.__version__)
            logger.error("%s", error)
            raise CloseSpider("unsupported_scrapy")
        self._queue, self._dupefilter = queue, dupefilter
        self._entries = Entries(self._spider, self._connections, self._write)
        await self._connections.open()
        self._extend_at = time.monotonic() + self._lease_seconds / 3
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Settle what is over, hand back the rest, and end."""
        self._closing = True
        self._stirred.set()
        if self._task is not None:
            await self._task
        try:
            await self._settle()
            await self._hand_back(self._hands.leases)
        except AWAY as error:
            logger.warning("Leases are left to expire: %s", error)

    def next_request(self) -> Request | None:
        """Hand out a request; where there is none, see about it."""
        request = self._hands.send()
        if request is None or not self._hands.unsent:
            self._stirred.set()
        return request

    def enqueue(self, request: Request) -> None:
        """Take a redirect or retry under its parent's lease, or a new request."""
        if self._hands.inherit(request):
            self._stirred.set()
        elif not is_successor(request):  # of a lease that was lost, it is somebody else's by now
            self._children.append(request)
            self._stirred.set()

    @property
    def runs(self) -> bool:
        """Whether turns are taken: the stock scheduler needs none."""
        return self._task is not None

    def note(self, report: HostReport) -> None:
        """Tell, with the next turn, how a host answered."""
        self._reports.append(report)

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
            if self._is_overdue():
                await self._abandon()
                return
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
        asked = self._hands.by_host(self._engine.downloader.active)
        taken = await self._connections.frontier.take_allowed(
            room, ENTRIES_AT_ONCE, self._lease_seconds, self._per_host, asked
        )
        try:
            await self._place(taken.leases)
        except Exception:
            # What no hand holds would wait for its lease to expire, and count a death.
            held = self._hands.leases
            await self._hand_back([lease for lease in taken.leases if lease not in held])
            raise
        if not taken.leases:
            await self._see_if_idle()
        return POLL_SECONDS if taken.wait_seconds is None else min(taken.wait_seconds, POLL_SECONDS)

    async def _place(self, leases: Sequence[Lease]) -> None:
        """Put requests in line, and requests in the place of entries."""
        for lease in leases:
            if lease.job.host:
                await self._receive(lease)
        if self._hands.unsent:
            self._wake()
        if entries := [lease for lease in leases if not lease.job.host]:
            await self._entries.exchange(entries)
            self._stirred.set()

    def _room(self) -> int:
        if self._engine.needs_backout():
            return 0
        free = self._concurrency - len(self._engine.downloader.active) - self._hands.unsent
        return min(free, 2 * self._concurrency - len(self._hands))

    async def _receive(self, lease: Lease) -> None:
        try:
            self._hands.add(lease, self._queue.read(lease.job))
        except ValueError as error:
            await self._connections.refuse(lease, "not a request of this crawler", str(error))

    async def _settle(self) -> None:
        """End the leases of what is over; push what came out of it first."""
        if self._children:
            children, self._children = self._children, []
            try:
                await self._push(children)
            except BaseException:
                self._children[:0] = children
                raise
        if self._reports:
            reports, self._reports = self._reports, []
            try:
                await self._connections.hosts.report(reports)
            except BaseException:
                self._reports[:0] = reports
                raise
        over = self._hands.finished(self._is_in_progress)
        done = [hand.lease for hand in over if hand.done]
        if done:
            for lease in await self._connections.frontier.acknowledge_all(done):
                logger.info("%s was somebody else's meanwhile", lease.job.key)
            self._hands.forget(done)
        for hand in over:
            if not hand.done:
                await self._continue(hand)
                self._hands.forget([hand.lease])

    async def _continue(self, hand: Hand) -> None:
        """See to a request that is over without an outcome."""
        frontier = self._connections.frontier
        backoff = _backoff(hand.lease.attempts)
        if hand.successor is not None:
            job = self._write(hand.successor, hand.lease.job.key)
            delay = backoff if hand.is_retried else 0
            await frontier.exchange([(hand.lease, job)], delay_seconds=delay)
        elif self._stop_at is not None and not hand.error:
            await frontier.release_all([hand.lease])
        elif hand.ours:
            await frontier.release_all([hand.lease], delay_seconds=backoff)
        elif dead := await frontier.fail(hand.lease, hand.error or "it had no outcome", backoff):
            await self._connections.bury([dead])

    async def _push(self, requests: list[Request]) -> None:
        for request in requests:
            for name in OWN_META:  # the parent's: spiders pass `meta` on
                request.meta.pop(name, None)
        await self._connections.frontier.push(
            [self._write(request) for request in requests],
            fingerprints=[self._dupefilter.fingerprint_of(request) for request in requests],
        )

    def _write(self, request: Request, key: str | None = None) -> Job:
        job: Job = self._queue.write(request, key or self._dupefilter.request_fingerprint(request))
        return job

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

    def _is_overdue(self) -> bool:
        """Whether the crawler was asked to stop, and what is in the air takes too long."""
        now = time.monotonic()
        slot = self._engine._slot
        if self._stop_at is None and slot is not None and slot.closing is not None:
            self._stop_at = now + GRACE_SECONDS
        return self._stop_at is not None and now >= self._stop_at

    async def _abandon(self) -> None:
        """Hand everything back, if anybody takes it, and end as at the second SIGTERM.

        Scrapy would wait for downloads without end.
        """
        logger.warning("%d requests take too long; others will do them", len(self._hands))
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._settle()
                await self._hand_back(self._hands.leases)
        except (TimeoutError, *AWAY) as error:
            logger.warning("Leases are left to expire: %s", error)
        from twisted.internet import reactor

        running: Any = reactor
        running.callLater(0, running.stop)

    async def _hand_back(self, leases: list[Lease]) -> None:
        if leases:
            await self._connections.frontier.release_all(leases)
            self._hands.lose(leases)

    async def _see_if_idle(self) -> None:
        seconds = self._spider.idle_seconds
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
            self._wake()

    # --- Scrapy's side ------------------------------------------------------------------------

    @property
    def _spider(self) -> Any:
        return self._crawler.spider

    @property
    def _engine(self) -> ExecutionEngine:
        assert self._crawler.engine is not None
        return self._crawler.engine

    def _is_in_progress(self, request: Request) -> bool:
        slot = self._engine._slot
        return slot is not None and request in slot.inprogress

    def _wake(self) -> None:
        if self._engine._slot is not None:
            self._engine._slot.nextcall.schedule()


def _backoff(attempts: int, draw: Callable[[], float] = random.random) -> float:
    """Seconds before the next attempt: exponential, with full jitter.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return draw() * min(LONGEST_BACKOFF_SECONDS, 0.5 * 2.0 ** min(attempts, 10))
