"""The worlds that are served: which boards there are, and how long each takes to answer."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from openfunnel.records import BoardRef
from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.world import BoardAnswer, World, pack

SLOW_SHARE, SLOW_SECONDS = 0.02, 3.0
FAST_SECONDS, LESS_FAST_SECONDS = 0.05, 0.3


@dataclass(frozen=True)
class Scenery:
    """Boards in the order in which they are asked for, who answers, and when."""

    world: World
    refs: Sequence[BoardRef]
    delays: Mapping[BoardRef, float] = field(default_factory=dict)
    """Seconds until the answer; at once for boards that are not in it."""


@dataclass(frozen=True)
class EmptyWorld:
    """Boards that exist and have nothing open: there is nothing to do but to ask."""

    refs: Sequence[BoardRef]

    def boards(self) -> Sequence[BoardRef]:
        """Every board."""
        return self.refs

    def answer(self, ref: BoardRef) -> BoardAnswer:
        """Nothing."""
        return pack(ref, b"[]")


def uneven() -> Scenery:
    """500 boards of Greenhouse with some 5,000 postings; most answer soon, ten in 3 s."""
    world = GeneratedWorld(boards=834, postings=8340)  # three in five are Greenhouse's
    refs = list(islice((ref for ref in world.boards() if ref.ats == "greenhouse"), 500))
    return Scenery(world, refs, uneven_delays(refs, seed=0))


def bulk() -> Scenery:
    """1,020 boards of Greenhouse and 680 of Lever with 50,000 postings; all answer at once."""
    world = GeneratedWorld(boards=3400, postings=100_000)
    refs = [
        *islice((ref for ref in world.boards() if ref.ats == "greenhouse"), 1020),
        *islice((ref for ref in world.boards() if ref.ats == "lever"), 680),
    ]
    return Scenery(world, refs)


def rate() -> Scenery:
    """2,000 boards of Lever and 8,000 on its EU host, which answer evenly."""
    refs = [
        BoardRef(ats="lever", region=region, token=f"board{number}")
        for region, count in (("", 2000), ("eu", 8000))
        for number in range(count)
    ]
    return Scenery(EmptyWorld(refs), refs, dict.fromkeys(refs, 0.1))


def uneven_delays(refs: Sequence[BoardRef], seed: int) -> dict[BoardRef, float]:
    """Draw a latency for each board: exactly one in fifty is slow, the others 50 to 300 ms."""
    rng = random.Random(seed)
    slow = set(rng.sample(refs, round(len(refs) * SLOW_SHARE)))
    return {
        ref: SLOW_SECONDS if ref in slow else rng.uniform(FAST_SECONDS, LESS_FAST_SECONDS)
        for ref in refs
    }


WORLDS: dict[str, Callable[[], Scenery]] = {"uneven": uneven, "bulk": bulk, "rate": rate}
