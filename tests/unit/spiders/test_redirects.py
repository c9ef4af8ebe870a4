"""How far in an address is, and what a redirected request may reach."""

import asyncio
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Request
from scrapy.exceptions import CannotResolveHostError
from scrapy.http import Response
from twisted.internet.address import IPv4Address, IPv6Address

from spiders.outcome import RedirectRefused
from spiders.reach import Reach, reach_of
from spiders.redirects import RefuseInwardRedirects
from spiders.settings import DOWNLOADER_MIDDLEWARES


@pytest.mark.parametrize(
    ("reach", "addresses"),
    [
        (Reach.PUBLIC, "8.8.8.8 93.184.215.14 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::8.8.8.8"),
        (Reach.PRIVATE, "10.0.0.1 172.16.0.1 192.168.0.1 100.64.0.1 198.18.0.1 192.0.2.1"),
        (Reach.PRIVATE, "fd00::1 fc00::1 ::ffff:10.0.0.1 2002:a00:1:: 64:ff9b::a00:1 2001:db8::1"),
        (Reach.LOOPBACK, "127.0.0.1 127.255.255.254 ::1 ::ffff:127.0.0.1 2002:7f00:1::"),
        (Reach.LOOPBACK, "64:ff9b::7f00:1"),
        (Reach.NOWHERE, "169.254.169.254 fe80::1 fe80::1%eth0 ::ffff:169.254.169.254"),
        (Reach.NOWHERE, "0.0.0.0 0.1.2.3 :: 224.0.0.1 239.255.255.250 ff02::1 ::ffff:0.0.0.0"),
        (Reach.NOWHERE, "240.0.0.1 255.255.255.255 fec0::1 ::7f00:1 4000::1"),
    ],
)
def test_each_kind_of_address_has_its_depth(reach: Reach, addresses: str) -> None:
    found = {address: reach_of(address) for address in addresses.split()}

    assert found == dict.fromkeys(addresses.split(), reach)


@given(st.ip_addresses())
def test_every_address_has_a_depth_and_only_global_ones_are_public(address: Any) -> None:
    public = reach_of(str(address)) is Reach.PUBLIC

    assert address.is_global or not public or address.version == 6


class Resolver:
    """Knows a few names."""

    def __init__(self, names: Mapping[str, list[str]]) -> None:
        self.names = names
        self.asked: list[str] = []

    def resolveHostName(self, receiver: Any, host: str, *_: Any, **__: Any) -> Any:  # noqa: N802
        self.asked.append(host)
        receiver.resolutionBegan(self)
        asyncio.get_running_loop().call_soon(self._answer, receiver, self.names.get(host, []))
        return self

    def _answer(self, receiver: Any, addresses: list[str]) -> None:
        for one in addresses:
            kind = IPv6Address if ":" in one else IPv4Address
            receiver.addressResolved(kind("TCP", one, 80))
        receiver.resolutionComplete()


NAMES = {
    "public": ["93.184.215.14"],
    "both": ["93.184.215.14", "2606:4700::1111"],
    "mixed": ["93.184.215.14", "127.0.0.1"],
    "mixed6": ["93.184.215.14", "::1"],
    "private": ["10.0.0.1"],
    "near": ["10.0.0.2"],
    "here": ["127.0.0.1"],
}


@pytest.fixture
def middleware() -> RefuseInwardRedirects:
    resolver: Any = Resolver(NAMES)
    return RefuseInwardRedirects(lambda: resolver)


def redirected(url: str, *passed: str, **meta: object) -> Request:
    return Request(url, meta={"redirect_urls": list(passed), **meta})


@pytest.mark.parametrize(
    ("passed", "url"),
    [
        (["http://public/"], "http://both/"),
        (["http://here/"], "http://public/"),
        (["http://here/"], "http://here:81/"),
        (["http://here/"], "http://private/"),
        (["http://private/"], "http://near/"),
    ],
)
async def test_outwards_or_as_far_in_is_allowed(
    middleware: RefuseInwardRedirects, passed: list[str], url: str
) -> None:
    await middleware.process_request(redirected(url, *passed))


@pytest.mark.parametrize(
    ("passed", "url"),
    [
        (["http://public/"], "http://private/"),
        (["http://public/"], "http://mixed/"),
        (["http://public/"], "http://mixed6/"),
        (["http://private/"], "http://here/"),
        (["http://here/"], "http://169.254.169.254/"),
        (["http://here/", "http://public/"], "http://here/"),  # in by way of the world outside
        (["http://public/", "http://here/"], "http://here/"),
        (["http://gone/"], "http://here/"),
        (["http://mixed/"], "http://here/"),  # a name that claims to be inside as well
        (["http://public/"], "http://user@public/"),
    ],
)
async def test_further_in_is_refused(
    middleware: RefuseInwardRedirects, passed: list[str], url: str
) -> None:
    with pytest.raises(RedirectRefused):
        await middleware.process_request(redirected(url, *passed))


async def test_a_name_nobody_knows_is_unreachable(middleware: RefuseInwardRedirects) -> None:
    with pytest.raises(CannotResolveHostError):
        await middleware.process_request(redirected("http://gone/", "http://public/"))


async def test_what_was_not_redirected_may_go_where_the_operator_says() -> None:
    resolver: Any = Resolver(NAMES)

    await RefuseInwardRedirects(lambda: resolver).process_request(Request("http://here/"))

    assert resolver.asked == []


async def test_an_answer_from_further_in_is_thrown_away(middleware: RefuseInwardRedirects) -> None:
    # Given a connection to where a name led before it became that of a public address
    request = redirected("http://public/", "http://both/")
    await middleware.process_request(request)
    inside: Any = Response(request.url, ip_address=ip_address("127.0.0.1"))
    outside: Any = Response(request.url, ip_address=ip_address("93.184.215.14"))

    assert middleware.process_response(request, outside) is outside
    with pytest.raises(RedirectRefused):
        middleware.process_response(request, inside)


async def test_a_proxy_may_be_anywhere(middleware: RefuseInwardRedirects) -> None:
    request = redirected("http://public/", "http://both/", proxy="http://here:3128")
    await middleware.process_request(request)
    response: Any = Response(request.url, ip_address=ip_address("127.0.0.1"))

    assert middleware.process_response(request, response) is response


def test_no_host_is_asked_for_its_robots_file_before_it_is_let_in() -> None:
    order: Mapping[str, Any] = DOWNLOADER_MIDDLEWARES

    assert order["spiders.redirects.RefuseInwardRedirects"] < order["spiders.robots.ObeyRobots"]
