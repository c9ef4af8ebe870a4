"""Lines that are read once: about half of a board's text stands in other postings of it, too."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

LONGEST_LINE = 4_000
"""Characters; what lies beyond is not read."""
REMEMBERED_LINES = 4_096
LONGEST_REMEMBERED = 1_000
"""Characters; real lines are shorter, and hostile ones must not fill the memory."""

P = ParamSpec("P")
T = TypeVar("T")


def read_once(read: Callable[Concatenate[str, P], T]) -> Callable[Concatenate[str, P], T]:
    """Remember what a pure function reads in each of the last lines; its value must not change."""
    remembered = cast("Callable[Concatenate[str, P], T]", lru_cache(REMEMBERED_LINES)(read))

    @wraps(read)
    def recall(line: str, /, *more: P.args, **named: P.kwargs) -> T:
        if len(line) <= LONGEST_REMEMBERED:
            return remembered(line, *more, **named)
        return read(line, *more, **named)

    return recall
