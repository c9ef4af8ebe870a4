"""A crawl of a few addresses in a process of its own: Scrapy, its reactor and our middlewares.

Reads a `Plan` as JSON on stdin, prints an `Ending` as JSON for each address it was given, in order.
"""

import asyncio
import json
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar

from redis.asyncio import Redis
from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler, CrawlerProcess
from scrapy.exceptions import ScrapyDeprecationWarning
from scrapy.http import Response
from scrapy.resolver import CachingThreadedResolver, dnscache
from twisted.internet import defer

from openfunnel.queue.hosts import Ceilings, HostReport, Hosts
from openfunnel.queue.robots import RobotsFiles
from openfunnel.settings import PROJECT_ROOT, Settings
from spiders import settings as scrapy_settings
from spiders.guard import GuardedResolver
from spiders.outcome import name_exception, name_response

SCRAPY_SETTINGS = {
    name: getattr(scrapy_settings, name)
    for name in (
        "DOWNLOADER_MIDDLEWARES",
        "DOWNLOAD_FAIL_ON_DATALOSS",
        "DOWNLOAD_HANDLERS",
        "METAREFRESH_ENABLED",
        "REDIRECT_MAX_TIMES",
        "RETRY_ENABLED",
        "ROBOTSTXT_OBEY",
        "SPIDER_MIDDLEWARES",
        "TWISTED_DNS_RESOLVER",
        "TELNETCONSOLE_ENABLED",
    )
}
"""The project's own, but for what needs boards and a store."""


@dataclass
class Plan:
    """What to crawl."""

    urls: list[str]
    redis_url: str
    source: str = "greenhouse"
    names: dict[str, str] = field(default_factory=dict)
    """Addresses of hosts, as the resolver of the downloads would know them."""
    rebound: dict[str, list[str]] = field(default_factory=dict)
    """Addresses of hosts by look-up, one after the other; then the last one for good."""
    proxies: str = ""
    scrapy: dict[str, Any] = field(default_factory=dict)


@dataclass
class Ending:
    """How one of its requests ended."""

    url: str
    body: str | None = None
    failure: str | None = None
    detail: str = ""


def crawl(plan: Plan) -> list[Ending]:
    """Crawl to the end."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.crawl"],
        cwd=PROJECT_ROOT,
        input=json.dumps(asdict(plan)),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    endings = [Ending(**json.loads(line)) for line in done.stdout.splitlines()]
    assert len(endings) == len(plan.urls), done.stderr
    return endings


class Nameserver(CachingThreadedResolver):
    """Answers each look-up anew."""

    rebound: ClassVar[dict[str, list[str]]] = {}

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> defer.Deferred[str]:  # noqa: N802
        addresses = self.rebound[name]
        return defer.succeed(addresses.pop(0) if len(addresses) > 1 else addresses[0])


class ReboundResolver(GuardedResolver, Nameserver):
    """The project's own, in front of that nameserver."""


class PlannedSpider(Spider):
    """Asks for the addresses of a plan, as many as Scrapy allows at a time."""

    plan: Plan

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> "PlannedSpider":
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.plan = kwargs["plan"]
        spider.endings = {}
        redis = Redis.from_url(spider.plan.redis_url)
        hosts = Hosts(redis, Ceilings(0))
        sending: list[asyncio.Task[None]] = []

        def note(report: HostReport) -> None:
            sending.append(asyncio.create_task(hosts.report([report])))

        async def close() -> None:
            await asyncio.gather(*sending)
            await redis.aclose()

        spider.feed = SimpleNamespace(hosts=hosts, robots=RobotsFiles(redis), note=note, runs=True)

        crawler.signals.connect(close, signals.spider_closed, weak=False)
        return spider

    async def start(self) -> AsyncIterator[Request]:
        for number, url in enumerate(self.plan.urls):
            meta = {"number": number, "lease": f"greenhouse:{number}"}
            yield Request(url, self.parse, errback=self.fail, meta=meta, dont_filter=True)
        await asyncio.sleep(0)

    def parse(self, response: Response) -> Iterator[None]:
        named = name_response(response)
        body = response.body.decode("latin-1")[:1000]
        self._end(response.request, Ending(response.url, body, *(named or ())))
        return iter(())

    def fail(self, failure: Any) -> Iterator[None]:
        named = name_exception(failure.value) or ("none", repr(failure.value))
        self._end(failure.request, Ending(failure.request.url, None, *named))
        return iter(())

    def _end(self, request: Request | None, ending: Ending) -> None:
        assert request is not None
        self.endings[request.meta["number"]] = ending


def main() -> None:
    warnings.simplefilter("error", ScrapyDeprecationWarning)
    plan = Plan(**json.load(sys.stdin))
    dnscache.update(plan.names)
    Nameserver.rebound = plan.rebound
    if plan.rebound:
        plan.scrapy["TWISTED_DNS_RESOLVER"] = ReboundResolver
    own = Settings.load(environ={}, proxies=plan.proxies)
    process = CrawlerProcess(
        {
            **SCRAPY_SETTINGS,
            "OPENFUNNEL": own,
            "USER_AGENTS": own.user_agents.split("|"),
            **plan.scrapy,
        }
    )
    crawler = process.create_crawler(PlannedSpider)
    process.crawl(crawler, name=plan.source, plan=plan)
    process.start()
    spider: Any = crawler.spider
    for number in range(len(plan.urls)):
        print(json.dumps(asdict(spider.endings[number])))


if __name__ == "__main__":
    main()
