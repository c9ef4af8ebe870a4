"""The shared frontier on a real Redis: scrapy-redis' keys, JSON alone, and no harm from junk."""

import json
import logging
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from scrapy import Request
from scrapy.utils.test import get_crawler

from openfunnel import services
from openfunnel.settings import Settings
from openfunnel.sources import SOURCES
from spiders import settings as scrapy_settings
from spiders.frontier import RequestQueue, Scheduler
from spiders.greenhouse import GreenhouseSpider

KEY = "greenhouse:requests"
BOARD = {"ats": "greenhouse", "region": "", "token": "acme"}
FRONTIER_SETTINGS = {
    name: getattr(scrapy_settings, name)
    for name in (
        "SCHEDULER_QUEUE_CLASS",
        "SCHEDULER_SERIALIZER",
        "DUPEFILTER_CLASS",
        "SCHEDULER_PERSIST",
    )
}


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    """A plain client, as anybody's, of an empty Redis."""
    with Redis.from_url(services.ensure_redis(settings)) as client:
        client.flushall()
        yield client


@pytest.fixture
def spider() -> GreenhouseSpider:
    return GreenhouseSpider()


@pytest.fixture
def scheduler(settings: Settings, redis: Redis, spider: GreenhouseSpider) -> Iterator[Scheduler]:
    """A scheduler as `spiders/settings.py` has it, opened for the spider of Greenhouse."""
    url = services.ensure_redis(settings)
    crawler = get_crawler(settings_dict={**FRONTIER_SETTINGS, "REDIS_URL": url})
    spider._set_crawler(crawler)
    scheduler = Scheduler.from_crawler(crawler)
    scheduler.open(spider)
    yield scheduler
    scheduler.close("finished")
    scheduler.server.close()


def request_of(spider: GreenhouseSpider, token: str = "acme", **changes: Any) -> Request:
    values: dict[str, Any] = {
        "callback": spider.parse,
        "errback": spider.fail,
        "dont_filter": True,
        "meta": {"board": {**BOARD, "token": token}, "posting_id": None, "run_id": 7},
    }
    return Request(f"https://boards-api.greenhouse.io/v1/boards/{token}", **(values | changes))


def drain(scheduler: Scheduler) -> list[Request]:
    return list(iter(scheduler.next_request, None))


def test_a_request_comes_back_whole(scheduler: Scheduler, spider: GreenhouseSpider) -> None:
    request = request_of(spider, headers={"X-Bytes": b"\xff"}, body=b"\x00\xff", priority=3)
    assert scheduler.enqueue_request(request)

    (again,) = drain(scheduler)

    assert again.to_dict(spider=spider) == request.to_dict(spider=spider)
    assert again.callback == spider.parse


def test_the_higher_priority_goes_first(scheduler: Scheduler, spider: GreenhouseSpider) -> None:
    for token, priority in (("low", -1), ("high", 5), ("mid", 0)):
        scheduler.enqueue_request(request_of(spider, token, priority=priority))

    assert [one.meta["board"]["token"] for one in drain(scheduler)] == ["high", "mid", "low"]


def test_keys_are_those_of_scrapy_redis(
    scheduler: Scheduler, redis: Redis, spider: GreenhouseSpider
) -> None:
    scheduler.enqueue_request(request_of(spider, dont_filter=False))

    assert {key: redis.type(key) for key in redis.scan_iter()} == {
        b"greenhouse:requests": b"zset",
        b"greenhouse:dupefilter": b"set",
    }
    assert len(scheduler) == 1
    assert scheduler.has_pending_requests()


def test_requests_outlive_the_crawler(
    scheduler: Scheduler, redis: Redis, spider: GreenhouseSpider
) -> None:
    scheduler.enqueue_request(request_of(spider))
    scheduler.close("shutdown")

    assert redis.zcard(KEY) == 1


def test_what_is_stored_is_json_and_never_pickle(
    scheduler: Scheduler, redis: Redis, spider: GreenhouseSpider
) -> None:
    scheduler.enqueue_request(request_of(spider, body=b"\xff"))

    ((data, _),) = redis.zrange(KEY, 0, -1, withscores=True)
    assert json.loads(data)["meta"]["board"] == BOARD


class Trap:
    """Sets off when it is unpickled."""

    sprung = False

    def __reduce__(self) -> Any:
        return (setattr, (Trap, "sprung", True))


