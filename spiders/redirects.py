"""Redirects: followed a few times, and never further in than where they come from.

A public host that redirects to an address of this machine or of its network would have the crawler
ask what only the crawler can reach, and store the answer. Whether it does is decided where the
redirected request is about to go out, not where the redirect arrived, since another process may
send it. The decision is on addresses, and those are the ones the download connects to: the host is
read from the URL by Twisted's own parser, and resolved by the reactor's resolver, which is the
download's as well. That resolver remembers its answers (Scrapy's DNSCACHE_ENABLED), so a name that
changes its address in between (DNS rebinding) changes nothing; should it have forgotten, an answer
that comes from further in is thrown away unread.
"""

import asyncio
from collections.abc import Callable, Iterable
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
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

from spiders.outcome import RedirectRefused

THIS_NETWORK = IPv4Network("0.0.0.0/8")
UNICAST = IPv6Network("2000::/3")
"""All public IPv6 addresses are of this block (RFC 4291, IANA)."""
NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""


class Reach(IntEnum):
    """How far in an address is."""

    PUBLIC = 0
    PRIVATE = 1
    """Of this network: RFC 1918 and its kind, in IPv6 too."""
    LOOPBACK = 2
    """This machine."""
    NOWHERE = 3
    """No place for a web server: link-local (such as a cloud's metadata), multicast, unspecified,
    reserved."""


def reach_of(address: str) -> Reach:
    """How far in an IP address is; for one that embeds another (mapped, 6to4, NAT64), the further.

    Raises:
        ValueError: no IP address.
    """
    ip = ip_address(address)
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        return Reach.NOWHERE
    if ip.is_loopback:
        return Reach.LOOPBACK
    if isinstance(ip, IPv6Address):
        embedded = _embedded(ip)
        if embedded is not None:
            return max(reach_of(str(one)) for one in embedded)
        if ip not in UNICAST and not ip.is_private:
            return Reach.NOWHERE
    elif ip.is_reserved or ip in THIS_NETWORK:
        return Reach.NOWHERE
    return Reach.PUBLIC if ip.is_global else Reach.PRIVATE


def _embedded(ip: IPv6Address) -> tuple[IPv4Address, ...] | None:
    if ip.teredo is not None:
        return ip.teredo
    inner = ip.ipv4_mapped or ip.sixtofour
    if inner is None and ip in NAT64:
        inner = IPv4Address(int(ip) & 0xFFFFFFFF)
    return None if inner is None else (inner,)


class FollowRedirects(RedirectMiddleware):
    """Scrapy's own, with a name for what it gives up on (REDIRECT_MAX_TIMES, nonsense)."""

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
        depth = max(await self._depths(request.url))
        if depth is not Reach.PUBLIC and depth > await self._shallowest(passed):
            raise RedirectRefused(f"the redirect leads to a {depth.name.lower()} address")

    async def process_response(self, request: Request, response: Response) -> Response:
        """Throw away an answer that came from further in after all."""
        passed: list[str] = request.meta.get("redirect_urls", [])
        if passed and response.ip_address is not None and not request.meta.get("proxy"):
            depth = reach_of(str(response.ip_address))
            if depth is not Reach.PUBLIC and depth > await self._shallowest(passed):
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
