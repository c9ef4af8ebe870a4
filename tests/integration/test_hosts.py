"""What processes learn of hosts, on a clock that passes only when told to."""

import math
from itertools import cycle, pairwise

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from openfunnel.queue.hosts import (
    LONGEST_BLOCK_SECONDS,
    Ceilings,
    Circuit,
    HostOutcome,
    HostReport,
    Hosts,
    HostState,
)

OK, REFUSED, FAILED = HostOutcome
MIDDLE = 0.5
"""The random number that leaves an interval as it is."""


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def hosts_of(redis: Redis, clock: Clock, per_second: float = 2, random: float = MIDDLE) -> Hosts:
    return Hosts(redis, Ceilings(per_second), clock, lambda: random)


async def waits(hosts: Hosts, n: int, host: str = "host") -> list[float]:
    return [await hosts.reserve(host) for _ in range(n)]


async def tell(
    hosts: Hosts, outcome: HostOutcome, latency: float | None = None, retry_after: float = 0
) -> HostState:
    await hosts.report([HostReport("host", latency, outcome, retry_after)])
    (state,) = await hosts.states(["host"])
    return state


# --- the place in line --------------------------------------------------------------------------


async def test_two_go_at_once_and_the_rest_evenly(redis: Redis, clock: Clock) -> None:
    assert await waits(hosts_of(redis, clock), 5) == [0, 0, 0.5, 1.0, 1.5]


async def test_all_processes_stand_in_one_line(redis: Redis, clock: Clock) -> None:
    first, second = hosts_of(redis, clock), hosts_of(redis, clock)

    assert await waits(first, 2) == [0, 0]
    assert await waits(second, 2) == [0.5, 1.0]
    assert await first.reserve("HOST") == 1.5


async def test_hosts_do_not_wait_for_each_other(redis: Redis, clock: Clock) -> None:
    hosts = hosts_of(redis, clock)
    await waits(hosts, 5)

    assert await hosts.reserve("other") == 0


async def test_a_pause_allows_two_again_and_no_more(redis: Redis, clock: Clock) -> None:
    hosts = hosts_of(redis, clock)
    await waits(hosts, 2)
    clock.now += 100

    assert await waits(hosts, 3) == [0, 0, 0.5]


async def test_a_host_may_have_a_ceiling_of_its_own(redis: Redis, clock: Clock) -> None:
    hosts = Hosts(redis, Ceilings(2, {"slow": 0.5, "free": 0}), clock, lambda: MIDDLE)

    assert await waits(hosts, 3, "SLOW") == [0, 0, 2]
    assert await waits(hosts, 3, "free") == [0, 0, 0]
    assert await waits(hosts, 3, "other") == [0, 0, 0.5]


async def test_intervals_are_jittered_by_a_fifth_and_no_more(redis: Redis, clock: Clock) -> None:
    randoms = cycle([0.0, 1.0, 0.25])
    hosts = Hosts(redis, Ceilings(1), clock, lambda: next(randoms))

    starts = await waits(hosts, 6)

    steps = [later - sooner for sooner, later in pairwise(starts[2:])]
    assert steps == pytest.approx([0.9, 0.8, 1.2])


# --- blocks -------------------------------------------------------------------------------------


async def test_retry_after_holds_everybody_and_then_lets_them_out_slowly(
    redis: Redis, clock: Clock
) -> None:
    await tell(hosts_of(redis, clock), REFUSED, retry_after=30)

    others = hosts_of(redis, clock)
    assert await waits(others, 4) == [30, 30, 30.5, 31]
    clock.now += 100
    assert await others.reserve("host") == 0


async def test_a_shorter_block_does_not_end_a_longer_one(redis: Redis, clock: Clock) -> None:
    hosts = hosts_of(redis, clock)
    for retry_after in (30, 5, -5):
        state = await tell(hosts, REFUSED, retry_after=retry_after)

    assert state.blocked_seconds == 30
    assert (await tell(hosts, OK)).blocked_seconds == 30


@pytest.mark.parametrize("seconds", [math.inf, 1e300])
async def test_no_retry_after_is_believed_beyond_ten_minutes(
    redis: Redis, clock: Clock, seconds: float
) -> None:
    state = await tell(hosts_of(redis, clock), REFUSED, retry_after=seconds)

    assert state.blocked_seconds == LONGEST_BLOCK_SECONDS


async def test_failures_back_off_twice_as_long_each_time(redis: Redis, clock: Clock) -> None:
    hosts = hosts_of(redis, clock, random=1.0)
    blocks = []
    for _ in range(9):
        state = await tell(hosts, FAILED)
        blocks.append(state.blocked_seconds)
        clock.now += state.blocked_seconds

    assert blocks == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


