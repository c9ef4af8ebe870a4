"""What hosts say in robots.txt, shared by all crawlers so that a host is asked for it once a day.

Keys, per origin (`https://api.lever.co`):

    openfunnel:robots:<origin>         hash: text (the first 512 KB; absent where the host never
                                       answered), due (time it is to be asked for again, seconds
                                       since 1970)
    openfunnel:robots-fetch:<origin>   string with a time to live: somebody is fetching it

A text is kept for 30 days, so that there is one to go by while the host does not answer
(RFC 9309, section 2.3.1.4).
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, cast

from redis.asyncio import Redis

from openfunnel.queue.values import encode

LONGEST_TEXT: Final = 512 * 1024
"""Bytes read of a robots.txt; RFC 9309 asks for 500 KiB or more."""
DAY_SECONDS: Final = 24 * 3600.0
KEPT_SECONDS: Final = 30 * 24 * 3600
AGAIN_SECONDS: Final = 60.0
"""Pause before a host that did not answer is asked again."""


@dataclass(frozen=True)
class RobotsText:
    """A host's robots.txt as it was last read."""

    text: bytes | None
    """Empty where the host has none; None where nobody knows, as it never answered."""
    due: float
    """When it is to be asked for again (seconds since 1970)."""


class RobotsFiles:
    """The robots.txt of all hosts, by origin."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.time) -> None:
        """`clock` tells the seconds since 1970."""
        self._redis = redis
        self._clock = clock

    async def read(self, origin: str) -> RobotsText | None:
        """What is known and not yet due; None where it is to be asked for."""
        known = await self._load(origin)
        return known if known is not None and known.due > self._clock() else None

    async def claim(self, origin: str, seconds: float) -> bool:
        """Be the one to ask for it, for so long; False where somebody else is."""
        key, life = _claim(origin), _milliseconds(seconds)
        return bool(await self._redis.set(key, b"1", nx=True, px=life))

    async def extend(self, origin: str, seconds: float) -> None:
        """Need longer with what was claimed."""
        await self._redis.set(_claim(origin), b"1", px=_milliseconds(seconds))

    async def write(self, origin: str, text: bytes) -> RobotsText:
        """Keep what the host said (nothing: it has none), and end the claim."""
        said = RobotsText(text[:LONGEST_TEXT], self._clock() + DAY_SECONDS)
        async with self._redis.pipeline(transaction=True) as pipeline:
            fields: Any = {"text": said.text, "due": round(said.due)}
            pipeline.hset(_key(origin), mapping=fields)
            pipeline.expire(_key(origin), KEPT_SECONDS)
            pipeline.delete(_claim(origin))
            await pipeline.execute()
        return said

    async def miss(self, origin: str) -> RobotsText:
        """Note that there was no answer, and end the claim; what was known still holds."""
        known = await self._load(origin)
        text = None if known is None else known.text
        said = RobotsText(text, self._clock() + AGAIN_SECONDS)
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(_key(origin), "due", str(round(said.due)))
            if said.text is None:  # else it expires as long after the answer as it always would
                pipeline.expire(_key(origin), KEPT_SECONDS)
            pipeline.delete(_claim(origin))
            await pipeline.execute()
        return said

    async def _load(self, origin: str) -> RobotsText | None:
        answer: Any = await cast(Awaitable[Any], self._redis.hmget(_key(origin), ["text", "due"]))
        text, due = answer
        if due is None or not due.isdigit():
            return None
        return RobotsText(text, float(due[:15]))


def _milliseconds(seconds: float) -> int:
    return max(round(seconds * 1000), 1)


def _key(origin: str) -> bytes:
    return encode(f"openfunnel:robots:{origin}")


def _claim(origin: str) -> bytes:
    return encode(f"openfunnel:robots-fetch:{origin}")
