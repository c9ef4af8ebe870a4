"""Four crawlers of one source whose boards live on two hosts: one with a rate, one without.

All four are Lever's and share one frontier, so a host that may not be asked stands in the way of
the other if anything does. Its first host may be asked 20 times a second and always has boards
waiting; its EU host has no limit and 8,000 boards. Both answer after 100 ms, and nothing is stored.

- Unloaded: the EU host's boards alone, from the first request to the last answer.
- Loaded: the same, together with the first host's 2,000.
- The first host's 60 seconds, as its own log shows them: the largest number of requests in any
  second (a window that slides from request to request), and all of them beside what is allowed.
- Then that host answers a request with 429 and `Retry-After: 3`: how long nobody's request reaches
  it, and how many came before the silence, being on their way when the answer left, and how late.
  This alone is done once a run; the minute is taken once.
"""

import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from benchmarks.crawl.scene import WITHOUT_PIPELINES, Scene, scene
from benchmarks.crawl.server import Exchange
from benchmarks.crawl.witness import Witness, span_seconds
from benchmarks.figures import Figure, show

CRAWLERS = 4
RATE = 20.0
SECONDS = 60.0
RETRY_AFTER_SECONDS = 3
LIMITED, FREE = 0, 1
SETTLED = 20
"""Requests of the limited host after which it goes on as before."""


@dataclass(frozen=True)
class Refusal:
    """What a 429 was followed by."""

    silence_seconds: float
    strays: int
    """Requests that arrived before it."""
    stray_ms: float
    """Milliseconds from the answer to the last of them; 0 where there was none."""


def run(runs: int) -> None:
    """Measure and print."""
    with scene("rate", _variables) as stage:
        free = [ref for ref in stage.scenery.refs if ref.region]
        limited = [ref for ref in stage.scenery.refs if not ref.region]
        _start(stage)
        stage.push(free)
        stage.wait(lambda: stage.witness.answered(FREE) >= len(free))
        unloaded = _pace("the free host alone", _seen(stage, FREE))
        stage.clear()

        _start(stage)
        stage.push([*limited, *free])
        end = stage.wait(lambda: stage.witness.answered(LIMITED) > 0) + SECONDS + 1
        stage.wait(lambda: time.time() > end and stage.witness.answered(FREE) >= len(free))
        loaded = _pace("the free host beside the limited one", _seen(stage, FREE))
        received = [one.received for one in _seen(stage, LIMITED)]
        refusals = [_refuse(stage) for _ in range(runs)]
    print(f"{CRAWLERS} crawlers, {RATE:.0f}/s allowed on one of two hosts, {SECONDS:.0f} s")
    show(unloaded)
    show(loaded, unloaded)
    minute = received[: bisect_right(received, received[0] + SECONDS)]
    allowed = Figure("allowed", "requests", (RATE * SECONDS,))
    show(Figure("requests to the limited host", "requests", (len(minute),)), allowed)
    show(Figure("most of them in any second", "requests", (busiest_second(minute),)))
    print(f" 429 with Retry-After: {RETRY_AFTER_SECONDS}")
    show(Figure("silence", "s", tuple(one.silence_seconds for one in refusals)))
    show(Figure("requests on their way", "requests", tuple(one.strays for one in refusals)))
    show(Figure("the last of them came after", "ms", tuple(one.stray_ms for one in refusals)))


def busiest_second(received: Sequence[float]) -> int:
    """Largest number of requests within one second; `received` ascends."""
    return max(bisect_right(received, begun + 1) - index for index, begun in enumerate(received))


def _variables(witness: Witness) -> dict[str, str]:
    free = witness.hosts[FREE]
    return {
        "OPENFUNNEL_LEVER_EU_URL": f"http://{free}/lever_eu/v0/postings",
        "OPENFUNNEL_HOST_RATE": str(RATE),
        "OPENFUNNEL_HOST_RATES": f"{free}=0",
    }


def _start(stage: Scene) -> None:
    stage.start_crawlers(*["lever"] * CRAWLERS, arguments=WITHOUT_PIPELINES)


def _seen(stage: Scene, host: int) -> list[Exchange]:
    return [one for one in stage.witness.exchanges() if one.host == host]


def _pace(name: str, exchanges: Sequence[Exchange]) -> Figure:
    return Figure(name, "requests/s", (len(exchanges) / span_seconds(exchanges),))


def _refuse(stage: Scene) -> Refusal:
    """Let the limited host answer one request with 429, and see what follows."""
    stage.witness.clear()
    stage.wait(lambda: stage.witness.answered(LIMITED) > SETTLED)
    stage.witness.refuse_next(LIMITED, RETRY_AFTER_SECONDS)
    stage.wait(lambda: _refused(stage) is not None)
    refused = _refused(stage)
    assert refused is not None
    end = refused.answered + RETRY_AFTER_SECONDS

    def later() -> list[float]:
        return [one.received for one in _seen(stage, LIMITED) if one.received > refused.answered]

    stage.wait(lambda: any(moment > end for moment in later()))
    early = [moment for moment in later() if moment <= end]
    after = next(moment for moment in later() if moment > end)
    last = early[-1] if early else refused.answered
    return Refusal(after - last, len(early), 1000 * (last - refused.answered))


def _refused(stage: Scene) -> Exchange | None:
    refused = HTTPStatus.TOO_MANY_REQUESTS
    return next((one for one in stage.witness.exchanges() if one.status == refused), None)
