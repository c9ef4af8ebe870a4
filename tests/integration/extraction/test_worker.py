"""The worker on a real queue and a real database, through every way in which work can go wrong."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import update
from sqlalchemy.orm import Session

from openfunnel.errors import DatabaseUnavailable, ExtractionFailed, ModelAnswerInvalid, ModelBusy
from openfunnel.extraction.pace import Pace
from openfunnel.extraction.reconciliation import reconcile
from openfunnel.extraction.rules_extractor import RulesExtractor
from openfunnel.extraction.usage import Meter
from openfunnel.queue.leases import HIDDEN_SECONDS, Lease
from openfunnel.queue.presence import PresenceBoard
from openfunnel.queue.redis_leases import RedisLeaseQueue
from openfunnel.records import ExtractionResult, PostingText
from openfunnel.store import usage
from openfunnel.store.database import Database
from openfunnel.store.models import Posting

from .conftest import EAGER, Clock, MakeWorker, Rules, Store, jobs


async def test_every_posting_is_extracted_once_and_acknowledged(
    store: Store, queue: RedisLeaseQueue, make_worker: MakeWorker
) -> None:
    ids = store.fetch(20)
    extractor = RulesExtractor()

    await make_worker(extractor).run(asyncio.Event(), drain=True)

    assert store.statuses() == ["extracted"] * 20
    assert [one.job_posting_id for one in store.extractions()] == ids
    assert {(one.extractor, one.model) for one in store.extractions()} == {("rules", None)}
    assert (await queue.depth()).unfinished == 0
    await extractor.close()


async def test_a_posting_that_is_extracted_already_is_only_acknowledged(
    store: Store, queue: RedisLeaseQueue, make_worker: MakeWorker
) -> None:
    ids = store.fetch(2)
    await make_worker(Rules()).run(asyncio.Event(), drain=True)
    again = Rules()
    await queue.push(jobs(ids))

    await make_worker(again).run(asyncio.Event(), drain=True)

    assert again.titles == []
    assert (await queue.depth()).unfinished == 0


async def test_a_job_that_names_no_posting_is_only_acknowledged(
    queue: RedisLeaseQueue, make_worker: MakeWorker, store: Store
) -> None:
    keys = ["4711", "junk", "-1", "9" * 19, "9" * 40, "٣", "nul\0", ""]
    await queue.push(jobs(keys))  # type: ignore[arg-type]

    await make_worker(Rules()).run(asyncio.Event(), drain=True)

    assert (await queue.depth()).unfinished == 0
    assert store.dead_letters() == []


async def test_a_busy_model_burns_no_attempt(
    store: Store, queue: RedisLeaseQueue, make_worker: MakeWorker
) -> None:
    store.fetch(2)
    refusals = iter(range(10))

    async def busy(_: PostingText) -> None:
        if next(refusals, None) is not None:
            raise ModelBusy(model="m", host="h", reason="full")

    await make_worker(Rules(busy)).run(asyncio.Event(), drain=True)

    assert store.statuses() == ["extracted"] * 2
    assert store.dead_letters() == []


async def test_an_answer_that_will_never_be_usable_is_asked_for_once(
    store: Store, queue: RedisLeaseQueue, make_worker: MakeWorker
) -> None:
    (posting_id,) = store.fetch(1)

    async def answer_nonsense(_: PostingText) -> None:
        raise ModelAnswerInvalid(model="m", reason="no JSON, twice")

    extractor = Rules(answer_nonsense)
    await make_worker(extractor).run(asyncio.Event(), drain=True)

    (letter,) = store.dead_letters()
    assert (letter.kind, letter.key, letter.attempts) == ("extract", str(posting_id), 1)
    assert (letter.reason, letter.last_error) == (
        "no model gave an answer that can be trusted",
        "m gave no usable answer: no JSON, twice.",
    )
    assert len(extractor.titles) == 1
    assert store.statuses() == ["failed"]
    depth = await queue.depth()
    assert (depth.unfinished, depth.dead) == (0, 0)


async def test_an_extraction_that_hangs_is_broken_off_and_frees_its_slot(
    store: Store, make_worker: MakeWorker
) -> None:
    store.fetch(3)
    cancelled = 0

    async def hang(posting: PostingText) -> None:
        nonlocal cancelled
        if posting.title == "Engineer 1":
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled += 1
                raise

    pace = replace(EAGER, posting_seconds=0.01)
    await make_worker(Rules(hang), concurrency=1, pace=pace).run(asyncio.Event(), drain=True)

    assert sorted(store.statuses()) == ["extracted", "extracted", "failed"]
    (letter,) = store.dead_letters()
    assert (letter.attempts, cancelled) == (3, 3)
    assert "longer than 0.01 seconds" in letter.last_error


async def test_a_time_out_of_the_extractors_own_is_not_taken_for_the_worker_s(
    store: Store, make_worker: MakeWorker
) -> None:
    store.fetch(1)

    async def time_out(_: PostingText) -> None:
        raise TimeoutError("of its own")

    await make_worker(Rules(time_out)).run(asyncio.Event(), drain=True)

    assert [one.last_error for one in store.dead_letters()] == ["TimeoutError: of its own"]


@pytest.mark.parametrize(
    "error",
    [ExtractionFailed(reason="nul \0 and \ud800"), ZeroDivisionError("by zero")],
    ids=["foreseen", "unforeseen"],
)
async def test_a_posting_that_cannot_be_extracted_holds_up_no_other(
    store: Store, make_worker: MakeWorker, error: Exception
) -> None:
    store.fetch(4)

    async def fail_one(posting: PostingText) -> None:
        if posting.title == "Engineer 2":
            raise error

    extractor = Rules(fail_one)
    await make_worker(extractor).run(asyncio.Event(), drain=True)

    assert sorted(store.statuses()) == ["extracted", "extracted", "extracted", "failed"]
    assert extractor.titles.count("Engineer 2") == 3
    assert len(store.dead_letters()) == 1


async def test_a_stale_result_is_refused_by_the_fence(
    store: Store, queue: RedisLeaseQueue, clock: Clock, make_worker: MakeWorker
) -> None:
    await queue.push(jobs(store.fetch(1)))

    async def freeze_while_another_takes_over(_: PostingText) -> None:
        clock.now += 3600
        assert await queue.reap() == 1
        await make_worker(Rules(model="quick")).run(asyncio.Event(), drain=True)

    slow = Rules(freeze_while_another_takes_over, model="slow")
    await make_worker(slow, concurrency=1).run(asyncio.Event(), drain=True)

    assert [one.model for one in store.extractions()] == ["quick"]
    assert (await queue.depth()).unfinished == 0


async def test_what_a_dead_worker_held_is_extracted_by_the_next(
    store: Store, queue: RedisLeaseQueue, clock: Clock, make_worker: MakeWorker
) -> None:
    await queue.push(jobs(store.fetch(3)))
    await queue.take(3, lease_seconds=60)
    clock.now += 61

    await make_worker(Rules()).run(asyncio.Event(), drain=True)

    assert store.statuses() == ["extracted"] * 3


async def test_a_slow_extraction_keeps_its_lease(
    store: Store, queue: RedisLeaseQueue, clock: Clock, redis: Redis, make_worker: MakeWorker
) -> None:
    (posting_id,) = store.fetch(1)
    expired = []

    async def take_long(_: PostingText) -> None:
        for _ in range(4):
            clock.now += 50
            while (await redis.zscore("openfunnel:extract:lease", str(posting_id)) or 0) < (
                clock.now + 60
            ) * 1e6:
                await asyncio.sleep(0.005)
            expired.append(await queue.reap())

    await make_worker(Rules(take_long)).run(asyncio.Event(), drain=True)

    assert expired == [0, 0, 0, 0]
    assert store.statuses() == ["extracted"]


async def test_a_wiped_redis_costs_no_posting_and_doubles_none(
    store: Store,
    database: Database,
    queue: RedisLeaseQueue,
    redis: Redis,
    make_worker: MakeWorker,
) -> None:
    store.fetch(12)
    seen = 0

    async def wipe_once(_: PostingText) -> None:
        nonlocal seen
        seen += 1
        if seen == 5:
            await redis.flushall()

    extractor = Rules(wipe_once)
    await make_worker(extractor).run(asyncio.Event(), drain=True)
    done_before = store.statuses().count("extracted")
    pushed = await reconcile(database, queue)
    await make_worker(extractor).run(asyncio.Event(), drain=True)

    assert pushed == 12 - done_before > 0
    assert store.statuses() == ["extracted"] * 12
    assert sorted(extractor.titles) == sorted(f"Engineer {number}" for number in range(12))


async def test_a_text_that_changes_meanwhile_is_extracted_again(
    store: Store, queue: RedisLeaseQueue, make_worker: MakeWorker
) -> None:
    store.fetch(1)
    changes = iter(["You know PostgreSQL."])

    async def change_once(_: PostingText) -> None:
        if text := next(changes, None):
            await queue.push(jobs(store.fetch(1, text)))

    extractor = Rules(change_once)
    await make_worker(extractor).run(asyncio.Event(), drain=True)

    assert len(extractor.titles) == 2
    assert store.statuses() == ["extracted"]
    (stored,) = store.extractions()
    assert [one["name"] for one in stored.fields["technologies"]] == ["PostgreSQL"]


# --- together -----------------------------------------------------------------------------------


class CountingDatabase(Database):
    """A database that counts its transactions."""

    transactions = 0

    @contextmanager
    def begin(self) -> Iterator[Session]:
        self.transactions += 1
        with super().begin() as session:
            yield session

    @contextmanager
    def autocommit(self) -> Iterator[Session]:
        self.transactions += 1
        with super().autocommit() as session:
            yield session


async def test_many_postings_are_loaded_and_stored_in_few_transactions(
    store: Store, database_url: str, queue: RedisLeaseQueue, make_worker: MakeWorker
) -> None:
    await queue.push(jobs(store.fetch(20)))
    with CountingDatabase(database_url) as database:
        worker = make_worker(Rules(), database=database, concurrency=10)
        await worker.run(asyncio.Event(), drain=True)

    assert store.statuses() == ["extracted"] * 20
    reconciled, loaded, saved = 2, 1, 1
    assert database.transactions == reconciled + loaded + saved


async def test_a_slots_next_posting_is_in_hand_before_the_slot_is_free(
    store: Store, make_worker: MakeWorker
) -> None:
    store.fetch(8)
    seen = asyncio.Event()

    async def wait_for_the_next(_: PostingText) -> None:
        if len(extractor.titles) == 4:
            seen.set()
        await seen.wait()

    extractor = Rules(wait_for_the_next)
    await make_worker(extractor, concurrency=2).run(asyncio.Event(), drain=True)

    assert store.statuses() == ["extracted"] * 8


async def test_a_result_that_postgresql_refuses_holds_up_no_other(
    store: Store, make_worker: MakeWorker
) -> None:
    store.fetch(6)

    class Boastful(Rules):
        async def extract(self, posting: PostingText) -> ExtractionResult:
            result = await super().extract(posting)
            tokens = 2**70 if posting.title == "Engineer 3" else 0
            return result.model_copy(update={"tokens_in": tokens})

    await make_worker(Boastful()).run(asyncio.Event(), drain=True)

    assert store.statuses().count("extracted") == 5
    (letter,) = store.dead_letters()
    assert letter.attempts == 3
    assert "out of range" in letter.last_error


async def test_a_stored_posting_that_cannot_be_read_holds_up_no_other(
    store: Store, database: Database, make_worker: MakeWorker
) -> None:
    broken, *_ = store.fetch(6)
    with database.begin() as session:
        values = {"fields": {"country": "nowhere"}}
        session.execute(update(Posting).where(Posting.id == broken).values(**values))

    await make_worker(Rules()).run(asyncio.Event(), drain=True)

    assert store.statuses().count("extracted") == 5
    (letter,) = store.dead_letters()
    assert (letter.key, letter.attempts) == (str(broken), 3)


async def test_what_a_model_costs_is_stored_when_the_worker_ends(
    store: Store, database: Database, make_worker: MakeWorker
) -> None:
    store.fetch(3)
    meter = Meter()

    async def count(posting: PostingText) -> None:
        meter.note(posting, "m", calls=1, tokens_in=7)

    await make_worker(Rules(count), meter=meter).run(asyncio.Event(), drain=True)

    with database.begin() as session:
        (row,) = usage.usage_in_all(session)
    assert (row.ats, row.model, row.calls, row.tokens_in) == ("greenhouse", "m", 3, 21)


# --- stopping -----------------------------------------------------------------------------------


@pytest.fixture
async def stop() -> AsyncIterator[asyncio.Event]:
    event = asyncio.Event()
    yield event
    event.set()


async def test_a_stopped_worker_finishes_what_is_in_its_hands(
    store: Store, queue: RedisLeaseQueue, make_worker: MakeWorker, stop: asyncio.Event
) -> None:
    await queue.push(jobs(store.fetch(3)))

    async def stop_meanwhile(_: PostingText) -> None:
        stop.set()
        await asyncio.sleep(0)

    await make_worker(Rules(stop_meanwhile), concurrency=1).run(stop)

    assert store.statuses().count("extracted") == 2  # the slot's, and the one held for it
    depth = await queue.depth()
    assert (depth.ready, depth.leased) == (1, 0)


async def test_a_stopped_worker_hands_back_what_takes_too_long(
    store: Store, queue: RedisLeaseQueue, make_worker: MakeWorker, stop: asyncio.Event
) -> None:
    await queue.push(jobs(store.fetch(1)))

    async def never_end(_: PostingText) -> None:
        stop.set()
        await asyncio.Event().wait()

    pace = Pace(poll_seconds=0.01, grace_seconds=0)
    await make_worker(Rules(never_end), pace=pace).run(stop)

    (lease,) = await queue.take(1, 60)
    assert (lease.attempts, lease.deaths) == (0, 0)


async def test_a_worker_says_that_it_is_alive_and_what_it_runs(
    store: Store,
    queue: RedisLeaseQueue,
    presence: PresenceBoard,
    make_worker: MakeWorker,
) -> None:
    store.fetch(1)
    seen = []

    async def look(_: PostingText) -> None:
        while not any(one.busy for one in await presence.present("extractor")):
            await asyncio.sleep(0.005)
        seen.extend(await presence.present("extractor"))

    extractor = Rules(look, name="ollama", model="tiny:1b")
    await make_worker(extractor).run(asyncio.Event(), drain=True)

    assert [one.detail for one in seen] == ["ollama:tiny:1b"]
    assert await presence.present("extractor") == []


# --- outages ------------------------------------------------------------------------------------


class ShakyDatabase(Database):
    """A database whose first transactions find no server."""

    failures = 6

    @contextmanager
    def begin(self) -> Iterator[Session]:
        if self.failures:
            self.failures -= 1
            raise DatabaseUnavailable(url="postgresql://h", detail="refused")
        with super().begin() as session:
            yield session


class ShakyQueue(RedisLeaseQueue):
    """A queue whose every third call of the worker finds no server."""

    calls = 0

    def _shake(self) -> None:
        self.calls += 1
        if self.calls % 3 == 1:
            raise RedisConnectionError("refused")

    async def take(self, limit: int, lease_seconds: float) -> list[Lease]:
        self._shake()
        return await super().take(limit, lease_seconds)

    async def acknowledge_all(self, leases: Collection[Lease]) -> list[Lease]:
        self._shake()
        return await super().acknowledge_all(leases)


async def test_a_database_that_is_away_is_waited_for(
    store: Store, database_url: str, make_worker: MakeWorker, caplog: pytest.LogCaptureFixture
) -> None:
    store.fetch(5)
    with ShakyDatabase(database_url) as database:
        await make_worker(Rules(), database=database).run(asyncio.Event(), drain=True)

    assert store.statuses() == ["extracted"] * 5
    assert store.dead_letters() == []
    said = [record for record in caplog.records if record.levelname == "WARNING"]
    assert len(said) == 1


async def test_what_was_extracted_waits_for_a_database_that_goes_away(
    store: Store, database_url: str, make_worker: MakeWorker
) -> None:
    store.fetch(5)
    with ShakyDatabase(database_url) as database:
        database.failures = 0

        async def take_the_database_away(_: PostingText) -> None:
            database.failures = 6

        extractor = Rules(take_the_database_away)
        await make_worker(extractor, database=database).run(asyncio.Event(), drain=True)

    assert store.statuses() == ["extracted"] * 5
    assert len(extractor.titles) == 5


async def test_a_redis_that_is_away_is_waited_for_and_nothing_extracted_twice(
    store: Store, redis: Redis, make_worker: MakeWorker
) -> None:
    store.fetch(5)
    extractor = Rules()

    await make_worker(extractor, queue=ShakyQueue(redis, "extract")).run(
        asyncio.Event(), drain=True
    )

    assert len(extractor.titles) == 5

    assert store.statuses() == ["extracted"] * 5
    assert store.dead_letters() == []


async def test_a_drain_ends_only_when_every_dead_letter_is_stored(
    store: Store, queue: RedisLeaseQueue, clock: Clock, make_worker: MakeWorker
) -> None:
    # Given a job given up on by a worker that died before it stored the letter
    await queue.push(jobs(store.fetch(1)))
    (lease,) = await queue.take(1, 60)
    await queue.kill(lease, "hopeless", "")

    drain = asyncio.create_task(make_worker(Rules()).run(asyncio.Event(), drain=True))
    await asyncio.sleep(0.1)
    assert not drain.done()
    clock.now += HIDDEN_SECONDS
    await drain

    assert [letter.reason for letter in store.dead_letters()] == ["hopeless"]
