"""When a board is looked at again, and what has to happen before something counts as gone.

Pure rules: times are handed in, nothing is read or written. Durations are in seconds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR = 3600
DAY = 24 * HOUR

SHORTEST_INTERVAL = HOUR
LONGEST_INTERVAL = 7 * DAY
FIRST_INTERVAL = DAY
"""Of a board nobody knows yet."""

FIRST_RETRY = HOUR
LONGEST_RETRY = DAY

EMPTY_FETCHES = 3
"""Empty answers in a row, the first included, before a board that had postings counts as empty."""
EMPTY_APART = timedelta(hours=1)
MISSING_FOR = timedelta(days=3)
"""How long an ATS denies a board before it is believed."""


def next_interval(seconds: int, changed: bool) -> int:
    """Return the time until the next crawl, given the one before and whether anything changed.

    Halved by a change, half as long again without one: a board settles where about one crawl in
    two or three finds something, and a single quiet day does not undo what a lively week taught.
    """
    wanted = seconds // 2 if changed else seconds * 3 // 2
    return min(max(wanted, SHORTEST_INTERVAL), LONGEST_INTERVAL)


def retry_interval(failures: int) -> int:
    """Return the time until the next try after so many failures in a row (1 or more)."""
    doublings = min(failures - 1, LONGEST_RETRY.bit_length())
    return min(FIRST_RETRY << doublings, LONGEST_RETRY)


@dataclass(frozen=True)
class EmptyFetches:
    """Empty answers in a row of a board with open postings, as far as they count."""

    times: int = 0
    last_at: datetime | None = None
    """When the last one came that counts."""


def note_empty(before: EmptyFetches, now: datetime) -> EmptyFetches:
    """Count an empty answer, unless it comes too soon after the last one that counts."""
    if before.last_at is not None and now - before.last_at < EMPTY_APART:
        return before
    return EmptyFetches(before.times + 1, now)


def confirm_empty(fetches: EmptyFetches) -> bool:
    """Whether a board that had postings is to be believed empty."""
    return fetches.times >= EMPTY_FETCHES


def confirm_missing(since: datetime, now: datetime) -> bool:
    """Whether a board is to be believed gone that its ATS denies since then without exception."""
    return now - since >= MISSING_FOR
