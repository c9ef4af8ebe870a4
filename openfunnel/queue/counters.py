"""Counts of small events over all processes, such as unknown payload fields and refused entries.

Keys: `openfunnel:count:<name>`, a hash of field -> number. They are lost with Redis, and nothing
but a display hangs on them.
"""

from collections.abc import Awaitable
from typing import Any, Final, cast

from redis.asyncio import Redis

from openfunnel.queue.values import decode, encode

LONGEST_FIELD: Final = 200
"""Characters kept of a field: what is counted may come from outside."""


class Counters:
    """Named groups of counters."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def add(self, name: str, field: str, n: int = 1) -> None:
        """Add `n` to a counter."""
        key = cast(str, encode(field[:LONGEST_FIELD]))
        await self._redis.hincrby(_key(name), key, n)

    async def read(self, name: str) -> dict[str, int]:
        """All counters of a group; what is not a number is left out."""
        answer: Any = await cast(Awaitable[Any], self._redis.hgetall(_key(name)))
        return {
            decode(field): int(value)
            for field, value in answer.items()
            if value.removeprefix(b"-").isdigit()
        }


def _key(name: str) -> str:
    return f"openfunnel:count:{name}"
