"""How busy workers keep a model, and what that costs them.

The model is the sandbox's Ollama, which takes half a second for an answer (the rules' own, made
within that time) and makes 8 of them at a time. 50,000 postings of 5,000 characters are queued, no
two with the same text, and one worker process with 8 slots works on them. Over a window of 30 s,
begun when it has extracted 100 of them:

- the share of the slots' time in which an answer was in the making, by the model server's own
  count;
- processor time of the worker, all its threads together, for each posting stored;
- the worker's peak memory (VmHWM) since its start.

Most of that time goes with the text, and is measured for postings as the sandbox writes them, too,
a fifth as long, and for recorded ones, where there are any.

Then 1, 2 and 4 workers with 8 slots each against a model that makes 32 answers at a time, 15 s
each; baseline is one worker. All of it shares the machine's processors with the model server and
PostgreSQL.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.boards import RECORDED, TEXT_CHARACTERS, Page, pages
from benchmarks.extract.scene import ModelServer, Scene, cpu_seconds, peak_megabytes, scene
from benchmarks.figures import Figure, show

QUEUED = 50_000
SLOTS = 8
ANSWER_SECONDS = 0.5
OTHERS_QUEUED = 5_000
"""Of the sandbox's own postings, and of recorded ones."""
WARM = 100
"""Postings extracted before the clock starts."""
WINDOW_SECONDS = 30.0
CREWS = (1, 2, 4)
CREW_SECONDS = 15.0

Taken = dict[tuple[str, str], list[float]]


def run(runs: int) -> None:
    """Measure and print."""
    taken: Taken = defaultdict(list)
    with scene() as stage:
        for name, known in _others():
            stage.fetch(OTHERS_QUEUED, known)
            for _ in range(runs):
                taken[_cost_name(name), "ms"].append(_watch(stage).milliseconds)
            stage.clear()
        stage.fetch(QUEUED, pages(None))
        for _ in range(runs):
            window = _watch(stage)
            taken["slots busy", "%"].append(window.busy)
            taken["postings stored", "postings/s"].append(window.pace)
            taken[_cost_name(f"texts of {TEXT_CHARACTERS:,}"), "ms"].append(window.milliseconds)
            taken["peak memory of the worker", "MB"].append(window.megabytes)
            for workers in CREWS:
                _measure_crew(stage, workers, taken)
    print(
        f"one worker, {SLOTS} slots of {ANSWER_SECONDS} s, {QUEUED:,} jobs queued at first "
        f"({OTHERS_QUEUED:,} of own and of recorded texts)"
    )
    figures = {key: Figure(*key, tuple(values)) for key, values in taken.items()}
    baseline = figures[_crew_name(1), "postings/s"]
    for (name, _), figure in figures.items():
        show(figure, baseline if name in map(_crew_name, CREWS[1:]) else None)


def _others() -> Iterator[tuple[str, list[Page]]]:
    yield "own texts", pages(None, 0)
    if RECORDED.is_dir():
        yield "recorded texts", pages(RECORDED)


def _cost_name(texts: str) -> str:
    return f"processor time for each, {texts}"


class _Window(NamedTuple):
    """What one worker did within the window: shares in percent, postings a second, a posting's
    processor time, peak memory.
    """

    busy: float
    pace: float
    milliseconds: float
    megabytes: float


def _watch(stage: Scene) -> _Window:
    with stage.model("--slots", str(SLOTS), "--latency", str(ANSWER_SECONDS)) as model:
        worker = stage.work(SLOTS)
        _warm_up(stage)
        begun, busy, cpu, done = (
            time.perf_counter(),
            _busy(model),
            cpu_seconds(worker),
            stage.done(),
        )
        time.sleep(WINDOW_SECONDS)
        seconds, busy = time.perf_counter() - begun, _busy(model) - busy
        postings = stage.done() - done
        return _Window(
            busy=100 * busy / (SLOTS * seconds),
            pace=postings / seconds,
            milliseconds=1000 * (cpu_seconds(worker) - cpu) / postings,
            megabytes=peak_megabytes(worker),
        )


def _measure_crew(stage: Scene, workers: int, taken: Taken) -> None:
    slots = str(SLOTS * max(CREWS))
    with stage.model("--slots", slots, "--latency", str(ANSWER_SECONDS)):
        for _ in range(workers):
            stage.work(SLOTS)
        _warm_up(stage)
        begun, done = time.perf_counter(), stage.done()
        time.sleep(CREW_SECONDS)
        pace = (stage.done() - done) / (time.perf_counter() - begun)
        taken[_crew_name(workers), "postings/s"].append(pace)


def _crew_name(workers: int) -> str:
    return f"{workers} worker{'s' * (workers > 1)} against {SLOTS * max(CREWS)} slots"


def _warm_up(stage: Scene) -> None:
    goal = stage.done() + WARM
    stage.wait(lambda: stage.done() >= goal)


def _busy(model: ModelServer) -> float:
    return float(model.calls()["busy_seconds"])
