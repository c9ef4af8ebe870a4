"""The crawl frontier of one source: a lease queue whose jobs are taken as their hosts allow.

A job with a host is a request; a job without one is a start entry nobody has read yet, its payload
the bytes that were found. Who takes an entry reads it, records in PostgreSQL what it asks for, and
exchanges it for the job of the request: at no moment is it in nobody's hands.

The work is done in `frontier.lua`, on the keys of scrapy-redis and below them.
"""

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis

from openfunnel.queue.hosts import Ceilings
from openfunnel.queue.leases import Job, Lease
from openfunnel.queue.redis_leases import BATCH, Keys, RedisLeaseQueue, batches, fields, read_lease
from openfunnel.queue.scripts import read_script
from openfunnel.queue.values import MICROSECONDS, decode, encode, micros

logger = logging.getLogger(__name__)

REDELIVERY_SECONDS: Final = 0.5
"""Delay of a job whose lease expired; twice as long after each further one."""

SCRIPT: Final = read_script("leases", "host_state", "start_urls", "taker", "frontier")


@dataclass(frozen=True)
class Taken:
    """What a take brought."""

    leases: tuple[Lease, ...]
    wait_seconds: float | None
    """When it is worth asking again: a host may be asked, a delay or a lease ends. 0: there is
    more; None: nothing is known that will ever be ready. At most ten minutes.
    """


@dataclass(frozen=True)
class Waiting:
    """What is still to do of one source."""

    entries: int
    """Start entries nobody has taken."""
    unfinished: int
    """Jobs ready, delayed or leased."""


class Frontier(RedisLeaseQueue):
    """The frontier of `source`.

    Raises:
        redis.exceptions.RedisError: Redis is away, or a key is of a wrong type; nothing was done.
    """

    def __init__(
        self,
        redis: Redis,
        source: str,
        ceilings: Ceilings,
        clock: Callable[[], float] | None = None,
        random: Callable[[], float] = random.random,
        max_attempts: int = 5,
        max_deaths: int = 5,
    ) -> None:
        """Hosts are asked within `ceilings`; `random` (0 to 1) jitters their intervals."""
        super().__init__(redis, source, max_attempts, max_deaths, clock, REDELIVERY_SECONDS)
        ready = f"{source}:requests"
        self._keys = Keys(ready, f"{ready}:", f"{source}:start_urls", f"{source}:dupefilter")
        self._script = redis.register_script(SCRIPT)
        self._ceilings = ceilings
        self._random = random
        self._unreadable = ""

    async def push(
        self,
        jobs: Sequence[Job],
        delay_seconds: float = 0,
        fingerprints: Sequence[bytes | None] | None = None,
    ) -> int:
        """Add jobs, as `LeaseQueue.push` says; skip those whose fingerprint was seen before.

        Marking a fingerprint as seen and adding its job are one step.
        """
        added = 0
        marks = [None] * len(jobs) if fingerprints is None else fingerprints
        for batch in batches(zip(jobs, marks, strict=True)):
            arguments = [part for job, mark in batch for part in (*fields(job), mark or b"")]
            added += int(await self._run("push", micros(delay_seconds), *arguments))
        return added

    async def take(self, limit: int, lease_seconds: float) -> list[Lease]:
        """Lease up to `limit` requests, as their hosts allow."""
        return list((await self.take_allowed(limit, 0, lease_seconds)).leases)

    async def take_allowed(
        self,
        limit: int,
        entries: int,
        lease_seconds: float,
        per_host: int | None = None,
        in_hand: Mapping[str, int] = {},
    ) -> Taken:
        """Lease up to `limit` requests that may be sent now, and up to `entries` unread entries.

        Hosts take turns; within one, priority counts, then who came first. Expired leases and due
        delayed jobs return first.

        Of one host no more than `per_host` (1 or more) are leased, less what the caller has
        `in_hand` of it already. A host of which it can have no more is left to others, and is
        nothing to wait for.
        """
        limit, entries = (max(0, min(number, BATCH)) for number in (limit, entries))
        jitters = [f"{self._random():.6f}" for _ in range(limit)]
        held = [part for host, count in in_hand.items() for part in (encode(host.lower()), count)]
        leases, wait, unreadable = await self._run(
            "take_allowed",
            limit,
            entries,
            micros(lease_seconds),
            self._max_deaths,
            self._redelivery,
            "" if per_host is None else max(1, per_host),
            len(in_hand),
            *held,
            len(jitters),
            *jitters,
            *self._ceilings.arguments(),
        )
        self._complain(decode(unreadable))
        return Taken(
            tuple(read_lease(row) for row in leases), int(wait) / MICROSECONDS if wait else None
        )

    async def exchange(
        self, pairs: Sequence[tuple[Lease, Job]], delay_seconds: float = 0
    ) -> list[Lease]:
        """End each lease and put the job in its place; return the leases no longer held.

        A job of the same key keeps its failures and deaths; one of another key is pushed, and the
        old one is forgotten. Nothing is done for a lease no longer held.
        """
        lost: list[Lease] = []
        for batch in batches(pairs):
            arguments = [
                part
                for lease, job in batch
                for part in (encode(lease.job.key), lease.token, *fields(job))
            ]
            indexes = await self._run("exchange", micros(delay_seconds), *arguments)
            lost += [batch[index][0] for index in indexes]
        return lost

    async def waiting(self) -> Waiting:
        """Count what is still to do."""
        entries, unfinished = await self._run("waiting")
        return Waiting(entries, unfinished)

    def _complain(self, unreadable: str) -> None:
        """Say once that the start list is of a type that holds no entries."""
        if unreadable and unreadable != self._unreadable:
            logger.error(
                "%s is a %s, not a list: no start entry can be read or added until it is deleted",
                self._keys.start_urls,
                unreadable,
            )
        self._unreadable = unreadable
