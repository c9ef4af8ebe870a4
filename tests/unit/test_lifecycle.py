from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.lifecycle import (
    DAY,
    EMPTY_APART,
    HOUR,
    LONGEST_INTERVAL,
    MISSING_FOR,
    SHORTEST_INTERVAL,
    EmptyFetches,
    confirm_empty,
    confirm_missing,
    next_interval,
    note_empty,
    retry_interval,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


@given(st.integers(SHORTEST_INTERVAL, LONGEST_INTERVAL))
def test_a_board_that_changes_is_crawled_sooner_and_one_that_does_not_later(seconds: int) -> None:
    sooner, later = next_interval(seconds, changed=True), next_interval(seconds, changed=False)

    assert sooner < seconds or sooner == SHORTEST_INTERVAL
    assert later > seconds or later == LONGEST_INTERVAL


@given(st.lists(st.booleans(), max_size=50), st.integers(1, 100 * DAY))
def test_a_board_is_crawled_between_hourly_and_weekly_whatever_it_does(
    changes: list[bool], seconds: int
) -> None:
    for changed in changes:
        seconds = next_interval(seconds, changed)
        assert HOUR <= seconds <= 7 * DAY


def test_retries_come_ever_later_but_at_least_daily() -> None:
    hours = [retry_interval(failures) // HOUR for failures in range(1, 8)]

    assert hours == [1, 2, 4, 8, 16, 24, 24]
    assert retry_interval(32_767) == DAY


def test_an_unknown_board_is_asked_often_enough_to_be_believed_gone_within_four_days() -> None:
    elapsed, failures = timedelta(), 1
    while not confirm_missing(NOW, NOW + elapsed):
        elapsed += timedelta(seconds=retry_interval(failures))
        failures += 1

    assert elapsed < timedelta(days=4)


@pytest.mark.parametrize(
    ("after", "confirmed"), [(MISSING_FOR, True), (MISSING_FOR - MOMENT, False)]
)
def test_a_board_is_gone_after_three_days_and_not_before(after: timedelta, confirmed: bool) -> None:
    assert confirm_missing(NOW, NOW + after) is confirmed


def test_a_board_is_empty_after_two_further_empty_answers_an_hour_apart() -> None:
    fetches = EmptyFetches()
    confirmed = []
    for number in range(3):
        fetches = note_empty(fetches, NOW + number * EMPTY_APART)
        confirmed.append(confirm_empty(fetches))

    assert confirmed == [False, False, True]


@given(st.lists(st.timedeltas(timedelta(), timedelta(hours=2)), max_size=20))
def test_empty_answers_that_come_too_soon_do_not_count(gaps: list[timedelta]) -> None:
    now, fetches, counted = NOW, EmptyFetches(), []
    for gap in gaps:
        now += gap
        before, fetches = fetches, note_empty(fetches, now)
        if fetches != before:
            counted.append(now)

    assert fetches.times == len(counted)
    assert all(later - earlier >= EMPTY_APART for earlier, later in pairwise(counted))
