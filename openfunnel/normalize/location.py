"""Places of a job: location strings of any board become cities, regions, countries and groups.

A string is cut into parts (`place_parts`), parts that stand beside each other are put together
where they agree (`place_drafts`), and what is still ambiguous goes to the countries stated beside
it, else to the most populous.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from openfunnel.normalize.gazetteer import City, Gazetteer, Region, gazetteer, name_key
from openfunnel.normalize.place_drafts import CODES_READ_ALONE, LARGE_CITY, Draft, drafts_of
from openfunnel.normalize.place_parts import Reading, lookup, read_segment
from openfunnel.normalize.workplace import LONGEST_FIELD, workplace
from openfunnel.records import Place, Workplace

_MOST_PLACES = 100
_CITY_STATES = frozenset({"SG", "HK", "LU", "MC", "MO", "GI", "VA", "SM"})
_TERRITORIES = {
    territory: state
    for state, territories in {
        "CN": "HK MO TW",
        "US": "PR VI GU AS MP",
        "GB": "GG JE IM GI BM KY",
        "FR": "RE GP MQ GF YT NC PF",
        "NL": "CW AW SX",
        "DK": "GL FO",
    }.items()
    for territory in territories.split()
}
"""Places with a country code of their own, and the state that is often named beside them."""
_HINT_WEIGHT = 1_000.0
_CONTEXT_WEIGHT = 5.0

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""What PostgreSQL and terminals refuse, or obey."""
_SEGMENTS = re.compile(r"[;|•·\n\r\t+]|\s[:]\s")


@dataclass(frozen=True, slots=True)
class ParsedPlaces:
    """What a location string says: places, and how the work is done where it says so."""

    places: tuple[Place, ...] = ()
    workplace: Workplace | None = None


def parse_places(text: str, country_hint: str | None = None) -> ParsedPlaces:
    """Return the places named in a location string such as `SF / NY` or `Remote (EMEA)`.

    `country_hint` (ISO 3166 alpha-2) settles ambiguous cities. At most the first 2,000 characters
    are read, and 100 places returned.
    """
    return _parse(_UNPRINTABLE.sub(" ", text[:LONGEST_FIELD]).replace("_", " "), country_hint)


def place_keys(place: Place | None, workplace: Workplace | None = None) -> tuple[str, ...]:
    """Return the search keys of a posting's place, narrowest first, and `remote` if it is.

    `city:US/new york`, `city:US/ny/new york`, `region:US/ny`, `country:US`, `group:Americas` ...
    """
    keys = [] if place is None else list(_keys(place))
    if workplace is Workplace.REMOTE:
        keys.append("remote")
    return tuple(dict.fromkeys(keys))


def query_keys(text: str) -> tuple[str, ...] | None:
    """Return the keys of which a posting must have one to match a location filter.

    A name of several places (`New York`, `Georgia`) gives the keys of each; None where no place
    is known by it.
    """
    text = text[:LONGEST_FIELD].strip()
    if text.isascii() and len(text) <= 3:
        text = text.upper()
    if "," not in text and (reading := lookup(gazetteer(), text)).is_known:
        return tuple(dict.fromkeys(_reading_keys(reading)))
    parsed = parse_places(text)
    keys = [next(iter(_keys(place, explicit=True))) for place in parsed.places]
    if not keys and parsed.workplace is Workplace.REMOTE:
        keys = ["remote"]
    return tuple(dict.fromkeys(keys)) or None


@lru_cache(maxsize=16_384)
def _parse(text: str, country_hint: str | None) -> ParsedPlaces:
    table = gazetteer()
    drafts: list[Draft] = []
    for segment in _SEGMENTS.split(text):
        drafts += _without_sovereigns(drafts_of(list(read_segment(table, segment))))
        if len(drafts) > _MOST_PLACES:
            break
    context = frozenset(_countries_stated(drafts))
    found = [_settle(table, draft, country_hint, context) for draft in drafts]
    places = dict.fromkeys(place for place in found if place is not None)
    return ParsedPlaces(
        places=tuple(_without_containers(list(places)))[:_MOST_PLACES],
        workplace=workplace(text),
    )


def _without_sovereigns(drafts: list[Draft]) -> list[Draft]:
    """Leave out the state beside a territory of its own: `Hong Kong, China`."""
    countries = {draft.country or draft.reading.country for draft in drafts}
    states = {state for territory, state in _TERRITORIES.items() if territory in countries}
    return [draft for draft in drafts if draft.country not in states or draft.is_narrower]


def _countries_stated(drafts: list[Draft]) -> Iterator[str]:
    """Yield the countries that parts settle, and the United States for `PA, DE, MD, WV`."""
    yield from (draft.country for draft in drafts if draft.country)
    codes = [draft.reading for draft in drafts if draft.reading.is_code]
    states = [code for code in codes if any(region.country == "US" for region in code.regions)]
    if len(states) == len(codes) > 2 or any(not state.country for state in states[1:]):
        yield "US"


