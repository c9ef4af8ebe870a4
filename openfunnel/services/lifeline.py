"""Whether a daemon lives yet, whatever it says: a pipe that hangs up when its last holder ends."""

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager


class Lifeline:
    """One end here, the other (`held`) with whoever was passed it, and all that they start."""

    def __init__(self, kept: int, held: int) -> None:
        self.held = held
        self._end = select.poll()
        self._end.register(kept)

    def let_go(self) -> None:
        """Hold it no longer ourselves, now that it was passed on."""
        os.close(self.held)

    def is_cut(self) -> bool:
        """Whether nobody holds it any more."""
        return bool(self._end.poll(0))


@contextmanager
def lifeline() -> Iterator[Lifeline]:
    """Make one; `held` is for `pass_fds`, and then to be let go of."""
    kept, held = os.pipe()
    try:
        yield Lifeline(kept, held)
    finally:
        os.close(kept)
