"""Values as Redis and its scripts want them: bytes, and whole microseconds."""

import math

MICROSECONDS = 1_000_000
LONGEST_SECONDS = 366 * 24 * 3600.0
"""A wait beyond a year is one somebody else's server made up."""


def encode(text: str) -> bytes:
    """Any `str`, lone surrogates too, as bytes that `decode` gives back."""
    return text.encode("utf-8", "surrogatepass")


def decode(data: bytes) -> str:
    """Bytes of `encode`; anything else that is not UTF-8 comes back with replacement characters."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


def micros(seconds: float) -> int:
    """Seconds as whole microseconds, between 0 and a year (not a number counts as 0)."""
    if math.isnan(seconds):
        return 0
    return round(min(max(seconds, 0.0), LONGEST_SECONDS) * MICROSECONDS)