async def test_backoff_is_jittered_down_to_nothing(redis: Redis, clock: Clock) -> None:
    blocks = []
    for random in (0.0, 0.25):
        blocks.append((await tell(hosts_of(redis, clock, random=random), FAILED)).blocked_seconds)

    assert blocks == [0, 0.25]


async def test_all_that_one_block_refuses_counts_once(redis: Redis, clock: Clock) -> None:
    hosts = hosts_of(redis, clock)
    await hosts.report([HostReport("host", None, REFUSED, 3)] * 20)

    (state,) = await hosts.states()
    assert (state.failures, state.blocked_seconds) == (1, 3)


async def test_without_a_limit_only_a_block_is_waited_for(redis: Redis, clock: Clock) -> None:
    hosts = hosts_of(redis, clock, per_second=0)
    assert await waits(hosts, 100) == [0] * 100

    state = await tell(hosts, REFUSED, latency=10, retry_after=3)
    assert await waits(hosts, 3) == [3, 3, 3]
    assert state.per_second is None


# --- the circuit --------------------------------------------------------------------------------


async def test_ten_failures_open_the_circuit_and_a_good_answer_closes_it(
    redis: Redis, clock: Clock
) -> None:
    hosts = hosts_of(redis, clock, random=0.0)
    for _ in range(9):
        state = await tell(hosts, FAILED)
    assert (state.circuit, state.failures) == (Circuit.CLOSED, 9)

    state = await tell(hosts, FAILED)
    assert (state.circuit, state.blocked_seconds) == (Circuit.OPEN, 30)

    clock.now += 30
    (state,) = await hosts.states()
    assert state.circuit is Circuit.HALF_OPEN
    state = await tell(hosts, OK)
    assert (state.circuit, state.failures, state.blocked_seconds) == (Circuit.CLOSED, 0, 0)


async def test_a_failed_probe_doubles_the_open_time_up_to_ten_minutes(
    redis: Redis, clock: Clock
) -> None:
    hosts = hosts_of(redis, clock, random=0.0)
    await hosts.report([HostReport("host", None, FAILED)] * 10)
    blocks = []
    for _ in range(6):
        (state,) = await hosts.states()
        blocks.append(state.blocked_seconds)
        clock.now += state.blocked_seconds
        await tell(hosts, FAILED)

    assert blocks == [30, 60, 120, 240, 480, 600]


async def test_what_was_sent_before_the_circuit_opened_does_not_keep_it_open(
    redis: Redis, clock: Clock
) -> None:
    hosts = hosts_of(redis, clock, random=1.0)
    await hosts.report([HostReport("host", None, FAILED)] * 30)

    (state,) = await hosts.states()
    assert (state.failures, state.blocked_seconds) == (10, 60)


async def test_a_good_answer_in_between_starts_the_count_anew(redis: Redis, clock: Clock) -> None:
    hosts = hosts_of(redis, clock, random=0.0)
    await hosts.report([HostReport("host", None, outcome) for outcome in [FAILED] * 9 + [OK]])
    state = await tell(hosts, FAILED)

    assert (state.circuit, state.failures) == (Circuit.CLOSED, 1)


# --- the adaptive rate --------------------------------------------------------------------------


async def test_a_slow_host_is_asked_at_once_less_and_slowly_more_again(
    redis: Redis, clock: Clock
) -> None:
    hosts = hosts_of(redis, clock, per_second=2)
    intervals = []
    for latency in (16, 16, 8, 0.1, 0.1, 0.1):
        state = await tell(hosts, OK, latency)
        assert state.per_second is not None
        intervals.append(1 / state.per_second)

    # an eighth of the latency: eight requests on the way; never faster than the ceiling
    assert intervals == pytest.approx([2, 2, 1.5, 0.75625, 0.5, 0.5], rel=1e-3)


@pytest.mark.parametrize("outcome", [REFUSED, FAILED])
async def test_an_answer_that_is_no_good_never_speeds_up(
    redis: Redis, clock: Clock, outcome: HostOutcome
) -> None:
    hosts = hosts_of(redis, clock)
    await tell(hosts, OK, latency=16)

    assert (await tell(hosts, outcome, latency=0.01)).per_second == 0.5
    assert (await tell(hosts, outcome, latency=32)).per_second == 0.25


async def test_nobody_is_asked_less_than_twice_a_minute(redis: Redis, clock: Clock) -> None:
    state = await tell(hosts_of(redis, clock), OK, latency=100_000)

    assert state.per_second == pytest.approx(1 / 30)


