"""The crawl frontier: scrapy-redis, with its keys, and with leases.

`<source>:start_urls` (list of start entries), `<source>:requests` (sorted set of what is ready) and
`<source>:dupefilter` (set of fingerprints) are scrapy-redis'; the rest is documented in
`openfunnel/queue`. Stock scrapy-redis pops a request and forgets it, so that a crawler that dies
takes it along; here it is leased, and acknowledged once its outcome is committed.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from pydantic import BaseModel, StrictInt, StrictStr
from redis import Redis
from redis.exceptions import RedisError
from scrapy import Request, Spider
from scrapy.utils.defer import deferred_from_coro
from scrapy.utils.request import request_from_dict
from scrapy_redis.dupefilter import RFPDupeFilter
from scrapy_redis.queue import PriorityQueue
from scrapy_redis.scheduler import Scheduler as RedisScheduler
from twisted.internet.defer import Deferred

from openfunnel.errors import RedisUnavailable, redact_url
from openfunnel.queue.leases import Job
from openfunnel.records import BoardRef
from openfunnel.sources import SOURCES
from openfunnel.sources.addresses import Address, request_url
from spiders.hands import OWN_META
from spiders.politeness import host_of

CONNECT_SECONDS = 5.0

STOCK = {
    "SCHEDULER": "scrapy_redis.scheduler.Scheduler",
    "SCHEDULER_QUEUE_CLASS": "scrapy_redis.queue.PriorityQueue",
    "DUPEFILTER_CLASS": "scrapy_redis.dupefilter.RFPDupeFilter",
    "RETRY_ENABLED": True,
    "AUTOTHROTTLE_ENABLED": True,
}
"""What OPENFUNNEL_FRONTIER=stock goes back to."""


def reach(url: str) -> None:
    """Make sure that Redis answers, before Scrapy's engine finds out with a traceback.

    Raises:
        RedisUnavailable: it does not.
    """
    try:
        with Redis.from_url(url, socket_connect_timeout=CONNECT_SECONDS) as client:
            client.ping()
    except (RedisError, OSError, ValueError, TypeError) as error:
        raise RedisUnavailable(url=redact_url(url), detail=str(error)) from None


class DupeFilter(RFPDupeFilter):  # type: ignore[misc]  # scrapy-redis is untyped
    """Fingerprints of scrapy-redis' set; they are marked as seen in the step that enqueues."""

    def fingerprint_of(self, request: Request) -> bytes | None:
        """What to mark as seen; None for a request that may come again."""
        return None if request.dont_filter else self.request_fingerprint(request).encode()


class RequestQueue(PriorityQueue):  # type: ignore[misc]
    """How requests are written into jobs of the frontier, and read out of them."""

    def __init__(self, server: Any, spider: Any, key: str, serializer: Any) -> None:
        super().__init__(server, spider, key, serializer)
        # Scrapy looks the name of a callback up among all that it is given: a whole spider would
        # make up most of what writing a request costs.
        self._callbacks: Any = SimpleNamespace(parse=spider.parse, fail=spider.fail)

    def write(self, request: Request, name: Callable[[Request], str]) -> Job:
        """Serialize a request; one that asks for a board or posting is known by its address.

        `name` returns what others are known by.

        Raises:
            ValueError: it holds what JSON cannot express, or a callback that is not the spider's.
        """
        meta = {field: value for field, value in request.meta.items() if field not in OWN_META}
        board = meta.get("board")
        try:
            address = Address(BoardRef.model_validate(board), meta["posting_id"]) if board else None
            state = request.to_dict(spider=self._callbacks)
            payload = self.serializer.dumps({**state, "meta": meta})
        except (LookupError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from None
        return Job(
            key=name(request) if address is None else str(address),
            payload=payload,
            priority=-request.priority,
            host=host_of(request.url),
        )

    def read(self, job: Job) -> Request:
        """Read a request as the spider makes them.

        Raises:
            ValueError: anything is wrong with it, for whoever can write to Redis can write
                anything.
        """
        try:
            state = self.serializer.loads(job.payload)
            meta = RequestMeta.model_validate(state.get("meta"))
            state["meta"] = meta.model_dump(exclude_unset=True)
            request = request_from_dict(state, spider=self.spider)
            self._check(request, meta)
        except (LookupError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from None
        return request

    def _check(self, request: Request, meta: "RequestMeta") -> None:
        if (request.callback, request.errback) != (self.spider.parse, self.spider.fail):
            raise ValueError("its answer would not reach the spider")
        source = SOURCES[self.spider.name]
        board, posting_id = meta.board, meta.posting_id
        if (
            request.method != "GET"
            or board.ats != source.name
            or board.region not in source.api_bases
            or source.forms.clean_token(board.token) != board.token
            or (posting_id is not None and source.forms.clean_posting_id(posting_id) != posting_id)
        ):
            raise ValueError(f"it asks for no board or posting of {source.name}")
        first = meta.redirect_urls[0] if meta.redirect_urls else request.url
        if first != request_url(Address(board, posting_id), self.spider.connections.settings):
            raise ValueError("its URL is not that of its board or posting")


class RequestMeta(BaseModel):
    """All of `request.meta` that comes back from Redis; what else is there is left out."""

    board: BoardRef
    posting_id: StrictStr | None
    run_id: StrictInt | None
    checksum: StrictStr | None = None
    retry_times: StrictInt = 0
    redirect_times: StrictInt = 0
    redirect_ttl: StrictInt = 0
    redirect_urls: list[StrictStr] = []
    redirect_reasons: list[StrictStr | StrictInt] = []


class Scheduler(RedisScheduler):  # type: ignore[misc]
    """scrapy-redis' scheduler; requests come from, and go to, the spider's feed."""

    spider: Any

    def open(self, spider: Spider) -> "Deferred[None]":
        """Open queue and dupefilter of the spider's source, and start to feed it."""
        self.stats = None  # its calls hand over the spider, which Scrapy has deprecated
        self.spider = spider
        self.queue = RequestQueue(self.server, spider, self.queue_key, self.serializer)
        self.df = DupeFilter.from_spider(spider)
        return deferred_from_coro(self.spider.feed.open(self.queue, self.df))

    def close(self, reason: str) -> "Deferred[None]":
        """Hand back what is left."""
        return deferred_from_coro(self.spider.feed.close())

    def next_request(self) -> Request | None:
        """Hand out a leased request that may be sent now."""
        request: Request | None = self.spider.feed.next_request()
        return request

    def enqueue_request(self, request: Request) -> bool:
        """Take a redirect, a retry, or a new request; False where it cannot be stored."""
        taken: bool = self.spider.feed.enqueue(request)
        if not taken:
            self.spider.crawler.stats.inc_value("scheduler/unserializable")  # as Scrapy's own does
        return taken

    def has_pending_requests(self) -> bool:
        """Whether more may come: until the feed is done."""
        return not self.spider.feed.done
