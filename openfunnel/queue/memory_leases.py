"""The lease queue in memory: the twin of the Redis one, for tests and for work that needs no Redis.

It says in plain Python what `leases.lua` does; tests hold the two against each other.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import count

from openfunnel.queue.leases import (
    HIDDEN_SECONDS,
    HIGHEST_PRIORITY,
    DeadJob,
    Depth,
    Job,
    Lease,
)
from openfunnel.queue.values import MICROSECONDS, encode, micros


class _State(Enum):
    READY = auto()
    DELAYED = auto()
    LEASED = auto()
    DEAD = auto()


@dataclass
class _Entry:
    """A known job. `order` sorts it among those of its state: place in line, or microseconds."""

    job: Job
    state: _State
    order: int
    attempts: int = 0
    deaths: int = 0
    token: int = 0
    taken: int = 0
    again: bool = False
    reason: str = ""
    last_error: str = ""

    def obituary(self) -> DeadJob:
        return DeadJob(self.job, self.reason, self.last_error, self.attempts, self.deaths)


class MemoryLeaseQueue:
    """Satisfies `leases.LeaseQueue` within one process; `clock` gives seconds."""

    def __init__(
        self, clock: Callable[[], float], max_attempts: int = 3, max_deaths: int = 5
    ) -> None:
        """Jobs are dead after `max_attempts` failures or `max_deaths` expired leases."""
        self._clock = clock
        self._max_attempts = max_attempts
        self._max_deaths = max_deaths
        self._entries: dict[str, _Entry] = {}
        self._sequence = count(1)
        self._token = 0

    async def push(self, jobs: Sequence[Job], delay_seconds: float = 0) -> int:
        """Add jobs, as `LeaseQueue.push` says."""
        added = 0
        for job in jobs:
            entry = self._entries.get(job.key)
            if entry is None:
                self._create(job, delay_seconds)
                added += 1
            elif entry.state in (_State.LEASED, _State.DEAD):
                added += not entry.again
                entry.job, entry.again = job, True
        return added

    async def take(self, limit: int, lease_seconds: float) -> list[Lease]:
        """Lease up to `limit` ready jobs."""
        self._wake()
        leases = []
        in_line = sorted(self._in(_State.READY), key=_by_priority)
        for entry in in_line[: max(limit, 0)]:
            self._token = max(self._token + 1, self._now())
            entry.token, entry.taken = self._token, self._now()
            entry.state, entry.order = _State.LEASED, self._now() + micros(lease_seconds)
            leases.append(Lease(entry.job, entry.token, entry.attempts, entry.deaths))
        return leases

    async def extend(self, leases: Collection[Lease], lease_seconds: float) -> list[Lease]:
        """Renew leases; return those no longer held."""
        lost = []
        for lease in leases:
            if entry := self._held(lease):
                entry.order = self._now() + micros(lease_seconds)
            else:
                lost.append(lease)
        return lost

    async def acknowledge(self, lease: Lease) -> bool:
        """Forget a job that is done. False if the lease is no longer held."""
        return not await self.acknowledge_all([lease])

    async def acknowledge_all(self, leases: Collection[Lease]) -> list[Lease]:
        """Forget jobs that are done, and return the leases no longer held."""
        lost = []
        for lease in leases:
            if entry := self._held(lease):
                self._finish(entry)
            else:
                lost.append(lease)
        return lost

    async def release(self, lease: Lease, delay_seconds: float = 0) -> bool:
        """Hand a job back, counting nothing. False if the lease is no longer held."""
        if entry := self._held(lease):
            self._enqueue(entry, delay_seconds)
        return entry is not None

    async def fail(self, lease: Lease, error: str, delay_seconds: float) -> DeadJob | None:
        """Count a failure; the dead job if it was one too many."""
        entry = self._held(lease)
        if entry is None:
            return None
        entry.attempts += 1
        entry.last_error = error
        if entry.attempts >= self._max_attempts:
            return self._give_up(entry, f"failed {entry.attempts} times", HIDDEN_SECONDS)
        self._enqueue(entry, delay_seconds)
        return None

    async def kill(self, lease: Lease, reason: str, error: str) -> DeadJob | None:
        """Give up on a job at once. None if the lease is no longer held."""
        entry = self._held(lease)
        if entry is None:
            return None
        entry.attempts += 1
        entry.last_error = error
        return self._give_up(entry, reason, HIDDEN_SECONDS)

    async def reap(self) -> int:
        """Return expired leases and due jobs to ready; return how many leases had expired."""
        expired = self._due(_State.LEASED)
        for entry in expired:
            entry.deaths += 1
            if entry.deaths >= self._max_deaths:
                self._give_up(entry, f"its worker died {entry.deaths} times")
            else:
                self._enqueue(entry)
        self._wake()
        return len(expired)

    async def dead(self, limit: int) -> list[DeadJob]:
        """Dead jobs nobody is about to bury, longest dead first; hidden from others for a while."""
        told = self._due(_State.DEAD)[: max(limit, 0)]
        for entry in told:
            entry.order = self._now() + micros(HIDDEN_SECONDS)
        return [entry.obituary() for entry in told]

    async def bury(self, keys: Collection[str]) -> None:
        """Forget dead jobs."""
        for key in keys:
            entry = self._entries.get(key)
            if entry is not None and entry.state is _State.DEAD:
                self._finish(entry)

    async def known(self, keys: Sequence[str]) -> set[str]:
        """Which of these keys are ready, delayed, leased or dead."""
        return self._entries.keys() & set(keys)

    async def depth(self) -> Depth:
        """Count the jobs in each state."""
        ready, delayed, leased, dead = (len(self._in(state)) for state in _State)
        oldest = min((entry.taken for entry in self._in(_State.LEASED)), default=self._now())
        return Depth(ready, delayed, leased, dead, (self._now() - oldest) / MICROSECONDS)

    def _now(self) -> int:
        return round(self._clock() * MICROSECONDS)

    def _in(self, state: _State) -> list[_Entry]:
        return [entry for entry in self._entries.values() if entry.state is state]

    def _due(self, state: _State) -> list[_Entry]:
        now = self._now()
        return sorted((e for e in self._in(state) if e.order <= now), key=_by_order)

    def _held(self, lease: Lease) -> _Entry | None:
        entry = self._entries.get(lease.job.key)
        if entry is None or entry.state is not _State.LEASED or entry.token != lease.token:
            return None
        return entry

    def _create(self, job: Job, delay_seconds: float = 0) -> None:
        entry = self._entries[job.key] = _Entry(job, _State.READY, 0)
        self._enqueue(entry, delay_seconds)

    def _enqueue(self, entry: _Entry, delay_seconds: float = 0) -> None:
        entry.again = False
        if delay := micros(delay_seconds):
            entry.state, entry.order = _State.DELAYED, self._now() + delay
        else:
            entry.state, entry.order = _State.READY, next(self._sequence)

    def _wake(self) -> None:
        for entry in self._due(_State.DELAYED):
            entry.state, entry.order = _State.READY, next(self._sequence)

    def _finish(self, entry: _Entry) -> None:
        if entry.again:
            self._create(entry.job)
        else:
            del self._entries[entry.job.key]

    def _give_up(self, entry: _Entry, reason: str, hidden_seconds: float = 0) -> DeadJob:
        entry.state, entry.reason = _State.DEAD, reason
        entry.order = self._now() + micros(hidden_seconds)
        return entry.obituary()


def _by_priority(entry: _Entry) -> tuple[int, int]:
    level = max(-HIGHEST_PRIORITY, min(entry.job.priority, HIGHEST_PRIORITY))
    return level, entry.order


def _by_order(entry: _Entry) -> tuple[int, bytes]:
    """Redis sorts members of the same score by their bytes."""
    return entry.order, encode(entry.job.key)
