"""Requests in the frontier: JSON alone, what they ask for checked, and no harm from junk."""

import json
import pickle
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import scrapy_redis.dupefilter
import scrapy_redis.queue
import scrapy_redis.scheduler
from redis import Redis
from scrapy import Request
from scrapy.utils.misc import load_object

from openfunnel import services
from openfunnel.queue.leases import Job
from openfunnel.settings import Settings
from spiders import serializer
from spiders import settings as scrapy_settings
from spiders.frontier import STOCK, DupeFilter, RequestQueue, Scheduler
from spiders.greenhouse import GreenhouseSpider

BOARD = {"ats": "greenhouse", "region": "", "token": "acme"}
HOST = "boards-api.greenhouse.io"
URL = f"https://{HOST}/v1/boards/acme/jobs?content=true&pay_transparency=true"


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    """A plain client, as anybody's, of an empty Redis."""
    with Redis.from_url(services.ensure_redis(settings)) as client:
        client.flushall()
        yield client


@pytest.fixture
def spider() -> GreenhouseSpider:
    spider = GreenhouseSpider()
    connections: Any = SimpleNamespace(settings=Settings.load(environ={}))
    spider.connections = connections
    return spider


@pytest.fixture
def queue(redis: Redis, spider: GreenhouseSpider) -> RequestQueue:
    """The queue as the scheduler makes it."""
    return RequestQueue(redis, spider, "%(spider)s:requests", serializer)


def request_of(spider: GreenhouseSpider, **changes: Any) -> Request:
    values: dict[str, Any] = {
        "callback": spider.parse,
        "errback": spider.fail,
        "dont_filter": True,
        "meta": {"board": BOARD, "posting_id": None, "run_id": 7},
    }
    return Request(URL, **(values | changes))


def name(_: Request) -> str:
    return "fingerprint"


def test_a_request_comes_back_whole(queue: RequestQueue, spider: GreenhouseSpider) -> None:
    request = request_of(spider, headers={"X-Bytes": b"\xff"}, body=b"\x00\xff", priority=3)

    job = queue.write(request, name)
    again = queue.read(job)

    assert (job.key, job.priority, job.host) == ("greenhouse:acme", -3, HOST)
    assert again.to_dict(spider=spider) == request.to_dict(spider=spider)
    assert again.callback == spider.parse


def test_a_request_for_no_board_is_known_by_its_fingerprint(
    queue: RequestQueue, spider: GreenhouseSpider
) -> None:
    assert queue.write(request_of(spider, meta={}), name).key == name(request_of(spider))


def test_what_a_lease_adds_is_not_written(queue: RequestQueue, spider: GreenhouseSpider) -> None:
    request = request_of(spider)
    plain = queue.write(request, name).payload
    request.meta.update({"lease": "greenhouse:acme", "fence": 7, "attempts": 2})

    assert queue.write(request, name).payload == plain


def test_a_request_whose_answer_would_reach_something_else_is_not_written(
    queue: RequestQueue, spider: GreenhouseSpider
) -> None:
    for callback in (spider.start, print, lambda response: None):
        with pytest.raises(ValueError, match="not an instance method"):
            queue.write(request_of(spider, callback=callback), name)


def test_what_is_stored_is_json_and_never_pickle(
    queue: RequestQueue, spider: GreenhouseSpider
) -> None:
    assert json.loads(queue.write(request_of(spider), name).payload)["meta"]["board"] == BOARD


def test_a_start_request_may_come_again_and_others_are_marked_as_seen(
    redis: Redis, spider: GreenhouseSpider
) -> None:
    dupefilter = DupeFilter(redis, "greenhouse:dupefilter")

    assert dupefilter.fingerprint_of(request_of(spider)) is None
    assert dupefilter.fingerprint_of(request_of(spider, dont_filter=False))


class Trap:
    """Sets off when it is unpickled."""

    sprung = False

    def __reduce__(self) -> Any:
        return (setattr, (Trap, "sprung", True))


def entry(**changes: Any) -> bytes:
    """A serialized request that is fine but for `changes`; None leaves a field out."""
    fine = {
        "url": URL,
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


MOVED = entry(
    url="https://elsewhere.example/acme",
    meta={"board": BOARD, "posting_id": None, "run_id": None, "redirect_urls": [URL]},
)
"""What a redirect makes of it."""

JUNK = {
    "an address inside": entry(url="http://169.254.169.254/latest/meta-data"),
    "a redirect from nowhere": about(redirect_urls=["http://127.0.0.1/"]),
    "redirects of no kind": about(redirect_urls=7),
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
    "retries in words": about(retry_times="seven"),
    "retries of no kind": about(retry_times=None),
    "a checksum that is a number": about(checksum=7),
    "a run with a name": about(run_id="seven"),
    "a run that is true": about(run_id=True),
    "a posting without a name": about(posting_id=""),
}


def test_an_entry_that_is_fine_is_fine(queue: RequestQueue) -> None:
    for data in (entry(), about(run_id=1), about(checksum="ab"), MOVED):
        queue.read(Job("key", data.decode(), host=HOST))


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK.keys())
def test_junk_is_refused_with_its_reason(queue: RequestQueue, junk: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        queue.read(Job("key", junk.decode("utf-8", "replace"), host=HOST))

    assert not Trap.sprung


def test_what_others_put_into_a_request_does_not_reach_the_download(queue: RequestQueue) -> None:
    data = about(proxy="http://127.0.0.1:1", robots=True, dont_redirect=True, download_slot="x")

    request = queue.read(Job("key", data.decode(), host=HOST))

    assert request.meta == {"board": BOARD, "posting_id": None, "run_id": None}


def test_one_setting_goes_back_to_the_stock_classes() -> None:
    stock = {name: load_object(path) for name, path in STOCK.items() if isinstance(path, str)}
    ours = {name: load_object(getattr(scrapy_settings, name)) for name in stock}

    assert stock == {
        "SCHEDULER": scrapy_redis.scheduler.Scheduler,
        "SCHEDULER_QUEUE_CLASS": scrapy_redis.queue.PriorityQueue,
        "DUPEFILTER_CLASS": scrapy_redis.dupefilter.RFPDupeFilter,
    }
    assert all(issubclass(ours[name], stock[name]) for name in stock)
    assert ours["SCHEDULER"] is Scheduler
