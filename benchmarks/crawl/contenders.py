"""`python -m benchmarks.crawl.contenders plain|stock URLS_FILE`: Scrapy without OpenFunnel.

`plain` keeps its start requests in memory; `stock` is scrapy-redis as it is shipped (scheduler,
dupefilter, serializer, RedisSpider), which reads `stock:start_urls` and, once it listens, sets
`stock:ready`. Both yield one item for each answer, as OpenFunnel's spider does, and have no
pipeline for it.
"""

import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Response
from scrapy_redis.spiders import RedisSpider

from openfunnel.settings import Settings

READY = "stock:ready"
CONCURRENCY = 32
SETTINGS: dict[str, Any] = {
    "CONCURRENT_REQUESTS": CONCURRENCY,
    "CONCURRENT_REQUESTS_PER_DOMAIN": CONCURRENCY,
    "CONCURRENT_ITEMS": 4,
    "LOG_LEVEL": "WARNING",
    "TELNETCONSOLE_ENABLED": False,
}
"""What all contenders share; Scrapy's defaults for everything else."""
STOCK_SETTINGS: dict[str, Any] = {
    "SCHEDULER": "scrapy_redis.scheduler.Scheduler",
    "DUPEFILTER_CLASS": "scrapy_redis.dupefilter.RFPDupeFilter",
    "SCHEDULER_PERSIST": True,
}


class PlainSpider(Spider):
    """Asks for what it is given at its start."""

    name = "plain"
    urls: list[str]

    async def start(self) -> AsyncIterator[Request]:
        """Ask for every address."""
        for url in self.urls:
            yield Request(url, dont_filter=True)

    def parse(self, response: Response) -> Iterator[dict[str, Any]]:
        """Yield an item."""
        yield {"url": response.url, "body": response.body}


class StockSpider(RedisSpider):  # type: ignore[misc]  # scrapy-redis is untyped
    """Asks for what it finds in Redis."""

    name = "stock"

    def spider_idle(self) -> None:
        """Say that it listens, and go on as shipped."""
        self.server.set(READY, 1)
        super().spider_idle()

    def parse(self, response: Response) -> Iterator[dict[str, Any]]:
        """Yield an item."""
        yield {"url": response.url, "body": response.body}


def _main(contender: str, urls_file: Path) -> None:
    if contender == "stock":
        settings = {**SETTINGS, **STOCK_SETTINGS, "REDIS_URL": Settings.load().redis_url}
        process = AsyncCrawlerProcess(settings)
        process.crawl(StockSpider)
    else:
        process = AsyncCrawlerProcess(SETTINGS)
        process.crawl(PlainSpider, urls=json.loads(urls_file.read_text("ascii")))
    process.start()


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
