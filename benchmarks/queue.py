"""What the lease queue costs over a bare Redis list.

Jobs as the crawl pushes them (a posting's id, 30 at a time) go through the queue that the
extractor uses, over the embedded Redis on its Unix socket: pushed, taken four at a time, and
acknowledged one by one, by one process that waits for each answer.

Baseline: LPUSH and RPOP of one key at a time, which loses whatever a worker dies with.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

from redis.asyncio import Redis

from benchmarks.figures import Figure, show
from benchmarks.home import temporary_home
from openfunnel.queue.connection import connect
from openfunnel.queue.leases import Job
from openfunnel.queue.redis_leases import RedisLeaseQueue
from openfunnel.settings import Settings

JOBS = 9000
PUSHED_AT_ONCE = 30
TAKEN_AT_ONCE = 4
LEASE_SECONDS = 60.0
BASELINES = {"push": "LPUSH", "take and acknowledge": "RPOP"}


def run(runs: int, replay: Path | None) -> None:
    """Measure and print."""
    print(f"{JOBS} jobs through Redis")
    with temporary_home() as settings:
        asyncio.run(_run(runs, settings))


async def _run(runs: int, settings: Settings) -> None:
    taken: dict[str, list[float]] = defaultdict(list)
    redis = await connect(settings)
    try:
        for _ in range(runs):
            for name, work in _phases(redis):
                begun = time.perf_counter()
                await work()
                taken[name].append(JOBS / (time.perf_counter() - begun))
    finally:
        await redis.aclose()
    figures = {name: Figure(name, "jobs/s", tuple(values)) for name, values in taken.items()}
    for name, figure in figures.items():
        show(figure, figures.get(BASELINES.get(name, "")))


def _phases(redis: Redis) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
    queue = RedisLeaseQueue(redis, "bench")
    yield "LPUSH", partial(_push_bare, redis)
    yield "RPOP", partial(_pop_bare, redis)
    yield "push", partial(_push, queue)
    yield "take and acknowledge", partial(_serve, queue)


async def _push_bare(redis: Redis) -> None:
    for number in range(JOBS):
        await redis.lpush("bare", str(number))


async def _pop_bare(redis: Redis) -> None:
    while await redis.rpop("bare"):
        pass


async def _push(queue: RedisLeaseQueue) -> None:
    for first in range(0, JOBS, PUSHED_AT_ONCE):
        await queue.push([Job(str(first + number)) for number in range(PUSHED_AT_ONCE)])


async def _serve(queue: RedisLeaseQueue) -> None:
    while leases := await queue.take(TAKEN_AT_ONCE, LEASE_SECONDS):
        for lease in leases:
            assert await queue.acknowledge(lease)
