"""The wall clock, as the default of every function that is handed one."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current time, in UTC and saying so."""
    return datetime.now(UTC)
