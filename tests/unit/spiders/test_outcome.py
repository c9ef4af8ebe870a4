"""Every outcome of a request has a name: each status, each exception."""

import pytest
from redis.exceptions import RedisError
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from scrapy.http import Response

from openfunnel.errors import DatabaseUnavailable
from openfunnel.records import Failure
from spiders.outcome import (
    AnswerGarbled,
    AnswerTooLarge,
    RedirectRefused,
    RobotsRefused,
    RobotsUnreachable,
    name_exception,
    name_response,
)


def answer(status: int = 200, **values: object) -> Response:
    return Response("https://api.example/acme", status=status, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (401, Failure.BLOCKED),
        (403, Failure.BLOCKED),
        (451, Failure.BLOCKED),
        (404, Failure.NOT_FOUND),
        (410, Failure.NOT_FOUND),
        (413, Failure.TOO_LARGE),
        (429, Failure.RATE_LIMITED),
        (302, Failure.REDIRECT),
        (308, Failure.REDIRECT),
        (500, Failure.SERVER_ERROR),
        (503, Failure.SERVER_ERROR),
        (204, Failure.SERVER_ERROR),
        (304, Failure.SERVER_ERROR),
        (418, Failure.SERVER_ERROR),
    ],
)
def test_a_status_has_its_name(status: int, failure: Failure) -> None:
    assert name_response(answer(status)) == (failure, f"HTTP {status}")


def test_no_status_but_200_passes() -> None:
    passing = [status for status in range(100, 600) if name_response(answer(status)) is None]

    assert passing == [200]


def test_a_whole_answer_passes() -> None:
    assert name_response(answer(body=b"{}")) is None


@pytest.mark.parametrize("flag", ["dataloss", "partial"])
def test_a_body_that_ended_early_is_truncated(flag: str) -> None:
    named = name_response(answer(body=b"[1, 2", flags=[flag]))

    assert named == (Failure.TRUNCATED, "the body ended early, after 5 bytes")


def test_a_cut_off_error_page_is_named_for_its_status() -> None:
    assert name_response(answer(404, flags=["dataloss"])) == (Failure.NOT_FOUND, "HTTP 404")


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (DownloadTimeoutError(), Failure.TIMED_OUT),
        (DownloadConnectionRefusedError(), Failure.UNREACHABLE),
        (CannotResolveHostError(), Failure.UNREACHABLE),
        (DownloadCancelledError("Received 5 bytes"), Failure.TOO_LARGE),
        (IgnoreRequest("no time"), Failure.BLOCKED),
        (RobotsRefused("forbidden"), Failure.ROBOTS),
        (RobotsUnreachable("no answer"), Failure.UNREACHABLE),
        (RedirectRefused("inside"), Failure.REDIRECT),
        (AnswerTooLarge("much"), Failure.TOO_LARGE),
        (AnswerGarbled("no gzip"), Failure.UNPARSABLE),
        (ResponseDataLossError(), Failure.TRUNCATED),
        (DownloadFailedError("the connection was closed"), Failure.UNREACHABLE),
        (OSError("no route to host"), Failure.UNREACHABLE),
    ],
)
def test_an_exception_has_a_name_and_a_detail(error: Exception, failure: Failure) -> None:
    named = name_exception(error)

    assert named is not None
    assert named[0] is failure
    assert named[1]


@pytest.mark.parametrize(
    "error", [KeyError("a bug"), RedisError("away"), DatabaseUnavailable(url="", detail="away")]
)
def test_trouble_of_our_own_is_no_failure_of_the_board(error: Exception) -> None:
    assert name_exception(error) is None


def test_an_unexpected_exception_is_quoted_but_not_at_any_length() -> None:
    assert name_exception(OSError("no route")) == (Failure.UNREACHABLE, "OSError: no route")
    assert len((name_exception(OSError("x" * 10_000)) or ("", ""))[1]) == 300


def test_what_a_host_refuses_for_good_is_not_asked_again() -> None:
    lasting = {
        Failure.NOT_FOUND,
        Failure.BLOCKED,
        Failure.ROBOTS,
        Failure.TOO_LARGE,
        Failure.CHANGED_SCHEMA,
        Failure.REDIRECT,
        Failure.LOST,
    }

    assert {failure for failure in Failure if not failure.may_pass} == lasting
