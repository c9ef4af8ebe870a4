"""Redirects on real servers: followed on the web, and never further in than they come from.

A public host is played by a proxy that answers for it, with its name known to the resolver.
"""

from collections.abc import Iterator

import pytest
from redis.asyncio import Redis

from openfunnel import services
from openfunnel.settings import Settings

from .crawl import Ending, Plan, crawl
from .web import Answer, Asked, Web, serve

NAMES = {
    "public.example": "93.184.215.14",
    "other.example": "1.1.1.1",
    "in.example": "10.1.2.3",
    "localhost.": "127.0.0.1",  # not every machine's resolver knows it
}


@pytest.fixture
def secret() -> Iterator[Web]:
    """A server that nobody outside can reach."""
    with serve(lambda asked: Answer(body=b"secret")) as web:
        yield web


def redirect(location: str) -> Answer:
    return Answer(302, b"", {"Location": location})


def follow(settings: Settings, locations: list[str], scheme: str = "http") -> list[Ending]:
    """Let a public host redirect to each location; anything else on the web says hello."""

    def answer(asked: Asked) -> Answer:
        start = f"{scheme}://public.example/"
        if asked.target.startswith(start) and asked.target.removeprefix(start).isdigit():
            return redirect(locations[int(asked.target.removeprefix(start))])
        if asked.target.endswith("/robots.txt"):
            return Answer(404)
        return Answer(body=asked.target.encode())

    with serve(answer) as proxy:
        urls = [f"{scheme}://public.example/{number}" for number in range(len(locations))]
        return crawl(Plan(urls, services.ensure_redis(settings), names=NAMES, proxies=proxy.url))


async def test_redirects_on_the_web_are_followed(settings: Settings, redis: Redis) -> None:
    locations = ["/here", "http://other.example/there", "//other.example:81/x", "http://8.8.8.8/"]
    locations += ["http://other.example\\@127.0.0.1/"]  # as browsers read it: a path of that host

    bodies = [ending.body for ending in follow(settings, locations)]

    assert bodies == [
        "http://public.example/here",
        "http://other.example/there",
        "http://other.example:81/x",
        "http://8.8.8.8/",
        "http://other.example/@127.0.0.1/",
    ]


async def test_a_public_host_leads_nobody_inside(
    settings: Settings, redis: Redis, secret: Web
) -> None:
    port = secret.port
    locations = [
        f"http://127.0.0.1:{port}/",
        f"http://localhost:{port}/",
        f"http://localhost.:{port}/",
        f"http://LOCALHOST:{port}/",
        f"http://0x7f.1:{port}/",
        f"http://0177.0.0.1:{port}/",
        f"http://2130706433:{port}/",
        f"http://127.1:{port}/",
        f"http://0.0.0.0:{port}/",
        f"http://0:{port}/",
        f"http://[::1]:{port}/",
        f"http://[::]:{port}/",
        f"http://[::ffff:127.0.0.1]:{port}/",
        f"http://[::ffff:7f00:1]:{port}/",
        f"http://[64:ff9b::127.0.0.1]:{port}/",
        f"http://public.example@127.0.0.1:{port}/",
        f"http://127.0.0.1:{port}@public.example/",
        f"http://127.0.0.1%2f@public.example:{port}/",
        f"//127.0.0.1:{port}/",
        f"///127.0.0.1:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://in.example/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[fd00::1]/",
    ]

    endings = follow(settings, locations)

    outcomes = {
        location: (ending.failure, ending.body)
        for location, ending in zip(locations, endings, strict=True)
    }
    assert outcomes == dict.fromkeys(locations, ("redirect_refused", None))
    assert secret.log == []


async def test_what_is_no_address_on_the_web_is_refused(settings: Settings, redis: Redis) -> None:
    locations = ["http://[::1", "http://", "file:///etc/passwd", "data:,x", "ftp://public.example/"]

    endings = follow(settings, locations)

    assert [ending.failure for ending in endings[2:]] == ["redirect_refused"] * 3
    assert {ending.failure for ending in endings[:2]} <= {"redirect_refused", "unreachable"}
    assert not any(ending.body for ending in endings)


async def test_redirects_come_to_an_end(settings: Settings, redis: Redis) -> None:
    with serve(lambda asked: redirect(asked.target + "x")) as web:
        (ending,) = crawl(Plan([f"{web.url}/"], services.ensure_redis(settings)))

    assert (ending.failure, ending.detail) == ("redirect_refused", "more than 5 redirects")
    assert [target for target in web.targets if "robots" not in target] == [
        "/" + "x" * n for n in range(6)
    ]


async def test_a_name_that_moves_inside_once_it_was_let_in_is_not_connected_to(
    settings: Settings, redis: Redis, secret: Web
) -> None:
    # Given a public host that redirects to a name which is public when looked at, twice, and
    # means this machine when its robots.txt, and then itself, is connected to
    here, away = "127.0.0.1", "93.184.215.14"
    rebound = {
        "public.example": [here, here, away],  # played by this machine: its robots.txt, and itself
        "rebound.example": [away, away, here],
    }

    def answer(asked: Asked) -> Answer:
        closing = {"Connection": "close"}  # each request looks the name up
        if asked.target == "/robots.txt":
            return Answer(404, headers=closing)
        return Answer(302, b"", {"Location": f"http://rebound.example:{secret.port}/", **closing})

    # When it is crawled
    with serve(answer) as web:
        urls = [f"http://public.example:{web.port}/"]
        (ending,) = crawl(Plan(urls, services.ensure_redis(settings), rebound=rebound))

    # Then neither is asked for
    assert (ending.failure, ending.detail) == (
        "redirect_refused",
        "the redirect led to a loopback address",
    )
    assert secret.log == []


async def test_inside_one_may_move_but_never_to_a_metadata_server(
    settings: Settings, redis: Redis, secret: Web
) -> None:
    goals = {"/one": f"http://localhost:{secret.port}/", "/two": "http://169.254.169.254/"}

    def answer(asked: Asked) -> Answer:
        return redirect(goals[asked.target]) if asked.target in goals else Answer(404)

    with serve(answer) as web:
        urls = [web.url + path for path in goals]
        allowed, refused = crawl(Plan(urls, services.ensure_redis(settings)))

    assert allowed.body == "secret"
    assert (refused.failure, refused.detail) == (
        "redirect_refused",
        "the redirect leads to a nowhere address",
    )
