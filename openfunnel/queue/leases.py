"""The lease queue: what extraction and the crawl frontier ask of a queue of work.

States of a job, named as its keys are:

- ready: waits to be taken, lowest priority number first, then first come first served;
- delayed: becomes ready at its due time;
- leased: in the hands of a worker until the lease expires, unless extended;
- dead: gave up on; waits until its dead letter is stored in PostgreSQL (`bury`). Whoever is told of
  it stores the letter: for `HIDDEN_SECONDS` nobody else is told.

A job is known by its key: pushing a key that is ready or delayed changes nothing, pushing one that
is leased makes it ready again once it is acknowledged (its input changed meanwhile), pushing one
that is dead once it is buried; the payload pushed last counts. A lease is held until it is reaped:
one that has merely expired can still be extended and acknowledged.

Each lease carries a fencing token that grows with every lease ever handed out, over restarts and
wipes of the queue too: a result is stored only if no result of a later token is stored already.

Failures of the handler (`attempts`) and deaths of the worker (`deaths`: leases that expired) are
counted apart, because a posting that kills workers and a posting that cannot be extracted are
different troubles. `release` counts neither: it is for work that could not even start.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

HIGHEST_PRIORITY: Final = 1000
"""Priorities are told apart between minus this and this."""

HIDDEN_SECONDS: Final = 30.0
"""A dead job that was returned is returned again if it is not buried after so long."""


@dataclass(frozen=True)
class Job:
    """Work to be done: `key` says which, `payload` what the worker needs beside the key."""

    key: str
    payload: str = ""
    priority: int = 0
    host: str | None = None
    """The host it asks, in lower case, where the queue holds requests."""


@dataclass(frozen=True)
class Lease:
    """A job in the hands of a worker."""

    job: Job
    token: int
    """Fencing token."""
    attempts: int
    """Earlier failures of the handler."""
    deaths: int
    """Earlier leases that expired."""


@dataclass(frozen=True)
class DeadJob:
    """A job given up on, with the reason to be stored in its dead letter."""

    job: Job
    reason: str
    last_error: str
    attempts: int
    deaths: int


@dataclass(frozen=True)
class Depth:
    """How much work is in which state."""

    ready: int
    delayed: int
    leased: int
    dead: int
    oldest_lease_seconds: float
    """Age of the lease that was taken first; 0 without leases."""

    @property
    def unfinished(self) -> int:
        """Jobs queued, delayed or leased."""
        return self.ready + self.delayed + self.leased


class LeaseQueue(Protocol):
    """One queue of work. Times are seconds; the server's clock counts, not the caller's."""

    async def push(self, jobs: Sequence[Job], delay_seconds: float = 0) -> int:
        """Add jobs, skipping keys already ready or delayed; return how many were added.

        One that is leased or dead counts as added the first time it is pushed again.
        """

    async def take(self, limit: int, lease_seconds: float) -> list[Lease]:
        """Lease up to `limit` ready jobs; due delayed jobs become ready first."""

    async def extend(self, leases: Collection[Lease], lease_seconds: float) -> list[Lease]:
        """Heartbeat: renew the leases that are still held, and return those that are not."""

    async def acknowledge(self, lease: Lease) -> bool:
        """Forget a job that is done. False if the lease is no longer held."""

    async def acknowledge_all(self, leases: Collection[Lease]) -> list[Lease]:
        """Forget jobs that are done, and return the leases no longer held."""

    async def release(self, lease: Lease, delay_seconds: float = 0) -> bool:
        """Hand a job back untouched, counting nothing. False if the lease is no longer held."""

    async def fail(self, lease: Lease, error: str, delay_seconds: float) -> DeadJob | None:
        """Count a failure: the job is delayed, or dead once `max_attempts` is reached.

        Who gets a dead job is the one to store its dead letter and bury it, here as in `kill`.
        """

    async def kill(self, lease: Lease, reason: str, error: str) -> DeadJob | None:
        """Give up on a job at once. None if the lease is no longer held."""

    async def reap(self) -> int:
        """Return expired leases and due delayed jobs to ready; return how many had expired.

        Each expired lease counts a death; the job is dead once `max_deaths` is reached.
        """

    async def dead(self, limit: int) -> list[DeadJob]:
        """Dead jobs that are not buried yet, and that nobody was told of for `HIDDEN_SECONDS`.

        Longest dead first; those returned before, by when they became visible again.
        """

    async def bury(self, keys: Collection[str]) -> None:
        """Forget dead jobs, now that their dead letters are stored."""

    async def known(self, keys: Sequence[str]) -> set[str]:
        """Which of these keys are ready, delayed, leased or dead."""

    async def depth(self) -> Depth:
        """Count the jobs in each state."""