async def test_without_a_latency_the_rate_stays(redis: Redis, clock: Clock) -> None:
    hosts = hosts_of(redis, clock)
    await tell(hosts, OK, latency=16)

    assert (await tell(hosts, FAILED)).per_second == 0.5


# --- Crawl-delay --------------------------------------------------------------------------------


async def test_a_crawl_delay_lowers_the_rate_for_a_day(redis: Redis, clock: Clock) -> None:
    hosts = hosts_of(redis, clock)
    await hosts.slow("HOST", 10)
    assert await waits(hosts, 3) == [0, 0, 10]

    clock.now += 24 * 3600
    assert await waits(hosts, 3) == [0, 0, 0.5]


async def test_a_crawl_delay_never_raises_the_rate_and_may_be_taken_back(
    redis: Redis, clock: Clock
) -> None:
    hosts = hosts_of(redis, clock)
    for delay, rate in ((0.01, 2), (10, 0.1), (0, 2)):
        await hosts.slow("host", delay)
        (state,) = await hosts.states()
        assert state.per_second == rate


async def test_a_crawl_delay_holds_where_nothing_else_does(redis: Redis, clock: Clock) -> None:
    hosts = hosts_of(redis, clock, per_second=0)
    await hosts.slow("host", 10)

    assert await waits(hosts, 3) == [0, 0, 10]


# --- what happens to Redis ----------------------------------------------------------------------


async def test_states_are_of_those_asked_for(redis: Redis, clock: Clock) -> None:
    hosts = hosts_of(redis, clock)
    await hosts.report([HostReport(host, None, OK) for host in ("b", "A", "c")])

    assert [state.host for state in await hosts.states()] == ["a", "b", "c"]
    assert [state.host for state in await hosts.states(["A", "unknown"])] == ["a"]
    assert await hosts.states([]) == []


async def test_a_host_nobody_asks_any_more_is_forgotten(redis: Redis, clock: Clock) -> None:
    hosts = hosts_of(redis, clock)
    await hosts.report([])
    assert await hosts.states() == []
    await tell(hosts, OK)
    assert 0 < await redis.pttl("openfunnel:host:host") <= 24 * 3600 * 1000

    await redis.delete("openfunnel:host:host")

    assert await hosts.states() == []
    assert await redis.smembers("openfunnel:hosts") == set()


async def test_redis_own_clock_counts_where_none_is_given(redis: Redis) -> None:
    hosts = Hosts(redis, Ceilings(0.01), random=lambda: MIDDLE)

    first, second, third = await waits(hosts, 3)

    assert (first, second) == (0, 0)
    assert 90 < third <= 100


@pytest.mark.parametrize(
    "junk", [b"\xff nonsense", b"nan", b"1e400", b"-1e15", b"9007199254740991"]
)
async def test_junk_keeps_nobody_away_for_ever(redis: Redis, clock: Clock, junk: bytes) -> None:
    names = ("due", "blocked", "failures", "probe", "interval", "crawl_delay", "slow_until")
    await redis.hset("openfunnel:host:host", mapping=dict.fromkeys(names, junk))  # type: ignore[arg-type]
    hosts = hosts_of(redis, clock, per_second=0)

    assert await hosts.reserve("host") <= 1200
    assert (await tell(hosts, OK)).failures == 0


async def test_a_clock_set_back_keeps_nobody_away_for_more_than_ten_minutes(
    redis: Redis, clock: Clock
) -> None:
    hosts = hosts_of(redis, clock, random=0.0)
    await hosts.report([HostReport("host", None, FAILED)] * 10)
    clock.now -= 24 * 3600
    for waited in (0, 200, 200, 200):
        clock.now += waited
        (state,) = await hosts.states()

    assert (state.blocked_seconds, state.circuit) == (0, Circuit.HALF_OPEN)


async def test_an_interval_of_minutes_is_kept(redis: Redis, clock: Clock) -> None:
    hosts = hosts_of(redis, clock)
    await hosts.slow("host", 600)

    assert await waits(hosts, 3) == [0, 0, 600]


async def test_what_is_no_hash_is_no_state(redis: Redis, clock: Clock) -> None:
    hosts = hosts_of(redis, clock)
    for ask in (hosts.reserve("host"), hosts.slow("host", 1), tell(hosts, OK)):
        await redis.set("openfunnel:host:host", "nonsense")
        await ask
        assert await redis.type("openfunnel:host:host") == b"hash"


async def test_an_index_of_a_wrong_type_is_an_error_of_redis(redis: Redis, clock: Clock) -> None:
    await redis.set("openfunnel:hosts", "nonsense")

    with pytest.raises(RedisError):
        await hosts_of(redis, clock).reserve("host")
