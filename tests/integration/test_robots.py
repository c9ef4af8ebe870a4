"""robots.txt: shared by all crawlers, asked for once a day, obeyed; on real servers and Redis."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from scrapy import Request
from scrapy.exceptions import NotConfigured
from scrapy.http import Response
from scrapy.settings import Settings as ScrapySettings

from openfunnel import services
from openfunnel.queue.hosts import Ceilings, HostOutcome, HostReport, Hosts
from openfunnel.queue.robots import DAY_SECONDS, KEPT_SECONDS, LONGEST_TEXT, RobotsFiles
from openfunnel.settings import Settings
from spiders.manners import MANNERS, Manners
from spiders.outcome import RobotsRefused, RobotsUnreachable
from spiders.robots import ATTEMPTS, TRUST_SECONDS, ObeyRobots

from .crawl import Plan, crawl
from .web import Answer, Asked, Web, serve

HOST = "https://api.example"


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def files(redis: Redis, clock: Clock) -> RobotsFiles:
    return RobotsFiles(redis, clock)


# --- what is kept -------------------------------------------------------------------------------


async def test_what_a_host_says_holds_for_a_day(files: RobotsFiles, clock: Clock) -> None:
    assert await files.read(HOST) is None
    await files.write(HOST, b"Disallow: /\xff")

    clock.now += DAY_SECONDS - 1
    known = await files.read(HOST)
    assert known is not None
    assert known.text == b"Disallow: /\xff"
    clock.now += 2
    assert await files.read(HOST) is None


async def test_one_asks_while_the_others_wait(files: RobotsFiles) -> None:
    assert await files.claim(HOST, 20)
    assert not await files.claim(HOST, 20)
    assert await files.claim("https://other.example", 20)

    await files.write(HOST, b"")
    assert await files.claim(HOST, 20)


async def test_a_claim_whose_holder_died_expires(files: RobotsFiles, redis: Redis) -> None:
    await files.claim(HOST, 20)
    await files.extend(HOST, 60)

    (key,) = await redis.keys("*")
    assert 20_000 < await redis.pttl(key) <= 60_000


async def test_what_was_known_holds_while_the_host_does_not_answer(
    files: RobotsFiles, clock: Clock, redis: Redis
) -> None:
    await files.write(HOST, b"Disallow: /")
    clock.now += DAY_SECONDS + 1
    await redis.expire(f"openfunnel:robots:{HOST}", 100)

    missed = await files.miss(HOST)

    known = await files.read(HOST)
    assert known is not None
    assert (missed.text, known.text) == (b"Disallow: /", b"Disallow: /")
    assert known.due < clock.now + DAY_SECONDS
    assert await redis.ttl(f"openfunnel:robots:{HOST}") <= 100  # 30 days in all, not for ever


async def test_a_host_that_never_answered_is_known_to_be_unknown(
    files: RobotsFiles, clock: Clock
) -> None:
    await files.miss(HOST)
    known = await files.read(HOST)
    assert known is not None
    assert known.text is None

    clock.now += 3600
    assert await files.read(HOST) is None


async def test_a_text_is_cut_and_nothing_stays_for_ever(files: RobotsFiles, redis: Redis) -> None:
    await files.write(HOST, b"x" * LONGEST_TEXT + b"y")
    await files.miss("https://other.example")
    await files.claim("https://third.example", 20)

    known = await files.read(HOST)
    assert known is not None
    assert known.text == b"x" * LONGEST_TEXT
    for key in await redis.keys("*"):
        assert 0 < await redis.ttl(key) <= KEPT_SECONDS


async def test_garbage_in_redis_is_no_robots(files: RobotsFiles, redis: Redis) -> None:
    await redis.hset(f"openfunnel:robots:{HOST}", mapping={"due": b"\xffsoon", "text": "x"})

    assert await files.read(HOST) is None


# --- crawlers -----------------------------------------------------------------------------------


class Host:
    """A host as the engines of several crawlers see it."""

    def __init__(self, status: int = 200, body: bytes = b"") -> None:
        self.status, self.body = status, body
        self.asked = 0

    async def download_async(self, request: Request) -> Response:
        self.asked += 1
        await asyncio.sleep(0)
        return Response(request.url, status=self.status, body=self.body)


def crawler(
    host: Host, redis: Redis, clock: Clock, *names: str, per_second: float = 0
) -> ObeyRobots:
    hosts = Hosts(redis, Ceilings(per_second), clock, lambda: 0.5)
    feed = SimpleNamespace(hosts=hosts, robots=RobotsFiles(redis, clock))
    one: Any = SimpleNamespace(
        engine=host,
        spider=SimpleNamespace(name="greenhouse", feed=feed),
        settings=ScrapySettings({"USER_AGENTS": list(names or ("OpenFunnel/0.1",))}),
    )

    return ObeyRobots(one, clock, Sleeps())


class Sleeps:
    """Takes no time, and remembers how long it would have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


