"""The parts of a location string, each read in every way that makes a place of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from openfunnel.normalize.gazetteer import City, Gazetteer, Region, name_key
from openfunnel.normalize.workplace import HYBRID_WORDS, ONSITE_WORDS, REMOTE_WORDS

_NOTABLE_CITY = 100_000
_LONGEST_CODE = 4
_WELL_KNOWN_CITY = 1_000_000
"""Means its city though it is a country's code as well: `BLR` is Bengaluru before Belarus."""
_PARTS = re.compile(r"(,|\s[-–—]+\s|[-–—]+\s|\s[-–—]+|[():\[\]–—])")
_ALTERNATIVES = re.compile(r"/|&|\s(?:and|or|und|oder|et|ou)\s", re.IGNORECASE)
_NOISE = re.compile(
    r"\b(?:offices?|hq|headquarters?|metro(?:politan)?|area|greater|surrounding areas?|region"
    r"|based|(?:any|some)where|in|of the|the|only|within|multiple|locations?|all|various|several"
    r"|flexible|position|nationwide|national|preferred|candidates?|travel[ -]required|field"
    r"|warehouse|studio|campus|hub|state of|city of|county|downtown|covering|near|around|across"
    r"|from|time ?zones?|team|roles?|working|work|bundesweit|deutschlandweit)\b|[*#\"“”]",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"\s*\d[\w-]*\s(?:.*\s)?(?:st|street|ave|avenue|blvd|boulevard|rd|road|dr|drive|ln|lane|pkwy"
    r"|parkway|hwy|highway|ct|court|plaza|suite|ste|fl|floor)\b\.?\s*[\w-]{0,6}\s*",
    re.IGNORECASE,
)
"""`945 5th Ave`, `3rd FL`: passed over where a town may stand beside it."""
_REMOTE_SCOPE = re.compile(
    r"\s*(?:remote(?:\s+|-\s?)(?:in\s+|within\s+)?(?:the\s+)?\w.*|.*\w-remote)\s*",
    re.IGNORECASE | re.DOTALL,
)
"""`Chicago, US-Remote`: the country is a place beside the city, rather than the city's."""
_STATE_WRITTEN_SMALL = re.compile(r"\s*[A-Z][a-z]\s*")
_POSTAL_CODE = re.compile(r"\b(?:[A-Z]{2}-)?\d{4,6}(?:-\d{4})?\b")
_WORD = re.compile(r"[^\W_][\w.'’-]*")
_NEW_SOMETHING = re.compile(r"\bNew (?!York|Jersey|Delhi|Zealand|Orleans|Mexico|Hampshire)\w+")
"""`New England` is not England."""
_TOWN_NAME = re.compile(
    r"^(?:st|saint|east|west|north|south|new|upper|lower|mount|lake|fort|port|el|la|las|los)\b"
    r"|\b(?:beach|park|heights|hills|springs|township|village|valley|grove|falls|city|island|ridge)$",
    re.IGNORECASE,
)
_NOT_A_PLACE = re.compile(
    r"(?:mobile|reading|nice|orange|central|hybrid|remote|office|union|street|avenue|plaza|center"
    r"|park|new|north|south|east|west|of|university|data|most|march|june|general|san|santa)",
    re.IGNORECASE,
)


class Boundary(Enum):
    """What stands before a part."""

    NEW = "new"
    COMMA = ","
    DASH = "-"


