"""Manners: who we say we are, how long we wait, and what is told about hosts."""

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import RedisError
from scrapy import Request
from scrapy.exceptions import DownloadCancelledError, DownloadTimeoutError
from scrapy.http import Response

from openfunnel.queue.hosts import HostOutcome, HostReport
from spiders.manners import MANNERS, USUAL
from spiders.outcome import RobotsRefused, RobotsUnreachable
from spiders.politeness import (
    LimitTime,
    ReportToHost,
    RotateUserAgent,
    host_of,
    outcome_of,
    retry_after_seconds,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 120 ", 120),
        ("999999999", 999_999_999),
        # HTTP dates, in all three forms of RFC 9110
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sunday, 01-Mar-26 12:01:00 GMT", 60),
        ("Sun Mar  1 12:00:05 2026", 5),
        ("Sun, 01 Mar 2026 13:00:30 +0100", 30),
        # moments gone by
        ("Sun, 01 Mar 2026 11:59:00 GMT", 0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        # what means nothing
        ("", 0),
        ("-5", 0),
        ("1.5", 0),
        ("soon", 0),
        ("nan", 0),
        ("inf", 0),
        ("1e9", 0),
        ("٣", 0),
        ("Sun, 99 Mar 2026 12:00:30 GMT", 0),
        ("Sun, 01 Mar 99999 12:00:30 GMT", 0),
        ("9" * 5000, 0),
    ],
)
def test_retry_after(header: str, seconds: float) -> None:
    assert retry_after_seconds(header, lambda: NOW) == seconds


def test_a_date_far_away_is_a_long_wait() -> None:
    year = 365 * 24 * 3600

    assert retry_after_seconds("Sat, 01 Mar 2036 12:00:00 GMT", lambda: NOW) > 9 * year


@given(st.one_of(st.text(), st.from_regex(r"\w{3}, \d+ Mar \d+ \d+:\d+:\d+ [+-]?\d+")))
def test_no_header_does_harm(header: str) -> None:
    assert retry_after_seconds(header, lambda: NOW) >= 0


def test_user_agents_take_turns() -> None:
    middleware = RotateUserAgent(["one", "two, with a comma"])
    requests = [Request("https://api.example") for _ in range(3)]

    for request in requests:
        middleware.process_request(request)

    named = [request.headers["User-Agent"] for request in requests]
    assert named == [b"one", b"two, with a comma", b"one"]


def test_a_request_that_names_its_user_agent_keeps_it() -> None:
    request = Request("https://api.example", headers={"User-Agent": "own"})

    RotateUserAgent(["ours"]).process_request(request)

    assert request.headers.getlist("User-Agent") == [b"own"]


@pytest.mark.parametrize("source", ["lever", "greenhouse"])
def test_a_source_may_have_more_time(source: str) -> None:
    crawler: Any = SimpleNamespace(spider=SimpleNamespace(name=source))
    given = Request("https://api.example", meta={"download_timeout": 1})
    request = Request("https://api.example")

    for one in (given, request):
        LimitTime.from_crawler(crawler).process_request(one)

    assert request.meta["download_timeout"] == MANNERS.get(source, USUAL).timeout_seconds
    assert given.meta["download_timeout"] == 1


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://api.example/a", "api.example"),
        ("https://API.Example:8443/a", "api.example:8443"),
        ("https://user:secret@api.example/a", "api.example"),
        ("http://[::1]:80/", "[::1]:80"),
    ],
)
def test_a_host_is_known_by_name_and_port_alone(url: str, host: str) -> None:
    assert host_of(url) == host


