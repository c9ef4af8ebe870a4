"""Start entries: plain Redis lists `<source>:start_urls` that anybody pushes to with any client.

Entries are bytes nobody has looked at yet. Who takes one moves it to `<source>:taken`, records in
PostgreSQL what it asks for, and only then settles it: a crawler that dies in between leaves it
there, and `put_back` returns it.
"""

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis

from openfunnel.queue.values import encode


@dataclass(frozen=True)
class Waiting:
    """What is still to do of one source."""

    entries: int
    """Start entries nobody has taken."""
    taken: int
    """Start entries taken and not settled."""
    requests: int
    """Requests of the shared scheduler (scrapy-redis' sorted set `<source>:requests`)."""


class StartLists:
    """The start lists of all sources: entries go in on the left and out on the right."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def push(self, source: str, entries: Sequence[str]) -> None:
        """Put entries at the end of the line."""
        if entries:
            values = [encode(entry) for entry in entries]
            await self._redis.lpush(_entries(source), *values)

    async def take(self, source: str, limit: int) -> list[bytes]:
        """Take up to `limit` entries, first come first served; each is to be settled."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            for _ in range(limit):
                pipeline.lmove(_entries(source), _taken(source), "RIGHT", "LEFT")
            moved: list[bytes | None] = await pipeline.execute()
        return [entry for entry in moved if entry is not None]

    async def settle(self, source: str, entries: Iterable[bytes]) -> None:
        """Forget taken entries, now that PostgreSQL knows what they asked for."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            for entry in entries:
                # A client's types say `str`; Redis takes bytes, which entries are.
                pipeline.lrem(_taken(source), 1, cast(str, entry))
            await pipeline.execute()

    async def put_back(self, source: str) -> int:
        """Return taken entries to the head of the line; return how many there were."""
        count, places = 0, (_taken(source), _entries(source))
        while await cast(Awaitable[Any], self._redis.lmove(*places, "LEFT", "RIGHT")) is not None:
            count += 1
        return count

    async def waiting(self, source: str) -> Waiting:
        """Count what is still to do of one source."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.llen(_entries(source))
            pipeline.llen(_taken(source))
            pipeline.zcard(f"{source}:requests")
            return Waiting(*await pipeline.execute())


def _entries(source: str) -> str:
    return f"{source}:start_urls"


def _taken(source: str) -> str:
    return f"{source}:taken"
