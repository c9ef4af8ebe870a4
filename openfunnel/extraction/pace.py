"""How long a worker waits for what, and how many postings it holds."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from openfunnel.settings import Settings

AHEAD_SECONDS = 2.0
MOST_AHEAD = 64
"""What is held beyond the model's slots is held back from other workers, and takes memory."""
ANSWERS = 5
"""Of one posting at most: the triage model's, and two of each of two models."""
SPARE_SECONDS = 60.0
"""For all that is no answer: the rules, the store, and a place in line."""


@dataclass(frozen=True)
class Pace:
    """All in seconds."""

    poll_seconds: float = 0.2
    """Between two looks into an empty queue."""
    beat_seconds: float = 3.0
    """Between two signs of life; leases are extended after a third of their time at the latest."""
    retry_seconds: float = 5.0
    """Before a failed posting is tried again; four times as long after each further failure."""
    outage_seconds: float = 1.0
    """First pause when a service is away."""
    grace_seconds: float = 10.0
    """What a stopped worker gives the postings in its hands."""
    posting_seconds: float = 3660.0
    """The longest that the extraction of one posting may take; then it has failed."""
    linger_seconds: float = 0.1
    """For a result to be stored with others: a trip to PostgreSQL costs as much as ten results.
    Answers of a model come together as they are: they were stored together just before."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The usual pace, with the time that these settings leave to models."""
        return cls(posting_seconds=ANSWERS * settings.answer_seconds + SPARE_SECONDS)


USUAL = Pace()


class Lookahead:
    """How many postings to hold, so that a slot which becomes free finds its next one prepared.

    Each slot's own posting and, beyond these, as many as were done within the last two seconds:
    they are loaded, prepared and stored while all slots are at work. A quick worker thus stores
    many at once, and a slow one keeps no work from the others.
    """

    def __init__(self, slots: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._slots = slots
        self._clock = clock
        self._done: deque[float] = deque(maxlen=MOST_AHEAD)

    def note(self) -> None:
        """Note that a posting is done."""
        self._done.append(self._clock())

    def hands(self) -> int:
        """How many postings to hold: two a slot at least."""
        begun = self._clock() - AHEAD_SECONDS
        while self._done and self._done[0] < begun:
            self._done.popleft()
        return self._slots + max(self._slots, len(self._done))
