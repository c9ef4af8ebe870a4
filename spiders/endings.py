"""How requests end: what came of each is told to the frontier, and kept here until it is.

A request that is over has been committed (its lease is acknowledged), goes on as another one (a
redirect or a retry, under the same lease), or has failed (it comes back later, and in the end is
given up). New requests are pushed before the request they came from is acknowledged.
"""

import logging
import random
from collections.abc import Callable

from scrapy import Request

from openfunnel.queue.hosts import HostReport
from openfunnel.queue.leases import DeadJob, Job
from spiders.connections import Connections
from spiders.engine import Engine
from spiders.frontier import DupeFilter, RequestQueue
from spiders.hands import Hand, Hands, is_successor

logger = logging.getLogger(__name__)

LONGEST_BACKOFF_SECONDS = 60.0


class Endings:
    """What became of the requests in hand, and what they led to."""

    def __init__(
        self,
        connections: Connections,
        hands: Hands,
        engine: Engine,
        queue: RequestQueue,
        dupefilter: DupeFilter,
    ) -> None:
        self._connections = connections
        self._hands = hands
        self._engine = engine
        self._queue = queue
        self._dupefilter = dupefilter
        self._children: list[tuple[Job, bytes | None]] = []
        self._reports: list[HostReport] = []
        self._refused: list[DeadJob] = []

    def note(self, report: HostReport) -> None:
        """Keep how a host answered."""
        self._reports.append(report)

    def take(self, request: Request) -> bool:
        """Take what a request led to: its redirect or retry, or a new one.

        False where it cannot be written into the frontier, which is recorded: as a failure of the
        request it would have followed, else as a dead letter of its own.
        """
        parent = self._hands.parent_of(request)
        if parent is not None and parent.is_followed_by(request):
            return self._follow(parent, request)
        if parent is None and is_successor(request):
            return True  # of a lease that was lost: it is somebody else's by now
        return self._add(request)

    def write(self, request: Request) -> Job:
        """Write a request that follows no other.

        Raises:
            ValueError: it cannot be written.
        """
        return self._queue.write(request, self._dupefilter.request_fingerprint)

    async def settle(self, *, is_stopping: bool) -> None:
        """Push what is new, and end the leases of what is over.

        Raises:
            redis.RedisError: it is away; what is left to do is kept.
        """
        frontier = self._connections.frontier
        children = self._children[:]
        jobs = [job for job, _ in children]
        await frontier.push(jobs, fingerprints=[fingerprint for _, fingerprint in children])
        del self._children[: len(children)]
        reports = self._reports[:]
        await self._connections.hosts.report(reports)
        del self._reports[: len(reports)]
        over = self._hands.finished(self._engine.has)
        done = [hand.lease for hand in over if hand.done]
        for lease in await frontier.acknowledge_all(done):
            logger.info("%s was somebody else's meanwhile", lease.job.key)
        self._hands.forget(done)
        for hand in over:
            if not hand.done:
                await self._continue(hand, is_stopping=is_stopping)
                self._hands.forget([hand.lease])

    async def bury_refused(self) -> None:
        """Store dead letters of what could not be written; while PostgreSQL is away, keep them."""
        while self._refused and await self._connections.bury(self._refused[:1]):
            del self._refused[0]

    def _follow(self, parent: Hand, request: Request) -> bool:
        try:
            key = parent.lease.job.key
            parent.follow(request, self._queue.write(request, lambda _: key))
        except ValueError as error:
            parent.error = f"{request} follows, which cannot be written: {error}"
            logger.error("%s: %s", parent.lease.job.key, parent.error)
        return parent.successor is not None

    def _add(self, request: Request) -> bool:
        try:
            job = self.write(request)
        except ValueError as error:
            logger.error("%s cannot be written: %s", request, error)
            entry = Job(request.url, request.url)
            self._refused.append(DeadJob(entry, "cannot be written", str(error), 1, 0))
            return False
        self._children.append((job, self._dupefilter.fingerprint_of(request)))
        return True

    async def _continue(self, hand: Hand, *, is_stopping: bool) -> None:
        """See to a request that is over without an outcome."""
        frontier = self._connections.frontier
        backoff = _backoff(hand.lease.attempts)
        if hand.successor is not None:
            delay = backoff if hand.is_retried else 0
            await frontier.exchange([(hand.lease, hand.successor)], delay_seconds=delay)
        elif is_stopping and not hand.error:
            await frontier.release_all([hand.lease])
        elif hand.ours:
            await frontier.release_all([hand.lease], delay_seconds=backoff)
        elif dead := await frontier.fail(hand.lease, hand.error or "it had no outcome", backoff):
            await self._connections.bury([dead])


def _backoff(attempts: int, draw: Callable[[], float] = random.random) -> float:
    """Seconds before the next attempt: exponential, with full jitter.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return draw() * min(LONGEST_BACKOFF_SECONDS, 0.5 * 2.0 ** min(attempts, 10))
