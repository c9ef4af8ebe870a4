"""Who is alive."""

import pytest
from redis.asyncio import Redis

from openfunnel.queue.presence import Presence, PresenceBoard

CRAWLER = Presence("crawler:greenhouse", "host:1", busy=3, detail="")
EXTRACTOR = Presence("extractor", "host:2", busy=0, detail="rules")


async def test_those_who_beat_are_present_by_role(redis: Redis) -> None:
    board = PresenceBoard(redis)
    await board.beat(EXTRACTOR)
    await board.beat(CRAWLER)

    assert await board.present() == [CRAWLER, EXTRACTOR]
    assert await board.present("extractor") == [EXTRACTOR]
    assert await board.present("crawler") == []


async def test_the_latest_beat_counts(redis: Redis) -> None:
    board = PresenceBoard(redis)
    busier = Presence(EXTRACTOR.role, EXTRACTOR.name, busy=4, detail="rules")
    await board.beat(EXTRACTOR)
    await board.beat(busier)

    assert await board.present() == [busier]


async def test_those_who_leave_are_gone(redis: Redis) -> None:
    board = PresenceBoard(redis)
    await board.beat(EXTRACTOR)
    await board.leave(EXTRACTOR)

    assert await board.present() == []
    assert await redis.keys("*") == []


async def test_a_presence_ends_by_itself_and_the_index_forgets_it(redis: Redis) -> None:
    board = PresenceBoard(redis)
    await board.beat(EXTRACTOR, ttl_seconds=10)
    key = "openfunnel:present:extractor:host:2"
    assert 0 < await redis.pttl(key) <= 10_000
    await redis.pexpireat(key, 1)

    assert await board.present() == []
    assert await redis.keys("*") == []


@pytest.mark.parametrize("junk", [b"\xff\xfe", b"{}", b"[" * 10_000, b'{"role": 1}', b"null"])
async def test_junk_is_not_present(redis: Redis, junk: bytes) -> None:
    board = PresenceBoard(redis)
    await board.beat(EXTRACTOR)
    await redis.set("openfunnel:present:junk", junk)
    await redis.lpush("openfunnel:present:list", "not a string")
    await redis.sadd("openfunnel:present", "openfunnel:present:junk", "openfunnel:present:list")

    assert await board.present() == [EXTRACTOR]


async def test_any_detail_can_be_told(redis: Redis) -> None:
    board = PresenceBoard(redis)
    odd = Presence("extractor", "lone \ud800 \0", busy=0, detail="\udfff \0 日本語")
    await board.beat(odd)

    (found,) = await board.present()
    assert found.detail.endswith("日本語")
    await board.leave(odd)
    assert await board.present() == []
