"""How hosts are doing, over all crawlers on all machines: rates, blocks and circuits.

Each source sits behind one API host, so a limit per process is no limit: what one process learns
of a host holds for all, and for all sources on it. `host_state.lua` names the keys and the rules;
the frontier asks them within its atomic take, `Hosts` tells them what came of it.
"""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, cast

from redis.asyncio import Redis

from openfunnel.queue.scripts import read_script
from openfunnel.queue.values import MICROSECONDS, decode, encode, micros

LONGEST_BLOCK_SECONDS: Final = 600.0
"""A Retry-After beyond this is cut."""

CRAWL_DELAY_KEPT_SECONDS: Final = 24 * 3600.0
"""A robots.txt is believed for a day (RFC 9309, section 2.4)."""

SCRIPT: Final = read_script("host_state", "hosts")


@dataclass(frozen=True)
class Ceilings:
    """Requests per second to one host at most; 0: no limit."""

    per_second: float
    by_host: Mapping[str, float] = field(default_factory=dict)
    """Hosts (in lower case) that have one of their own."""

    def interval(self, host: str) -> int:
        """Microseconds between two requests to `host`; 0: no limit."""
        return _interval(self.by_host.get(host.lower(), self.per_second))

    def arguments(self) -> list[int | bytes]:
        """All of it as the scripts are passed it."""
        named = [(encode(host), _interval(rate)) for host, rate in self.by_host.items()]
        return [_interval(self.per_second), *(part for pair in named for part in pair)]


class HostOutcome(StrEnum):
    """What an answer says about the host, whatever it says about the board."""

    OK = "ok"
    """The host is well: any answer but the ones below."""
    REFUSED = "refused"
    """It asks for fewer requests: 429, or 503 with Retry-After."""
    FAILED = "failed"
    """5xx, no answer in time, no connection."""


@dataclass(frozen=True)
class HostReport:
    """What came of a request."""

    host: str
    latency_seconds: float | None
    """From sending to the first byte of the answer; None where none came."""
    outcome: HostOutcome
    retry_after_seconds: float = 0


class Circuit(StrEnum):
    """Whether a host is asked at all."""

    CLOSED = "closed"
    """As its rate allows."""
    OPEN = "open"
    """Not before its block ends: it failed ten times in a row."""
    HALF_OPEN = "half_open"
    """One request at a time, to see whether it is well."""


@dataclass(frozen=True)
class HostState:
    """How a host is doing now."""

    host: str
    per_second: float | None
    """The rate it is asked at; None: no limit."""
    blocked_seconds: float
    """Nothing goes there for so long."""
    circuit: Circuit
    failures: int
    """Consecutive ones."""


class Hosts:
    """What processes tell each other about hosts.

    Raises:
        redis.exceptions.RedisError: Redis is away.
    """

    def __init__(
        self,
        redis: Redis,
        ceilings: Ceilings,
        clock: Callable[[], float] | None = None,
        random: Callable[[], float] = random.random,
    ) -> None:
        """`clock` (seconds) stands in for the server's in tests."""
        self._ceilings = ceilings
        self._clock = clock
        self._random = random
        self._script = redis.register_script(SCRIPT)

    async def report(self, reports: Sequence[HostReport]) -> None:
        """Tell what came of requests: it moves the host's rate, block and circuit."""
        arguments: list[bytes | str | int] = []
        for report in reports:
            latency = report.latency_seconds
            arguments += [
                encode(report.host.lower()),
                report.outcome,
                -1 if latency is None else micros(latency),
                micros(report.retry_after_seconds),
                f"{self._random():.6f}",
                self._ceilings.interval(report.host),
            ]
        if arguments:
            await self._run("report", *arguments)

    async def slow(self, host: str, crawl_delay_seconds: float) -> None:
        """Ask a host no more often than its robots.txt wishes, for a day; 0 ends that."""
        delay, kept = micros(crawl_delay_seconds), micros(CRAWL_DELAY_KEPT_SECONDS)
        ceiling = self._ceilings.interval(host)
        await self._run("slow", encode(host.lower()), delay, kept, ceiling)

    async def reserve(self, host: str) -> float:
        """Take the next place in line to `host`; return the seconds to wait before sending.

        For requests that do not come from the frontier, such as robots.txt.
        """
        jitter = f"{self._random():.6f}"
        ceiling = self._ceilings.interval(host)
        wait = await self._run("reserve", encode(host.lower()), jitter, ceiling)
        return int(wait) / MICROSECONDS

    async def states(self, hosts: Sequence[str] | None = None) -> list[HostState]:
        """How these hosts are doing (all that were asked within a day), by name."""
        wanted = None if hosts is None else {host.lower() for host in hosts}
        rows = await self._run("states", *self._ceilings.arguments())
        states = [_state(row) for row in rows]
        return sorted(
            (state for state in states if wanted is None or state.host in wanted),
            key=lambda state: state.host,
        )

    async def _run(self, operation: str, *arguments: bytes | str | int) -> Any:
        now = "" if self._clock is None else round(self._clock() * MICROSECONDS)
        answer = self._script(args=[operation, now, *arguments])
        return await cast(Awaitable[Any], answer)


def _interval(per_second: float) -> int:
    return micros(1 / per_second) if per_second > 0 else 0


def _state(row: Sequence[bytes]) -> HostState:
    host, interval, blocked, circuit, failures = row
    return HostState(
        decode(host),
        MICROSECONDS / int(interval) if int(interval) else None,
        int(blocked) / MICROSECONDS,
        Circuit(decode(circuit)),
        int(failures),
    )
