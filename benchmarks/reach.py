"""How far the rules reach on recorded boards, with text or without: shown below their speed.

Counted are titles that have a function, and locations resolved to a place or to remote work. A
share says nothing of what is right: a random sample of both, which the same seed gives again, is
printed for a person to judge.
"""

import random
from collections.abc import Sequence
from pathlib import Path

from benchmarks.boards import pages
from benchmarks.figures import Figure, show
from openfunnel.normalize.location import parse_places
from openfunnel.normalize.role import title_role
from openfunnel.normalize.seniority import title_seniority
from openfunnel.records import RoleFunction, Workplace


def run(replay: Path, sample: int, seed: int) -> None:
    """Print the shares, and what the rules make of `sample` titles and locations."""
    postings = [posting for page in pages(replay) for posting in page]
    titles = [posting.title for posting in postings]
    locations = [words for posting in postings for words in posting.fields.locations]
    titled = [title_role(title) is not RoleFunction.OTHER for title in titles]
    resolved = [_is_resolved(location) for location in locations]
    show(Figure("titles with a function", "%", (_percent(titled),)))
    show(Figure("locations resolved", "%", (_percent(resolved),)))
    chance = random.Random(seed)
    for title in chance.sample(titles, min(sample, len(titles))):
        level = title_seniority(title)
        print(f"    {title} -> {title_role(title)}, {level or 'no level'}")
    for location in chance.sample(locations, min(sample, len(locations))):
        print(f"    {location} -> {_said(location)}")


def _is_resolved(location: str) -> bool:
    parsed = parse_places(location)
    return bool(parsed.places) or parsed.workplace is Workplace.REMOTE


def _said(location: str) -> str:
    parsed = parse_places(location)
    places = [
        "/".join(filter(None, (place.city, place.region, place.country))) for place in parsed.places
    ]
    return ", ".join([*places, *filter(None, [parsed.workplace])]) or "nothing"


def _percent(found: Sequence[bool]) -> float:
    return 100 * sum(found) / len(found) if found else 0.0
