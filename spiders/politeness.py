"""Manners towards the boards: who we are, and how often we ask, over all crawler processes."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import cycle
from typing import Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from openfunnel.queue.rate import HostRate
from spiders.board import BoardSpider

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5
"""Pause before the first retry of a request; twice as long before each further one."""


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


class KeepHostRate:
    """Waits for the host's next free moment, shared by all crawlers, before a request goes out.

    Retry-After on 429 and 503 moves that moment for everybody (RFC 9110, section 10.2.3).
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Use the spider's connection, which opens after the middlewares are made."""
        return cls(crawler)

    async def _rate(self) -> HostRate:
        spider = self._crawler.spider
        assert isinstance(spider, BoardSpider)
        return (await spider.feed.opened()).host_rate

    async def process_request(self, request: Request) -> None:
        """Wait until the request may be sent; a retry gives the host time to recover first."""
        if retries := request.meta.get("retry_times", 0):
            await asyncio.sleep(RETRY_SECONDS * 2 ** (retries - 1))
        wait_seconds = await (await self._rate()).reserve(_host(request.url))
        if wait_seconds > 0:
            await asyncio.sleep(wait_seconds)

    async def process_response(self, request: Request, response: Response) -> Response:
        """Hold everybody back from a host that asks for it."""
        if response.status in (429, 503) and (header := response.headers.get("Retry-After")):
            seconds = retry_after_seconds(header.decode("latin-1"))
            if seconds > 0:
                host = _host(request.url)
                logger.info("%s asks to wait %.0f s (HTTP %d)", host, seconds, response.status)
                await (await self._rate()).block(host, seconds)
        return response


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


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower()
