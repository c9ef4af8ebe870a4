"""Compares what was found in a posting with its label: pure, and blind to the order of lists.

Technologies and skills are compared under their canonical names, so that `Postgres` is PostgreSQL
on either side.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from openfunnel.evaluation.labels import InitiativeLabel, Label, MentionLabel, PayLabel, PlaceLabel
from openfunnel.evaluation.names import canonical, pair_by_overlap
from openfunnel.evaluation.scores import Overlap, Score, Share
from openfunnel.normalize.text import find_verbatim, fold
from openfunnel.records import Record, Stance

SINGLES = (
    "role_function",
    "seniority",
    "employment_type",
    "workplace",
    "years_experience_min",
    "compensation",
)
"""Fields of one value, which is right if it is the same; that both say nothing is right, too."""
SKILLS_BY_OVERLAP = "skills_by_overlap"
SETS = ("locations", "technologies", "skills", SKILLS_BY_OVERLAP, "initiatives")
STANCE = "stance"
"""Of the technologies that both sides have."""
EVIDENCE = "evidence"
"""Of what was found: the share that stands verbatim in the posting, white space folded."""

_STRENGTH = {stance: rank for rank, stance in enumerate(Stance)}

T = TypeVar("T")


class MissKind(StrEnum):
    """How two sides differ."""

    MISSED = "missed"
    """The label has it, and it was not found."""
    EXTRA = "extra"
    """It was found, and the label does not have it."""
    WRONG = "wrong"
    """Each side has one, and they are not the same."""


class Miss(Record):
    """One difference, with the words of the posting that it is about."""

    field: str
    kind: MissKind
    wanted: str | None
    found: str | None
    text: str


@dataclass(frozen=True)
class Comparison:
    """What comes of comparing one posting."""

    score: Score
    misses: tuple[Miss, ...]


def compare(
    wanted: Label, found: Label, texts: Sequence[str], quotes: Mapping[str, str] | None = None
) -> Comparison:
    """Compare what was found with the label.

    Evidence is looked up in `texts`; `quotes` holds, by field, the words to show with a miss of a
    field that has no evidence in a label.
    """
    account = _Account(quotes or {})
    for name in SINGLES:
        account.single(name, _shown(getattr(wanted, name)), _shown(getattr(found, name)))
    account.set("locations", _places(wanted), _places(found))
    account.set("initiatives", _initiatives(wanted.initiatives), _initiatives(found.initiatives))
    technologies, skills = _mentions(found.technologies), _mentions(found.skills)
    account.technologies(_mentions(wanted.technologies), technologies)
    account.skills(_mentions(wanted.skills), skills)
    account.evidence((*found.technologies, *found.skills, *found.initiatives), texts)
    return account.comparison()


@dataclass(frozen=True)
class _Item:
    """An entry of a list, as it is shown."""

    shown: str
    text: str = ""
    stance: Stance | None = None


_Items = Mapping[str, _Item]
"""Entries by what makes two of them the same."""


class _Account:
    """Adds up one posting's counts and misses."""

    def __init__(self, quotes: Mapping[str, str]) -> None:
        self._quotes = quotes
        self._shares: dict[str, Share] = {}
        self._overlaps: dict[str, Overlap] = {}
        self._misses: list[Miss] = []

    def comparison(self) -> Comparison:
        return Comparison(Score(1, self._shares, self._overlaps), tuple(self._misses))

    def single(self, name: str, wanted: str | None, found: str | None) -> None:
        same = wanted == found
        self._shares[name] = Share(int(same), 1)
        matched = int(same and wanted is not None)
        self._overlaps[name] = Overlap(matched, int(found is not None), int(wanted is not None))
        if not same:
            self._miss(name, wanted, found, self._quotes.get(name, ""))

    def set(self, name: str, wanted: _Items, found: _Items) -> None:
        self._overlaps[name] = Overlap(len(wanted.keys() & found.keys()), len(found), len(wanted))
        self._unmatched(name, wanted, found)

    def technologies(self, wanted: _Items, found: _Items) -> None:
        self.set("technologies", wanted, found)
        right = 0
        both = sorted(wanted.keys() & found.keys())
        for key in both:
            one, other = wanted[key], found[key]
            right += one.stance == other.stance
            if one.stance != other.stance:
                shown = f"{one.shown} {one.stance}", f"{other.shown} {other.stance}"
                self._miss(STANCE, *shown, other.text)
        self._shares[STANCE] = Share(right, len(both))

    def skills(self, wanted: _Items, found: _Items) -> None:
        """Names that overlap and are not the same are one miss, of the exact names alone."""
        same = len(wanted.keys() & found.keys())
        self._overlaps["skills"] = Overlap(same, len(found), len(wanted))
        pairs = dict(pair_by_overlap(wanted.keys(), found.keys()))
        self._overlaps[SKILLS_BY_OVERLAP] = Overlap(len(pairs), len(found), len(wanted))
        for one, other in pairs.items():
            if one != other:
                self._miss("skills", wanted[one].shown, found[other].shown, found[other].text)
        taken = set(pairs.values())
        self._unmatched(
            "skills",
            {key: item for key, item in wanted.items() if key not in pairs},
            {key: item for key, item in found.items() if key not in taken},
        )

    def evidence(
        self, entries: Sequence[MentionLabel | InitiativeLabel], texts: Sequence[str]
    ) -> None:
        strange = [
            entry
            for entry in entries
            if not any(find_verbatim(entry.evidence, text) for text in texts)
        ]
        self._shares[EVIDENCE] = Share(len(entries) - len(strange), len(entries))
        for entry in strange:
            name = entry.name if isinstance(entry, MentionLabel) else entry.type
            self._miss(EVIDENCE, None, name, entry.evidence)

    def _unmatched(self, name: str, wanted: _Items, found: _Items) -> None:
        quote = self._quotes.get(name, "")
        for key in sorted(wanted.keys() - found.keys()):
            self._miss(name, wanted[key].shown, None, wanted[key].text or quote)
        for key in sorted(found.keys() - wanted.keys()):
            self._miss(name, None, found[key].shown, found[key].text or quote)

    def _miss(self, name: str, wanted: str | None, found: str | None, text: str) -> None:
        kind = MissKind.WRONG
        if wanted is None or found is None:
            kind = MissKind.EXTRA if wanted is None else MissKind.MISSED
        self._misses.append(Miss(field=name, kind=kind, wanted=wanted, found=found, text=text))