@dataclass(frozen=True, slots=True)
class Reading:
    """All that one part may mean; `name` is its own text where it may be an unknown city."""

    cities: tuple[City, ...] = ()
    regions: tuple[Region, ...] = ()
    country: str | None = None
    group: str | None = None
    name: str = ""
    is_code: bool = False
    is_alpha3: bool = False
    """`CAN` is Canada: not Canterbury, whose code it is too, nor a town called Çan."""
    is_partial: bool = False
    """`East Syracuse` is read as Syracuse, but may be a town of its own."""

    @property
    def is_known(self) -> bool:
        """Whether the gazetteer has it."""
        return bool(self.cities or self.regions or self.country or self.group)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left of the part but words that name no place."""
        return not self.is_known and not self.name


def read_segment(table: Gazetteer, segment: str) -> Iterator[tuple[Boundary, bool, Reading]]:
    """Yield the parts of a segment: what stands before it, whether it says remote, its reading."""
    boundary = Boundary.NEW
    after_remote = False
    parts = _PARTS.split(segment)
    for index, part in enumerate(parts):
        if index % 2:
            boundary = Boundary.COMMA if part == "," else Boundary.DASH
            continue
        if after_remote and boundary is Boundary.DASH:
            boundary = Boundary.NEW
        after_remote = (
            boundary is Boundary.COMMA and REMOTE_WORDS.fullmatch(part.strip()) is not None
        )
        if not part.strip() or (len(parts) > 1 and _STREET.fullmatch(part)):
            continue
        if index and part.strip() == "EST" and REMOTE_WORDS.search(segment):
            continue  # a time zone, rather than Estonia
        if boundary is Boundary.COMMA and _STATE_WRITTEN_SMALL.fullmatch(part):  # `Tolleson, Az`
            part = part.upper()
        whole = lookup(table, _clean(part))
        alternatives = [part] if whole.is_known else _ALTERNATIVES.split(part)
        if boundary is Boundary.COMMA and _REMOTE_SCOPE.fullmatch(part):
            boundary = Boundary.NEW
        for position, alternative in enumerate(alternatives):
            before = Boundary.NEW if position else boundary
            remote = REMOTE_WORDS.search(alternative) is not None
            for reading in _read(table, _clean(alternative)):
                yield before, remote, reading
                before = Boundary.DASH


def _clean(part: str) -> str:
    for pattern in (REMOTE_WORDS, HYBRID_WORDS, ONSITE_WORDS):
        part = pattern.sub(" ", part)
    return part.strip(" \t\xa0-–—.,'@_")


def lookup(table: Gazetteer, name: str) -> Reading:
    """Return what `name`, as it stands, may mean."""
    key = name_key(name)
    if not key:
        return Reading()
    cities, regions, country = (
        table.cities.get(key, ()),
        table.regions.get(key, ()),
        table.countries.get(key),
    )
    group = table.groups.get(key)
    if group and cities and cities[0].weight < _WELL_KNOWN_CITY:
        cities = ()  # `APAC` is no town in Uganda
    code, is_code = name.replace(".", ""), False
    if len(code) <= 3 and code.isupper():
        coded = table.region_codes.get(code, ())
        regions = tuple(dict.fromkeys((*regions, *coded)))
        country = country or table.country_codes.get(code)
        is_code = bool(coded) or code in table.country_codes
    is_alpha3 = is_code and len(code) == 3 and code in table.country_codes
    if is_alpha3:
        regions = ()
        cities = cities if cities and cities[0].weight >= _WELL_KNOWN_CITY else ()
    return Reading(
        cities=cities,
        regions=regions,
        country=country,
        group=group,
        name=name,
        is_code=is_code,
        is_alpha3=is_alpha3,
    )


def _read(table: Gazetteer, part: str) -> list[Reading]:
    """Return what a part means: one reading, or several for `Austin TX` and `US-Seattle`."""
    if (whole := lookup(table, part)).is_known or whole.is_empty:
        return [whole]
    bare = _clean(_POSTAL_CODE.sub(" ", _NOISE.sub(" ", part)))
    if (reading := lookup(table, " ".join(bare.split()))).is_known or reading.is_empty:
        return [reading]
    for cut in (_cut_at_hyphen, _cut_at_space):
        if pair := cut(table, bare):
            return pair
    if mentioned := list(_mentions(table, bare)):
        if len(mentioned) == 1 and _may_be_a_town(bare, mentioned[0]):
            return [replace(mentioned[0], name=bare, is_partial=True)]
        return mentioned
    if any(char.isdigit() for char in bare) or len(bare.split()) > 4:
        return [Reading()]
    return [reading]


def _may_be_a_town(name: str, mentioned: Reading) -> bool:
    """`East Syracuse` and `Playa Vista` may be towns that the gazetteer lacks."""
    if _TOWN_NAME.search(name):
        return True
    if name.endswith((" District", " Province", " Prefecture", " Territory", " Emirate")):
        return False
    is_city = bool(mentioned.cities) and not (mentioned.regions or mentioned.country)
    return is_city and len(name.split()) == 2 and name.istitle()


def _cut_at_hyphen(table: Gazetteer, part: str) -> list[Reading] | None:
    for match in re.finditer("[-–]", part[:100]):
        left, right = part[: match.start()].strip(), part[match.end() :].strip()
        readings = [lookup(table, left), lookup(table, right)]
        if all(reading.is_known for reading in readings):
            return readings
        if readings[0].is_known and len(left) <= _LONGEST_CODE and left.isupper():  # `NYC-Flagship`
            return readings[:1]
    return None


def _cut_at_space(table: Gazetteer, part: str) -> list[Reading] | None:
    """Cut `Austin TX`, `Raleigh North Carolina`, `USA Seattle`."""
    words = part.split()[:8]
    for size in range(min(3, len(words) - 1), 0, -1):
        head, tail = " ".join(words[:-size]), " ".join(words[-size:])
        left, right = lookup(table, head), lookup(table, tail)
        if (right.regions or right.country) and (left.is_known or right.is_code):
            return [left, right]
        head, tail = " ".join(words[:size]), " ".join(words[size:])
        left, right = lookup(table, head), lookup(table, tail)
        if left.country and right.is_known:
            return [left, right]
    return None


def _mentions(table: Gazetteer, part: str) -> Iterator[Reading]:
    """Yield the notable places named somewhere in `part`, the longest names first read."""
    words = _WORD.findall(_NEW_SOMETHING.sub(" ", part))[:40]
    start = 0
    while start < len(words):
        for size in range(min(4, len(words) - start), 0, -1):
            reading = lookup(table, " ".join(words[start : start + size]))
            if _is_mention(reading):
                yield reading
                start += size
                break
        else:
            start += 1


def _is_mention(reading: Reading) -> bool:
    name = reading.name
    if not name or not (name[0].isupper() or not name.isascii()):
        return False
    if _NOT_A_PLACE.fullmatch(name) or (len(name) <= 3 and not name.isupper()):
        return False
    if reading.country or reading.group or (reading.regions and len(name) > 3):
        return True
    return bool(reading.cities) and reading.cities[0].weight >= _NOTABLE_CITY
