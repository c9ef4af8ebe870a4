"""The last word on where a redirected request goes: the address its download connects to.

`spiders.redirects` looks at the addresses of a host before anything is sent. A name may mean
another one a moment later (DNS rebinding), so the download is held to the same limit: what its own
look-up finds further in is as good as not found.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass

from scrapy import Request
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.exceptions import CannotResolveHostError
from scrapy.http import Response
from scrapy.resolver import CachingThreadedResolver
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError

from spiders.outcome import RedirectRefused
from spiders.reach import Reach, reach_of

DEEPEST = "deepest"
"""In `request.meta`: how far in it may go (a `Reach`); absent where it may go anywhere."""


@dataclass
class Limit:
    """How far in one download may connect."""

    deepest: Reach
    refused: Reach | None = None
    """How far in it would have gone."""

    def check(self, address: str) -> str:
        """Return the address if the download may connect to it.

        Raises:
            DNSLookupError: it may not; the only error that ends a look-up.
        """
        depth = reach_of(address)
        if depth > self.deepest:
            self.refused = depth
            raise DNSLookupError(f"{address} is further in than {self.deepest.name.lower()}")
        return address


_limit: ContextVar[Limit | None] = ContextVar("limit", default=None)


class GuardedResolver(CachingThreadedResolver):
    """Scrapy's own, which asks whether the download that looks a name up may go there."""

    def getHostByName(self, name: str, timeout: Sequence[int] = ()) -> Deferred[str]:  # noqa: N802
        """Look up an IPv4 address."""
        limit = _limit.get()
        found = super().getHostByName(name, timeout)
        return found if limit is None else found.addCallback(limit.check)


class GuardedDownload(HTTP11DownloadHandler):
    """Scrapy's own, which keeps redirected requests from going in."""

    async def download_request(self, request: Request) -> Response:
        """Download; what a proxy connects to is the proxy's to limit.

        Raises:
            RedirectRefused: its host's name leads further in than the redirect may.
        """
        deepest: Reach | None = request.meta.get(DEEPEST)
        if deepest is None or request.meta.get("proxy"):
            return await super().download_request(request)
        limit = Limit(deepest)
        token = _limit.set(limit)
        try:
            return await super().download_request(request)
        except CannotResolveHostError:
            if limit.refused is None:
                raise
            where = limit.refused.name.lower()
            raise RedirectRefused(f"the redirect led to a {where} address") from None
        finally:
            _limit.reset(token)