def _shown(value: object) -> str | None:
    """Return a single value in words that are the same where the values are."""
    if isinstance(value, PayLabel):
        return f"{_amount(value.min)} to {_amount(value.max)} {value.currency} a {value.period}"
    return None if value is None else str(value)


def _amount(amount: Decimal | None) -> str:
    return "?" if amount is None else f"{amount.normalize():,f}"


def _places(label: Label) -> _Items:
    """Return the places by city and country; only without both does the region count."""
    return _unique(label.locations, _place_key, lambda place: _Item(_shown_place(place)))


def _place_key(place: PlaceLabel) -> str:
    if place.city or place.country:
        return f"{fold(place.city or '')}, {(place.country or '').upper()}"
    return fold(place.region or "")


def _shown_place(place: PlaceLabel) -> str:
    if place.city or place.country:
        return ", ".join(filter(None, (place.city, place.country)))
    return place.region or "?"


def _mentions(mentions: Iterable[MentionLabel]) -> _Items:
    """Return the mentions by slug; of several the strongest stance counts."""
    return _unique(
        mentions,
        lambda one: canonical(one.name)[0],
        lambda one: _Item(canonical(one.name)[1], one.evidence, one.stance),
    )


def _initiatives(initiatives: Iterable[InitiativeLabel]) -> _Items:
    return _unique(initiatives, lambda one: one.type, lambda one: _Item(one.type, one.evidence))


def _unique(
    entries: Iterable[T], key: Callable[[T], str], item: Callable[[T], _Item]
) -> dict[str, _Item]:
    """Return entries by their keys; which of several stays does not hang on their order."""
    unique: dict[str, _Item] = {}
    for entry in entries:
        one, name = item(entry), key(entry)
        if name not in unique or _rank(one) < _rank(unique[name]):
            unique[name] = one
    return unique


def _rank(item: _Item) -> tuple[int, str, str]:
    return (0 if item.stance is None else _STRENGTH[item.stance], item.shown, item.text)
