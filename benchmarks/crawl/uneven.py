"""500 boards of uneven latency, 32 requests at once, one process, no limit of the rate.

A board answers in 50 to 300 ms, ten of the 500 in 3 s; which ones is the same for all and in all
runs, and everybody asks in the same order. Plain Scrapy has its start requests in memory and is
the baseline. The others run already and listen when all 500 are pushed to Redis at once.

The time is the server's, and the same for all: from the first request it received to the last
answer it sent. For the whole path it ends later, when the last board is seen in PostgreSQL (looked
at every 50 ms). Starting a process is in nobody's time; how long a pushed entry takes to become the
first request is shown by itself.

No client can be faster than one whose 32 places are never empty and that costs no time of its own:
that bound is worked out from the latencies and shown too.
"""

import heapq
import json
from collections import defaultdict
from collections.abc import Callable, Iterator

from benchmarks.crawl.contenders import CONCURRENCY, READY
from benchmarks.crawl.scene import WITHOUT_PIPELINES, Scene, scene
from benchmarks.crawl.server import board_path
from benchmarks.crawl.witness import span_seconds
from benchmarks.crawl.worlds import Scenery
from benchmarks.figures import Figure, show
from openfunnel.cli.crew import python

PLAIN = "plain Scrapy"
SAME_CONCURRENCY = tuple(
    f"--set={name}={CONCURRENCY}"
    for name in ("CONCURRENT_REQUESTS", "CONCURRENT_REQUESTS_PER_DOMAIN")
)

Measured = Iterator[tuple[str, float]]


def run(runs: int) -> None:
    """Measure and print."""
    taken: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with scene("uneven") as stage:
        for _ in range(runs):
            for name, contender in CONTENDERS.items():
                for what, seconds in contender(stage):
                    taken[what][name].append(seconds)
                stage.clear()
    print(f"{len(stage.scenery.refs)} boards of uneven latency, {CONCURRENCY} at once")
    show(Figure("nobody can be faster than", "s", (fastest_seconds(stage.scenery),)))
    for what, times in taken.items():
        print(f" {what}")
        figures = {name: Figure(name, "s", tuple(values)) for name, values in times.items()}
        for name, figure in figures.items():
            show(figure, figures.get(PLAIN) if name != PLAIN else None)


def fastest_seconds(scenery: Scenery) -> float:
    """Time of a client that asks in order and keeps every place busy."""
    places = [0.0] * CONCURRENCY
    for ref in scenery.refs:
        heapq.heapreplace(places, places[0] + scenery.delays[ref])
    return max(places)


def _plain(stage: Scene) -> Measured:
    stage.start("plain", _contender(stage, "plain"))
    yield from _watch(stage)


def _stock(stage: Scene) -> Measured:
    stage.start("stock", _contender(stage, "stock"))
    stage.wait(lambda: bool(stage.redis.exists(READY)))
    urls = [json.dumps({"url": url}) for url in _urls(stage)]
    stage.redis.rpush("stock:start_urls", *urls)
    yield from _watch(stage)


def _frontier(stage: Scene) -> Measured:
    stage.start_crawlers("greenhouse", arguments=(*SAME_CONCURRENCY, *WITHOUT_PIPELINES))
    pushed_at = stage.push(stage.scenery.refs)
    yield from _watch(stage)
    first = stage.witness.exchanges()[0].received
    yield "from the push to the first request", first - pushed_at.timestamp()


def _whole_path(stage: Scene) -> Measured:
    stage.start_crawlers("greenhouse", arguments=SAME_CONCURRENCY)
    boards = stage.scenery.refs
    pushed_at = stage.push(boards)
    stored = stage.wait(lambda: stage.stored_since(pushed_at) == len(boards))
    yield WHOLE, stored - stage.witness.exchanges()[0].received


WHOLE = "all boards"
CONTENDERS: dict[str, Callable[[Scene], Measured]] = {
    PLAIN: _plain,
    "stock scrapy-redis": _stock,
    "OpenFunnel's frontier, no pipelines": _frontier,
    "OpenFunnel, until all is in PostgreSQL": _whole_path,
}


def _watch(stage: Scene) -> Measured:
    boards = len(stage.scenery.refs)
    stage.wait(lambda: stage.witness.answered(host=0) >= boards)
    exchanges = stage.witness.exchanges()
    assert len({one.path for one in exchanges}) == len(exchanges) == boards
    yield WHOLE, span_seconds(exchanges)


def _urls(stage: Scene) -> list[str]:
    base = f"http://{stage.witness.hosts[0]}"
    return [base + board_path(ref) + "?content=true" for ref in stage.scenery.refs]


def _contender(stage: Scene, name: str) -> list[str]:
    file = stage.settings.home / "urls.json"
    file.write_text(json.dumps(_urls(stage)), "ascii")
    return python("-m", "benchmarks.crawl.contenders", name, str(file))
