"""Lines that are read once: about half of a board's text stands in other postings of it, too."""

from collections.abc import Callable, Iterable, Iterator
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
        look = remembered if len(line) <= LONGEST_REMEMBERED else read
        return look(line, *more, **named)

    return recall


def lines_with(stems: Iterable[str]) -> Callable[[str], Iterator[tuple[int, str, str]]]:
    """Return a reader of the lines that hold one of `stems`: start, line, and the line case folded.

    `in` is far quicker than a search by pattern.
    """
    wanted = tuple(stems)

    @read_once
    def fold_wanted(line: str) -> str | None:
        folded = line.casefold()
        return folded if any(stem in folded for stem in wanted) else None

    def find(text: str) -> Iterator[tuple[int, str, str]]:
        start = 0
        for line in text.split("\n"):
            folded = fold_wanted(line)
            if folded is not None:
                yield start, line[:LONGEST_LINE], folded
            start += len(line) + 1

    return find
