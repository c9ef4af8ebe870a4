"""Manners: what Retry-After means, and who we say we are."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Request

from spiders.politeness import RotateUserAgent, retry_after_seconds

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
