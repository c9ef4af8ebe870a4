"""The crawl frontier: scrapy-redis, with its keys, minus two of its habits.

Keys, per source: `<source>:requests` (sorted set of serialized requests) and
`<source>:dupefilter` (set of fingerprints); `<source>:start_urls` is read by the spider.
"""

import logging
import warnings

from redis import Redis
from redis.exceptions import RedisError
from scrapy import Request, Spider
from scrapy.exceptions import ScrapyDeprecationWarning
from scrapy_redis.queue import PriorityQueue
from scrapy_redis.scheduler import Scheduler as RedisScheduler

from openfunnel.errors import RedisUnavailable, redact_url
from openfunnel.records import BoardRef
from openfunnel.sources import SOURCES

logger = logging.getLogger(__name__)


CONNECT_SECONDS = 5.0


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


class RequestQueue(PriorityQueue):  # type: ignore[misc]  # scrapy-redis is untyped
    """The shared requests of a source; an entry that is no request is dropped with one log line."""

    def pop(self, timeout: float = 0) -> Request | None:
        """Take the request of highest priority, or None where there is none."""
        while True:
            try:
                request: Request | None = super().pop(timeout)
            except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
                # Whoever can write to Redis can write anything; pop has taken it off already.
                reason = str(error).partition("\n")[0]
                logger.warning("Dropped an unreadable entry of %s: %.200s", self.key, reason)
            else:
                return request

    def _decode_request(self, encoded_request: bytes) -> Request:
        """Read a request as the spider makes them; `pop` drops what anything is wrong with."""
        request: Request = super()._decode_request(encoded_request)
        if (request.callback, request.errback) != (self.spider.parse, self.spider.fail):
            raise ValueError("its answer would not reach the spider")
        source = SOURCES[self.spider.name]
        board = BoardRef.model_validate(request.meta["board"])
        posting_id, run_id = request.meta["posting_id"], request.meta["run_id"]
        if (
            request.method != "GET"
            or board.ats != source.name
            or board.region not in source.api_bases
            or source.forms.clean_token(board.token) != board.token
            or (posting_id is not None and source.forms.clean_posting_id(posting_id) != posting_id)
            or (run_id is not None and type(run_id) is not int)
        ):
            raise ValueError(f"it asks for no board or posting of {source.name}")
        return request


class Scheduler(RedisScheduler):  # type: ignore[misc]
    """scrapy-redis' scheduler, without its calls that Scrapy has deprecated."""

    def open(self, spider: Spider) -> None:
        """Open queue and dupefilter of the spider's source."""
        self.stats = None  # it would be handed the spider
        self._away = False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ScrapyDeprecationWarning)
            super().open(spider)

    def next_request(self) -> Request | None:
        """Take the next request; none while Redis is away, which the engine asks for again."""
        try:
            request: Request | None = super().next_request()
        except RedisError as error:
            if not self._away:
                logger.warning("Waiting for Redis: %s", error)
            self._away = True
            return None
        self._away = False
        return request
