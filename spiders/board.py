"""The spider of all sources: start entries in, one `BoardAnswer` per request out.

`scrapy crawl board -a source=NAME` crawls any source; those in daily use have a file of their own.
"""

import hashlib
import logging
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any, Self

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.settings import BaseSettings
from scrapy_redis.spiders import RedisMixin
from twisted.python.failure import Failure as TwistedFailure

from openfunnel.clock import utc_now
from openfunnel.collector import relax
from openfunnel.errors import AddressRefused, OpenFunnelError
from openfunnel.intake import StartEntry, read_entry
from openfunnel.records import BoardAnswer, BoardRef, RawResponse
from openfunnel.services import ensure_redis
from openfunnel.settings import Settings
from openfunnel.sources import SOURCES
from openfunnel.sources.addresses import request_url
from openfunnel.store.boards import BoardVisit
from openfunnel.store.database import open_database
from spiders.connections import MOST_ATTEMPTS, Connections
from spiders.feed import Feed
from spiders.frontier import STOCK, reach
from spiders.hands import LEASE
from spiders.outcome import name_exception, name_response

logger = logging.getLogger(__name__)

SWITCH_SECONDS = 0.001
"""A thread that reads answers leaves the interpreter to others this soon: with Python's own 5 ms,
each of the many short steps that a request takes beside it waits so long.
"""


