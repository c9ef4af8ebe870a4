"""The lease queue in Redis: what all processes share. The work is done in `leases.lua`."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeVar, cast

from redis.asyncio import Redis

from openfunnel.queue.leases import HIGHEST_PRIORITY, DeadJob, Depth, Job, Lease
from openfunnel.queue.scripts import read_script
from openfunnel.queue.values import MICROSECONDS, decode, encode, micros

BATCH = 1000
"""Jobs in one call of the script: Redis does nothing else meanwhile (some milliseconds)."""

SCRIPT = read_script("leases")

T = TypeVar("T")


class Keys(NamedTuple):
    """The keys the scripts are passed; the last two are the frontier's."""

    ready: str
    prefix: str
    start_urls: str = ""
    dupefilter: str = ""

    @property
    def states(self) -> tuple[str, str, str, str]:
        """The sorted sets of ready, delayed, leased and dead keys."""
        return self.ready, f"{self.prefix}delayed", f"{self.prefix}lease", f"{self.prefix}dead"


class RedisLeaseQueue:
    """The queue called `name`; satisfies `leases.LeaseQueue`.

    Raises:
        redis.exceptions.RedisError: Redis is away; nothing was done, or all of the call.
    """

    def __init__(
        self,
        redis: Redis,
        name: str,
        max_attempts: int = 3,
        max_deaths: int = 5,
        clock: Callable[[], float] | None = None,
        redelivery_seconds: float = 0,
    ) -> None:
        """Jobs are dead after `max_attempts` failures or `max_deaths` expired leases.

        A job whose lease expired is delayed by `redelivery_seconds`, twice as long after each
        further one, up to a minute. `clock` (seconds) stands in for the server's in tests.
        """
        self._redis = redis
        prefix = f"openfunnel:{name}:"
        self._keys = Keys(f"{prefix}ready", prefix)
        self._max_attempts = max_attempts
        self._max_deaths = max_deaths
        self._clock = clock
        self._redelivery = micros(redelivery_seconds)
        self._script = redis.register_script(SCRIPT)

    async def push(self, jobs: Sequence[Job], delay_seconds: float = 0) -> int:
        """Add jobs, as `LeaseQueue.push` says."""
        added = 0
        for batch in batches(jobs):
            arguments = [field for job in batch for field in fields(job)]
            added += int(await self._run("push", micros(delay_seconds), *arguments))
        return added

    async def take(self, limit: int, lease_seconds: float) -> list[Lease]:
        """Lease up to `limit` ready jobs."""
        rows = await self._run("take", min(limit, BATCH), micros(lease_seconds))
        return [read_lease(row) for row in rows]

    async def extend(self, leases: Collection[Lease], lease_seconds: float) -> list[Lease]:
        """Renew leases; return those no longer held."""
        lost: list[Lease] = []
        for batch in batches(leases):
            indexes = await self._run("extend", micros(lease_seconds), *held(batch))
            lost += [batch[index] for index in indexes]
        return lost

    async def acknowledge(self, lease: Lease) -> bool:
        """Forget a job that is done. False if the lease is no longer held."""
        return not await self.acknowledge_all([lease])

    async def acknowledge_all(self, leases: Collection[Lease]) -> list[Lease]:
        """Forget jobs that are done, and return the leases no longer held."""
        lost: list[Lease] = []
        for batch in batches(leases):
            indexes = await self._run("acknowledge", *held(batch))
            lost += [batch[index] for index in indexes]
        return lost

    async def release(self, lease: Lease, delay_seconds: float = 0) -> bool:
        """Hand a job back, counting nothing. False if the lease is no longer held."""
        return not await self.release_all([lease], delay_seconds)

    async def release_all(self, leases: Collection[Lease], delay_seconds: float = 0) -> list[Lease]:
        """Hand jobs back, counting nothing; return the leases no longer held."""
        lost: list[Lease] = []
        for batch in batches(leases):
            indexes = await self._run("release", micros(delay_seconds), *held(batch))
            lost += [batch[index] for index in indexes]
        return lost

    async def fail(self, lease: Lease, error: str, delay_seconds: float) -> DeadJob | None:
        """Count a failure; the dead job if it was one too many."""
        row = await self._run(
            "fail", *held([lease]), micros(delay_seconds), encode(error), self._max_attempts
        )
        return _dead_job(row) if row else None

    async def kill(self, lease: Lease, reason: str, error: str) -> DeadJob | None:
        """Give up on a job at once. None if the lease is no longer held."""
        row = await self._run("kill", *held([lease]), encode(reason), encode(error))
        return _dead_job(row) if row else None

    async def reap(self) -> int:
        """Return expired leases and due jobs to ready; return how many leases had expired."""
        total = 0
        while True:
            expired, woken = await self._run("reap", self._max_deaths, self._redelivery)
            total += int(expired)
            if not expired and not woken:
                return total

    async def dead(self, limit: int) -> list[DeadJob]:
        """Dead jobs nobody is about to bury, longest dead first; hidden from others for a while."""
        return [_dead_job(row) for row in await self._run("dead", limit)]

    async def bury(self, keys: Collection[str]) -> None:
        """Forget dead jobs."""
        for batch in batches(keys):
            await self._run("bury", *map(encode, batch))

    async def known(self, keys: Sequence[str]) -> set[str]:
        """Which of these keys are ready, delayed, leased or dead."""
        found: set[str] = set()
        for batch in batches(keys):
            members = cast(list[str], [encode(key) for key in batch])
            async with self._redis.pipeline(transaction=True) as pipeline:
                for state in self._keys.states:
                    pipeline.zmscore(state, members)
                for scores in await pipeline.execute():
                    found.update(
                        key for key, score in zip(batch, scores, strict=True) if score is not None
                    )
        return found

    async def depth(self) -> Depth:
        """Count the jobs in each state."""
        ready, delayed, leased, dead, age = await self._run("depth")
        return Depth(ready, delayed, leased, dead, int(age) / MICROSECONDS)

    async def _run(self, operation: str, *arguments: bytes | str | int) -> Any:
        now = "" if self._clock is None else round(self._clock() * MICROSECONDS)
        answer = self._script(keys=self._keys, args=[operation, now, *arguments])
        return await cast(Awaitable[Any], answer)


def fields(job: Job) -> tuple[bytes, bytes, int, bytes]:
    """A job as the scripts are passed it."""
    priority = max(-HIGHEST_PRIORITY, min(job.priority, HIGHEST_PRIORITY))
    host = (job.host or "").lower()
    return encode(job.key), encode(job.payload), priority, encode(host)


def held(leases: Iterable[Lease]) -> list[bytes | int]:
    """Leases as the scripts are passed them."""
    return [part for lease in leases for part in (encode(lease.job.key), lease.token)]


def read_lease(row: Sequence[bytes]) -> Lease:
    """A lease as the scripts answer it."""
    token, attempts, deaths = map(int, row[4:])
    return Lease(_job(row), token, attempts, deaths)


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Split what is to go to Redis into parts that do not hold it up."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _dead_job(row: Sequence[bytes]) -> DeadJob:
    reason, last_error = map(decode, row[4:6])
    attempts, deaths = map(int, row[6:])
    return DeadJob(_job(row), reason, last_error, attempts, deaths)


def _job(row: Sequence[bytes]) -> Job:
    key, payload, priority, host = row[:4]
    return Job(decode(key), decode(payload), int(priority), decode(host) or None)
