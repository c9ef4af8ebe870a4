"""Lines that are read once: about half of a board's text stands in other postings of it, too.

A line remembers what was read in it, and the last lines are remembered.
"""

from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from typing import Any, TypeVar, TypeVarTuple, Unpack

LONGEST_LINE = 4_000
"""Characters; what lies beyond is not read."""
REMEMBERED_LINES = 8_192
LONGEST_REMEMBERED = 1_000
"""Characters; real lines are shorter, and hostile ones must not fill the memory."""
REMEMBERED_TEXTS = 2
"""One is read by many readers; a second one may be read beside it."""

More = TypeVarTuple("More")
T = TypeVar("T")


class KnownLine(str):
    """A line of a text, and what was read in it: by reader, and whatever else that was given."""

    __slots__ = ("readings",)
    readings: dict[Hashable, Any]

    def __new__(cls, line: str) -> "KnownLine":
        """Make it of a line in which nothing has been read yet."""
        known = super().__new__(cls, line)
        known.readings = {}
        return known


@lru_cache(REMEMBERED_TEXTS)
def split_lines(text: str) -> tuple[str, ...]:
    """Return the lines of `text`; one that was read lately knows what was read in it."""
    lines = text.split("\n")
    return tuple([_remembered(one) if len(one) <= LONGEST_REMEMBERED else one for one in lines])


def read_once(read: Callable[[str, Unpack[More]], T]) -> Callable[[str, Unpack[More]], T]:
    """Remember in a line what a pure function reads in it; what it returns must not change.

    Any other string, and a part of a line, is read each time.
    """

    @wraps(read)
    def recall(line: str, /, *more: *More) -> T:
        if not isinstance(line, KnownLine):
            return read(line, *more)
        key = (read, *more) if more else read
        readings = line.readings
        if key in readings:
            known: T = readings[key]
            return known
        found = readings[key] = read(line, *more)
        return found

    return recall


_remembered = lru_cache(REMEMBERED_LINES)(KnownLine)