class BoardSpider(RedisMixin, Spider):  # type: ignore[misc]  # scrapy-redis is untyped
    """Crawls the boards of one source until stopped.

    Arguments (`-a`):
        source: name of the source; by default the spider's own name.
        idle: stop once the source has had nothing queued or in flight, by anybody, for so many
            seconds.
    """

    name = "board"
    clock = staticmethod(utc_now)
    connections: Connections
    feed: Feed

    def __init__(self, source: str | None = None, idle: str | None = None, **unknown: str) -> None:
        if unknown:
            raise SystemExit(f"openfunnel: no argument {', '.join(unknown)}; -a takes source, idle")
        name = source or self.name
        if name not in SOURCES:
            raise SystemExit(f"openfunnel: no source {name!r}; -a source= is {', '.join(SOURCES)}")
        super().__init__(name)
        self.source = SOURCES[name]
        try:
            self.idle_seconds = None if idle is None else float(idle)
        except ValueError:
            raise SystemExit(f"openfunnel: idle={idle!r} is no number of seconds") from None
        self.unknown_fields: Counter[str] = Counter()

    @classmethod
    def update_settings(cls, settings: BaseSettings) -> None:
        """Connect Scrapy to the project's servers, or exit with one clear line."""
        super().update_settings(settings)
        try:
            own = Settings.load()
            settings.set("OPENFUNNEL_DATABASE", open_database(own), priority="spider")
            redis_url = ensure_redis(own)
            reach(redis_url)
        except OpenFunnelError as error:
            raise SystemExit(f"openfunnel: {error}") from None
        settings.set("REDIS_URL", redis_url, priority="spider")
        settings.set("OPENFUNNEL", own, priority="spider")
        settings.set("USER_AGENTS", own.user_agents.split("|"), priority="spider")
        if own.frontier == "stock":
            settings.setdict(STOCK, priority="spider")

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Make the spider and what it shares with middlewares and pipelines."""
        spider: Self = super().from_crawler(crawler, *args, **kwargs)
        spider.connections = Connections(crawler.settings, spider.name)
        spider.feed = Feed(crawler, spider.connections)
        # Scrapy makes records of all levels, several a request, for its handler to drop.
        logging.getLogger("scrapy").setLevel(crawler.settings.get("LOG_LEVEL"))
        crawler.signals.connect(spider._item_scraped, signals.item_scraped)
        crawler.signals.connect(spider._item_error, signals.item_error)
        crawler.signals.connect(spider._spider_error, signals.spider_error)
        crawler.signals.connect(spider._close, signals.spider_closed)
        if spider.connections.settings.frontier == "stock":
            spider.max_idle_time = spider.idle_seconds
            spider.setup_redis(crawler)
        return spider

    async def start(self) -> AsyncIterator[Request]:
        """Begin with nothing: requests come from the frontier."""
        await self.connections.open()
        relax()
        sys.setswitchinterval(SWITCH_SECONDS)
        nothing: tuple[Request, ...] = ()
        for request in nothing:
            yield request

    def make_request_from_data(self, data: bytes) -> Request | list[Request]:
        """Turn a start entry into a request; scrapy-redis' own scheduler asks for it."""
        try:
            entry = read_entry(data, self.name, self.connections.settings)
        except AddressRefused as error:
            logger.warning("%s", error)
            return []
        return self.request(entry, None)

    def request(self, entry: StartEntry, visit: BoardVisit | None) -> Request:
        """Ask for what an entry names; for a whole board only if it changed since the `visit`."""
        address = entry.address
        validators: dict[str, str] = {}
        if visit is not None and address.posting_id is None:
            if visit.etag is not None:
                validators["If-None-Match"] = visit.etag
            if visit.last_modified is not None:
                validators["If-Modified-Since"] = visit.last_modified
        return Request(
            request_url(address, self.connections.settings),
            callback=self.parse,
            errback=self.fail,
            headers=validators,
            # A start entry is a wish to fetch now: a fingerprint of an earlier crawl is no reason
            # against it.
            dont_filter=True,
            meta={
                "board": address.board.model_dump(),
                "posting_id": address.posting_id,
                "run_id": entry.run_id,
                "checksum": None if visit is None or address.posting_id else visit.checksum,
            },
        )

    def parse(self, response: Response) -> Iterator[BoardAnswer]:
        """Name what is wrong with an answer, if anything is; the pipelines read it."""
        assert response.request is not None
        answer = self._blank(response.request)
        if response.status == 304 and answer.checksum is not None:
            answer.unchanged = True
        elif named := name_response(response):
            answer.raw = _raw(response, answer)
            answer.failure, answer.detail = named
        elif hashlib.sha256(response.body).hexdigest() == answer.checksum:
            answer.unchanged = True
        else:
            answer.raw = _raw(response, answer)
        self._tell(answer)
        yield answer

    def fail(self, error: TwistedFailure) -> Iterator[BoardAnswer]:
        """Record that no answer came."""
        request: Request = error.request  # type: ignore[attr-defined]  # Scrapy adds it
        answer = self._blank(request)
        assert error.value is not None
        named = name_exception(error.value)
        if named is None:
            # Trouble of our own says nothing about the board: its lease is given back.
            logger.error("%s: %s", answer.board, error.value, exc_info=error.value)
            self.feed.note_error(request, error.value)
            return
        answer.failure, answer.detail = named
        self._tell(answer)
        yield answer

    def _tell(self, answer: BoardAnswer) -> None:
        if answer.failure is not None:
            logger.warning("%s: %s (%s)", answer.board, answer.failure, answer.detail)

    def _blank(self, request: Request) -> BoardAnswer:
        meta = request.meta
        attempts = meta.get("attempts", 0) + meta.get("retry_times", 0) + 1
        return BoardAnswer(
            board=BoardRef.model_validate(meta["board"]),
            posting_id=meta["posting_id"],
            run_id=meta["run_id"],
            at=self.clock(),
            lease=meta.get(LEASE, ""),
            fence=meta.get("fence", 0),
            checksum=meta.get("checksum"),
            attempts=attempts,
            last=LEASE not in meta or attempts >= MOST_ATTEMPTS,
        )

    def _item_scraped(self, item: Any) -> None:
        self.feed.note_item(item)
        if isinstance(item, BoardAnswer):
            stats = self.crawler.stats
            stats.inc_value("openfunnel/postings", item.postings)
            stats.inc_value("openfunnel/prospects", item.prospects)
            for path, times in item.unknown_fields.items():
                self.unknown_fields[path] += times
                stats.inc_value(f"openfunnel/unknown_fields/{path}", times)

    def _item_error(self, item: Any, failure: TwistedFailure) -> None:
        self.feed.note_error(item, failure.value)

    def _spider_error(self, failure: TwistedFailure, response: Any) -> None:
        request = getattr(response, "request", None) or getattr(failure, "request", None)
        self.feed.note_error(request, failure.value)

    async def _close(self) -> None:
        if self.unknown_fields:
            listed = ", ".join(f"{path} ({n})" for path, n in self.unknown_fields.most_common(20))
            logger.warning("%s sends fields nobody knows here: %s", self.source.name, listed)
        await self.connections.close(self.unknown_fields)


def _raw(response: Response, answer: BoardAnswer) -> RawResponse:
    def header(name: str) -> str | None:
        value = response.headers.get(name)
        return None if value is None else value.decode("latin-1")[:300]

    return RawResponse(
        url=response.url,
        fetched_at=answer.at,
        http_status=response.status,
        body=response.body,
        content_type=header("Content-Type"),
        etag=header("ETag"),
        last_modified=header("Last-Modified"),
    )
