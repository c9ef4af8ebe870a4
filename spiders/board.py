"""The spider of all sources: start entries in, one `BoardAnswer` per request out.

`scrapy crawl board -a source=NAME` crawls any source; those in daily use have a file of their own.
"""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any, Self

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.http import Response
from scrapy.settings import BaseSettings
from twisted.python.failure import Failure as TwistedFailure

from openfunnel.clock import utc_now
from openfunnel.errors import OpenFunnelError, UnparsableAnswer
from openfunnel.records import BoardAnswer, BoardContent, BoardRef, Failure, RawResponse
from openfunnel.services import ensure_redis
from openfunnel.settings import Settings
from openfunnel.sources import SOURCES
from openfunnel.sources.addresses import Address, request_url
from openfunnel.store.database import open_database
from spiders.feed import Feed
from spiders.frontier import reach
from spiders.outcome import name_exception, name_response

logger = logging.getLogger(__name__)

ASKED_AGAIN = (Failure.TRUNCATED, Failure.UNPARSABLE)
"""What Scrapy's retry middleware cannot see: the status was 200."""


class BoardSpider(Spider):
    """Crawls the boards of one source until stopped.

    Arguments (`-a`):
        source: name of the source; by default the spider's own name.
        idle: stop once the source has had nothing queued or in flight, by anybody, for so many
            seconds.
    """

    name = "board"
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

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> Self:
        """Make the spider and what it shares with middlewares and pipelines."""
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider.feed = Feed(crawler, spider.source)
        crawler.signals.connect(spider._close, signals.spider_closed)
        return spider

    async def start(self) -> AsyncIterator[Request]:
        """Turn start entries into requests, until stopped or idle for long enough."""
        async for entry in self.feed.entries(self.idle_seconds):
            yield self._request(entry.address, entry.run_id)

    def parse(self, response: Response) -> Iterator[BoardAnswer | Request]:
        """Read an answer; one that cannot be read is kept, and asked for again."""
        assert response.request is not None
        answer = self._read(response, response.request)
        if answer.failure in ASKED_AGAIN:
            again = get_retry_request(response.request, spider=self, reason=answer.detail)
            if again is not None:
                answer.final = False
                yield answer
                yield again
                return
        if answer.failure is not None:
            logger.warning("%s: %s (%s)", answer.board, answer.failure, answer.detail)
        yield answer

    def fail(self, error: TwistedFailure) -> Iterator[BoardAnswer]:
        """Record that no answer came."""
        answer = self._blank(error.request)  # type: ignore[attr-defined]  # Scrapy adds it
        assert error.value is not None
        named = name_exception(error.value)
        if named is None:
            # Trouble of our own says nothing about the board: it stays wanted, and comes back.
            logger.error("%s: %s", answer.board, error.value, exc_info=error.value)
            return
        answer.failure, answer.detail = named
        logger.warning("%s: %s (%s)", answer.board, answer.failure, answer.detail)
        yield answer

    def _request(self, address: Address, run_id: int | None) -> Request:
        return Request(
            request_url(address, self.settings["OPENFUNNEL"]),
            callback=self.parse,
            errback=self.fail,
            # A start entry is a wish to fetch now: a fingerprint of an earlier crawl is no reason
            # against it.
            dont_filter=True,
            meta={
                "board": address.board.model_dump(),
                "posting_id": address.posting_id,
                "run_id": run_id,
            },
        )

    def _blank(self, request: Request) -> BoardAnswer:
        return BoardAnswer(
            board=BoardRef.model_validate(request.meta["board"]),
            posting_id=request.meta["posting_id"],
            run_id=request.meta["run_id"],
            attempts=request.meta.get("retry_times", 0) + 1,
        )

    def _read(self, response: Response, request: Request) -> BoardAnswer:
        answer = self._blank(request)
        answer.raw = _raw(response)
        if named := name_response(response):
            answer.failure, answer.detail = named
            return answer
        parse = self.source.parse_board if answer.posting_id is None else self.source.parse_posting
        try:
            answer.content = parse(response.body, answer.board)
        except UnparsableAnswer as error:
            answer.failure, answer.detail = Failure.UNPARSABLE, str(error)
        else:
            self._count(answer.content)
        return answer

    def _count(self, content: BoardContent) -> None:
        stats = self.crawler.stats
        stats.inc_value("openfunnel/postings", len(content.postings))
        stats.inc_value("openfunnel/prospects", content.prospects)
        for path, times in content.unknown_fields.items():
            self.unknown_fields[path] += times
            stats.inc_value(f"openfunnel/unknown_fields/{path}", times)

    async def _close(self) -> None:
        if self.unknown_fields:
            listed = ", ".join(f"{path} ({n})" for path, n in self.unknown_fields.most_common(20))
            logger.warning("%s sends fields nobody knows here: %s", self.source.name, listed)
        await self.feed.close(self.unknown_fields)


def _raw(response: Response) -> RawResponse:
    def header(name: str) -> str | None:
        value = response.headers.get(name)
        return None if value is None else value.decode("latin-1")[:300]

    return RawResponse(
        url=response.url,
        fetched_at=utc_now(),
        http_status=response.status,
        body=response.body,
        content_type=header("Content-Type"),
        etag=header("ETag"),
        last_modified=header("Last-Modified"),
    )
