"""Proxies of `OPENFUNNEL_PROXIES`: taken in turn; one that fails rests, longer each time.

Without proxies none of this is there. With them nothing ever goes out directly: while all of them
rest, the one that is rested first is used.
"""

import logging
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import unquote, urlsplit
from weakref import WeakKeyDictionary

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest, NotConfigured
from scrapy.http import Response

from openfunnel.records import Failure
from openfunnel.settings import Settings
from spiders.outcome import name_exception

logger = logging.getLogger(__name__)

FIRST_REST_SECONDS: Final = 30.0
LONGEST_REST_SECONDS: Final = 3600.0
PROXY_AUTHENTICATION_REQUIRED: Final = 407


@dataclass
class Proxy:
    """One proxy and how it does."""

    url: str = field(repr=False)
    """With its login, which is why it is never shown."""
    failures: int = 0
    """In a row."""
    rested_at: float = float("-inf")
    """When it may be used again, on the clock of its `Rotation`."""

    @property
    def address(self) -> str:
        """Where it is, without the login."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @property
    def login(self) -> bytes | None:
        """The value of Proxy-Authorization, as of RFC 7617; None without a login."""
        parts = urlsplit(self.url)
        if parts.username is None:
            return None
        words = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return b"Basic " + b64encode(words.encode())


class Rotation:
    """Takes proxies in turn."""

    def __init__(self, urls: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` tells seconds."""
        self._clock = clock
        self._line = [Proxy(url) for url in urls]

    def next(self) -> Proxy:
        """Take the next one that is rested, or the one that will be first."""
        now = self._clock()
        rested = (proxy for proxy in self._line if proxy.rested_at <= now)
        proxy = next(rested, None) or min(self._line, key=lambda one: one.rested_at)
        self._line.remove(proxy)
        self._line.append(proxy)
        return proxy

    def fail(self, proxy: Proxy) -> float:
        """Let a proxy rest; returns for how many seconds, 0 where it does already."""
        now = self._clock()
        if proxy.rested_at > now:  # what was under way when it failed fails with it
            return 0.0
        seconds = min(FIRST_REST_SECONDS * 2 ** min(proxy.failures, 10), LONGEST_REST_SECONDS)
        proxy.failures += 1
        proxy.rested_at = now + seconds
        return float(seconds)

    def succeed(self, proxy: Proxy) -> None:
        """Forget its failures."""
        proxy.failures, proxy.rested_at = 0, float("-inf")


class RotateProxies:
    """Sends requests through the proxies in turn."""

    def __init__(self, rotation: Rotation) -> None:
        self._rotation = rotation
        self._chosen: WeakKeyDictionary[Request, Proxy] = WeakKeyDictionary()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Read OPENFUNNEL_PROXIES; there is nothing to do without it."""
        settings: Settings = crawler.settings["OPENFUNNEL"]
        if not settings.proxies:
            raise NotConfigured
        return cls(Rotation(settings.proxies))

    def process_request(self, request: Request) -> None:
        """Choose a proxy."""
        proxy = self._chosen[request] = self._rotation.next()
        request.meta["proxy"] = proxy.address
        if proxy.login is not None:
            request.headers["Proxy-Authorization"] = proxy.login

    def process_response(self, request: Request, response: Response) -> Response:
        """Learn that the proxy works, or wants another login."""
        self._learn(request, failed=response.status == PROXY_AUTHENTICATION_REQUIRED)
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Let a proxy rest that led nowhere."""
        named = name_exception(exception)
        failed = named is not None and named[0] in (Failure.UNREACHABLE, Failure.TIMED_OUT)
        if failed and not isinstance(exception, IgnoreRequest):
            self._learn(request, failed=True)

    def _learn(self, request: Request, *, failed: bool) -> None:
        """Note how it went, and take the login off the request: a redirect would inherit it."""
        request.headers.pop("Proxy-Authorization", None)
        proxy = self._chosen.pop(request, None)
        if proxy is None:
            return
        if not failed:
            self._rotation.succeed(proxy)
        elif seconds := self._rotation.fail(proxy):
            logger.warning("Proxy %s failed and rests for %.0f s", proxy.address, seconds)
