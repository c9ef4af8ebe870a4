"""What two extractions of one posting say differently, and how often that comes up.

Values are compared, not who said them: the same level from another source is no difference.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from openfunnel.records import Compensation, Extraction, Place, SkillMention, Sourced

STANCE = "stance"
"""Stands for a field: how a posting relates to what it names before and after."""

_CHOICES = ("role_function", "seniority", "employment_type", "workplace", "years_experience_min")


class Change(NamedTuple):
    """What a posting says differently in one field, in words; None: nothing."""

    field: str
    before: str | None
    after: str | None


def differences(before: Extraction, after: Extraction) -> frozenset[Change]:
    """Return the changes of every field; none where both say the same."""
    return frozenset(_differences(before, after))


def _differences(before: Extraction, after: Extraction) -> Iterator[Change]:
    for field in _CHOICES:
        old, new = _word(getattr(before, field)), _word(getattr(after, field))
        if old != new:
            yield Change(field, old, new)
    old, new = _pay(before.compensation), _pay(after.compensation)
    if old != new:
        yield Change("compensation", old, new)
    if _value(before.summary) != _value(after.summary):
        # Each is a sentence of its own: the words would make a row for every posting.
        former = "a summary" if before.summary else None
        yield Change("summary", former, "another" if after.summary else None)
    yield from _named("locations", _places(before.locations), _places(after.locations))
    types = (
        {one.type.value: one.type.value for one in each.initiatives} for each in (before, after)
    )
    yield from _named("initiatives", *types)
    for field in ("technologies", "skills"):
        yield from _mentions(field, getattr(before, field), getattr(after, field))


def _named(field: str, before: dict[str, str], after: dict[str, str]) -> Iterator[Change]:
    """What came and went, and what goes by another name now."""
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old != new:
            yield Change(field, old, new)


def _mentions(
    field: str, before: Iterable[SkillMention], after: Iterable[SkillMention]
) -> Iterator[Change]:
    old, new = ({one.slug: one for one in each} for each in (before, after))
    names = ({slug: one.name for slug, one in each.items()} for each in (old, new))
    yield from _named(field, *names)
    for slug in old.keys() & new.keys():
        if old[slug].stance != new[slug].stance:
            yield Change(STANCE, old[slug].stance.value, new[slug].stance.value)


def _value(sourced: Sourced[Any] | None) -> Any:
    return None if sourced is None else sourced.value


def _word(sourced: Sourced[Any] | None) -> str | None:
    return None if sourced is None else str(sourced.value)


def _pay(sourced: Sourced[Compensation] | None) -> str | None:
    if sourced is None:
        return None
    pay = sourced.value
    amounts = f"{pay.min.normalize():,f}-{pay.max.normalize():,f}"
    return f"{amounts} {pay.currency} a {pay.period}" + (", on target" if pay.ote else "")


def _places(places: Iterable[Sourced[Place]]) -> dict[str, str]:
    words = [
        ", ".join(part for part in (one.value.city, one.value.region, one.value.country) if part)
        for one in places
    ]
    return {word: word for word in words}
