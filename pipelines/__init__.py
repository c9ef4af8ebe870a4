"""Item pipelines, one verb each, in the order of `spiders/settings.py`.

They borrow the connections of the running spider (`Feed`), so that a process holds one pool.
"""

from typing import Protocol

from scrapy.crawler import Crawler

from openfunnel.queue.leases import LeaseQueue
from openfunnel.store.database import Database


class Connections(Protocol):
    """What the pipelines need of a spider's feed."""

    database: Database
    extract_queue: LeaseQueue


def connections(crawler: Crawler) -> Connections:
    """Return the connections of the crawler's running spider."""
    feed: Connections = crawler.spider.feed  # type: ignore[union-attr]  # set by the spider
    return feed
