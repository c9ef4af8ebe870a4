"""The worker on a real queue and a real database, through every way in which work can go wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy.orm import Session

from openfunnel.errors import DatabaseUnavailable, ExtractionFailed, ModelBusy
from openfunnel.extraction.ollama import OllamaExtractor
from openfunnel.extraction.reconciliation import reconcile
from openfunnel.extraction.rules_extractor import RulesExtractor
from openfunnel.extraction.worker import Pace
from openfunnel.queue.leases import HIDDEN_SECONDS, Lease
from openfunnel.queue.presence import PresenceBoard
from openfunnel.queue.redis_leases import RedisLeaseQueue
from openfunnel.records import PostingText
from openfunnel.sandbox.faults import parse_faults
from openfunnel.sandbox.ollama import MODEL
from openfunnel.sandbox.serve import running
from openfunnel.settings import Settings
from openfunnel.store.database import Database

from .conftest import Clock, MakeWorker, Rules, Store, jobs


class NoBoards:
    def boards(self) -> tuple[()]:
        return ()

    def answer(self, ref: object) -> None:
        return None


@contextmanager
def sandbox_model(faults: str) -> Iterator[OllamaExtractor]:
    with running(NoBoards(), parse_faults(faults)) as url:
        yield OllamaExtractor(Settings.load(environ={}, ollama_host=url, model=MODEL))


async def until(condition: Callable[[], Any]) -> None:
    """Let everybody else work until something holds."""
    while not condition():
        await asyncio.sleep(0.005)


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


async def test_a_model_that_is_often_busy_or_cut_off_extracts_everything_in_the_end(
    store: Store, make_worker: MakeWorker
) -> None:
    store.fetch(12)
    with sandbox_model("ollama-busy:0.3,ollama-unreachable:0.2") as extractor:
        await make_worker(extractor).run(asyncio.Event(), drain=True)
        await extractor.close()

    assert store.statuses() == ["extracted"] * 12
    assert {(one.extractor, one.model) for one in store.extractions()} == {("ollama", MODEL)}
    assert store.dead_letters() == []


async def test_answers_that_stay_unusable_end_as_a_dead_letter(
    store: Store, queue: RedisLeaseQueue, make_worker: MakeWorker
) -> None:
    (posting_id,) = store.fetch(1)
    with sandbox_model("ollama-invalid") as extractor:
        await make_worker(extractor).run(asyncio.Event(), drain=True)
        await extractor.close()

    (letter,) = store.dead_letters()
    assert (letter.kind, letter.key, letter.attempts) == ("extract", str(posting_id), 3)
    assert "twice" in letter.last_error
    assert store.statuses() == ["failed"]
    depth = await queue.depth()
    assert (depth.unfinished, depth.dead) == (0, 0)


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

    assert store.statuses().count("extracted") == 1
    depth = await queue.depth()
    assert (depth.ready, depth.leased) == (2, 0)


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

    async def acknowledge(self, lease: Lease) -> bool:
        self._shake()
        return await super().acknowledge(lease)


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


async def test_a_redis_that_is_away_is_waited_for(
    store: Store, redis: Redis, make_worker: MakeWorker
) -> None:
    store.fetch(5)

    await make_worker(Rules(), queue=ShakyQueue(redis, "extract")).run(asyncio.Event(), drain=True)

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
