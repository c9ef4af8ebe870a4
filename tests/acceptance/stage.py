"""A stage for whole processes: a store and a Redis of their own, commands as users type them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from redis import Redis

from openfunnel.records import BoardRef
from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.environment import sandbox_variables
from openfunnel.settings import PROJECT_ROOT
from openfunnel.sources import SOURCES

PATIENCE_SECONDS = 150.0

POSTINGS = "SELECT ats, token, external_id FROM job_postings JOIN boards ON boards.id = board_id"


@dataclass
class Stage:
    """Where processes meet: the same database, Redis and outside world for all of them."""

    database_url: str
    redis_url: str
    logs: Path
    environment: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def face(self, sandbox: str) -> None:
        """Point every later process at the sandbox instead of the real world."""
        self.environment |= sandbox_variables(sandbox)

    def scrapy(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `scrapy ARGUMENTS`."""
        return self._start("scrapy", arguments)

    def openfunnel(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `openfunnel ARGUMENTS`."""
        return self._start("openfunnel", arguments)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `openfunnel ARGUMENTS` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "openfunnel", *arguments],
            cwd=PROJECT_ROOT,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def _start(self, module: str, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
        with (self.logs / f"{len(self.processes)}-{module}-{arguments[0]}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=PROJECT_ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def log(self) -> str:
        """What all processes printed so far."""
        return "\n".join(
            f"--- {file.name}\n{file.read_text('utf-8', 'replace')}"
            for file in sorted(self.logs.glob("*.log"))
        )

    def rows(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """Read from the store."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(query, values).fetchall()  # type: ignore[call-overload]

    def count(self, query: str, **values: object) -> int:
        """Read one number."""
        return int(self.rows(query, **values)[0][0])

    def patient(self, read: Callable[[], int]) -> Callable[[], int]:
        """Read again what could be read last while PostgreSQL restarts."""
        last = 0

        def reading() -> int:
            nonlocal last
            with suppress(psycopg.OperationalError):
                last = read()
            return last

        return reading

    @contextmanager
    def redis(self) -> Iterator["Redis[bytes]"]:
        """A plain Redis client, as anybody's."""
        with Redis.from_url(self.redis_url) as client:
            yield client

    def push(self, source: str, *entries: str | bytes) -> None:
        """Push start entries as `redis-cli lpush` does."""
        with self.redis() as client:
            client.lpush(f"{source}:start_urls", *entries)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that processes bring about; fails with their logs."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.log()[-20_000:]
            time.sleep(0.05)

    def wait_for(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for a process to end by itself, without an error."""
        assert process.wait(PATIENCE_SECONDS) == 0, self.log()[-20_000:]

    def end(self) -> None:
        """End everybody: politely first."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def postings_of(world: GeneratedWorld, boards: Iterable[BoardRef]) -> list[tuple[str, str, str]]:
    """What `POSTINGS` should find once these boards are fetched, in some order."""
    postings = []
    for ref in boards:
        answer = world.answer(ref)
        assert answer is not None
        for page in SOURCES[ref.ats].parse_board(answer.body, ref):
            postings += [(ref.ats, ref.token, posting.external_id) for posting in page.postings]
    return postings


def environment_of(extra: Mapping[str, str]) -> dict[str, str]:
    """Variables for a child: nothing of the developer's own settings."""
    named = ("DATABASE_URL", "REDIS_URL", "OLLAMA_HOST")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in named and not name.startswith("OPENFUNNEL_")
    }
    return {**kept, **extra}
