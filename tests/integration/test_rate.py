"""The shared rate to a host, on a clock that passes only when told to."""

import math

import pytest
from redis.asyncio import Redis

from openfunnel.queue.rate import LONGEST_BLOCK_SECONDS, HostRate


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def waits(rate: HostRate, n: int, host: str = "host") -> list[float]:
    return [await rate.reserve(host) for _ in range(n)]


async def test_two_go_at_once_and_the_rest_evenly(redis: Redis, clock: Clock) -> None:
    rate = HostRate(redis, per_second=2, clock=clock)

    assert await waits(rate, 5) == [0, 0, 0.5, 1.0, 1.5]


async def test_all_processes_stand_in_one_line(redis: Redis, clock: Clock) -> None:
    first, second = (HostRate(redis, per_second=2, clock=clock) for _ in range(2))

    assert await waits(first, 2) == [0, 0]
    assert await waits(second, 2) == [0.5, 1.0]
    assert await first.reserve("HOST") == 1.5


async def test_hosts_do_not_wait_for_each_other(redis: Redis, clock: Clock) -> None:
    rate = HostRate(redis, per_second=1, clock=clock)
    await waits(rate, 5)

    assert await rate.reserve("other") == 0


async def test_a_pause_allows_two_again_and_no_more(redis: Redis, clock: Clock) -> None:
    rate = HostRate(redis, per_second=2, clock=clock)
    await waits(rate, 2)
    clock.now += 1000

    assert await waits(rate, 3) == [0, 0, 0.5]


async def test_a_block_holds_everybody_and_then_lets_them_out_slowly(
    redis: Redis, clock: Clock
) -> None:
    rate = HostRate(redis, per_second=2, clock=clock)
    await rate.block("host", 30)

    assert await waits(HostRate(redis, per_second=2, clock=clock), 4) == [30, 30, 30.5, 31]
    clock.now += 100
    assert await rate.reserve("host") == 0


async def test_a_shorter_block_does_not_end_a_longer_one(redis: Redis, clock: Clock) -> None:
    rate = HostRate(redis, per_second=2, clock=clock)
    await rate.block("host", 30)
    await rate.block("host", 5)
    await rate.block("host", -5)

    assert await rate.reserve("host") == 30


async def test_without_a_limit_only_a_block_is_waited_for(redis: Redis, clock: Clock) -> None:
    rate = HostRate(redis, per_second=0, clock=clock)
    assert await waits(rate, 100) == [0] * 100

    await rate.block("host", 3)
    assert await waits(rate, 3) == [3, 3, 3]


@pytest.mark.parametrize("seconds", [math.inf, 1e300])
async def test_no_retry_after_is_believed_beyond_a_day(
    redis: Redis, clock: Clock, seconds: float
) -> None:
    rate = HostRate(redis, per_second=2, clock=clock)
    await rate.block("host", seconds)

    assert await rate.reserve("host") == LONGEST_BLOCK_SECONDS


async def test_nothing_is_kept_for_ever(redis: Redis) -> None:
    rate = HostRate(redis, per_second=2)
    assert await waits(rate, 2) == [0, 0]
    await rate.block("host", 10)

    keys = await redis.keys("*")
    assert len(keys) == 2
    for key in keys:
        assert await redis.pttl(key) > 0


async def test_garbage_in_redis_is_no_rate(redis: Redis, clock: Clock) -> None:
    await redis.set("openfunnel:rate:host", b"\xff nonsense")
    await redis.set("openfunnel:blocked:host", "nonsense")
    rate = HostRate(redis, per_second=2, clock=clock)

    assert await rate.reserve("host") == 0
    await rate.block("host", 1)
    assert await rate.reserve("host") == 1
