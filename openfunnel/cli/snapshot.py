"""The funnel at one moment: what PostgreSQL holds, what Redis has in motion, who is at work."""

import asyncio
from datetime import timedelta

from pydantic import Field
from redis.asyncio import Redis

from openfunnel.clock import utc_now
from openfunnel.queue.counters import Counters
from openfunnel.queue.presence import PresenceBoard
from openfunnel.queue.redis_leases import RedisLeaseQueue
from openfunnel.queue.start_lists import StartLists
from openfunnel.records import Record
from openfunnel.sources import SOURCES
from openfunnel.store.database import Database
from openfunnel.store.progress import Activity, Funnel, activity, funnel

RATE_SECONDS = 30


class QueueState(Record):
    """Depth of a queue by state."""

    ready: int
    delayed: int = 0
    in_flight: int = 0
    dead: int = 0
    oldest_lease_seconds: float = 0.0


class WorkerState(Record):
    """A process that said it is alive within the last seconds."""

    role: str
    name: str
    busy: int
    detail: str


class Snapshot(Record):
    """What `openfunnel status` shows."""

    funnel: Funnel
    fetched_per_second: float
    """Postings, over the last RATE_SECONDS."""
    extracted_per_second: float
    crawl: dict[str, QueueState]
    """By source; `ready` counts start entries and requests."""
    extraction: QueueState
    workers: tuple[WorkerState, ...]
    refused_entries: dict[str, int] = Field(default_factory=dict)
    unknown_fields: dict[str, int] = Field(default_factory=dict)
    """By source and path."""


async def take_snapshot(database: Database, redis: Redis) -> Snapshot:
    """Gather it; the parts are read one after the other, not in one transaction."""
    funnel, activity = await asyncio.to_thread(_read_store, database)
    present = await PresenceBoard(redis).present()
    crawl = {}
    for source in SOURCES:
        waiting = await StartLists(redis).waiting(source)
        busy = sum(one.busy for one in present if one.role == f"crawler:{source}")
        crawl[source] = QueueState(
            ready=waiting.entries + waiting.taken + waiting.requests, in_flight=busy
        )
    depth = await RedisLeaseQueue(redis, "extract").depth()
    counters = Counters(redis)
    return Snapshot(
        funnel=funnel,
        fetched_per_second=activity.fetched / RATE_SECONDS,
        extracted_per_second=activity.extracted / RATE_SECONDS,
        crawl=crawl,
        extraction=QueueState(
            ready=depth.ready,
            delayed=depth.delayed,
            in_flight=depth.leased,
            dead=depth.dead,
            oldest_lease_seconds=depth.oldest_lease_seconds,
        ),
        workers=tuple(
            WorkerState(role=one.role, name=one.name, busy=one.busy, detail=one.detail)
            for one in present
        ),
        refused_entries=await counters.read("refused_entries"),
        unknown_fields=await counters.read("unknown_fields"),
    )


def _read_store(database: Database) -> tuple[Funnel, Activity]:
    since = utc_now() - timedelta(seconds=RATE_SECONDS)
    with database.begin() as session:
        return funnel(session), activity(session, since)