def sleeps_of(one: ObeyRobots) -> list[float]:
    assert isinstance(one._sleep, Sleeps)
    return one._sleep.seconds


def leased(path: str) -> Request:
    return Request(f"{HOST}/{path}", meta={"lease": f"greenhouse:{path}"})


async def test_a_host_is_asked_once_by_all_crawlers(redis: Redis, clock: Clock) -> None:
    host = Host(body=b"User-agent: *\nDisallow: /closed")
    crawlers = [crawler(host, redis, clock) for _ in range(3)]

    requests = [Request(f"{HOST}/{path}") for path in ("a", "b", "c", "d")]
    await asyncio.gather(*(one.process_request(each) for one in crawlers for each in requests))

    assert host.asked == 1
    for one in crawlers:
        with pytest.raises(RobotsRefused, match=r"robots\.txt forbids it"):
            await one.process_request(Request(f"{HOST}/closed/door"))


async def test_a_file_written_just_before_a_claim_is_not_asked_for_again(
    redis: Redis, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = Host()
    one, other = crawler(host, redis, clock), RobotsFiles(redis, clock)
    files = one._crawler.spider.feed.robots  # type: ignore[union-attr]
    claim = files.claim

    async def claim_late(origin: str, seconds: float) -> bool:
        await other.write(origin, b"User-agent: *\nDisallow: /closed")
        return bool(await claim(origin, seconds))

    monkeypatch.setattr(files, "claim", claim_late)
    with pytest.raises(RobotsRefused):
        await one.process_request(Request(f"{HOST}/closed"))
    assert host.asked == 0


async def test_requests_that_waited_for_the_file_take_new_places_in_line(
    redis: Redis, clock: Clock
) -> None:
    one = crawler(Host(), redis, clock, per_second=10)

    await asyncio.gather(*(one.process_request(leased(path)) for path in "abcdef"))
    # the first has its place still; of the others one goes at once, and the rest evenly
    assert sorted(sleeps_of(one)) == pytest.approx([0.1, 0.2, 0.3, 0.4])

    await asyncio.gather(*(one.process_request(leased(path)) for path in "ghi"))
    assert len(sleeps_of(one)) == 4


async def test_a_file_that_comes_late_costs_the_first_request_its_place_too(
    redis: Redis, clock: Clock
) -> None:
    class Slow(Host):
        async def download_async(self, request: Request) -> Response:
            clock.now += 0.2
            return await super().download_async(request)

    await Hosts(redis, Ceilings(1), clock, lambda: 0.5).reserve("api.example")
    one = crawler(Slow(), redis, clock, per_second=1)

    await one.process_request(leased("a"))

    assert sleeps_of(one) == pytest.approx([0.8])


async def test_a_file_that_asks_for_a_delay_costs_the_first_request_its_place_too(
    redis: Redis, clock: Clock
) -> None:
    host = Host(body=b"User-agent: *\nCrawl-delay: 3")
    one, hosts = crawler(host, redis, clock), Hosts(redis, Ceilings(0), clock, lambda: 0.5)

    await one.process_request(leased("a"))

    assert await hosts.reserve("api.example") == 0  # of two at once, this is the second
    assert await hosts.reserve("api.example") == pytest.approx(3)


async def test_a_request_that_need_not_wait_keeps_its_place_in_line(
    redis: Redis, clock: Clock
) -> None:
    await crawler(Host(), redis, clock).process_request(leased("a"))
    one = crawler(Host(), redis, clock, per_second=1)

    await asyncio.gather(*(one.process_request(leased(path)) for path in "abcde"))

    assert sleeps_of(one) == []


async def test_a_request_that_has_no_place_in_line_yet_takes_none(
    redis: Redis, clock: Clock
) -> None:
    one = crawler(Host(), redis, clock, per_second=1)

    await asyncio.gather(*(one.process_request(Request(f"{HOST}/{path}")) for path in "abcde"))

    assert sleeps_of(one) == []


async def test_it_is_asked_again_after_a_day(redis: Redis, clock: Clock) -> None:
    host = Host()
    one = crawler(host, redis, clock)
    await one.process_request(Request(f"{HOST}/a"))

    host.body = b"User-agent: *\nDisallow: /"
    await one.process_request(Request(f"{HOST}/a"))
    clock.now += DAY_SECONDS + 1
    with pytest.raises(RobotsRefused):
        await one.process_request(Request(f"{HOST}/a"))
    assert host.asked == 2


async def test_without_an_answer_what_was_said_last_is_obeyed(redis: Redis, clock: Clock) -> None:
    host = Host(body=b"User-agent: *\nDisallow: /closed")
    await crawler(host, redis, clock).process_request(Request(f"{HOST}/a"))
    clock.now += DAY_SECONDS + 1
    host.status = 503

    one = crawler(host, redis, clock)
    await one.process_request(Request(f"{HOST}/open"))
    with pytest.raises(RobotsRefused):
        await one.process_request(Request(f"{HOST}/closed"))


async def test_a_host_that_recovers_is_asked_soon(redis: Redis, clock: Clock) -> None:
    host = Host(status=500)
    one = crawler(host, redis, clock)
    for _ in range(3):
        with pytest.raises(RobotsUnreachable):
            await one.process_request(Request(f"{HOST}/a"))
    assert host.asked == ATTEMPTS

    host.status = 200
    clock.now += 120
    await one.process_request(Request(f"{HOST}/a"))


async def test_a_host_that_asked_for_a_long_pause_is_not_waited_for(
    redis: Redis, clock: Clock
) -> None:
    host = Host()
    report = HostReport("api.example", None, HostOutcome.REFUSED, retry_after_seconds=300)
    await Hosts(redis, Ceilings(0), clock).report([report])

    with pytest.raises(RobotsUnreachable):
        await crawler(host, redis, clock).process_request(Request(f"{HOST}/a"))
    assert host.asked == 0


async def test_a_name_that_is_let_in_does_not_cover_for_one_that_is_not(
    redis: Redis, clock: Clock
) -> None:
    host = Host(body=b"User-agent: other\nDisallow: /\n\nUser-agent: *\nAllow: /")

    await crawler(host, redis, clock, "OpenFunnel/0.1").process_request(Request(f"{HOST}/a"))
    both = crawler(host, redis, clock, "OpenFunnel/0.1", "Other/1.0")
    with pytest.raises(RobotsRefused):
        await both.process_request(Request(f"{HOST}/a"))


async def test_a_crawl_delay_slows_the_host_for_everybody(redis: Redis, clock: Clock) -> None:
    host = Host(body=b"User-agent: *\nCrawl-delay: 4")
    await crawler(host, redis, clock).process_request(Request(f"{HOST}/a"))

    (state,) = await Hosts(redis, Ceilings(10), clock).states(["api.example"])
    assert state.per_second == pytest.approx(0.25)


async def test_what_redis_forgot_is_known_to_all_again_within_minutes(
    redis: Redis, clock: Clock
) -> None:
    host = Host(body=b"User-agent: *\nCrawl-delay: 4")
    one = crawler(host, redis, clock)
    await one.process_request(Request(f"{HOST}/a"))

    clock.now += TRUST_SECONDS - 1
    await redis.delete("openfunnel:host:api.example")  # and not what the file said
    await one.process_request(Request(f"{HOST}/a"))
    assert await Hosts(redis, Ceilings(10), clock).states() == []
    clock.now += 1
    await one.process_request(Request(f"{HOST}/a"))
    (state,) = await Hosts(redis, Ceilings(10), clock).states()
    assert (state.per_second, host.asked) == (pytest.approx(0.25), 1)

    await redis.flushall()
    clock.now += TRUST_SECONDS
    await one.process_request(Request(f"{HOST}/a"))
    (state,) = await Hosts(redis, Ceilings(10), clock).states()
    assert (state.per_second, host.asked) == (pytest.approx(0.25), 2)


async def test_a_crawl_delay_that_was_taken_back_slows_nobody(redis: Redis, clock: Clock) -> None:
    host = Host(body=b"User-agent: *\nCrawl-delay: 4")
    one = crawler(host, redis, clock)
    for _ in range(4):
        await one.process_request(Request(f"{HOST}/a"))
        clock.now += DAY_SECONDS / 4

    host.body = b""
    await one.process_request(Request(f"{HOST}/a"))

    (state,) = await Hosts(redis, Ceilings(10), clock).states()
    assert state.per_second == pytest.approx(10)


async def test_while_redis_is_away_what_was_said_is_obeyed(redis: Redis, clock: Clock) -> None:
    host = Host(body=b"User-agent: *\nDisallow: /closed")
    one = crawler(host, redis, clock)
    await one.process_request(Request(f"{HOST}/a"))
    clock.now += TRUST_SECONDS
    await redis.flushall()
    await redis.set(f"openfunnel:robots:{HOST}", "of a wrong type, as good as away")

    await one.process_request(Request(f"{HOST}/a"))
    with pytest.raises(RobotsRefused):
        await one.process_request(Request(f"{HOST}/closed"))
    with pytest.raises(RedisError):
        await crawler(host, redis, clock).process_request(Request(f"{HOST}/a"))


def test_an_operator_may_decide_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    one: Any = SimpleNamespace(
        spider=SimpleNamespace(name="greenhouse"), settings=ScrapySettings({"USER_AGENTS": ["x"]})
    )
    assert ObeyRobots.from_crawler(one)

    monkeypatch.setitem(MANNERS, "greenhouse", Manners(obey_robots=False))  # type: ignore[misc]
    with pytest.raises(NotConfigured):
        ObeyRobots.from_crawler(one)


# --- real servers -------------------------------------------------------------------------------

ALL_ASKED = ["/robots.txt", "/board"]
NO_FILE = {
    "none": Answer(404, b""),
    "forbidden": Answer(403, b"User-agent: *\nDisallow: /"),
    "gone": Answer(410, b""),
    "redirects without end": Answer(302, b"", {"Location": "/robots.txt"}),
    "redirects inside": Answer(302, b"", {"Location": "http://169.254.169.254/robots.txt"}),
    "empty": Answer(200, b""),
    "junk": Answer(200, b"\xff\xfe\x00Disallow\x00" * 1000),
    "a page": Answer(200, b"<!doctype html><title>Jobs</title>"),
}
UNKNOWN: dict[str, Answer | None] = {
    "failed": Answer(500, b""),
    "busy": Answer(503, b"", {"Retry-After": "1"}),
    "limited": Answer(429, b""),
    "hangs up": None,
    "cut": Answer(200, b"User-agent: *", {"Content-Length": "100", "Connection": "close"}),
}
FORBIDS = {
    "all": Answer(200, b"User-agent: *\nDisallow: /"),
    "all, with a byte order mark": Answer(200, b"\xef\xbb\xbfUser-agent: *\nDisallow: /"),
    "us": Answer(200, b"User-agent: OpenFunnel\nDisallow: /board\n\nUser-agent: *\nAllow: /"),
}


@pytest.fixture(scope="module")
def outcomes(settings: Settings) -> Iterator[dict[str, tuple[str | None, list[str]]]]:
    """By kind of robots.txt: how a crawl of such a host ended, and what the host was asked."""
    with ExitStack() as stack:
        kinds: dict[str, Answer | None] = {**NO_FILE, **UNKNOWN, **FORBIDS}

        def start(robots: Answer | None) -> Web:
            def answer(asked: Asked) -> Answer | None:
                return robots if asked.target == "/robots.txt" else Answer()

            return stack.enter_context(serve(answer))

        webs = {kind: start(robots) for kind, robots in kinds.items()}
        urls = [f"{web.url}/board" for web in webs.values()]
        endings = crawl(Plan(urls, services.ensure_redis(settings)))
        yield {
            kind: (ending.failure, webs[kind].targets)
            for kind, ending in zip(kinds, endings, strict=True)
        }


@pytest.mark.parametrize("kind", NO_FILE)
def test_a_host_without_a_robots_file_allows_everything(
    outcomes: dict[str, tuple[str | None, list[str]]], kind: str
) -> None:
    failure, asked = outcomes[kind]

    assert failure is None
    assert list(dict.fromkeys(asked)) == ALL_ASKED


@pytest.mark.parametrize("kind", UNKNOWN)
def test_a_host_whose_robots_file_is_unknown_is_not_asked_for_now(
    outcomes: dict[str, tuple[str | None, list[str]]], kind: str
) -> None:
    failure, asked = outcomes[kind]

    assert failure == "unreachable"
    assert set(asked) == {"/robots.txt"}


@pytest.mark.parametrize("kind", FORBIDS)
def test_what_a_robots_file_forbids_is_not_asked(
    outcomes: dict[str, tuple[str | None, list[str]]], kind: str
) -> None:
    assert outcomes[kind] == ("refused_by_robots", ["/robots.txt"])
