"""A crew of child processes: started together, watched, and stopped in order."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import typer

from openfunnel import services
from openfunnel.settings import PROJECT_ROOT, Settings

LONGEST_PAUSE_SECONDS = 60.0
"""Between two starts of a member that keeps falling."""
STOP_SECONDS = 15.0
"""Time to finish what is in hand, before a member is killed."""


def stop_event() -> threading.Event:
    """Return an event that SIGTERM and Ctrl-C set, from now on."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def python(*arguments: str) -> list[str]:
    """Command line of this interpreter."""
    return [sys.executable, *arguments]


def crawler(source: str, *arguments: str) -> list[str]:
    """Command line of `scrapy crawl SOURCE`."""
    return python("-m", "scrapy", "crawl", source, *arguments)


def role(*arguments: str) -> list[str]:
    """Command line of `openfunnel ARGUMENTS`."""
    return python("-m", "openfunnel", *arguments)


@dataclass
class Member:
    """One child process, known by a name that is also its log file's."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes]
    started_at: float
    restarts: int = 0


@dataclass
class Crew:
    """Children of this process; leaving the `with` block stops them, last started first.

    They run in sessions of their own, so that Ctrl-C reaches this process alone, which then stops
    them in order. What they print goes to `<home>/logs/<name>.log`.
    """

    settings: Settings
    environment: Mapping[str, str] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    stop_asked: threading.Event = field(default_factory=stop_event)

    @property
    def logs(self) -> Path:
        """Folder of the log files."""
        return self.settings.home / "logs"

    def __enter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, name: str, command: Sequence[str]) -> Member:
        """Start a child called `name`."""
        member = Member(name, command, self._spawn(name, command), time.monotonic())
        self.members.append(member)
        return member

    def until_stopped(self, every_seconds: float = 0.5) -> Iterator[None]:
        """Yield again and again until SIGTERM or Ctrl-C."""
        while not self.stop_asked.wait(every_seconds):
            yield

    def tend(self) -> None:
        """Bring back embedded servers and members that fell, and say which."""
        services.ensure_postgres(self.settings)  # a look at a file and a socket while they run
        services.ensure_redis(self.settings)
        for name in self._restart_fallen():
            typer.echo(f"{name} ended and was started again; see {self.logs}/{name}.log")

    def _restart_fallen(self) -> list[str]:
        """Start again who ended by itself, later each time; return their names."""
        now = time.monotonic()
        fallen = [
            member
            for member in self.members
            if member.process.poll() is not None
            and now - member.started_at > min(2.0**member.restarts, LONGEST_PAUSE_SECONDS)
        ]
        for member in fallen:
            member.process = self._spawn(member.name, member.command)
            member.started_at = now
            member.restarts += 1
        return [member.name for member in fallen]

    def alive(self) -> bool:
        """Whether anybody still runs."""
        return any(member.process.poll() is None for member in self.members)

    def stop(self) -> None:
        """Ask everybody to end, last started first, and kill who does not within the time."""
        for member in reversed(self.members):
            if member.process.poll() is None:
                member.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for member in reversed(self.members):
            try:
                member.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                member.process.kill()
                member.process.wait()
        self.members.clear()

    def _spawn(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self.logs / f"{name}.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603  # our own command lines, no shell
                python("-m", "openfunnel.cli.tether", *command),
                cwd=PROJECT_ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
