"""Invented employers, each with one board."""

import itertools
import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from openfunnel.records import BoardRef
from openfunnel.sandbox import words
from openfunnel.sandbox.words import City

EUROPE = {"GB", "IE", "NL", "FR", "DE", "CH", "ES", "PT"}
SHARES = ("greenhouse", "greenhouse", "greenhouse", "lever", "ashby")
"""Who hosts the boards, in turn: three in five are Greenhouse's."""
LEVER_EU_EVERY = 2


@dataclass(frozen=True)
class Company:
    """An employer and the habits of its board."""

    ref: BoardRef
    name: str
    sector: str
    home: City
    people: int
    """Head count."""
    layout: int
    """Which of the layouts its postings have."""
    own_site: bool
    """Whether its postings link to pages on its own domain."""
    openings: int


def found_companies(
    rng: random.Random, boards: int, postings: int, first_name: str | None
) -> Iterator[Company]:
    """Found as many companies as boards; their openings add up to `postings` exactly."""
    tokens: set[str] = set()
    levers = 0
    names = _names(rng)
    sizes = _sizes(rng, boards, postings)
    for number, size in enumerate(sizes):
        name, sector = next(names)
        if number == 0 and first_name:
            name = first_name
        token = slug = _slug(name) or "company"
        for suffix in itertools.count(2):
            if token not in tokens:
                break
            token = f"{slug}{suffix}"
        tokens.add(token)
        ats = SHARES[number % len(SHARES)]
        levers += ats == "lever"
        region = "eu" if ats == "lever" and levers % LEVER_EU_EVERY == 0 else ""
        cities = [city for city in words.load().cities if not region or city.country in EUROPE]
        yield Company(
            ref=BoardRef(ats=ats, region=region, token=token),
            name=name,
            sector=sector,
            home=rng.choices(cities, [city.weight for city in cities])[0],
            people=rng.randrange(30, 2400),
            layout=rng.randrange(60),
            own_site=rng.random() < 0.2,
            openings=size,
        )


def _names(rng: random.Random) -> Iterator[tuple[str, str]]:
    """Endless names with their sectors; a number is added once all are taken."""
    vocabulary = words.load().companies
    kinds = [(kind, sector) for sector, kinds in vocabulary.kinds.items() for kind in kinds]
    pairs = list(itertools.product(vocabulary.stems, kinds))
    rng.shuffle(pairs)
    for generation in itertools.count(1):
        for stem, (kind, sector) in pairs:
            yield f"{stem} {kind}" + (f" {generation}" if generation > 1 else ""), sector


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", plain.lower())


def _sizes(rng: random.Random, boards: int, postings: int) -> list[int]:
    """Split `postings` unevenly over the boards, at least one each where they suffice."""
    least = 1 if postings >= boards else 0
    weights = [rng.lognormvariate(0, 0.8) for _ in range(boards)]
    spare = postings - least * boards
    exact = [spare * weight / sum(weights) for weight in weights]
    sizes = [least + int(share) for share in exact]
    by_remainder = sorted(range(boards), key=lambda index: int(exact[index]) - exact[index])
    for index in by_remainder[: postings - sum(sizes)]:
        sizes[index] += 1
    return sizes
