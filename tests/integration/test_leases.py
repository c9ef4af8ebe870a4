"""The lease queue: the same sentences hold for Redis and for the twin in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from redis.asyncio import Redis

from openfunnel.queue.connection import connect
from openfunnel.queue.leases import HIDDEN_SECONDS, Depth, Job, Lease, LeaseQueue
from openfunnel.queue.memory_leases import MemoryLeaseQueue
from openfunnel.queue.redis_leases import BATCH, RedisLeaseQueue
from openfunnel.settings import Settings

LEASE_SECONDS = 60.0


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "redis"])
async def queue(
    request: pytest.FixtureRequest, settings: Settings, clock: Clock
) -> AsyncIterator[LeaseQueue]:
    if request.param == "memory":
        yield MemoryLeaseQueue(clock, max_attempts=3, max_deaths=2)
        return
    client = await connect(settings)
    await client.flushall()
    yield RedisLeaseQueue(client, "test", max_attempts=3, max_deaths=2, clock=clock)
    await client.aclose()


async def take_one(queue: LeaseQueue) -> Lease:
    (lease,) = await queue.take(1, LEASE_SECONDS)
    return lease


async def depth(queue: LeaseQueue) -> tuple[int, int, int, int]:
    found = await queue.depth()
    return found.ready, found.delayed, found.leased, found.dead


async def test_a_pushed_job_is_taken_once_and_forgotten_when_acknowledged(
    queue: LeaseQueue,
) -> None:
    assert await queue.push([Job("1", "payload")]) == 1

    lease = await take_one(queue)
    assert lease.job == Job("1", "payload")
    assert (lease.attempts, lease.deaths) == (0, 0)
    assert await queue.take(1, LEASE_SECONDS) == []

    assert await queue.acknowledge(lease)
    assert await depth(queue) == (0, 0, 0, 0)
    assert await queue.known(["1"]) == set()


async def test_jobs_come_by_priority_then_first_come_first_served(queue: LeaseQueue) -> None:
    await queue.push([Job("late", priority=5), Job("z"), Job("a"), Job("urgent", priority=-5)])

    leases = await queue.take(10, LEASE_SECONDS)

    assert [lease.job.key for lease in leases] == ["urgent", "z", "a", "late"]
    assert leases[0].job.priority == -5


async def test_a_ready_or_delayed_key_is_not_pushed_again(queue: LeaseQueue) -> None:
    await queue.push([Job("ready", "first")])
    await queue.push([Job("delayed", "first")], delay_seconds=10)

    assert await queue.push([Job("ready", "second"), Job("delayed", "second")]) == 0

    assert await depth(queue) == (1, 1, 0, 0)
    assert (await take_one(queue)).job.payload == "first"


async def test_a_key_pushed_twice_in_one_call_is_one_job(queue: LeaseQueue) -> None:
    assert await queue.push([Job("1"), Job("1")]) == 1


async def test_a_key_pushed_while_leased_runs_again_with_its_new_payload(
    queue: LeaseQueue,
) -> None:
    await queue.push([Job("1", "old")])
    lease = await take_one(queue)

    assert await queue.push([Job("1", "new")]) == 1
    assert await queue.push([Job("1", "newer")]) == 0
    assert await queue.take(1, LEASE_SECONDS) == []
    assert await queue.acknowledge(lease)

    again = await take_one(queue)
    assert again.job.payload == "newer"
    assert again.token > lease.token
    assert await queue.acknowledge(again)
    assert await depth(queue) == (0, 0, 0, 0)


async def test_a_delayed_job_is_taken_when_due_and_not_before(
    queue: LeaseQueue, clock: Clock
) -> None:
    await queue.push([Job("1")], delay_seconds=10)
    clock.now += 9.999
    assert await queue.take(1, LEASE_SECONDS) == []

    clock.now += 0.001
    assert (await take_one(queue)).job.key == "1"


async def test_a_killed_worker_returns_its_lease(queue: LeaseQueue, clock: Clock) -> None:
    await queue.push([Job("1")])
    lost = await take_one(queue)
    assert await queue.reap() == 0

    clock.now += LEASE_SECONDS
    assert await queue.reap() == 1

    lease = await take_one(queue)
    assert lease.deaths == 1
    assert lease.token > lost.token
    assert not await queue.acknowledge(lost)
    assert await queue.acknowledge(lease)


async def test_a_heartbeat_keeps_a_lease(queue: LeaseQueue, clock: Clock) -> None:
    await queue.push([Job("1"), Job("2")])
    kept, lost = await queue.take(2, LEASE_SECONDS)
    clock.now += LEASE_SECONDS / 2
    assert await queue.extend([kept], LEASE_SECONDS) == []

    clock.now += LEASE_SECONDS / 2
    assert await queue.reap() == 1

    assert await queue.extend([kept, lost], LEASE_SECONDS) == [lost]
    assert await queue.acknowledge_all([lost, kept]) == [lost]


async def test_a_late_but_unreaped_lease_is_still_held(queue: LeaseQueue, clock: Clock) -> None:
    await queue.push([Job("1")])
    lease = await take_one(queue)
    clock.now += 10 * LEASE_SECONDS

    assert await queue.extend([lease], LEASE_SECONDS) == []
    assert await queue.reap() == 0


async def test_a_job_that_kills_its_workers_is_dead(queue: LeaseQueue, clock: Clock) -> None:
    await queue.push([Job("1", "poison")])
    for _ in range(2):
        await take_one(queue)
        clock.now += LEASE_SECONDS
        await queue.reap()

    assert await queue.take(1, LEASE_SECONDS) == []
    (dead,) = await queue.dead(10)
    assert dead.job == Job("1", "poison")
    assert (dead.attempts, dead.deaths) == (0, 2)
    assert dead.reason == "its worker died 2 times"


async def test_a_failing_job_is_delayed_then_dead(queue: LeaseQueue, clock: Clock) -> None:
    await queue.push([Job("1")])
    for attempt in range(2):
        lease = await take_one(queue)
        assert lease.attempts == attempt
        assert await queue.fail(lease, "no luck", delay_seconds=5) is None
        assert await queue.take(1, LEASE_SECONDS) == []
        clock.now += 5

    dead = await queue.fail(await take_one(queue), "none at all", delay_seconds=5)

    assert dead is not None
    assert (dead.reason, dead.last_error) == ("failed 3 times", "none at all")
    assert (dead.attempts, dead.deaths) == (3, 0)
    clock.now += HIDDEN_SECONDS
    assert await queue.dead(10) == [dead]
    assert await queue.known(["1"]) == {"1"}


async def test_a_dead_job_is_told_to_one_at_a_time(queue: LeaseQueue, clock: Clock) -> None:
    await queue.push([Job("1"), Job("2")])
    for _ in range(2):
        await queue.take(2, LEASE_SECONDS)
        clock.now += LEASE_SECONDS
        await queue.reap()

    (first,), (second,) = await queue.dead(1), await queue.dead(10)

    assert {first.job.key, second.job.key} == {"1", "2"}
    assert await queue.dead(10) == []
    assert await depth(queue) == (0, 0, 0, 2)
    assert await queue.known(["1", "2"]) == {"1", "2"}


async def test_a_dead_job_whose_keeper_died_is_told_of_again(
    queue: LeaseQueue, clock: Clock
) -> None:
    await queue.push([Job("failed"), Job("killed")])
    failed, killed = await queue.take(2, LEASE_SECONDS)
    told = [await queue.kill(killed, "hopeless", "")]
    for _ in range(2):
        await queue.fail(failed, "no luck", 0)
        failed = await take_one(queue)
    told.append(await queue.fail(failed, "no luck", 0))

    # Who gave up on it was told
    clock.now += HIDDEN_SECONDS - 0.001
    assert await queue.dead(10) == []
    clock.now += 0.001
    again = await queue.dead(10)
    assert {dead.job.key for dead in again} == {"failed", "killed"}
    assert all(dead in told for dead in again)

    # Who asked was told
    clock.now += HIDDEN_SECONDS - 0.001
    assert await queue.dead(10) == []
    clock.now += 0.001
    assert len(await queue.dead(10)) == 2


async def test_a_buried_job_is_forgotten(queue: LeaseQueue) -> None:
    await queue.push([Job("1"), Job("2")])
    first, second = await queue.take(2, LEASE_SECONDS)
    await queue.kill(first, "hopeless", "")

    await queue.bury(["1", "2", "never heard of"])

    assert await queue.dead(10) == []
    assert await queue.known(["1", "2"]) == {"2"}
    assert await queue.acknowledge(second)


async def test_a_killed_job_is_dead_at_once(queue: LeaseQueue) -> None:
    await queue.push([Job("1")])
    lease = await take_one(queue)

    dead = await queue.kill(lease, "hopeless", "ValueError")

    assert dead is not None
    assert (dead.reason, dead.last_error, dead.attempts) == ("hopeless", "ValueError", 1)
    assert await queue.kill(lease, "hopeless", "ValueError") is None
    assert await depth(queue) == (0, 0, 0, 1)


async def test_a_key_pushed_while_dead_runs_once_its_dead_letter_is_stored(
    queue: LeaseQueue,
) -> None:
    await queue.push([Job("1")])
    await queue.kill(await take_one(queue), "hopeless", "")

    assert await queue.push([Job("1", "better")]) == 1
    assert await queue.take(1, LEASE_SECONDS) == []
    await queue.bury(["1"])

    lease = await take_one(queue)
    assert lease.job.payload == "better"
    assert (lease.attempts, lease.deaths) == (0, 0)


async def test_a_released_job_counts_nothing(queue: LeaseQueue, clock: Clock) -> None:
    await queue.push([Job("1")])
    lease = await take_one(queue)
    assert await queue.release(lease)
    assert not await queue.release(lease)

    lease = await take_one(queue)
    assert await queue.release(lease, delay_seconds=5)
    assert await queue.take(1, LEASE_SECONDS) == []
    clock.now += 5

    lease = await take_one(queue)
    assert (lease.attempts, lease.deaths) == (0, 0)


async def test_a_lease_of_another_token_decides_nothing(queue: LeaseQueue) -> None:
    await queue.push([Job("1")])
    lease = await take_one(queue)
    stale = Lease(lease.job, lease.token - 1, 0, 0)

    assert await queue.extend([stale], LEASE_SECONDS) == [stale]
    assert not await queue.acknowledge(stale)
    assert not await queue.release(stale)
    assert await queue.fail(stale, "late", 0) is None
    assert await queue.kill(stale, "late", "") is None

    assert await depth(queue) == (0, 0, 1, 0)
    assert await queue.acknowledge(lease)


async def test_tokens_grow_even_while_the_clock_stands_still(queue: LeaseQueue) -> None:
    await queue.push([Job(str(number)) for number in range(5)])

    tokens = [lease.token for lease in await queue.take(5, LEASE_SECONDS)]

    assert tokens == sorted(set(tokens))


async def test_depth_tells_the_age_of_the_oldest_lease(queue: LeaseQueue, clock: Clock) -> None:
    await queue.push([Job("1"), Job("2"), Job("3")])
    await queue.push([Job("4")], delay_seconds=100)
    first = await take_one(queue)
    clock.now += 7
    await take_one(queue)
    await queue.extend([first], LEASE_SECONDS)

    found = await queue.depth()

    assert found == Depth(ready=1, delayed=1, leased=2, dead=0, oldest_lease_seconds=7.0)
    assert found.unfinished == 4


async def test_nothing_asked_for_is_nothing_done(queue: LeaseQueue) -> None:
    assert await queue.push([]) == 0
    assert await queue.take(0, LEASE_SECONDS) == []
    assert await queue.take(-1, LEASE_SECONDS) == []
    assert await queue.extend([], LEASE_SECONDS) == []
    assert await queue.known([]) == set()
    assert await queue.dead(0) == []
    await queue.bury([])
    assert (await queue.depth()).oldest_lease_seconds == 0


@pytest.mark.parametrize("text", ["", "a\0b", "\ud800 lone", "日本語 🙂", "x" * 100_000, "a:b*[?"])
async def test_any_text_survives_as_key_payload_and_error(queue: LeaseQueue, text: str) -> None:
    await queue.push([Job(text, text)])
    assert await queue.known([text]) == {text}

    dead = await queue.kill(await take_one(queue), text, text)

    assert dead is not None
    assert dead.job == Job(text, text)
    assert (dead.reason, dead.last_error) == (text, text)
    await queue.bury([text])
    assert await queue.known([text]) == set()


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), -5.0, 1e300])
async def test_absurd_durations_are_bounded(queue: LeaseQueue, seconds: float) -> None:
    await queue.push([Job("1"), Job("2")])
    first, second = await queue.take(2, LEASE_SECONDS)

    assert await queue.release(first, seconds)
    assert await queue.extend([second], seconds) == []

    assert (await queue.depth()).unfinished == 2


@pytest.mark.parametrize("priority", [10**30, -(10**30)])
async def test_absurd_priorities_stay_in_line(queue: LeaseQueue, priority: int) -> None:
    await queue.push([Job("middle"), Job("absurd", priority=priority)])

    keys = [lease.job.key for lease in await queue.take(2, LEASE_SECONDS)]

    assert keys == (["middle", "absurd"] if priority > 0 else ["absurd", "middle"])


async def test_thousands_of_jobs_go_through(queue: LeaseQueue) -> None:
    keys = [str(number) for number in range(2 * BATCH + 7)]
    assert await queue.push([Job(key) for key in keys]) == len(keys)
    assert await queue.known([*keys, "unknown"]) == set(keys)

    taken: list[Lease] = []
    while leases := await queue.take(len(keys), LEASE_SECONDS):
        taken += leases

    assert [lease.job.key for lease in taken] == keys
    assert await queue.extend(taken, LEASE_SECONDS) == []
    assert await queue.acknowledge_all(taken) == []
    assert await queue.extend(taken, LEASE_SECONDS) == taken


# --- Redis alone: what happens to it ------------------------------------------------------------


async def test_redeliveries_are_delayed_twice_as_long_each_time_up_to_a_minute(
    redis: Redis, clock: Clock
) -> None:
    queue = RedisLeaseQueue(redis, "test", max_deaths=9, clock=clock, redelivery_seconds=10)
    await queue.push([Job("1")])
    for delay in (10, 20, 40, 60, 60):
        await take_one(queue)
        clock.now += LEASE_SECONDS
        assert await queue.reap() == 1

        clock.now += delay - 0.001
        assert await queue.take(1, LEASE_SECONDS) == []
        clock.now += 0.002


async def test_many_jobs_are_released_at_once(redis: Redis) -> None:
    queue = RedisLeaseQueue(redis, "test")
    await queue.push([Job("1"), Job("2"), Job("3")])
    first, second, third = await queue.take(3, LEASE_SECONDS)
    await queue.acknowledge(second)

    assert await queue.release_all([first, second, third]) == [second]

    assert [lease.job.key for lease in await queue.take(3, LEASE_SECONDS)] == ["1", "3"]


async def test_after_a_wipe_old_leases_are_void_and_tokens_still_grow(redis: Redis) -> None:
    queue = RedisLeaseQueue(redis, "test")
    await queue.push([Job("1"), Job("2")])
    first, second = await queue.take(2, LEASE_SECONDS)

    await redis.flushall()

    assert not await queue.acknowledge(first)
    assert await queue.fail(second, "late", 0) is None
    assert await queue.extend([first, second], LEASE_SECONDS) == [first, second]
    assert await queue.reap() == 0
    await queue.push([Job("1")])
    assert (await take_one(queue)).token > second.token


async def test_a_forgotten_script_is_loaded_again(redis: Redis) -> None:
    queue = RedisLeaseQueue(redis, "test")
    await queue.push([Job("1")])
    await redis.script_flush()

    assert (await take_one(queue)).job.key == "1"


async def test_redis_own_clock_counts_where_none_is_given(redis: Redis) -> None:
    queue = RedisLeaseQueue(redis, "test")
    await queue.push([Job("1")])
    lease = await take_one(queue)
    seconds, micros = await redis.time()

    assert lease.token <= seconds * 1_000_000 + micros
    assert await queue.reap() == 0
    assert await queue.extend([lease], 0) == []
    assert await queue.reap() == 1


GARBAGE = {
    "no payload": {b"priority": b"1"},
    "not a number": {b"payload": b"x", b"attempts": b"\xff\xfe", b"deaths": b"inf"},
    "not text": {b"payload": b"\xff\xfe\x00", b"priority": b"nan", b"attempts": b"1e400"},
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_in_a_job_crashes_nobody(redis: Redis, name: str) -> None:
    clock = Clock()
    queue = RedisLeaseQueue(redis, "test", max_attempts=1, clock=clock)
    await queue.push([Job("1"), Job("good")])
    await redis.delete("openfunnel:test:job:1")
    await redis.hset("openfunnel:test:job:1", mapping=GARBAGE[name])  # type: ignore[arg-type]

    leases = await queue.take(10, LEASE_SECONDS)
    assert "good" in {lease.job.key for lease in leases}
    for lease in leases:
        await redis.hset("openfunnel:test:job:1", "taken", "-inf")
        assert await queue.depth()
        await queue.fail(lease, "", 0)
    clock.now += HIDDEN_SECONDS
    assert await queue.dead(10)
    await queue.bury(["1", "good"])

    assert await queue.known(["1", "good"]) == set()


async def test_a_job_whose_hash_is_lost_is_forgotten(redis: Redis) -> None:
    queue = RedisLeaseQueue(redis, "test")
    await queue.push([Job("ready"), Job("leased", priority=-1)])
    await queue.push([Job("delayed")], delay_seconds=0.000001)
    lease = await take_one(queue)
    for key in ("ready", "leased", "delayed"):
        await redis.delete(f"openfunnel:test:job:{key}")
    await redis.set("openfunnel:test:job:leased", "not a hash")

    assert await queue.take(10, LEASE_SECONDS) == []
    assert not await queue.acknowledge(lease)
    assert await queue.push([Job("leased")]) == 1
    await redis.zadd("openfunnel:test:lease", {"leased": 0})
    assert await queue.reap() == 1

    assert (await take_one(queue)).job.key == "leased"


@pytest.mark.parametrize("ahead", [86_400.000001 * 1e6, 2**53 - 1 - 1_800_000_000e6])
async def test_a_token_from_the_far_future_is_no_token_of_ours(
    redis: Redis, clock: Clock, ahead: float
) -> None:
    queue = RedisLeaseQueue(redis, "test", clock=clock)
    await queue.push([Job("1"), Job("2")])
    await redis.set("openfunnel:test:token", round(clock.now * 1e6 + ahead))

    first, second = await queue.take(2, LEASE_SECONDS)

    assert first.token == clock.now * 1e6
    assert second.token == first.token + 1


async def test_tokens_grow_where_the_clock_was_set_back_by_hours(
    redis: Redis, clock: Clock
) -> None:
    queue = RedisLeaseQueue(redis, "test", clock=clock)
    await queue.push([Job("1"), Job("2")])
    first = await take_one(queue)
    clock.now -= 23 * 3600

    assert (await take_one(queue)).token == first.token + 1


@pytest.mark.parametrize(
    ("junk", "read"), [(b"9007199254740991", 1_000_000), (b"-7", 0), (b"1e400", 0), (b"4", 4)]
)
async def test_counts_others_wrote_are_bounded(redis: Redis, junk: bytes, read: int) -> None:
    queue = RedisLeaseQueue(redis, "test")
    await queue.push([Job("1")])
    await redis.hset("openfunnel:test:job:1", mapping={"attempts": junk, "deaths": junk})

    lease = await take_one(queue)
    dead = await queue.kill(lease, "hopeless", "")

    assert (lease.attempts, lease.deaths) == (read, read)
    assert dead is not None
    assert (dead.attempts, dead.deaths) == (min(read + 1, 1_000_000), read)


@pytest.mark.parametrize("score", ["inf", 1e300, 1e15, "-inf"])
async def test_no_dead_job_is_hidden_for_longer_than_we_hide(
    redis: Redis, clock: Clock, score: str | float
) -> None:
    queue = RedisLeaseQueue(redis, "test", clock=clock)
    await queue.push([Job("1")])
    await queue.kill(await take_one(queue), "hopeless", "")
    await redis.zadd("openfunnel:test:dead", {"1": score})

    assert [dead.job.key for dead in await queue.dead(1)] == ["1"]
    assert await queue.dead(1) == []


# --- the two against each other -----------------------------------------------------------------

KEYS = st.sampled_from(["a", "b", "c", "d"])
SECONDS = st.sampled_from([0.0, 0.5, 1.0, 3.0])


class Twins(RuleBasedStateMachine):
    """Whatever is asked of both queues, both answer the same."""

    redis_settings: Settings
    names = count(1)

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = Clock()
        self.leases: list[Lease] = []

    @initialize()
    def start(self) -> None:
        self.client = self.loop.run_until_complete(connect(self.redis_settings))
        self.memory = MemoryLeaseQueue(self.clock, max_attempts=2, max_deaths=2)
        self.redis = RedisLeaseQueue(
            self.client, f"twins{next(self.names)}", max_attempts=2, max_deaths=2, clock=self.clock
        )

    def teardown(self) -> None:
        self.loop.run_until_complete(self.client.aclose())
        self.loop.close()

    def both(self, ask: Callable[[LeaseQueue], Coroutine[Any, Any, Any]]) -> Any:
        expected = self.loop.run_until_complete(ask(self.memory))
        assert self.loop.run_until_complete(ask(self.redis)) == expected
        return expected

    def some_lease(self, index: int) -> Lease:
        known = self.leases or [Lease(Job("a"), 1, 0, 0)]
        return known[index % len(known)]

    @rule(
        keys=st.lists(KEYS, max_size=3),
        payload=st.text(max_size=3),
        delay=SECONDS,
        priority=st.integers(-2, 2),
        host=st.sampled_from([None, "a.test"]),
    )
    def push(
        self, keys: list[str], payload: str, delay: float, priority: int, host: str | None
    ) -> None:
        jobs = [Job(key, payload, priority, host) for key in keys]
        self.both(lambda queue: queue.push(jobs, delay))

    @rule(limit=st.integers(0, 3), seconds=SECONDS)
    def take(self, limit: int, seconds: float) -> None:
        self.leases += self.both(lambda queue: queue.take(limit, seconds))

    @rule(index=st.integers(0, 9), seconds=SECONDS)
    def extend(self, index: int, seconds: float) -> None:
        self.both(lambda queue: queue.extend([self.some_lease(index), self.some_lease(0)], seconds))

    @rule(index=st.integers(0, 9))
    def acknowledge(self, index: int) -> None:
        self.both(lambda queue: queue.acknowledge(self.some_lease(index)))

    @rule(index=st.integers(0, 9), delay=SECONDS)
    def release(self, index: int, delay: float) -> None:
        self.both(lambda queue: queue.release(self.some_lease(index), delay))

    @rule(index=st.integers(0, 9), delay=SECONDS)
    def fail(self, index: int, delay: float) -> None:
        self.both(lambda queue: queue.fail(self.some_lease(index), "error", delay))

    @rule(index=st.integers(0, 9))
    def kill(self, index: int) -> None:
        self.both(lambda queue: queue.kill(self.some_lease(index), "reason", "error"))

    @rule()
    def reap(self) -> None:
        self.both(lambda queue: queue.reap())

    @rule(limit=st.integers(0, 2))
    def look_at_the_dead(self, limit: int) -> None:
        self.both(lambda queue: queue.dead(limit))

    @rule(limit=st.integers(0, 2))
    def bury(self, limit: int) -> None:
        dead = self.both(lambda queue: queue.dead(limit))
        self.both(lambda queue: queue.bury([job.job.key for job in dead]))

    @rule(seconds=st.one_of(SECONDS, st.just(HIDDEN_SECONDS)))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def agree(self) -> None:
        self.both(lambda queue: queue.depth())
        self.both(lambda queue: queue.known(["a", "b", "c", "d"]))


def test_the_twins_never_disagree(settings: Settings) -> None:
    Twins.redis_settings = settings
    machine = Twins.TestCase
    machine.settings = hypothesis_settings(
        max_examples=80,
        stateful_step_count=40,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    machine("runTest").runTest()
