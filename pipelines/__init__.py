"""Item pipelines, one verb each, in the order of `spiders/settings.py`.

They borrow the connections of the running spider (its `feed`), so that a process holds one pool.
"""

from typing import Protocol, Self

from scrapy.crawler import Crawler

from openfunnel.queue.leases import LeaseQueue
from openfunnel.store.database import Database


class Connections(Protocol):
    """What the pipelines need of a spider's feed."""

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
        feed: Connections = self._crawler.spider.feed  # type: ignore[union-attr]
        return feed
