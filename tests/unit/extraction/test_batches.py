"""Calls made together: shared while things go well, and each by itself when they do not."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from openfunnel.errors import DatabaseUnavailable
from openfunnel.extraction.batches import MOST, Batches

AWAY = DatabaseUnavailable(url="postgresql://h", detail="refused")


@dataclass
class Doubling:
    """Doubles numbers; a batch with a number of `errors` raises its error."""

    errors: dict[int, Exception] = field(default_factory=dict)
    batches: list[list[int]] = field(default_factory=list)

    async def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        await asyncio.sleep(0)
        for number in numbers:
            if error := self.errors.get(number):
                raise error
        return [2 * number for number in numbers]


async def test_what_comes_at_once_is_one_batch() -> None:
    work = Doubling()
    double = Batches(work.__call__, linger_seconds=0)

    assert await asyncio.gather(*map(double, range(5))) == [0, 2, 4, 6, 8]
    assert work.batches == [[0, 1, 2, 3, 4]]


async def test_what_comes_while_a_batch_is_under_way_is_in_the_next() -> None:
    work = Doubling()
    double = Batches(work.__call__, linger_seconds=0)
    first = asyncio.create_task(double(1))
    while not work.batches:
        await asyncio.sleep(0)

    assert await asyncio.gather(double(2), double(3), first) == [4, 6, 2]
    assert work.batches == [[1], [2, 3]]


async def test_a_batch_is_bounded() -> None:
    work = Doubling()

    await asyncio.gather(*map(Batches(work.__call__, linger_seconds=0), range(2 * MOST + 1)))

    assert [len(batch) for batch in work.batches] == [MOST, MOST, 1]


async def test_a_bad_item_fails_alone() -> None:
    work = Doubling({2: ValueError("two")})
    double = Batches(work.__call__, linger_seconds=0)

    answers = await asyncio.gather(*map(double, range(4)), return_exceptions=True)

    assert [answers[0], answers[1], answers[3]] == [0, 2, 6]
    assert repr(answers[2]) == "ValueError('two')"
    assert work.batches == [[0, 1, 2, 3], [0], [1], [2], [3]]


async def test_an_outage_is_told_to_all_without_a_further_try() -> None:
    work = Doubling({2: AWAY})
    double = Batches(work.__call__, linger_seconds=0)

    answers = await asyncio.gather(*map(double, range(4)), return_exceptions=True)

    assert answers == [AWAY] * 4
    assert work.batches == [[0, 1, 2, 3]]


async def test_who_no_longer_waits_is_left_out() -> None:
    work = Doubling()
    double = Batches(work.__call__, linger_seconds=0)
    gone, stays = asyncio.create_task(double(1)), asyncio.create_task(double(2))
    await asyncio.sleep(0)
    gone.cancel()

    assert await stays == 4
    assert work.batches == [[2]]
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_a_batch_goes_on_when_some_of_those_who_wait_for_it_leave() -> None:
    work = Doubling()
    double = Batches(work.__call__, linger_seconds=0)
    gone, stays = asyncio.create_task(double(1)), asyncio.create_task(double(2))
    while not work.batches:
        await asyncio.sleep(0)
    gone.cancel()

    assert await stays == 4
    assert await double(3) == 6
