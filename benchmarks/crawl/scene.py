"""What every part needs: fresh servers, a world that is served, and crawlers that come and go."""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from redis import Redis

from benchmarks.crawl.witness import Witness
from benchmarks.crawl.worlds import WORLDS, Scenery
from benchmarks.home import environment, temporary_home
from openfunnel.cli.crew import Crew, Member, crawler, python
from openfunnel.queue.connection import connect
from openfunnel.queue.presence import PresenceBoard
from openfunnel.records import BoardRef
from openfunnel.settings import Settings
from openfunnel.store.database import open_database

PATIENCE_SECONDS = 300.0
POLL_SECONDS = 0.05
LAST_WORDS = 2000
"""Characters of a log that an error quotes."""
QUIET = ("-s", "LOG_LEVEL=WARNING")
WITHOUT_PIPELINES = ("-s", "ITEM_PIPELINES={}")


@dataclass(frozen=True)
class Scene:
    """Fresh servers, and a server that plays the world and keeps the log."""

    settings: Settings
    scenery: Scenery
    witness: Witness
    crew: Crew
    """The crawlers; not the server, which stays."""
    redis: Redis
    database: psycopg.Connection[tuple[Any, ...]]
    _numbers: Iterator[int] = field(default_factory=count)

    def start(self, name: str, command: list[str]) -> Member:
        """Start a process of this name, with a log file of its own."""
        return self.crew.start(f"{name}-{next(self._numbers)}", command)

    def start_crawlers(self, *sources: str, arguments: Iterable[str] = ()) -> list[Member]:
        """Start a crawler for each source named, and return once all of them listen."""
        members = [
            self.start(f"crawler-{source}", crawler(source, *QUIET, *arguments))
            for source in sources
        ]
        self.wait(lambda: self._listening() == len(members))
        return members

    def push(self, refs: Iterable[BoardRef]) -> datetime:
        """Put boards onto their sources' start lists in one step; return when."""
        with self.redis.pipeline(transaction=True) as pipeline:
            for ref in refs:
                pipeline.lpush(f"{ref.ats}:start_urls", str(ref))
            pushed_at = datetime.now(UTC)
            pipeline.execute()
        return pushed_at

    def stored_since(self, moment: datetime) -> int:
        """Count the boards whose answers are in the store since then."""
        return self.query("SELECT count(*) FROM boards WHERE last_fetched_at >= %s", moment)

    def query(self, statement: str, *parameters: object) -> int:
        """Return the one number that the statement selects."""
        row = self.database.execute(statement, parameters).fetchone()
        assert row is not None
        return int(row[0])

    def wait(self, condition: Callable[[], bool]) -> float:
        """Wait until it holds, and return the time (seconds since 1970)."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            fallen = any(one.process.poll() is not None for one in self.crew.members)
            assert not fallen, f"a process ended by itself\n{self._last_words()}"
            assert time.monotonic() < deadline, f"it takes too long\n{self._last_words()}"
            time.sleep(POLL_SECONDS)
        return time.time()

    def clear(self) -> None:
        """Stop the crawlers and forget everything, on all servers."""
        self.crew.stop()
        self.redis.flushall()
        self.database.execute("TRUNCATE boards, companies, dead_letters CASCADE")
        self.database.execute("CHECKPOINT")  # now, rather than while something is timed
        self.witness.send_validators(True)
        self.witness.clear()

    def _last_words(self) -> str:
        """End of the logs of all that run, which are gone with the servers."""
        ends = []
        for member in self.crew.members:
            log = (self.crew.logs / f"{member.name}.log").read_text("utf-8", "replace")
            ends.append(f"{member.name}: {log[-LAST_WORDS:]}")
        return "\n".join(ends)

    def _listening(self) -> int:
        async def ask() -> int:
            redis = await connect(self.settings)
            try:
                present = await PresenceBoard(redis).present()
                return sum(one.role.startswith("crawler:") for one in present)
            finally:
                await redis.aclose()

        return asyncio.run(ask())


@contextmanager
def scene(
    world: str, variables: Callable[[Witness], Mapping[str, str]] = lambda _: {}
) -> Iterator[Scene]:
    """Set up a world of `worlds.WORLDS`; `variables` are settings that depend on the server."""
    with temporary_home() as settings, Crew(settings) as background, Crew(settings) as crew:
        open_database(settings).close()
        port_file = settings.home / "ports"
        command = python("-m", "benchmarks.crawl.server", world, str(port_file))
        server = background.start("server", command).process
        while not port_file.exists():
            assert server.poll() is None, (crew.logs / "server.log").read_text("utf-8")
            time.sleep(POLL_SECONDS)
        witness = Witness(port_file)
        crew.environment = {
            **environment(settings, f"http://{witness.hosts[0]}"),
            **variables(witness),
        }
        with (
            Redis.from_url(crew.environment["REDIS_URL"]) as redis,
            psycopg.connect(crew.environment["DATABASE_URL"], autocommit=True) as database,
        ):
            yield Scene(settings, WORLDS[world](), witness, crew, redis, database)


def peak_megabytes(member: Member) -> float:
    """Peak memory of a process that runs (VmHWM, as Linux keeps it)."""
    status = Path(f"/proc/{member.process.pid}/status").read_text("ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024
