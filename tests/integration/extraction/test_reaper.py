"""The reaper: what crashed workers held and what Redis lost comes back, once."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from openfunnel.extraction.reaper import ANSWERS_KEPT, Reaper, ReapReport
from openfunnel.extraction.reconciliation import reconcile
from openfunnel.lost_requests import LostRequests, Recovered
from openfunnel.queue.leases import HIDDEN_SECONDS, Job
from openfunnel.queue.presence import PresenceBoard
from openfunnel.queue.redis_leases import RedisLeaseQueue
from openfunnel.store import posting_writes
from openfunnel.store.database import Database
from openfunnel.store.model_answers import KnownAnswer, find_answers, save_answers

from .conftest import NOW, Clock, MakeWorker, Rules, Store, jobs


class Boards(LostRequests):
    """Frontiers of which so many requests were lost, or an error, at each turn."""

    def __init__(self, *found: int | Exception) -> None:
        self.found = list(found)

    async def recover(self) -> Recovered:
        found = self.found.pop(0) if self.found else 0
        if isinstance(found, Exception):
            raise found
        return Recovered(queued=found)


@pytest.fixture
def reaper(queue: RedisLeaseQueue, database: Database, presence: PresenceBoard) -> Reaper:
    return Reaper(queue, database, Boards(2), presence, clock=lambda: NOW)


async def keys_taken(queue: RedisLeaseQueue) -> Sequence[str]:
    return sorted(lease.job.key for lease in await queue.take(100, 60))


async def test_a_killed_worker_returns_its_leases(
    store: Store, queue: RedisLeaseQueue, clock: Clock, reaper: Reaper
) -> None:
    ids = store.fetch(3)
    await queue.push(jobs(ids))
    await queue.take(2, lease_seconds=60)
    clock.now += 61

    report = await reaper.turn()

    assert report == ReapReport(returned=2, dead=0, pushed=0, boards=2)
    assert await keys_taken(queue) == sorted(map(str, ids))


async def test_a_posting_that_kills_its_workers_ends_as_a_dead_letter(
    store: Store, queue: RedisLeaseQueue, clock: Clock, reaper: Reaper
) -> None:
    (posting_id,) = store.fetch(1)
    await queue.push(jobs([posting_id]))
    for _ in range(5):
        await queue.take(1, lease_seconds=60)
        clock.now += 61
        report = await reaper.turn()

    assert report.dead == 1
    (letter,) = store.dead_letters()
    assert (letter.kind, letter.key) == ("extract", str(posting_id))
    assert letter.payload["deaths"] == 5
    assert store.statuses() == ["failed"]
    assert (await queue.depth()).dead == 0


async def test_several_reapers_at_once_write_one_dead_letter(
    store: Store,
    queue: RedisLeaseQueue,
    clock: Clock,
    database: Database,
    presence: PresenceBoard,
) -> None:
    await queue.push(jobs(store.fetch(5)))
    for lease in await queue.take(5, 60):
        await queue.kill(lease, "killed", "by the test")
    clock.now += HIDDEN_SECONDS
    reapers = [Reaper(queue, database, Boards(), presence, clock=lambda: NOW) for _ in range(4)]

    await asyncio.gather(*(reaper.turn() for reaper in reapers))

    assert len(store.dead_letters()) == 5
    assert store.statuses() == ["failed"] * 5


async def test_a_dead_job_without_a_posting_is_buried(
    store: Store, queue: RedisLeaseQueue, clock: Clock, reaper: Reaper
) -> None:
    await queue.push([Job("junk\0", payload="\0"), Job("123456")])
    for lease in await queue.take(2, 60):
        await queue.kill(lease, "killed", "\0")
    clock.now += HIDDEN_SECONDS

    await reaper.turn()

    assert [letter.key for letter in store.dead_letters()] == ["junk"]
    assert (await queue.depth()).dead == 0


async def test_only_fetched_postings_that_nobody_knows_are_pushed(
    store: Store, queue: RedisLeaseQueue, database: Database
) -> None:
    failed, queued, leased, unknown = store.fetch(4)
    with database.begin() as session:
        posting_writes.fail_fetched(session, failed, "given up")
    await queue.push(jobs([leased, queued]))
    await queue.take(1, 60)

    assert await reconcile(database, queue) == 1
    assert await queue.known([str(unknown), str(failed)]) == {str(unknown)}
    assert await reconcile(database, queue) == 0


async def test_everything_that_waits_comes_back_after_a_wipe(
    store: Store, queue: RedisLeaseQueue, redis: Redis, reaper: Reaper, make_worker: MakeWorker
) -> None:
    ids = store.fetch(2500)
    await queue.push(jobs(ids))
    await redis.flushall()

    assert (await reaper.turn()).pushed == 2500
    assert (await queue.depth()).ready == 2500


async def test_a_turn_forgets_answers_that_nothing_asked_for_in_a_long_time(
    database: Database, reaper: Reaper
) -> None:
    answer = KnownAnswer("{}", "small")
    with database.begin() as session:
        save_answers(session, {"kept": answer}, NOW - ANSWERS_KEPT)
        save_answers(session, {"old": answer}, NOW - ANSWERS_KEPT - timedelta(seconds=1))

    await reaper.turn()

    with database.begin() as session:
        assert find_answers(session, ["kept", "old"], NOW) == {"kept": answer}


async def test_a_reaper_outlives_outages_and_surprises(
    queue: RedisLeaseQueue, database: Database, presence: PresenceBoard
) -> None:
    stop = asyncio.Event()

    class LastTurn(Boards):
        async def recover(self) -> Recovered:
            assert [one.role for one in await presence.present()] == ["reaper"]
            if not self.found:
                stop.set()
            return await super().recover()

    requests = LastTurn(RedisConnectionError("refused"), ZeroDivisionError("by zero"), 1)

    await Reaper(queue, database, requests, presence).run(stop, every_seconds=0)

    assert stop.is_set()
    assert await presence.present() == []


async def test_a_turn_leaves_finished_work_alone(
    store: Store, queue: RedisLeaseQueue, reaper: Reaper, make_worker: MakeWorker
) -> None:
    store.fetch(3)
    await make_worker(Rules()).run(asyncio.Event(), drain=True)

    report = await reaper.turn()

    assert (report.returned, report.dead, report.pushed) == (0, 0, 0)
    assert (await queue.depth()).unfinished == 0
