"""What the lines of a text state of one thing, of which one statement counts."""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from openfunnel.normalize.lines import split_lines

T = TypeVar("T")


class Statement(NamedTuple, Generic[T]):
    """A value, the span of its line that states it, and its rank: the lowest counts."""

    rank: int
    value: T
    start: int
    end: int


def first_statement(
    text: str, read_line: Callable[[str], Statement[T] | None]
) -> tuple[T, tuple[int, int]] | None:
    """Return the value of lowest rank that a line of `text` states, of equal ones the first.

    The span with it counts characters of `text`.
    """
    best: tuple[int, T, tuple[int, int]] | None = None
    start = 0
    for line in split_lines(text):
        found = read_line(line)
        if found is not None and (best is None or found.rank < best[0]):
            best = found.rank, found.value, (start + found.start, start + found.end)
        start += len(line) + 1
    return best[1:] if best is not None else None
