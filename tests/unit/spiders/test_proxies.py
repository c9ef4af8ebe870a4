"""Proxies take turns, and rest when they fail."""

import logging
from base64 import b64encode
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy import Request
from scrapy.exceptions import DownloadTimeoutError, NotConfigured
from scrapy.http import Response

from openfunnel.settings import Settings
from spiders.outcome import RobotsUnreachable
from spiders.proxies import FIRST_REST_SECONDS, LONGEST_REST_SECONDS, RotateProxies, Rotation

LOGIN = "http://user:secret@one.example:3128"
OTHER = "http://two.example:3128"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def send(middleware: RotateProxies) -> Request:
    request = Request("http://api.example")
    middleware.process_request(request)
    return request


def names(rotation: Rotation, n: int) -> list[str]:
    return [rotation.next().address[7:10] for _ in range(n)]


def test_proxies_take_turns(clock: Clock) -> None:
    assert names(Rotation([LOGIN, OTHER], clock), 4) == ["one", "two", "one", "two"]


def test_a_failing_one_rests_and_comes_back(clock: Clock) -> None:
    rotation = Rotation([LOGIN, OTHER], clock)
    assert rotation.fail(rotation.next()) == FIRST_REST_SECONDS

    assert names(rotation, 3) == ["two"] * 3
    clock.now += FIRST_REST_SECONDS
    assert sorted(names(rotation, 2)) == ["one", "two"]


def test_it_rests_longer_each_time_but_not_for_ever(clock: Clock) -> None:
    rotation = Rotation([OTHER], clock)
    rests = []
    for _ in range(12):
        rests.append(rotation.fail(rotation.next()))
        clock.now += rests[-1]

    assert rests[:3] == [30, 60, 120]
    assert rests == sorted(rests)
    assert rests[-1] == LONGEST_REST_SECONDS


def test_what_fails_together_counts_once(clock: Clock) -> None:
    rotation = Rotation([OTHER], clock)
    proxy = rotation.next()

    assert [rotation.fail(proxy) for _ in range(3)] == [FIRST_REST_SECONDS, 0, 0]
    clock.now += FIRST_REST_SECONDS
    assert rotation.fail(proxy) == 2 * FIRST_REST_SECONDS


def test_success_ends_the_growth(clock: Clock) -> None:
    rotation = Rotation([OTHER], clock)
    proxy = rotation.next()
    rotation.fail(proxy)
    rotation.succeed(proxy)

    assert rotation.fail(proxy) == FIRST_REST_SECONDS


def test_while_all_rest_the_one_that_is_rested_first_is_used(clock: Clock) -> None:
    rotation = Rotation([LOGIN, OTHER], clock)
    rotation.fail(rotation.next())
    clock.now += 1
    rotation.fail(rotation.next())

    assert names(rotation, 2) == ["one", "one"]


def test_a_login_is_sent_as_it_is_meant(clock: Clock) -> None:
    url = "http://m%40e:p%3Aw@one.example:3128"
    request = send(RotateProxies(Rotation([url], clock)))

    assert request.meta["proxy"] == "http://one.example:3128"
    assert request.headers["Proxy-Authorization"] == b"Basic " + b64encode(b"m@e:p:w")


@pytest.mark.parametrize("login", [LOGIN, OTHER])
def test_nothing_of_a_proxy_login_stays_on_a_request(clock: Clock, login: str) -> None:
    middleware = RotateProxies(Rotation([login], clock))
    request = send(middleware)
    assert (b"Proxy-Authorization" in request.headers) == (login is LOGIN)

    middleware.process_response(request, Response(request.url))

    assert "secret" not in repr(request.to_dict())
    assert b"Proxy-Authorization" not in request.headers
    # and what inherits its meta goes out as any other
    again = request.replace(url="http://api.example/there")
    middleware.process_request(again)
    assert (b"Proxy-Authorization" in again.headers) == (login is LOGIN)


@pytest.mark.parametrize("trouble", [407, DownloadTimeoutError(), OSError("refused")])
def test_trouble_on_the_way_rests_the_proxy(
    clock: Clock, trouble: Any, caplog: pytest.LogCaptureFixture
) -> None:
    rotation = Rotation([LOGIN, OTHER], clock)
    middleware = RotateProxies(rotation)
    request = send(middleware)

    with caplog.at_level(logging.DEBUG):
        if isinstance(trouble, int):
            middleware.process_response(request, Response(request.url, status=trouble))
        else:
            middleware.process_exception(request, trouble)

    assert names(rotation, 2) == ["two", "two"]
    assert "one.example:3128" in caplog.text
    assert "secret" not in caplog.text
    assert "secret" not in repr(rotation.next())


@pytest.mark.parametrize("no_trouble", [200, 404, 429, 503, KeyError("ours"), RobotsUnreachable()])
def test_other_trouble_is_none_of_the_proxy(clock: Clock, no_trouble: Any) -> None:
    rotation = Rotation([LOGIN, OTHER], clock)
    middleware = RotateProxies(rotation)
    request = send(middleware)

    if isinstance(no_trouble, int):
        middleware.process_response(request, Response(request.url, status=no_trouble))
    else:
        middleware.process_exception(request, no_trouble)

    assert sorted(names(rotation, 2)) == ["one", "two"]


def test_without_proxies_there_is_nothing_to_do() -> None:
    def crawler(proxies: str) -> Any:
        own = Settings.load(environ={}, proxies=proxies)
        return SimpleNamespace(settings={"OPENFUNNEL": own})

    assert RotateProxies.from_crawler(crawler(LOGIN))
    with pytest.raises(NotConfigured):
        RotateProxies.from_crawler(crawler(""))
