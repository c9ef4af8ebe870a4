"""Where a posting's work is done: its workplace and its places, from ATS fields, title and text.

The fields come first; the text may make them narrower (`Netherlands`: Amsterdam) or add to them.
"""

import re
from collections.abc import Iterable

from openfunnel.normalize.location import parse_places
from openfunnel.normalize.stated_places import StatedPlace, find_places
from openfunnel.normalize.stated_workplace import find_workplace
from openfunnel.normalize.workplace import title_workplace, workplace
from openfunnel.records import (
    REMOTE_ALLOWED,
    Evidence,
    Place,
    PostingText,
    Sourced,
    ValueSource,
    Workplace,
)

_CODE = re.compile(r"\b[A-Z]{2}$")
_PlaceFound = Sourced[Place]
_WorkplaceFound = Sourced[Workplace]


def workplace_of(posting: PostingText, text: str) -> Sourced[Workplace] | None:
    """Return how the work is done, as fields, title or `text` state it.

    A mere mark that work from afar is allowed counts where neither title nor text says more.
    """
    fields, marked = posting.fields, None
    for words in (fields.workplace, *fields.locations, fields.commitment):
        stated = workplace(words) if words else None
        if stated is not None:
            by_field = _WorkplaceFound(value=stated, source=ValueSource.ATS)
            if words != REMOTE_ALLOWED:
                return by_field
            marked = by_field
    in_title = title_workplace(posting.title)
    if in_title is not None:
        evidence = Evidence(text=posting.title)
        return _WorkplaceFound(value=in_title, source=ValueSource.RULES, evidence=evidence)
    found = find_workplace(text)
    if found is None or (marked and marked.value is found[0]):
        return marked
    kind, (start, end) = found
    evidence = Evidence(text=text[start:end], start=start, end=end)
    return _WorkplaceFound(value=kind, source=ValueSource.RULES, evidence=evidence)


def places_of(
    posting: PostingText, text: str, place_of_work: Workplace | None
) -> tuple[Sourced[Place], ...]:
    """Return where the job is offered, by fields and `text`.

    Offices count only where neither says; they give a remote job no city. A text that contradicts
    the location counts where an office bears it out: it is then the location people apply from.
    """
    fields = posting.fields
    offices = _named(fields.offices, fields.country)
    named = _named(fields.locations, fields.country, _only_country(offices))
    stated = find_places(text, fields.country or _only_country(named))
    is_remote = place_of_work is Workplace.REMOTE
    if stated and _is_elsewhere(named, stated, offices):
        named = []
    if not named and not stated:
        named = [place for place in offices if not (is_remote and place.city)]
    if not named and not stated and fields.country:
        named = [Place(country=fields.country)]
    kept = [place for place in named if not _is_narrowed(place, stated)]
    added = [one for one in stated if not named or _is_new(one.place, named, with_groups=is_remote)]
    return (
        *(_PlaceFound(value=place, source=ValueSource.ATS) for place in kept),
        *(_sourced(one, text) for one in added),
    )


def _named(
    names: tuple[str, ...], country: str | None, of_offices: str | None = None
) -> list[Place]:
    """Return the places of some names; a code of two letters may be a state of the offices'."""
    found: dict[Place, None] = {}
    for name in names:
        hint = country or (of_offices if _CODE.search(name) else None)
        found.update(dict.fromkeys(parse_places(name, hint).places))
    return list(found)


def _only_country(places: Iterable[Place]) -> str | None:
    countries = {place.country for place in places}
    return countries.pop() if len(countries) == 1 else None


def _sourced(stated: StatedPlace, text: str) -> Sourced[Place]:
    start, end = stated.span
    evidence = Evidence(text=text[start:end], start=start, end=end)
    return _PlaceFound(value=stated.place, source=ValueSource.RULES, evidence=evidence)


def _is_elsewhere(
    named: list[Place], stated: Iterable[StatedPlace], offices: Iterable[Place]
) -> bool:
    """Whether the text's countries are the offices', and the location's are neither's."""
    from_text = {one.place.country for one in stated}
    from_fields = {place.country for place in named}
    from_offices = {place.country for place in offices}
    return (
        from_text == from_offices
        and None not in from_text
        and not from_fields & (from_text | from_offices)
    )


def _is_narrowed(place: Place, stated: Iterable[StatedPlace]) -> bool:
    """Whether the text names a city in `place`, a country or a region."""
    return not place.city and any(
        one.place.city
        and place.country == one.place.country
        and place.region in (None, one.place.region)
        for one in stated
    )


def _is_new(place: Place, named: Iterable[Place], *, with_groups: bool) -> bool:
    """Whether the fields lack `place`; a country is in them with any of its cities."""
    if place.city:
        return all((place.city, place.country) != (one.city, one.country) for one in named)
    if not place.country:
        return with_groups and place not in named
    return all(place.country != one.country for one in named)
