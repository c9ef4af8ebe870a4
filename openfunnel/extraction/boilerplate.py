"""Lines that a board puts under every posting: found by comparing its postings with each other.

A line counts by its words, case and white space folded. On recorded boards between a sixth and a
half of all text repeats in this way: who the employer is, equal opportunity, how to apply.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil

from openfunnel.normalize.lines import read_once, split_lines
from openfunnel.records import Origin
from openfunnel.store.database import Database
from openfunnel.store.siblings import board_texts

LEAST_TEXTS = 3
"""Two postings alike may be one job in two versions."""
LEAST_SHARE = 0.2
"""Of a board's texts. Far fewer share what is written of one team or line of work."""
SIBLINGS = 40
"""As many texts tell what a board repeats."""
BOARDS = 256
"""As many boards are remembered, each with some twenty lines."""
SECONDS = 600.0
"""For so long; a board that rewords its benefits is believed a little later."""


@dataclass(frozen=True)
class Boilerplate:
    """Lines, folded, that repeat over a board's postings."""

    lines: frozenset[str] = frozenset()

    def __contains__(self, line: str) -> bool:
        return bool(self.lines) and _folded(line) in self.lines


NONE = Boilerplate()
"""Of a board that nobody knows."""


def find_boilerplate(texts: Iterable[str]) -> Boilerplate:
    """Return the lines that stand in at least 3 of the different texts, and in a fifth of them."""
    different = set(texts)
    times = Counter(line for text in different for line in _lines(text))
    least = max(LEAST_TEXTS, ceil(len(different) * LEAST_SHARE))
    return Boilerplate(frozenset(line for line, count in times.items() if count >= least))


class BoilerplateBook:
    """The boilerplate of each board, read from the store when it is asked for, and remembered."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._known: OrderedDict[int, tuple[float, asyncio.Task[Boilerplate]]] = OrderedDict()

    async def of(self, origin: Origin | None) -> Boilerplate:
        """Return the boilerplate of the board a posting comes from.

        Whoever asks about a board that is being read waits for that reading.

        Raises:
            DatabaseUnavailable: the store does not answer.
        """
        if origin is None:
            return NONE
        return await asyncio.shield(self._reading(origin.board_id))

    def _reading(self, board_id: int) -> asyncio.Task[Boilerplate]:
        until, reading = self._known.get(board_id, (0.0, None))
        if reading is None or until <= self._clock() or _has_failed(reading):
            reading = asyncio.create_task(asyncio.to_thread(self._read, board_id))
            self._known[board_id] = self._clock() + SECONDS, reading
        self._known.move_to_end(board_id)
        if len(self._known) > BOARDS:
            self._known.popitem(last=False)
        return reading

    def _read(self, board_id: int) -> Boilerplate:
        with self._database.autocommit() as session:
            texts = board_texts(session, board_id, SIBLINGS)
        return find_boilerplate(texts)


def _has_failed(reading: asyncio.Task[Boilerplate]) -> bool:
    return reading.done() and (reading.cancelled() or reading.exception() is not None)


def _lines(text: str) -> set[str]:
    return {folded for line in split_lines(text) if (folded := _folded(line))}


@read_once
def _folded(line: str) -> str:
    return " ".join(line.split()).casefold()
