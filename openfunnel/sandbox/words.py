"""What generated postings are made of: the words and figures in `vocabulary/`, checked on loading.

The texts were written for this sandbox; companies and people are invented.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from openfunnel.records import CountryCode, CurrencyCode, EmploymentType, Record, Workplace

FOLDER = Path(__file__).with_name("vocabulary")

Phrases = tuple[str, ...]


class Companies(Record):
    """Names of employers, and what each sector hires beside everybody's professions."""

    stems: Phrases
    kinds: Mapping[str, Phrases]
    hires: Mapping[str, Mapping[str, float]]
    initiative_share: float
    people: Phrases


class City(Record):
    """A place that openings are in."""

    labels: Phrases
    office: str
    """In full: city, region, country."""
    country: CountryCode
    language: str
    currency: CurrencyCode
    pay: float
    weight: float

    @property
    def name(self) -> str:
        """The city alone."""
        return self.office.split(", ")[0]

    @property
    def country_name(self) -> str:
        """The country in English."""
        return self.office.split(", ")[-1]


class Profession(Record):
    """What holds for a profession in every language."""

    department: str
    teams: Phrases
    ladder: str
    pay: float
    weight: float
    desk: bool
    """Whether it can be done away from the premises."""
    hourly: bool = False
    tools: Mapping[str, Phrases]


class Level(Record):
    """A rung: factor on the pay, years of experience asked for."""

    factor: float
    years: int


class Currency(Record):
    """Rough worth, and how it is written."""

    per_usd: float
    symbol: str


class Pinned(Record):
    """An opening that every world has."""

    profession: str
    level: str
    label: str
    tools: Mapping[str, str]


class Pay(Record):
    """Figures: currencies, levels, how often each level is hired."""

    currencies: Mapping[str, Currency]
    monthly: frozenset[str]
    levels: Mapping[str, Level]
    ladders: Mapping[str, Mapping[str, float]]
    pinned: tuple[Pinned, ...]


class Wording(Record):
    """A profession in one language; sentences hold slots such as `{language}`."""

    titles: Phrases
    duties: Phrases
    required: Phrases
    preferred: Phrases
    stack: Phrases


class Language(Record):
    """All sentences of one language."""

    headings: Mapping[str, Phrases]
    sectors: Mapping[str, str]
    about: Phrases
    role: Phrases
    workplace: Mapping[Workplace, Phrases]
    commitment: Mapping[EmploymentType, str]
    pay: Mapping[str, Phrases]
    years: Phrases
    new_graduate: str
    initiatives: Phrases
    benefits: Phrases
    closing: Phrases
    levels: Mapping[str, Phrases]
    professions: Mapping[str, Wording]


class Vocabulary(Record):
    """Everything together."""

    companies: Companies
    cities: tuple[City, ...]
    professions: Mapping[str, Profession]
    pay: Pay
    languages: Mapping[str, Language]


@cache
def load() -> Vocabulary:
    """Read the files, once a process."""
    return Vocabulary(
        companies=_read("companies.yaml"),
        cities=_read("places.yaml"),
        professions=_read("professions.yaml"),
        pay=_read("pay.yaml"),
        languages={
            file.stem: _read(f"languages/{file.name}")
            for file in sorted(FOLDER.glob("languages/*.yaml"))
        },
    )


def _read(name: str) -> Any:
    return yaml.load((FOLDER / name).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
