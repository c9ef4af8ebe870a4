"""How fast the rules read postings, and how long their tables take to load.

Speed: postings of recorded boards (or of the sandbox's world), each once and board by board, in CPU
time of a new process that has loaded its tables and read no posting yet; lines that a board repeats
are remembered, and garbage is collected, as in a worker. Recorded boards are parsed by the clock,
too. Loading: the first question asked of a module in a new process that has just imported it.

Baseline of the speed: white space of the same texts folded, and nothing else.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.boards import pages
from benchmarks.figures import Figure, show
from openfunnel.collector import relax
from openfunnel.extraction import rules
from openfunnel.normalize.text import clean_text
from openfunnel.records import JobPosting, PostingText

LEAST_TEXT = 200
"""Characters; what is shorter is no posting's text."""
LOADING = PostingText(
    title="Analyst, Wizardry",
    text="## About you\n- 3 years of R and Python\nThis role is based in Paris and pays £40,000.",
)
"""Asks every table once."""
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
    begun = time.process_time()
    postings = [posting for page in pages(replay) for posting in page]
    parsed = len(postings) / (time.process_time() - begun)
    with_text = [_as_text(posting) for posting in postings if len(posting.text) >= LEAST_TEXT]
    print(f"{len(postings)} postings, {len(with_text)} with text; CPU time of one process")
    for name, (module, question) in LOADS.items():
        values = tuple(_milliseconds_to_load(module, question) for _ in range(runs))
        show(Figure(f"load: {name}", "ms", values))
    if replay is not None:
        show(Figure("boards unpacked and parsed", "postings/s", (parsed,)))
    if with_text:
        _show_speed(with_text, runs)


def _show_speed(postings: Sequence[PostingText], runs: int) -> None:
    def measured(name: str, work: Callable[[PostingText], object]) -> Figure:
        with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as fresh:
            values = [fresh.submit(_rate, postings, work).result() for _ in range(runs)]
        return Figure(name, "postings/s", tuple(values))

    baseline = measured("white space folded", _fold)
    show(baseline)
    show(measured("rules.extract", rules.extract), baseline)


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


def _fold(posting: PostingText) -> str:
    return clean_text(posting.text)


def _rate(postings: Sequence[PostingText], work: Callable[[PostingText], object]) -> float:
    work(LOADING)
    relax()
    begun = time.process_time()
    for posting in postings:
        work(posting)
    return len(postings) / (time.process_time() - begun)
