"""What `slots` and `faults` need: fresh servers, fetched postings, a model server, and workers."""

import asyncio
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

import httpx
import psycopg
from redis import Redis

from benchmarks.home import environment, temporary_home
from openfunnel.cli.crew import Crew, Member, python, role
from openfunnel.extraction.reconciliation import reconcile
from openfunnel.queue.connection import connect
from openfunnel.queue.redis_leases import RedisLeaseQueue
from openfunnel.records import BoardRef, JobPosting, RawResponse
from openfunnel.sandbox.ollama import MODEL
from openfunnel.settings import Settings
from openfunnel.store import crawl_writes
from openfunnel.store.claims import claim
from openfunnel.store.database import Database, open_database
from openfunnel.store.posting_writes import Page, save_pages
from openfunnel.store.raw_writes import Received, save_raw_responses

PATIENCE_SECONDS = 600.0
POLL_SECONDS = 0.05
LAST_WORDS = 2000
"""Characters of a log that an error quotes."""
PAGE = 50
"""Postings on a board."""
TICKS = os.sysconf("SC_CLK_TCK")
"""Of a processor's second, as /proc counts them."""


@dataclass(frozen=True)
class ModelServer:
    """The model server as the benchmark sees it."""

    url: str

    def calls(self) -> Mapping[str, Any]:
        """What it counted, as `GET /sandbox/calls` tells it."""
        calls: Mapping[str, Any] = httpx.get(f"{self.url}/sandbox/calls").raise_for_status().json()
        return calls


@dataclass(frozen=True)
class Scene:
    """Fresh servers, and the workers that come and go on them."""

    settings: Settings
    crew: Crew
    """The workers; not the model servers."""
    redis: Redis
    database: psycopg.Connection[tuple[Any, ...]]
    _numbers: Iterator[int] = field(default_factory=count)

    def fetch(self, postings: int, known: Iterable[Sequence[JobPosting]]) -> None:
        """Store postings like those `known`, each with a text of its own, and queue their jobs."""
        with open_database(self.settings) as database:
            _store(database, postings, known)
            asyncio.run(_queue(database, self.settings))

    @contextmanager
    def model(self, *arguments: str) -> Iterator[ModelServer]:
        """Serve a model to all later workers; the arguments are those of the server."""
        name = f"model-{next(self._numbers)}"
        port_file = self.settings.home / name
        with Crew(self.settings) as background:
            command = python("-m", "benchmarks.extract.server", str(port_file), *arguments)
            server = background.start(name, command).process
            while not port_file.exists():
                assert server.poll() is None, (background.logs / f"{name}.log").read_text("utf-8")
                time.sleep(POLL_SECONDS)
            url = f"http://127.0.0.1:{port_file.read_text('ascii')}"
            self.crew.environment = {
                **environment(self.settings, url),
                "OPENFUNNEL_EXTRACTOR": "ollama",
                "OPENFUNNEL_MODEL": MODEL,
            }
            yield ModelServer(url)
            self.crew.stop()

    def work(self, concurrency: int, *arguments: str, **variables: str) -> Member:
        """Start a worker of so many slots."""
        self.crew.environment = {**self.crew.environment, **variables}
        command = role("extract", "--concurrency", str(concurrency), *arguments)
        return self.crew.start(f"worker-{next(self._numbers)}", command)

    def query(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return the rows that a statement selects."""
        return self.database.execute(statement, parameters).fetchall()

    def done(self) -> int:
        """How many postings are extracted."""
        statement = "SELECT count(*) FROM job_postings WHERE status = 'extracted'"
        return int(self.query(statement)[0][0])

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until it holds, while the workers live."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            fallen = any(one.process.poll() not in (None, 0) for one in self.crew.members)
            assert not fallen, f"a worker ended by itself\n{self._last_words()}"
            assert time.monotonic() < deadline, f"it takes too long\n{self._last_words()}"
            time.sleep(POLL_SECONDS)

    def clear(self) -> None:
        """Forget everything, on all servers."""
        self.redis.flushall()
        self.database.execute(
            "TRUNCATE boards, companies, dead_letters, model_answers, model_usage CASCADE"
        )

    def _last_words(self) -> str:
        """End of the logs of all that run, which are gone with the servers."""
        ends = []
        for member in self.crew.members:
            log = (self.crew.logs / f"{member.name}.log").read_text("utf-8", "replace")
            ends.append(f"{member.name}: {log[-LAST_WORDS:]}")
        return "\n".join(ends)


@contextmanager
def scene() -> Iterator[Scene]:
    """Start the servers; they are gone afterwards."""
    with temporary_home() as settings, Crew(settings) as crew:
        open_database(settings).close()
        variables = environment(settings, "http://127.0.0.1:1")
        with (
            Redis.from_url(variables["REDIS_URL"]) as redis,
            psycopg.connect(variables["DATABASE_URL"], autocommit=True) as database,
        ):
            yield Scene(settings, crew, redis, database)


def cpu_seconds(member: Member) -> float:
    """What a process that runs has used of all processors, its threads included."""
    fields = Path(f"/proc/{member.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_megabytes(member: Member) -> float:
    """Peak memory of a process that runs (VmHWM, as Linux keeps it)."""
    status = Path(f"/proc/{member.process.pid}/status").read_text("ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def _store(database: Database, postings: int, known: Iterable[Sequence[JobPosting]]) -> None:
    likes = cycle([posting for page in known for posting in page])
    now = datetime.now(UTC)
    raw = RawResponse(url="https://x.example", fetched_at=now, http_status=200, body=b"{}")
    for first in range(0, postings, PAGE):
        board = BoardRef(ats="greenhouse", token=f"bench{first}")
        numbers = range(first, min(first + PAGE, postings))
        page = [
            _numbered(posting, board, number)
            for number, posting in zip(numbers, islice(likes, len(numbers)), strict=True)
        ]
        with database.begin() as session:
            board_id = crawl_writes.upsert_board(session, board, None, now)
            (raw_id,) = save_raw_responses(session, [Received(board_id, raw)])
            claimed = claim(session, board_id, 0)
            assert claimed is not None
            save_pages(session, [Page(claimed, raw_id, page, now)])


def _numbered(posting: JobPosting, board: BoardRef, number: int) -> JobPosting:
    """The posting on another board, with a text that no other has: nothing is asked twice."""
    return posting.model_copy(
        update={
            "board": board,
            "external_id": str(number),
            "canonical_url": f"https://x.example/{number}",
            "text": f"{posting.text}\nThe number of this opening is {number}.",
            "payload": {"id": number},
        }
    )


async def _queue(database: Database, settings: Settings) -> None:
    redis = await connect(settings)
    try:
        await reconcile(database, RedisLeaseQueue(redis, "extract"))
    finally:
        await redis.aclose()
