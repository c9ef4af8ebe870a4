"""How each source wants to be asked, where that is not as all others: one table.

`docs/politeness.md` says why each line is there. Rates are not here: they belong to hosts, and an
operator sets them (`OPENFUNNEL_HOST_RATE`, `OPENFUNNEL_HOST_RATES`).
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Manners:
    """What a source may expect of us, and we of it."""

    obey_robots: bool = True
    """False is an operator's own decision, which the table then shows."""
    timeout_seconds: float = 60.0
    """From the first byte sent to the last byte read."""


USUAL = Manners()

MANNERS: Mapping[str, Manners] = {
    # The largest sites answer with more than 40 MB, which their server takes 6 to 10 s to write.
    "lever": Manners(timeout_seconds=120.0),
}


def manners_of(source: str) -> Manners:
    """Manners towards a source, by its name."""
    return MANNERS.get(source, USUAL)
