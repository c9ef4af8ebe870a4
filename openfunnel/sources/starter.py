"""The shipped list of known boards; `starter_boards.md` names its origin and licence."""

import csv
from dataclasses import dataclass
from pathlib import Path

from openfunnel.records import BoardRef

FILE = Path(__file__).with_name("starter_boards.csv")


@dataclass(frozen=True)
class StarterBoard:
    """A board and the company that is known to have it."""

    name: str
    ref: BoardRef


def starter_boards() -> list[StarterBoard]:
    """Read the list, by ATS and then by name."""
    with FILE.open(encoding="utf-8", newline="") as lines:
        return [
            StarterBoard(
                name=row["name"],
                ref=BoardRef(ats=row["ats"], region=row["region"], token=row["token"]),
            )
            for row in csv.DictReader(lines)
        ]
