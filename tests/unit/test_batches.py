"""Calls made together: shared while things go well, and each by itself when they do not."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import pytest

from openfunnel.batches import MOST_BYTES, MOST_ITEMS, Batches
from openfunnel.errors import DatabaseUnavailable

AWAY = DatabaseUnavailable(url="postgresql://h", detail="refused")


@dataclass
class Doubling:
    """Doubles numbers when it is let; a batch with a number of `errors` raises its error."""

    errors: dict[int, Exception] = field(default_factory=dict)
    batches: list[list[int]] = field(default_factory=list)
    free: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: int = 0
    most_at_once: int = 0

    def __post_init__(self) -> None:
        self.free.set()

    async def work(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.begun.set()
        await self.free.wait()
        self.at_once -= 1
        for number in numbers:
            if error := self.errors.get(number):
                raise error
        return [2 * number for number in numbers]


async def test_what_comes_at_once_is_one_batch() -> None:
    doubling = Doubling()
    double = Batches(doubling.work, 0)

    assert await asyncio.gather(*map(double, range(5))) == [0, 2, 4, 6, 8]
    assert await double(5) == 10
    assert doubling.batches == [[0, 1, 2, 3, 4], [5]]


async def test_what_comes_while_a_batch_is_under_way_is_in_the_next() -> None:
    doubling = Doubling()
    doubling.free.clear()
    double = Batches(doubling.work, 0)
    first = asyncio.create_task(double(1))
    await doubling.begun.wait()
    others = [asyncio.create_task(double(number)) for number in (2, 3)]
    await asyncio.sleep(0)
    assert not first.done()

    doubling.free.set()

    assert await asyncio.gather(first, *others) == [2, 4, 6]
    assert doubling.batches == [[1], [2, 3]]
    assert doubling.most_at_once == 1


async def test_a_batch_is_bounded() -> None:
    doubling = Doubling()

    await asyncio.gather(*map(Batches(doubling.work, 0), range(2 * MOST_ITEMS + 1)))

    assert [len(batch) for batch in doubling.batches] == [MOST_ITEMS, MOST_ITEMS, 1]


LONG_SECONDS = 3600.0
"""No test waits for so long."""


async def test_a_full_batch_waits_for_nobody() -> None:
    doubling = Doubling()
    double = Batches(doubling.work, LONG_SECONDS)

    assert len(await asyncio.gather(*map(double, range(MOST_ITEMS)))) == MOST_ITEMS


async def test_a_batch_waits_for_nobody_where_nobody_can_join() -> None:
    doubling = Doubling()
    double = Batches(doubling.work, LONG_SECONDS, enough=lambda: 2)

    assert await asyncio.gather(double(1), double(2)) == [2, 4]
    alone = asyncio.create_task(double(3))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert await asyncio.gather(alone, double(4)) == [6, 8]
    assert doubling.batches == [[1, 2], [3, 4]]


async def test_a_batch_waits_for_others_only_for_a_while() -> None:
    doubling = Doubling()
    double = Batches(doubling.work, 0.01)

    assert await double(1) == 2
    assert await asyncio.gather(double(2), double(3)) == [4, 6]
    assert doubling.batches == [[1], [2, 3]]


async def test_a_large_item_goes_alone() -> None:
    doubling = Doubling()
    double = Batches(doubling.work, 0, weigh=lambda item: item)
    half = MOST_BYTES // 2

    await asyncio.gather(*map(double, (1, 2, 2 * MOST_BYTES, 3, half, half - 1, half + 1)))

    assert doubling.batches == [[1, 2], [2 * MOST_BYTES], [3, half], [half - 1, half + 1]]


async def test_what_is_of_one_key_goes_apart_and_in_order() -> None:
    doubling = Doubling()
    double = Batches(doubling.work, 0, key=lambda item: item % 10)

    await asyncio.gather(*map(double, (1, 2, 11, 21, 12, 3)))

    assert doubling.batches == [[1, 2, 3], [11, 12], [21]]


async def test_a_bad_item_fails_alone() -> None:
    doubling = Doubling({2: ValueError("two")})
    double = Batches(doubling.work, 0)

    answers = await asyncio.gather(*map(double, range(4)), return_exceptions=True)

    assert [answers[0], answers[1], answers[3]] == [0, 2, 6]
    assert repr(answers[2]) == "ValueError('two')"
    assert doubling.batches == [[0, 1, 2, 3], [0], [1], [2], [3]]
    assert await double(4) == 8


async def test_an_outage_is_told_to_all_without_a_further_try() -> None:
    doubling = Doubling({2: AWAY})
    double = Batches(doubling.work, 0, shared=(DatabaseUnavailable,))

    answers = await asyncio.gather(*map(double, range(4)), return_exceptions=True)

    assert answers == [AWAY] * 4
    assert doubling.batches == [[0, 1, 2, 3]]


async def test_who_no_longer_waits_is_left_out() -> None:
    doubling = Doubling()
    double = Batches(doubling.work, 0)
    gone, stays = asyncio.create_task(double(1)), asyncio.create_task(double(2))
    await asyncio.sleep(0)
    gone.cancel()

    assert await stays == 4
    assert doubling.batches == [[2]]
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_a_batch_goes_on_when_some_of_those_who_wait_for_it_leave() -> None:
    doubling = Doubling()
    doubling.free.clear()
    double = Batches(doubling.work, 0)
    gone, stays = asyncio.create_task(double(1)), asyncio.create_task(double(2))
    await doubling.begun.wait()
    gone.cancel()
    doubling.free.set()

    assert await stays == 4
    assert await double(3) == 6
    assert doubling.batches == [[1, 2], [3]]


async def test_a_second_batch_goes_beside_the_first_where_a_whole_one_waits() -> None:
    doubling = Doubling()
    doubling.free.clear()
    double = Batches(doubling.work, 0, key=lambda item: item % 100, at_once=2)
    first = asyncio.create_task(double(1))
    await doubling.begun.wait()
    others = [asyncio.create_task(double(number)) for number in range(101, 100 + MOST_ITEMS)]
    await turns()
    assert doubling.at_once == 1

    others.append(asyncio.create_task(double(100)))
    others.append(asyncio.create_task(double(2)))
    await turns()
    # 101 waits for 1, which is of the same key.
    assert doubling.batches == [[1], [*range(102, 100 + MOST_ITEMS), 100]]
    assert doubling.at_once == 2

    doubling.free.set()
    await asyncio.gather(first, *others)

    assert sorted(chain.from_iterable(doubling.batches[2:])) == [2, 101]
    assert doubling.most_at_once == 2


async def turns() -> None:
    """Let all tasks do what they can."""
    for _ in range(10):
        await asyncio.sleep(0)
