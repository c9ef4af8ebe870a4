"""Start entries: plain Redis lists `<source>:start_urls` that anybody pushes to with any client.

Entries are bytes nobody has looked at yet. The frontier takes them, in the order they came.
"""

from collections.abc import Sequence

from redis.asyncio import Redis

from openfunnel.queue.values import encode


class StartLists:
    """The start lists of all sources: entries go in on the left and out on the right."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def push(self, source: str, entries: Sequence[str]) -> None:
        """Put entries at the end of the line."""
        if entries:
            values = [encode(entry) for entry in entries]
            await self._redis.lpush(f"{source}:start_urls", *values)
