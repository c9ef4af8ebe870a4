"""Who is alive: every running process says so every few seconds, and is forgotten when it stops.

Keys: `openfunnel:present:<role>:<name>` (JSON, with a time to live) and the set
`openfunnel:present` of those keys, so that nobody has to scan the whole of Redis.
"""

import json
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis

from openfunnel.queue.values import encode

INDEX = "openfunnel:present"
SCRIPT = files(__package__).joinpath("present.lua").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Presence:
    """One process (or one role of it)."""

    role: str
    """`crawler:<source>`, `extractor`, `reaper`, `scheduler` or `api`."""
    name: str
    """Tells it from the others of its role, such as host and process number."""
    busy: int
    """Pieces of work in its hands."""
    detail: str
    """What a person wants to know about it, such as the extractor it uses."""


_json = TypeAdapter(Presence)


class PresenceBoard:
    """Where processes sign in."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._script = redis.register_script(SCRIPT)

    async def beat(self, presence: Presence, ttl_seconds: float = 10) -> None:
        """Sign in, or stay signed in, for `ttl_seconds`."""
        key = _key(presence)
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.set(key, _write(presence), px=max(round(ttl_seconds * 1000), 1))
            pipeline.sadd(INDEX, key)
            await pipeline.execute()

    async def leave(self, presence: Presence) -> None:
        """Sign out."""
        key = _key(presence)
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.delete(key)
            pipeline.srem(INDEX, key)
            await pipeline.execute()

    async def present(self, role: str | None = None) -> list[Presence]:
        """Who is alive (of `role`), by role and name."""
        answers = await cast(Awaitable[Any], self._script(keys=[INDEX]))
        everyone = [presence for answer in answers if (presence := _read(answer)) is not None]
        return sorted(
            (presence for presence in everyone if role in (None, presence.role)),
            key=lambda presence: (presence.role, presence.name),
        )


def _key(presence: Presence) -> bytes:
    return encode(f"{INDEX}:{presence.role}:{presence.name}")


def _write(presence: Presence) -> bytes:
    # JSON cannot hold lone surrogates, and a detail may quote anything.
    return json.dumps(asdict(presence), ensure_ascii=False).encode("utf-8", "replace")


def _read(answer: bytes) -> Presence | None:
    """Read a presence; None for what no process of ours wrote."""
    try:
        return _json.validate_json(answer)
    except ValidationError:
        return None
