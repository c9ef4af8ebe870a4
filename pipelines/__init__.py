"""Item pipelines, one verb each, in the order of `spiders/settings.py`.

They borrow the connections of the running spider, so that a process holds one pool.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol, Self

from scrapy.crawler import Crawler

from openfunnel.errors import DatabaseUnavailable
from openfunnel.queue.leases import LeaseQueue
from openfunnel.records import BoardAnswer
from openfunnel.store.database import Database

logger = logging.getLogger(__name__)

AWAY_SECONDS = 0.5
"""Pause before a PostgreSQL that does not answer is tried again."""


class Connections(Protocol):
    """What the pipelines need of a spider's connections."""

    database: Database
    extract_queue: LeaseQueue


class Pipeline:
    """Base of the pipelines: made by Scrapy, at work once the spider has opened its connections."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the crawler, for its spider's connections."""
        return cls(crawler)

    @property
    def connections(self) -> Connections:
        """Connections of the running spider."""
        connections: Connections = self._crawler.spider.connections  # type: ignore[union-attr]
        return connections

    async def store(self, write: Callable[..., None], *arguments: Any) -> None:
        """Run `write`, which may be repeated, in a thread; wait for a PostgreSQL that is away.

        An answer that cannot be stored now is kept: asking the board again would be no kinder.
        """
        while True:
            try:
                return await asyncio.to_thread(write, *arguments)
            except DatabaseUnavailable as error:
                logger.warning("Waiting: %s", error)
                await asyncio.sleep(AWAY_SECONDS)


def body_bytes(answer: BoardAnswer) -> int:
    """Size of an answer's body: what is held of it as long as it is in the pipelines."""
    return 0 if answer.raw is None else len(answer.raw.body)
