"""The demo's work, measured, and its two heavy processes each alone.

- Together: a crawler for each source and one extractor with rules, as `make demo` starts them,
  from the moment they are started (servers and sandbox are up) until every posting of 40 invented
  boards is extracted.
- Alone: the crawlers, one after the other, then `openfunnel extract --drain` on what they stored.
  The boards are those of the folder given with --replay, else the same invented ones.

Baseline of the speeds: the same parsers and rules called in one process, without network, queue or
store. Baseline of the memory (the kernel's peak, VmHWM): a crawler that finds nothing to crawl.
"""

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from redis import Redis

from benchmarks.figures import Figure, per_second, show
from benchmarks.home import environment, temporary_home
from openfunnel.cli.crew import Crew, crawler, role
from openfunnel.extraction import rules
from openfunnel.records import PostingText
from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.replay import ReplayWorld
from openfunnel.sandbox.world import World
from openfunnel.settings import Settings
from openfunnel.sources import SOURCES
from openfunnel.sources.addresses import Address, request_url
from openfunnel.store.database import open_database

BOARDS, POSTINGS = 40, 1500
"""The demo's."""
GENERATED = ["--boards", str(BOARDS), "--postings", str(POSTINGS)]
"""The sandbox's arguments for the same."""
PATIENCE_SECONDS = 600.0
POLL_SECONDS = 0.02
IDLE = ("-a", "idle=0.5")
"""How long a crawler that works alone stays without work; taken off its time."""


@dataclass(frozen=True)
class Scene:
    """Fresh servers, a sandbox that plays a world, and who is started there."""

    world: World
    crew: Crew

    def push_all(self) -> None:
        """Push every board onto its source's start list."""
        settings = Settings.load(environ=self.crew.environment)
        with Redis.from_url(self.crew.environment["REDIS_URL"]) as redis:
            for ref in self.world.boards():
                if ref.ats in SOURCES:
                    address = request_url(Address(ref, None), settings)
                    redis.lpush(f"{ref.ats}:start_urls", address)

    def count(self, status: str) -> int:
        """Count the postings with this status."""
        query = "SELECT count(*) FROM job_postings WHERE status = %s"
        with psycopg.connect(self.crew.environment["DATABASE_URL"]) as connection:
            row = connection.execute(query, (status,)).fetchone()
        assert row is not None
        return int(row[0])

    def finish(self, command: list[str]) -> float:
        """Run a process to its end and return its peak memory in MB."""
        process = self.crew.start(f"member-{len(self.crew.members)}", command).process
        peak = 0.0
        deadline = time.monotonic() + PATIENCE_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            peak = max(peak, _peak_megabytes(process.pid))
            time.sleep(POLL_SECONDS)
        assert process.returncode == 0, f"{command} failed; see {self.crew.logs}"
        return peak


def run(runs: int, replay: Path | None) -> None:
    """Measure and print."""
    demo = GeneratedWorld(BOARDS, POSTINGS)
    world: World = demo
    served = GENERATED
    if replay is not None:
        world, served = ReplayWorld(replay), ["--replay", str(replay.resolve())]
    baseline = per_second("parsers and rules alone", "postings", 1, lambda: _extract_all(demo))
    seconds = [_together(demo) for _ in range(runs)]
    print(f"the demo's {POSTINGS} postings on {BOARDS} boards, until all are extracted")
    show(baseline)
    show(Figure("crawlers and one extractor together", "s", tuple(seconds)))
    pace = tuple(POSTINGS / value for value in seconds)
    show(Figure("crawlers and one extractor together", "postings/s", pace), baseline)

    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(runs):
        for name, unit, value in _alone(world, served):
            taken[name, unit].append(value)
    print(f"each alone, on {'recorded' if replay else 'the same'} boards")
    bare = per_second("parsers and rules alone", "postings", 1, lambda: _extract_all(world))
    figures = {key: Figure(*key, tuple(values)) for key, values in taken.items()}
    idle = figures.pop(("idle crawler, peak memory", "MB"))
    show(bare)
    show(idle)
    for (_, unit), figure in figures.items():
        show(figure, idle if unit == "MB" else bare)


def _together(world: World) -> float:
    with _scene(world, GENERATED) as scene:
        scene.push_all()
        begun = time.perf_counter()
        for source in SOURCES:
            scene.crew.start(f"crawler-{source}", crawler(source))
        scene.crew.start("extractor", role("extract"))
        _await(lambda: scene.count("extracted") == POSTINGS)
        return time.perf_counter() - begun


def _alone(world: World, served: list[str]) -> Iterator[tuple[str, str, float]]:
    with _scene(world, served) as scene:
        begun = time.perf_counter()
        yield "idle crawler, peak memory", "MB", scene.finish(crawler("greenhouse", *IDLE))
        idle_seconds = time.perf_counter() - begun
        scene.push_all()
        for source in SOURCES:
            before = scene.count("fetched")
            begun = time.perf_counter()
            peak = scene.finish(crawler(source, *IDLE))
            seconds = time.perf_counter() - begun - idle_seconds
            yield f"{source} crawler, peak memory", "MB", peak
            yield f"{source} crawler", "postings/s", (scene.count("fetched") - before) / seconds
        waiting = scene.count("fetched")
        begun = time.perf_counter()
        scene.finish(role("extract", "--drain"))
        seconds = time.perf_counter() - begun
        assert scene.count("extracted") == waiting
        yield "extractor, its start included", "postings/s", waiting / seconds


@contextmanager
def _scene(world: World, served: list[str]) -> Iterator[Scene]:
    with temporary_home() as settings:
        open_database(settings).close()
        port_file = settings.home / "port"
        with Crew(settings) as crew:
            crew.start(
                "sandbox", role("sandbox", *served, "--port", "0", "--port-file", str(port_file))
            )
            _await(port_file.exists)
            crew.environment = environment(settings, f"http://127.0.0.1:{port_file.read_text()}")
            yield Scene(world, crew)


def _extract_all(world: World) -> int:
    done = 0
    for ref in world.boards():
        if ref.ats in SOURCES and (answer := world.answer(ref)):
            for page in SOURCES[ref.ats].parse_board(answer.body, ref):
                for one in page.postings:
                    text = PostingText(title=one.title, text=one.text, fields=one.fields)
                    rules.extract(text)
                done += len(page.postings)
    return done


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(POLL_SECONDS)


def _peak_megabytes(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0
