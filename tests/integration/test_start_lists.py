"""Start lists and counters: plain Redis types anybody can push to."""

import pytest
from redis.asyncio import Redis

from openfunnel.queue.counters import Counters
from openfunnel.queue.start_lists import StartLists, Waiting


async def test_entries_are_taken_first_come_first_served(redis: Redis) -> None:
    lists = StartLists(redis)
    await lists.push("greenhouse", ["a", "b"])
    await redis.lpush("greenhouse:start_urls", "c")

    assert await lists.take("greenhouse", 2) == [b"a", b"b"]
    assert await lists.take("greenhouse", 2) == [b"c"]
    assert await lists.take("greenhouse", 2) == []


async def test_sources_have_lists_of_their_own(redis: Redis) -> None:
    lists = StartLists(redis)
    await lists.push("greenhouse", ["a"])

    assert await lists.take("lever", 1) == []


async def test_entries_and_requests_of_the_scheduler_both_wait(redis: Redis) -> None:
    lists = StartLists(redis)
    await lists.push("greenhouse", ["a", "b"])
    await redis.zadd("greenhouse:requests", {"request": 0})

    assert await lists.waiting("greenhouse") == Waiting(entries=2, taken=0, requests=1)
    assert await lists.waiting("lever") == Waiting(entries=0, taken=0, requests=0)


async def test_a_taken_entry_is_kept_until_it_is_settled(redis: Redis) -> None:
    lists = StartLists(redis)
    await lists.push("greenhouse", ["a", "b", "c"])

    taken = await lists.take("greenhouse", 2)
    assert await lists.waiting("greenhouse") == Waiting(entries=1, taken=2, requests=0)

    await lists.settle("greenhouse", taken[:1])
    assert await lists.put_back("greenhouse") == 1
    assert await lists.waiting("greenhouse") == Waiting(entries=2, taken=0, requests=0)
    assert await lists.take("greenhouse", 2) == [b"b", b"c"]


async def test_nothing_pushed_or_asked_for_is_nothing_done(redis: Redis) -> None:
    lists = StartLists(redis)
    await lists.push("greenhouse", [])
    await redis.lpush("greenhouse:start_urls", "a")

    assert await lists.take("greenhouse", 0) == []
    assert await lists.take("greenhouse", -1) == []
    assert await lists.waiting("greenhouse") == Waiting(entries=1, taken=0, requests=0)


async def test_entries_are_the_bytes_somebody_pushed(redis: Redis) -> None:
    lists = StartLists(redis)
    await redis.lpush("greenhouse:start_urls", b"\xff\x00")
    await lists.push("greenhouse", ["\ud800", ""])

    assert await lists.take("greenhouse", 10) == [b"\xff\x00", b"\xed\xa0\x80", b""]


async def test_counters_add_up_by_name_and_field(redis: Redis) -> None:
    counters = Counters(redis)
    await counters.add("refused", "no such host")
    await counters.add("refused", "no such host", 2)
    await counters.add("refused", "not a URL")
    await counters.add("unknown", "field", 5)

    assert await counters.read("refused") == {"no such host": 3, "not a URL": 1}
    assert await counters.read("unknown") == {"field": 5}
    assert await counters.read("never") == {}


@pytest.mark.parametrize("field", ["\ud800", "\0", "", "日本語"])
async def test_any_field_is_counted(redis: Redis, field: str) -> None:
    counters = Counters(redis)
    await counters.add("name", field)

    assert await counters.read("name") == {field: 1}


async def test_counts_that_are_no_numbers_are_left_out(redis: Redis) -> None:
    await redis.hset("openfunnel:count:name", mapping={b"\xff": b"nonsense", b"n": b"-2"})

    assert await Counters(redis).read("name") == {"n": -2}


async def test_a_long_field_is_cut(redis: Redis) -> None:
    counters = Counters(redis)
    await counters.add("name", "x" * 1_000_000)

    (field,) = await counters.read("name")
    assert len(field) == 200
