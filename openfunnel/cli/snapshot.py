"""The funnel at one moment: what PostgreSQL holds, what Redis has in motion, who is at work."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from pydantic import Field
from redis.asyncio import Redis

from openfunnel.clock import utc_now
from openfunnel.queue.counters import Counters
from openfunnel.queue.frontier import Frontier
from openfunnel.queue.hosts import Ceilings, Hosts, HostState
from openfunnel.queue.leases import Depth
from openfunnel.queue.presence import PresenceBoard
from openfunnel.queue.redis_leases import RedisLeaseQueue
from openfunnel.records import Record
from openfunnel.settings import Settings
from openfunnel.sources import SOURCES
from openfunnel.store.database import Database
from openfunnel.store.progress import Activity, Funnel, activity, failures, funnel
from openfunnel.store.usage import UsageRow, usage_in_all

RATE_SECONDS = 30
SLOWED_BELOW = 0.9
"""Share of its ceiling under which a host counts as slowed."""


class QueueState(Record):
    """Depth of a queue by state."""

    ready: int
    delayed: int = 0
    in_flight: int = 0
    dead: int = 0
    oldest_lease_seconds: float = 0.0


class HostTrouble(Record):
    """A host that is not asked as often as it might be."""

    host: str
    blocked_seconds: float
    """Time until anybody may ask it again."""
    circuit: str
    """`closed`, `open` or `half_open`."""
    failures: int
    """In a row."""
    per_second: float | None
    """Requests it gets now; None: as many as there are."""
    ceiling: float
    """Requests per second it may get; 0: no limit."""


class WorkerState(Record):
    """A process that said it is alive within the last seconds."""

    role: str
    name: str
    busy: int
    detail: str


class ModelState(Record):
    """What a model was asked for the postings of one source, since the store exists."""

    source: str
    """Empty for postings that no store knows."""
    model: str
    calls: int
    cache_hits: int
    """Answers that were known, and cost nothing."""
    tokens_in: int
    tokens_out: int
    seconds: float
    """From request to answer, added up over the calls."""


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
    hosts: tuple[HostTrouble, ...] = ()
    """Those that are blocked, slowed, or whose circuit is not closed."""
    failures: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Crawls that failed, by source and by what was wrong, since the store exists."""
    models: tuple[ModelState, ...] = ()
    """By source and model."""
    refused_entries: dict[str, int] = Field(default_factory=dict)
    unknown_fields: dict[str, int] = Field(default_factory=dict)
    """By source and path."""


async def take_snapshot(settings: Settings, database: Database, redis: Redis) -> Snapshot:
    """Gather it; the parts are read one after the other, not in one transaction."""
    stored = await asyncio.to_thread(_read_store, database)
    present = await PresenceBoard(redis).present()
    ceilings = Ceilings(settings.host_rate, settings.host_rates)
    crawl = {}
    for source in SOURCES:
        frontier = Frontier(redis, source, ceilings)
        entries = (await frontier.waiting()).entries
        crawl[source] = _queue_state(await frontier.depth(), entries)
    extraction = _queue_state(await RedisLeaseQueue(redis, "extract").depth())
    hosts = [_host_trouble(one, settings) for one in await Hosts(redis, ceilings).states()]
    counters = Counters(redis)
    return Snapshot(
        funnel=stored.funnel,
        fetched_per_second=stored.activity.fetched / RATE_SECONDS,
        extracted_per_second=stored.activity.extracted / RATE_SECONDS,
        crawl=crawl,
        extraction=extraction,
        workers=tuple(
            WorkerState(role=one.role, name=one.name, busy=one.busy, detail=one.detail)
            for one in present
        ),
        hosts=tuple(one for one in hosts if one is not None),
        failures=stored.failures,
        models=tuple(_model_state(use) for use in stored.uses),
        refused_entries=await counters.read("refused_entries"),
        unknown_fields=await counters.read("unknown_fields"),
    )


class _Stored(NamedTuple):
    funnel: Funnel
    activity: Activity
    failures: dict[str, dict[str, int]]
    uses: Sequence[UsageRow]


def _read_store(database: Database) -> _Stored:
    since = utc_now() - timedelta(seconds=RATE_SECONDS)
    with database.begin() as session:
        return _Stored(
            funnel(session), activity(session, since), failures(session), usage_in_all(session)
        )


def _queue_state(depth: Depth, entries: int = 0) -> QueueState:
    return QueueState(
        ready=depth.ready + entries,
        delayed=depth.delayed,
        in_flight=depth.leased,
        dead=depth.dead,
        oldest_lease_seconds=depth.oldest_lease_seconds,
    )


def _model_state(use: UsageRow) -> ModelState:
    return ModelState(
        source=use.ats,
        model=use.model,
        calls=use.calls,
        cache_hits=use.cache_hits,
        tokens_in=use.tokens_in,
        tokens_out=use.tokens_out,
        seconds=use.seconds,
    )


def _host_trouble(state: HostState, settings: Settings) -> HostTrouble | None:
    """What keeps a host from being asked as often as it may be; None where nothing does."""
    ceiling = settings.host_rates.get(state.host, settings.host_rate)
    slowed = state.per_second is not None and state.per_second < SLOWED_BELOW * ceiling
    if not (slowed or state.blocked_seconds > 0 or state.circuit != "closed"):
        return None
    return HostTrouble(
        host=state.host,
        blocked_seconds=state.blocked_seconds,
        circuit=state.circuit,
        failures=state.failures,
        per_second=state.per_second,
        ceiling=ceiling,
    )