def entry(**changes: Any) -> bytes:
    """A serialized request that is fine but for `changes`; None leaves a field out."""
    fine = {
        "url": "https://boards-api.greenhouse.io/v1/boards/acme",
        "callback": "parse",
        "errback": "fail",
        "headers": {},
        "body": "",
        "meta": {"board": BOARD, "posting_id": None, "run_id": None},
    }
    given = {name: value for name, value in (fine | changes).items() if value is not None}
    return json.dumps(given).encode()


def about(**changes: Any) -> bytes:
    return entry(meta={"board": BOARD, "posting_id": None, "run_id": None} | changes)


JUNK = {
    "nothing": b"",
    "a word": b"junk",
    "no text": b"\xff\xfe\x00",
    "a pickle": pickle.dumps({"url": "https://api.example"}),
    "a pickle that acts": pickle.dumps(Trap()),
    "null": b"null",
    "a list": b"[]",
    "an empty object": b"{}",
    "very deep": b"[" * 100_000,
    "a very long number": b"9" * 10_000,
    "very long": b"x" * 1_000_000,
    "very long, and no text": b"\xff" * 1_000_000,
    "a very long url of no kind": entry(url="x" * 1_000_000),
    "no url": entry(url=None),
    "a url that is a number": entry(url=5),
    "a url without a scheme": entry(url="boards-api.greenhouse.io"),
    "a file of ours": entry(url="file:///etc/passwd"),
    "a url with a lone surrogate": b'{"url": "https://\\ud800.example"}',
    "headers that are a list": entry(headers=[1]),
    "header values that are numbers": entry(headers={"Accept": [1]}),
    "a header beyond latin-1": entry(headers={"Accept": ["\u65e5"]}),
    "a body that is no base64": entry(body="no base64!"),
    "a priority in words": entry(priority="high"),
    "a priority without end": entry(priority=float("inf")),
    "a method that is a number": entry(method=5),
    "a method that changes things": entry(method="DELETE"),
    "an unknown callback": entry(callback="nonsense"),
    "a callback that is no method": entry(callback="name"),
    "a method that is no callback": entry(callback="from_crawler"),
    "no callback": entry(callback=None),
    "no errback": entry(errback=None),
    "meta that is a list": entry(meta=[1]),
    "no meta": entry(meta=None),
    "no board": entry(meta={"posting_id": None, "run_id": None}),
    "a board of another source": about(board={**BOARD, "ats": "lever"}),
    "a board of no source": about(board={**BOARD, "ats": "nonsense"}),
    "a region nobody has": about(board={**BOARD, "region": "moon"}),
    "a token nobody has": about(board={**BOARD, "token": "a/../b"}),
    "a token with a NUL": about(board={**BOARD, "token": "a\0b"}),
    "a token that is a number": about(board={**BOARD, "token": 5}),
    "a posting with a NUL": about(posting_id="1\0"),
    "a posting that is a number": about(posting_id=5),
    "a run with a name": about(run_id="seven"),
    "a run that is true": about(run_id=True),
    "a posting without a name": about(posting_id=""),
}


def test_an_entry_that_is_fine_is_fine(scheduler: Scheduler, redis: Redis) -> None:
    redis.zadd(KEY, {entry(): 0, about(posting_id="1", run_id=1): 1})

    assert len(drain(scheduler)) == 2


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK.keys())
def test_junk_is_dropped_with_one_line_and_stops_nothing(
    scheduler: Scheduler,
    redis: Redis,
    spider: GreenhouseSpider,
    caplog: pytest.LogCaptureFixture,
    junk: bytes,
) -> None:
    # Given junk ahead of a request
    scheduler.enqueue_request(request_of(spider, "behind"))
    redis.zadd(KEY, {junk: -1000})

    # When the next one is asked for
    with caplog.at_level(logging.DEBUG):
        requests = drain(scheduler)

    # Then it is the request, and the junk is gone
    assert [one.meta["board"]["token"] for one in requests] == ["behind"]
    assert redis.zcard(KEY) == 0
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("Dropped an unreadable entry of greenhouse:requests")
    assert "\n" not in line
    assert len(line) < 300
    assert not Trap.sprung


def test_nothing_but_junk_is_an_empty_queue(scheduler: Scheduler, redis: Redis) -> None:
    redis.zadd(KEY, {data: number for number, data in enumerate(JUNK.values())})

    assert scheduler.next_request() is None
    assert redis.zcard(KEY) == 0


def test_every_source_has_a_queue_of_its_own(redis: Redis) -> None:
    from spiders.board import BoardSpider

    for source in SOURCES:
        queue = RequestQueue(redis, BoardSpider(source), "%(spider)s:requests")
        assert queue.key == f"{source}:requests"
