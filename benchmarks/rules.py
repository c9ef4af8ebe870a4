"""How fast the rules read postings, how long their tables take to load, and how far they reach.

Speed: postings of recorded boards (or of the sandbox's world) in one process, in CPU time, once all
is loaded and warm. Loading: the first question asked of a module in a new process that has just
imported it. Reach, of recorded boards alone, with text or without: titles that have a function,
locations that are resolved to a place or to remote work.

Baseline of the speed: white space of the same texts folded, and nothing else.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.boards import pages
from benchmarks.figures import Figure, show
from openfunnel.extraction import rules
from openfunnel.normalize.location import parse_places
from openfunnel.normalize.role import title_role
from openfunnel.normalize.text import clean_text
from openfunnel.records import JobPosting, PostingText, RoleFunction, Workplace

LEAST_TEXT = 200
"""Characters; what is shorter is no posting's text."""
WARM_UP = 20
"""Every so many postings one is read before the clock starts."""
LOADS = {
    "gazetteer": ("openfunnel.normalize.gazetteer", "gazetteer()"),
    "exchange rates": (
        "openfunnel.normalize.money",
        "to_usd(__import__('decimal').Decimal(1), 'EUR')",
    ),
    "role functions": ("openfunnel.normalize.role", "title_role('Engineer')"),
    "taxonomy": ("openfunnel.normalize.skills", "find('Python')"),
}
"""Module, and what to ask of it."""


def run(runs: int, replay: Path | None) -> None:
    """Measure and print."""
    postings = [posting for page in pages(replay) for posting in page]
    with_text = [_as_text(posting) for posting in postings if len(posting.text) >= LEAST_TEXT]
    print(f"{len(postings)} postings, {len(with_text)} with text; CPU time of one process")
    for name, (module, question) in LOADS.items():
        values = tuple(_milliseconds_to_load(module, question) for _ in range(runs))
        show(Figure(f"load: {name}", "ms", values))
    if with_text:
        _show_speed(with_text, runs)
    if replay is not None:
        _show_reach(postings)


def _show_speed(postings: Sequence[PostingText], runs: int) -> None:
    for posting in postings[::WARM_UP]:
        rules.extract(posting)
    baseline = _rate("white space folded", runs, postings, lambda one: clean_text(one.text))
    show(baseline)
    show(_rate("rules.extract", runs, postings, rules.extract), baseline)


def _as_text(posting: JobPosting) -> PostingText:
    return PostingText(
        title=posting.title,
        text=posting.text,
        company_name=posting.company_name,
        fields=posting.fields,
    )


def _milliseconds_to_load(module: str, question: str) -> float:
    name = question.partition("(")[0]
    script = (
        f"import time; from {module} import {name}; begun = time.process_time(); {question}; "
        "print(time.process_time() - begun)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    return 1_000 * float(answer.stdout)


def _rate(
    name: str, runs: int, postings: Sequence[PostingText], work: Callable[[PostingText], object]
) -> Figure:
    values = []
    for _ in range(runs):
        begun = time.process_time()
        for posting in postings:
            work(posting)
        values.append(len(postings) / (time.process_time() - begun))
    return Figure(name, "postings/s", tuple(values))


def _show_reach(postings: Sequence[JobPosting]) -> None:
    titled = [title_role(posting.title) is not RoleFunction.OTHER for posting in postings]
    located = [_is_resolved(words) for posting in postings for words in posting.fields.locations]
    show(Figure("titles with a function", "%", (_percent(titled),)))
    show(Figure("locations resolved", "%", (_percent(located),)))


def _is_resolved(location: str) -> bool:
    parsed = parse_places(location)
    return bool(parsed.places) or parsed.workplace is Workplace.REMOTE


def _percent(found: Sequence[bool]) -> float:
    return 100 * sum(found) / len(found) if found else 0.0
