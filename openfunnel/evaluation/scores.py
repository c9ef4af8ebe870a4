"""Counts of what is right, and the figures made of them.

Counts add up over postings, and a figure is made of their sum: what is called a micro-average. A
figure of nothing (the precision of an empty list) is None, neither right nor wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Share:
    """How many are right, of how many."""

    right: int = 0
    of: int = 0

    def __add__(self, other: "Share") -> "Share":
        return Share(self.right + other.right, self.of + other.of)

    @property
    def value(self) -> float | None:
        """From 0 to 1."""
        return self.right / self.of if self.of else None


@dataclass(frozen=True)
class Overlap:
    """How many values were found, how many the labels have, and how many are in both."""

    matched: int = 0
    found: int = 0
    wanted: int = 0

    def __add__(self, other: "Overlap") -> "Overlap":
        matched, found = self.matched + other.matched, self.found + other.found
        return Overlap(matched, found, self.wanted + other.wanted)

    @property
    def precision(self) -> float | None:
        """Of what was found, the share that is right."""
        return self.matched / self.found if self.found else None

    @property
    def recall(self) -> float | None:
        """Of what the labels have, the share that was found."""
        return self.matched / self.wanted if self.wanted else None

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both: 0 where one side is empty."""
        values = self.found + self.wanted
        return 2 * self.matched / values if values else None


@dataclass(frozen=True)
class Score:
    """The counts of some postings, by what is counted; what never came up is not there."""

    postings: int = 0
    shares: Mapping[str, Share] = field(default_factory=dict)
    overlaps: Mapping[str, Overlap] = field(default_factory=dict)

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.postings + other.postings,
            {
                name: self.shares.get(name, Share()) + other.shares.get(name, Share())
                for name in {**self.shares, **other.shares}
            },
            {
                name: self.overlaps.get(name, Overlap()) + other.overlaps.get(name, Overlap())
                for name in {**self.overlaps, **other.overlaps}
            },
        )
