"""Redirects: followed a few times, and never further in than where they come from.

A public host that redirects to an address of this machine or of its network would have the crawler
ask what only the crawler can reach, and store the answer. Whether it does is decided where the
redirected request is about to go out, not where the redirect arrived, since another process may
send it. The decision is on addresses: the host is read from the URL by Twisted's own parser, and
resolved by the reactor's resolver, as the download does; should its name mean another address by
then (DNS rebinding), `spiders.guard` keeps the download from connecting to it.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Self, cast

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.exceptions import CannotResolveHostError, IgnoreRequest
from scrapy.http import Response
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IResolutionReceiver,
)
from twisted.web.client import URI
from zope.interface import implementer  # type: ignore[import-untyped]

from spiders.guard import DEEPEST
from spiders.outcome import RedirectRefused
from spiders.reach import Reach, reach_of


class FollowRedirects(RedirectMiddleware):
    """Scrapy's own, with a name for what it gives up on (REDIRECT_MAX_TIMES, nonsense)."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Do not look for what would set a Referer, as no request has one: Scrapy warns of that."""
        middleware = cls(crawler.settings)
        middleware.crawler = crawler
        return middleware

    def process_response(  # type: ignore[override]  # the argument left out is deprecated
        self, request: Request, response: Response
    ) -> Request | Response:
        """Turn a redirect into the request it asks for."""
        try:
            return super().process_response(request, response)
        except IgnoreRequest as error:  # Scrapy raises it for nothing else
            raise RedirectRefused(f"more than {self.max_redirect_times} redirects") from error
        except ValueError as error:
            raise RedirectRefused(f"the redirect leads to no address: {error}") from error


class RefuseInwardRedirects:
    """Stops redirected requests that lead further in than the hosts they come from.

    It goes before `ObeyRobots`, which would ask the refused host for its robots.txt.
    """

    def __init__(self, resolver: Callable[[], IHostnameResolver]) -> None:
        """`resolver` is asked for late: Scrapy installs its own when the reactor starts."""
        self._resolver = resolver

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Use the resolver that downloads use."""
        from twisted.internet import reactor

        return cls(lambda: cast(Any, reactor).nameResolver)

    async def process_request(self, request: Request) -> None:
        """Refuse to go in, before anything of the request (or its robots.txt) is sent."""
        passed: list[str] = request.meta.get("redirect_urls", [])
        if not passed:
            return
        if b"@" in _parse(request.url).netloc:
            raise RedirectRefused("the redirect carries a login")
        deepest = request.meta[DEEPEST] = await self._shallowest(passed)
        depth = max(await self._depths(request.url))
        if depth > deepest:
            raise RedirectRefused(f"the redirect leads to a {depth.name.lower()} address")

    def process_response(self, request: Request, response: Response) -> Response:
        """Throw away an answer that came from further in, over a connection that was there."""
        deepest: Reach | None = request.meta.get(DEEPEST)
        if deepest is not None and response.ip_address and not request.meta.get("proxy"):
            depth = reach_of(str(response.ip_address))
            if depth > deepest:
                raise RedirectRefused(f"the redirect led to a {depth.name.lower()} address")
        return response

    async def _shallowest(self, urls: Iterable[str]) -> Reach:
        """How far out a chain of redirects has been; a host that is gone counts as public."""
        depths = [Reach.LOOPBACK]
        for url in urls:
            try:
                depths += await self._depths(url)
            except CannotResolveHostError:
                return Reach.PUBLIC
        return min(depths)

    async def _depths(self, url: str) -> list[Reach]:
        """How far in the host of a URL is, by each of its addresses."""
        host = _parse(url).host.decode("ascii")
        try:
            return [reach_of(host)]
        except ValueError:
            addresses = await _Resolution(host).addresses(self._resolver())
        return [reach_of(address) for address in addresses]


def _parse(url: str) -> URI:
    """Read a URL as the download does: `Request.url` is ASCII."""
    return cast(URI, cast(Any, URI).fromBytes(url.encode("ascii")))


@implementer(IResolutionReceiver)
class _Resolution:
    """Collects the addresses of a name."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._addresses: list[str] = []
        self._complete = asyncio.get_running_loop().create_future()

    async def addresses(self, resolver: IHostnameResolver) -> list[str]:
        """All of them.

        Raises:
            CannotResolveHostError: there is none.
        """
        cast(Any, resolver).resolveHostName(self, self._host)
        await self._complete
        if not self._addresses:
            raise CannotResolveHostError(f"no address of {self._host}")
        return self._addresses

    def resolutionBegan(self, resolution: IHostResolution) -> None:  # noqa: N802  # Twisted's name
        """Nothing to do: it is not cancelled."""

    def addressResolved(self, address: IAddress) -> None:  # noqa: N802
        """Remember one."""
        self._addresses.append(cast(Any, address).host)

    def resolutionComplete(self) -> None:  # noqa: N802
        """Go on."""
        self._complete.set_result(None)