# --- drafts settled -----------------------------------------------------------------------------


def _settle(
    table: Gazetteer, draft: Draft, hint: str | None, context: frozenset[str]
) -> Place | None:
    reading = draft.reading
    if draft.city_name and draft.country:
        return Place(
            city=draft.city_name[:80],
            region=draft.region.name if draft.region else None,
            country=draft.country,
        )
    if draft.country and not reading.cities:
        return Place(region=draft.region.name if draft.region else None, country=draft.country)
    if draft.country:
        return _place(table, _best(reading.cities, draft.country, context))
    if reading.group and not reading.country:
        return Place(region=reading.group)
    return _settle_ambiguous(table, draft, hint, context)


def _settle_ambiguous(
    table: Gazetteer, draft: Draft, hint: str | None, context: frozenset[str]
) -> Place | None:
    """Choose between city, region and country for a part that stands alone."""
    reading = draft.reading
    city = _best(reading.cities, hint, context)
    region = _chosen_region(reading, hint, context)
    if reading.country in _CITY_STATES and city and not draft.remote:
        return _place(table, city)
    if region and (city is None or draft.remote or city.weight < LARGE_CITY / 2):
        return Place(region=region.name, country=region.country)
    if reading.country and not (city and city.weight >= LARGE_CITY and reading.is_code):
        return Place(country=reading.country)
    return _place(table, city)


def _chosen_region(reading: Reading, hint: str | None, context: frozenset[str]) -> Region | None:
    """Return the region a lone part means; a lone code means one only beside its country."""
    wanted = context | ({hint} if hint else set())
    for region in reading.regions:
        if region.country in wanted:
            return region
    if not reading.regions or (reading.country and (reading.is_code or hint == reading.country)):
        return None
    region = reading.regions[0]
    return region if not reading.is_code or region.country in CODES_READ_ALONE else None


def _best(cities: Iterable[City], hint: str | None, context: frozenset[str]) -> City | None:
    def weight(city: City) -> float:
        if city.country == hint:
            return city.weight * _HINT_WEIGHT
        return city.weight * (_CONTEXT_WEIGHT if city.country in context else 1.0)

    return max(cities, key=weight, default=None)


def _place(table: Gazetteer, city: City | None) -> Place | None:
    if city is None:
        return None
    region = table.region_of.get((city.country, city.admin1))
    return Place(city=city.name, region=region.name if region else None, country=city.country)


def _without_containers(places: list[Place]) -> Iterator[Place]:
    """Leave out a region whose city is there as well: `US-Seattle, US-Washington`."""
    with_city = {(place.country, place.region) for place in places if place.city}
    for place in places:
        if (
            place.city
            or not place.country
            or not place.region
            or (place.country, place.region) not in with_city
        ):
            yield place


# --- keys ---------------------------------------------------------------------------------------


def _keys(place: Place, *, explicit: bool = False) -> Iterator[str]:
    """Yield the keys of `place`; `explicit`: a city's region, where known, comes first."""
    table = gazetteer()
    region, city = _region_named(table, place), place.city
    if city and place.country:
        known = _best(table.cities.get(name_key(city), ()), place.country, frozenset())
        if known and known.country == place.country:
            city = known.name
            region = region or table.region_of.get((known.country, known.admin1))
        narrow = [f"city:{place.country}/{name_key(city)}"]
        if region:
            narrow.append(f"city:{place.country}/{region.code.lower()}/{name_key(city)}")
        yield from reversed(narrow) if explicit else narrow
    if region:
        yield f"region:{region.country}/{region.code.lower()}"
    elif place.region and place.country:
        yield f"region:{place.country}/{name_key(place.region)}"
    if place.country:
        yield f"country:{place.country}"
        yield from (f"group:{group}" for group in table.groups_of(place.country))
    elif place.region:
        group = name_key(place.region)
        yield f"group:{table.groups.get(group, group)}"
    elif city:
        yield f"city:/{name_key(city)}"


def _region_named(table: Gazetteer, place: Place) -> Region | None:
    if not place.region or not place.country:
        return None
    named = table.regions.get(name_key(place.region), ())
    coded = table.region_codes.get(place.region.upper(), ())
    return next((region for region in (*named, *coded) if region.country == place.country), None)


def _reading_keys(reading: Reading) -> Iterator[str]:
    heaviest = reading.cities[0].weight if reading.cities else 0.0
    for city in reading.cities:
        if city.weight * 4 >= heaviest:
            yield f"city:{city.country}/{name_key(city.name)}"
    for region in reading.regions:
        yield f"region:{region.country}/{region.code.lower()}"
    if reading.country:
        yield f"country:{reading.country}"
    if reading.group:
        yield f"group:{reading.group}"
