"""Whole crawls of hosts in every state: what is named, what is told to others, what goes out."""

import asyncio
import gzip
import socket
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from redis.asyncio import Redis

from openfunnel import services
from openfunnel.queue.hosts import Ceilings, Hosts, HostState
from openfunnel.settings import Settings

from .crawl import Ending, Plan, crawl
from .web import Answer, Asked, Rule, serve

LIMIT = 100_000
"""Bytes of a body here."""


def encoded(body: bytes, encoding: str = "gzip", status: int = 200) -> Answer:
    return Answer(status, body, {"Content-Encoding": encoding})


WHOLE = b"[" + b"1," * (LIMIT // 4) + b"1]"
BOMB = gzip.compress(bytes(LIMIT * 100))
TWICE = gzip.compress(gzip.compress(bytes(LIMIT * 1000)))
ANSWERS: dict[str, Answer | None] = {
    "well": Answer(),
    "unknown": Answer(404),
    "compressed": encoded(gzip.compress(WHOLE)),
    "deflated": encoded(zlib.compress(WHOLE), "deflate"),
    "too large": Answer(body=bytes(LIMIT + 1)),
    "too large, and does not say so": Answer(
        body=b"%x\r\n%s\r\n0\r\n\r\n" % (LIMIT * 2, bytes(LIMIT * 2)),
        headers={"Content-Length": "", "Transfer-Encoding": "chunked"},
    ),
    "a bomb": encoded(BOMB),
    "a bomb in a bomb": encoded(TWICE, "gzip, gzip"),
    "no gzip": encoded(b"hello"),
    "broken gzip": encoded(gzip.compress(WHOLE)[:10] + b"\xff" * 50),
    "no deflate": encoded(b"hello", "deflate"),
    "no brotli": encoded(b"\xff" * 20, "br"),
    "no zstd": encoded(b"hello", "zstd"),
    "failed": Answer(500),
    "refused": Answer(429, headers={"Retry-After": "120"}),
    "busy": Answer(503, headers={"Retry-After": "60"}),
    "hangs up": None,
}


@dataclass(frozen=True)
class Outcome:
    """How a crawl of one host ended, and what all know of the host since."""

    ending: Ending
    host: HostState
    agent: str


def no_robots(answer: Answer | None) -> Rule:
    return lambda asked: Answer(404) if asked.target == "/robots.txt" else answer


@pytest.fixture(scope="module")
def outcomes(settings: Settings) -> Iterator[dict[str, Outcome]]:
    """By kind of host; one that does not listen among them."""
    url = services.ensure_redis(settings)
    with ExitStack() as stack:
        webs = {k: stack.enter_context(serve(no_robots(a))) for k, a in ANSWERS.items()}
        urls = [f"{web.url}/board" for web in webs.values()]
        limits = {"DOWNLOAD_MAXSIZE": LIMIT, "DOWNLOAD_WARNSIZE": 0}
        endings = crawl(Plan(urls, url, scrapy=limits))
        hosts = [f"127.0.0.1:{web.port}" for web in webs.values()]
        states = {state.host: state for state in asyncio.run(_states(url, hosts))}
        yield {
            kind: Outcome(ending, states[host], web.log[-1].headers["User-Agent"])
            for (kind, web), ending, host in zip(webs.items(), endings, hosts, strict=True)
        }


async def _states(url: str, hosts: list[str]) -> list[HostState]:
    async with Redis.from_url(url) as redis:
        return list(await Hosts(redis, Ceilings(0)).states(hosts))


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("well", None),
        ("unknown", "not_found"),
        ("compressed", None),
        ("deflated", None),
        ("too large", "too_large"),
        ("too large, and does not say so", "too_large"),
        ("a bomb", "too_large"),
        ("a bomb in a bomb", "too_large"),
        ("no gzip", "unparsable"),
        ("broken gzip", "unparsable"),
        ("no deflate", "unparsable"),
        ("no brotli", "unparsable"),
        ("no zstd", "unparsable"),
        ("failed", "server_error"),
        ("refused", "rate_limited"),
        ("busy", "server_error"),
        ("hangs up", "unreachable"),
    ],
)
def test_every_end_has_its_name(
    outcomes: dict[str, Outcome], kind: str, failure: str | None
) -> None:
    assert outcomes[kind].ending.failure == failure


def test_a_body_arrives_decoded(outcomes: dict[str, Outcome]) -> None:
    for kind in ("compressed", "deflated"):
        assert outcomes[kind].ending.body == WHOLE[:1000].decode()


@pytest.mark.parametrize("kind", ANSWERS)
def test_all_learn_how_the_host_is(outcomes: dict[str, Outcome], kind: str) -> None:
    failures = {"failed": 1, "refused": 1, "busy": 1, "hangs up": 1}

    assert outcomes[kind].host.failures == failures.get(kind, 0)


def test_a_host_that_asks_for_a_pause_gets_it_from_all(outcomes: dict[str, Outcome]) -> None:
    assert 60 < outcomes["refused"].host.blocked_seconds <= 120
    assert 0 < outcomes["busy"].host.blocked_seconds <= 60
    assert outcomes["well"].host.blocked_seconds == 0


def test_we_say_who_we_are(outcomes: dict[str, Outcome]) -> None:
    assert {outcome.agent for outcome in outcomes.values()} == {
        "OpenFunnel/0.1 (+https://github.com/openfunnel/openfunnel)"
    }


async def test_a_proxy_that_fails_rests_and_the_others_carry_on(
    settings: Settings, redis: Redis
) -> None:
    # Given a proxy that works, one that wants another login, and one that nobody listens at
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with serve(no_robots(Answer(body=b"by proxy"))) as works, serve(_wants_login) as locked:
            first = f"http://me:secret@127.0.0.1:{locked.port}"
            proxies = ",".join((first, dead, works.url))
            urls = [f"http://public.example/{number}" for number in range(9)]

            # When requests are made one after the other
            plan = Plan(
                urls,
                services.ensure_redis(settings),
                proxies=proxies,
                scrapy={"CONCURRENT_REQUESTS": 1},
            )
            endings = crawl(plan)

    # Then each of the two was tried once, with its login, and all others went through the third
    assert [ending.body for ending in endings] == ["by proxy"] * 9
    assert len(locked.log) == 1
    assert locked.log[0].headers["Proxy-Authorization"] == "Basic bWU6c2VjcmV0"
    assert all("Proxy-Authorization" not in asked.headers for asked in works.log)
    (state,) = await Hosts(redis, Ceilings(0)).states(["public.example"])
    assert state.failures == 0


def _wants_login(asked: Asked) -> Answer:
    return Answer(407, b"")


async def test_a_login_does_not_follow_a_redirect_elsewhere(
    settings: Settings, redis: Redis
) -> None:
    def answer(asked: Asked) -> Answer:
        if asked.target == "http://public.example/":
            return Answer(302, b"", {"Location": "http://other.example/"})
        return Answer(404 if asked.target.endswith("/robots.txt") else 200)

    names: dict[str, Any] = {"public.example": "8.8.8.8", "other.example": "1.1.1.1"}
    with serve(answer) as proxy:
        proxies = f"http://me:secret@127.0.0.1:{proxy.port}"
        url = services.ensure_redis(settings)
        plan = Plan(["http://public.example/"], url, names=names, proxies=proxies)
        (ending,) = crawl(plan)

    assert ending.body == "hello"
    assert {asked.headers["Proxy-Authorization"] for asked in proxy.log} == {"Basic bWU6c2VjcmV0"}