class Hosts:
    """Remembers what it is told; `away` as Redis may be."""

    def __init__(self, away: bool = False) -> None:
        self.away = away
        self.told: list[HostReport] = []
        self.noted: list[HostReport] = []
        self.waits = [0.0, 1.5]
        self.slept: list[float] = []

    async def report(self, reports: Sequence[HostReport]) -> None:
        if self.away:
            raise RedisError("away")
        self.told += reports

    async def reserve(self, host: str) -> float:
        return self.waits.pop(0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def reporter(hosts: Hosts, *, runs: bool = True) -> ReportToHost:
    feed = SimpleNamespace(hosts=hosts, note=hosts.noted.append, runs=runs)
    crawler: Any = SimpleNamespace(spider=SimpleNamespace(feed=feed))
    return ReportToHost(crawler, hosts.sleep)


def asked(**meta: object) -> Request:
    return Request("https://api.example/acme", meta={"lease": "x", **meta})


def test_every_status_is_the_hosts_word_but_a_proxys() -> None:
    outcomes = {status: outcome_of(status) for status in range(200, 600)}

    assert outcomes.pop(407) is None
    assert outcomes.pop(429) is HostOutcome.REFUSED
    for status, outcome in outcomes.items():
        assert outcome is (HostOutcome.FAILED if status >= 500 else HostOutcome.OK)


async def test_good_news_can_wait_and_bad_news_cannot() -> None:
    hosts = Hosts()
    for status in (200, 404, 429, 500):
        request = asked(download_latency=0.25)
        await reporter(hosts).process_response(request, Response(request.url, status=status))

    assert hosts.noted == [HostReport("api.example", 0.25, HostOutcome.OK)] * 2
    assert hosts.told == [
        HostReport("api.example", 0.25, HostOutcome.REFUSED),
        HostReport("api.example", 0.25, HostOutcome.FAILED),
    ]


@pytest.mark.parametrize(
    ("status", "header", "outcome", "seconds"),
    [
        (429, "3", HostOutcome.REFUSED, 3),
        (503, "3", HostOutcome.REFUSED, 3),
        (503, "soon", HostOutcome.FAILED, 0),
        (500, "3", HostOutcome.FAILED, 0),
        (429, "", HostOutcome.REFUSED, 0),
    ],
)
async def test_a_host_is_believed_when_it_asks_to_wait(
    status: int, header: str, outcome: HostOutcome, seconds: float
) -> None:
    hosts, request = Hosts(), asked()
    response = Response(request.url, status=status, headers={"Retry-After": header})

    assert await reporter(hosts).process_response(request, response) is response

    assert hosts.told == [HostReport("api.example", None, outcome, seconds)]


async def test_no_answer_is_a_failure_of_the_host() -> None:
    hosts = Hosts()
    for error in (DownloadTimeoutError(), OSError("no route")):
        await reporter(hosts).process_exception(asked(download_latency=9), error)

    assert hosts.told == [HostReport("api.example", None, HostOutcome.FAILED)] * 2


async def test_a_host_whose_answer_is_too_large_is_well() -> None:
    hosts = Hosts()
    await reporter(hosts).process_exception(asked(download_latency=0.5), DownloadCancelledError())

    assert hosts.noted == [HostReport("api.example", 0.5, HostOutcome.OK)]
    assert hosts.told == []


@pytest.mark.parametrize("error", [KeyError("a bug"), RobotsRefused(), RobotsUnreachable()])
async def test_what_we_decide_or_break_is_no_news_of_the_host(error: Exception) -> None:
    hosts = Hosts()
    await reporter(hosts).process_exception(asked(), error)

    assert hosts.told + hosts.noted == []


async def test_what_fails_behind_a_proxy_is_not_the_hosts() -> None:
    hosts, request = Hosts(), asked(proxy="http://one.example:3128")
    await reporter(hosts).process_exception(request, DownloadTimeoutError())
    await reporter(hosts).process_response(request, Response(request.url, status=407))

    assert hosts.told + hosts.noted == []


async def test_without_redis_the_answer_is_kept_and_the_report_comes_later() -> None:
    hosts, request = Hosts(away=True), asked()
    response = Response(request.url, status=500)

    assert await reporter(hosts).process_response(request, response) is response

    assert hosts.noted == [HostReport("api.example", None, HostOutcome.FAILED)]


async def test_where_no_turns_are_taken_no_report_is_kept() -> None:
    hosts, request = Hosts(away=True), asked()
    for status in (200, 500):
        response = Response(request.url, status=status)
        assert await reporter(hosts, runs=False).process_response(request, response) is response

    assert hosts.noted == []


async def test_only_what_the_frontier_did_not_time_stands_in_line() -> None:
    hosts = Hosts()
    for request in (asked(), Request("https://api.example", meta={"robots": True})):
        await reporter(hosts).process_request(request)
    assert len(hosts.waits) == 2

    for _ in range(2):
        await reporter(hosts).process_request(Request("https://api.example/acme"))
    assert hosts.slept == [1.5]
