"""Start entries: plain Redis lists `<source>:start_urls` that anybody pushes to with any client.

Entries are bytes nobody has looked at yet. An entry nobody has taken lives here alone; the one who
takes it records it in PostgreSQL before doing anything else.
"""

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from redis.asyncio import Redis

from openfunnel.queue.values import encode


@dataclass(frozen=True)
class Waiting:
    """What nobody has taken yet of one source."""

    entries: int
    """Start entries."""
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
        """Remove up to `limit` entries, first come first served."""
        if limit < 1:
            return []
        answer = self._redis.rpop(_entries(source), limit)
        return await cast(Awaitable[list[bytes] | None], answer) or []

    async def waiting(self, source: str) -> Waiting:
        """Count what waits of one source."""
        (waiting,) = await self._count([source])
        return waiting

    async def lengths(self, sources: Iterable[str]) -> dict[str, int]:
        """Count entries and requests together, by source."""
        names = list(sources)
        counts = await self._count(names)
        return {
            name: waiting.entries + waiting.requests
            for name, waiting in zip(names, counts, strict=True)
        }

    async def _count(self, sources: Sequence[str]) -> list[Waiting]:
        async with self._redis.pipeline(transaction=True) as pipeline:
            for source in sources:
                pipeline.llen(_entries(source))
                pipeline.zcard(f"{source}:requests")
            counts: list[Any] = await pipeline.execute()
        return [Waiting(*pair) for pair in zip(counts[::2], counts[1::2], strict=True)]


def _entries(source: str) -> str:
    return f"{source}:start_urls"
