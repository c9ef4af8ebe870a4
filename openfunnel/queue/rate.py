"""How fast one host is asked, over all processes on all machines.

Each source sits behind one API host, so a limit per process is no limit: the place in line is given
out by Redis (`rate.lua`), and a Retry-After told to one process holds for all (`block.lua`).
"""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any, Final, cast

from redis.asyncio import Redis

from openfunnel.queue.values import MICROSECONDS, encode, micros

BURST: Final = 2
"""Requests that may go at once after a pause."""

LONGEST_BLOCK_SECONDS: Final = 600.0
"""A Retry-After beyond this is cut: whoever waits holds a request meanwhile."""

FOLDER = files(__package__)
RESERVE = FOLDER.joinpath("rate.lua").read_text(encoding="utf-8")
BLOCK = FOLDER.joinpath("block.lua").read_text(encoding="utf-8")


class HostRate:
    """At most `per_second` requests to each host; 0: no limit, but blocks are still kept."""

    def __init__(
        self, redis: Redis, per_second: float, clock: Callable[[], float] | None = None
    ) -> None:
        """`clock` (seconds) stands in for the server's in tests."""
        self._interval = micros(1 / per_second) if per_second else 0
        self._clock = clock
        self._reserve = redis.register_script(RESERVE)
        self._block = redis.register_script(BLOCK)

    async def reserve(self, host: str) -> float:
        """Take the next place in line to `host`; return the seconds to wait before sending."""
        answer = self._reserve(
            keys=[_key("rate", host), _key("blocked", host)],
            args=[self._now(), self._interval, BURST],
        )
        return int(await cast(Awaitable[Any], answer)) / MICROSECONDS

    async def block(self, host: str, seconds: float) -> None:
        """Send nothing to `host` for so long; a longer block stays."""
        length = micros(min(seconds, LONGEST_BLOCK_SECONDS))
        answer = self._block(keys=[_key("blocked", host)], args=[self._now(), length])
        await cast(Awaitable[Any], answer)

    def _now(self) -> int | str:
        return "" if self._clock is None else round(self._clock() * MICROSECONDS)


def _key(kind: str, host: str) -> bytes:
    return encode(f"openfunnel:{kind}:{host.lower()}")
