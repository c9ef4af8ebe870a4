"""Start lists and counters: plain Redis types anybody can push to."""

import pytest
from redis.asyncio import Redis

from openfunnel.queue.counters import Counters
from openfunnel.queue.start_lists import StartLists


async def test_entries_go_in_on_the_left_as_the_bytes_they_are(redis: Redis) -> None:
    await redis.lpush("greenhouse:start_urls", b"\xff\x00")

    await StartLists(redis).push("greenhouse", ["\ud800", ""])

    entries = await redis.lrange("greenhouse:start_urls", 0, -1)
    assert entries == [b"", b"\xed\xa0\x80", b"\xff\x00"]


async def test_sources_have_lists_of_their_own(redis: Redis) -> None:
    lists = StartLists(redis)
    await lists.push("greenhouse", ["a", "b"])

    assert await redis.llen("greenhouse:start_urls") == 2
    assert await redis.llen("lever:start_urls") == 0


async def test_nothing_pushed_is_nothing_done(redis: Redis) -> None:
    lists = StartLists(redis)
    await lists.push("greenhouse", [])

    assert await redis.llen("greenhouse:start_urls") == 0


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
