"""Openings as an employer thinks of them, before any ATS gives them its shape."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from openfunnel.records import EmploymentType, Workplace
from openfunnel.sandbox import words
from openfunnel.sandbox.companies import Company
from openfunnel.sandbox.pay import Offer, draw_offer, pay_sentence
from openfunnel.sandbox.texts import Section, Writer, name_tools
from openfunnel.sandbox.words import City, Pinned, Profession

T = TypeVar("T")

COMMITMENTS = {
    EmploymentType.FULL_TIME: 90,
    EmploymentType.PART_TIME: 4,
    EmploymentType.CONTRACT: 6,
}
WORKPLACES = {Workplace.REMOTE: 25, Workplace.HYBRID: 40, Workplace.ONSITE: 20, None: 15}


@dataclass(frozen=True)
class Opening:
    """One job on offer."""

    number: int
    """Its place on the board, from 0."""
    title: str
    department: str
    team: str
    language: str
    cities: tuple[City, ...]
    labels: tuple[str, ...]
    """The places as the board writes them."""
    workplace: Workplace | None
    commitment: EmploymentType
    offer: Offer | None
    """Pay in structured fields."""
    sections: tuple[Section, ...]
    opened_at: datetime
    updated_at: datetime


def draw_opening(
    rng: random.Random, company: Company, number: int, as_of: datetime, pinned: Pinned | None
) -> Opening:
    """Draw one opening of a company as of a day; `pinned` fixes what must be on offer."""
    vocabulary = words.load()
    city = _city(rng, company, pinned)
    language = city.language if not pinned and rng.random() < 0.5 else "en"
    key = pinned.profession if pinned else _profession(rng, company, language)
    profession = vocabulary.professions[key]
    level = pinned.level if pinned else _pick(rng, vocabulary.pay.ladders[profession.ladder])
    workplace = _workplace(rng, profession, pinned)
    cities = _cities(rng, city, workplace)
    offer = draw_offer(rng, profession, level, city)
    stated = 1.0 if pinned else 0.8 if city.country == "US" else 0.4
    way = rng.choice(("fields", "text", "text", "both")) if rng.random() < stated else "nowhere"
    commitment = _pick(rng, COMMITMENTS) if level != "intern" else EmploymentType.INTERNSHIP
    team = rng.choice(profession.teams)
    wording = vocabulary.languages[language].professions[key]
    slots = name_tools(rng, profession.tools, pinned.tools if pinned else {}) | {
        "company": company.name,
        "people": str(company.people),
        "sector": vocabulary.languages[language].sectors[company.sector],
        "department": profession.department,
        "team": team,
        "city": city.name,
        "country": city.country_name,
        "elsewhere": rng.choice([other.name for other in vocabulary.cities if other != city]),
        "years": str(vocabulary.pay.levels[level].years + rng.randrange(2)),
    }
    slots["title"] = rng.choice(wording.titles)
    title = rng.choice(vocabulary.languages[language].levels[level]).format(**slots)
    in_text = pay_sentence(rng, offer, language) if way in ("text", "both") else None
    writer = Writer(rng, language, slots | {"title": title})
    opened_at = as_of - timedelta(days=min(rng.expovariate(1 / 35), 400), hours=1)
    return Opening(
        number=number,
        title=title,
        department=profession.department,
        team=team,
        language=language,
        cities=cities,
        labels=_labels(rng, cities, workplace, pinned),
        workplace=workplace,
        commitment=commitment,
        offer=offer if way in ("fields", "both") else None,
        sections=writer.write(key, level, workplace, commitment, in_text),
        opened_at=opened_at.replace(microsecond=0),
        updated_at=(opened_at + (as_of - opened_at) * rng.random()).replace(microsecond=0),
    )


def _pick(rng: random.Random, weights: Mapping[T, float]) -> T:
    return rng.choices(list(weights), list(weights.values()))[0]


def _profession(rng: random.Random, company: Company, language: str) -> str:
    vocabulary = words.load()
    wanted = vocabulary.companies.hires[company.sector]
    return _pick(
        rng,
        {
            key: wanted.get(key, 0) + profession.weight
            for key, profession in vocabulary.professions.items()
            if key in vocabulary.languages[language].professions
            and (profession.desk or key in wanted)
        },
    )


def _city(rng: random.Random, company: Company, pinned: Pinned | None) -> City:
    cities = words.load().cities
    if pinned:
        return next(city for city in cities if pinned.label in city.labels)
    if rng.random() < 0.6:
        return company.home
    return rng.choices(cities, [city.weight for city in cities])[0]


def _cities(rng: random.Random, first: City, workplace: Workplace | None) -> tuple[City, ...]:
    """Add up to three cities of the same country: one opening in several places."""
    if workplace is Workplace.REMOTE or rng.random() > 0.2:
        return (first,)
    near = [city for city in words.load().cities if city.country == first.country]
    others = [city for city in near if city != first]
    return (first, *rng.sample(others, min(len(others), rng.randint(1, 3))))


def _workplace(
    rng: random.Random, profession: Profession, pinned: Pinned | None
) -> Workplace | None:
    if not profession.desk:
        return Workplace.ONSITE
    return Workplace.ONSITE if pinned else _pick(rng, WORKPLACES)


def _labels(
    rng: random.Random,
    cities: tuple[City, ...],
    workplace: Workplace | None,
    pinned: Pinned | None,
) -> tuple[str, ...]:
    if workplace is Workplace.REMOTE:
        country = cities[0].country_name
        return (rng.choice(("Remote", f"Remote - {country}", f"{country} (Remote)")),)
    if pinned:
        return (pinned.label, *(city.labels[0] for city in cities[1:]))
    return tuple(rng.choice(city.labels) for city in cities)
