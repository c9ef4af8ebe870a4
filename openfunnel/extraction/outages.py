"""Services that are away for a while: what a long-running role waits for instead of ending."""

import asyncio
import logging
import time
from collections.abc import Awaitable

from redis.exceptions import RedisError

from openfunnel.errors import DatabaseUnavailable, ModelBusy, RedisUnavailable

AWAY = (DatabaseUnavailable, RedisUnavailable, RedisError, ModelBusy)
"""Every way in which PostgreSQL, Redis or the model says that it cannot answer now."""

LONGEST_PAUSE_SECONDS = 30.0

QUIET_SECONDS = 60.0
"""A service that comes and goes is mentioned no more often than this."""

log = logging.getLogger(__name__)


class Outage:
    """How long to pause while something is away: longer each time, and logged once.

    `first_seconds` is the first pause; every `now` is monotonic, in seconds.
    """

    def __init__(self, first_seconds: float) -> None:
        self._first_seconds = first_seconds
        self._failures = 0
        self._pause_until = 0.0
        self._told: float | None = None

    @property
    def ongoing(self) -> bool:
        """Whether the last thing heard was that something is away."""
        return self._failures > 0

    def seconds_left(self, now: float) -> float:
        """Seconds until it is worth another try."""
        return max(0.0, self._pause_until - now)

    def begin(self, error: Exception, now: float) -> float:
        """Note that something is away, and return the pause in seconds.

        What fails during a pause belongs to the same outage and does not make it longer.
        """
        if not self._failures and (self._told is None or now - self._told > QUIET_SECONDS):
            log.warning("Waiting: %s", error)
            self._told = now
        if self._pause_until <= now:
            pause = min(LONGEST_PAUSE_SECONDS, self._first_seconds * 2**self._failures)
            self._pause_until = now + pause
            self._failures = min(self._failures + 1, 16)
        return self.seconds_left(now)

    def end(self) -> None:
        """Note that an answer came."""
        if self._failures:
            log.info("Going on")
        self._failures = 0
        self._pause_until = 0.0

    async def attempt(self, work: Awaitable[object]) -> None:
        """Do `work` once; if a service is away, the lease's expiry or the next beat makes up."""
        try:
            await work
        except AWAY as error:
            self.begin(error, time.monotonic())


async def pause_for(seconds: float, stop: asyncio.Event) -> None:
    """Wait; no longer than until `stop` is set."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
