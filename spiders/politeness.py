"""Manners towards hosts: who we are, how long we wait, and what everybody learns from an answer.

How often a host is asked is decided where requests are taken (`openfunnel.queue.frontier`); this
is where it learns how they went.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import cycle
from typing import Any, Protocol, Self, cast
from urllib.parse import urlsplit

from redis.exceptions import RedisError
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from openfunnel.queue.hosts import HostOutcome, HostReport, Hosts
from openfunnel.queue.robots import RobotsFiles
from openfunnel.records import Failure
from spiders.hands import LEASE
from spiders.manners import manners_of
from spiders.outcome import name_exception

logger = logging.getLogger(__name__)

ROBOTS = "robots"
"""In `request.meta`: it asks for a robots.txt, and has its place in line already."""

Sleep = Callable[[float], Awaitable[None]]


class HostFeed(Protocol):
    """What middlewares need of `spider.feed`; all of it is there before a request goes out."""

    hosts: Hosts
    robots: RobotsFiles
    runs: bool

    def note(self, report: HostReport) -> None:
        """Send a report with the next turn."""


def feed_of(crawler: Crawler) -> HostFeed:
    """The connections of a crawler process, which open after the middlewares are made."""
    return cast(HostFeed, cast(Any, crawler.spider).feed)


def host_of(url: str) -> str:
    """The host of a URL, and its port where one is named: what a rate is kept for."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


class RotateUserAgent:
    """Sends the User-Agents of `OPENFUNNEL_USER_AGENTS` in turn."""

    def __init__(self, user_agents: list[str]) -> None:
        self._user_agents = cycle(user_agents)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read the setting USER_AGENTS."""
        return cls(crawler.settings.getlist("USER_AGENTS"))

    def process_request(self, request: Request) -> None:
        """Name ourselves, unless the request does."""
        request.headers.setdefault("User-Agent", next(self._user_agents))


class LimitTime:
    """Waits for an answer as long as the manners of its source say."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Find the source's manners."""
        return cls(manners_of(cast(Any, crawler.spider).name).timeout_seconds)

    def process_request(self, request: Request) -> None:
        """Set the time limit, unless the request does."""
        request.meta.setdefault("download_timeout", self._seconds)


class ReportToHost:
    """Tells the shared state of each host how its requests went, as close to the wire as can be.

    What fails on the way through a proxy is the proxy's trouble, not the host's.
    """

    def __init__(self, crawler: Crawler, sleep: Sleep = asyncio.sleep) -> None:
        self._crawler = crawler
        self._sleep = sleep

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Use the spider's connections."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Let a request stand in line for its host, unless it has already."""
        if request.meta.get(LEASE) or request.meta.get(ROBOTS):
            return
        wait_seconds = await feed_of(self._crawler).hosts.reserve(host_of(request.url))
        if wait_seconds > 0:
            await self._sleep(wait_seconds)

    async def process_response(self, request: Request, response: Response) -> Response:
        """Report an answer: at once if the host is to be left alone, with the next turn if not."""
        outcome = outcome_of(response.status)
        if outcome is not None:
            seconds = 0.0
            if response.status in (429, 503):  # RFC 9110, section 10.2.3
                header = response.headers.get("Retry-After", b"") or b""
                seconds = retry_after_seconds(header.decode("latin-1"))
            if seconds > 0:
                outcome = HostOutcome.REFUSED
            latency = request.meta.get("download_latency")
            await self._report(HostReport(host_of(request.url), latency, outcome, seconds))
        return response

    async def process_exception(self, request: Request, exception: Exception) -> None:
        """Report that no answer came, where that is the host's doing."""
        named = name_exception(exception)
        if named is None or isinstance(exception, IgnoreRequest):
            return
        host = host_of(request.url)
        if named[0] in (Failure.TOO_LARGE, Failure.TRUNCATED):  # it did answer
            latency = request.meta.get("download_latency")
            await self._report(HostReport(host, latency, HostOutcome.OK))
        elif not request.meta.get("proxy"):
            await self._report(HostReport(host, None, HostOutcome.FAILED))

    async def _report(self, report: HostReport) -> None:
        feed = feed_of(self._crawler)
        if report.outcome is HostOutcome.OK and feed.runs:
            feed.note(report)
            return
        if report.retry_after_seconds > 0:
            logger.info("%s asks to wait %.0f s", report.host, report.retry_after_seconds)
        try:
            await feed.hosts.report([report])
        except RedisError as error:  # the answer is still good
            logger.debug("%s: not reported now (%s)", report.host, error)
            if feed.runs:
                feed.note(report)


def outcome_of(status: int) -> HostOutcome | None:
    """What a status says about its host's state; None: nothing."""
    if status == 407:  # a proxy's answer
        return None
    if status == 429:
        return HostOutcome.REFUSED
    return HostOutcome.FAILED if status >= 500 else HostOutcome.OK


def retry_after_seconds(
    header: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> float:
    """Seconds to wait as `Retry-After` says: a number or an HTTP date; 0 for anything else."""
    text = header.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now()).total_seconds())
