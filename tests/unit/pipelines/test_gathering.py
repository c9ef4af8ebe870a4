"""What is written together, and what becomes of the others when one cannot be."""

import asyncio
from collections.abc import Sequence

import pytest

from pipelines.gathering import MOST_BYTES, MOST_ITEMS, Gathering


class Ledger:
    """Notes what is written together; writes end when they are let."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.free = asyncio.Event()
        self.free.set()
        self.begun = asyncio.Event()
        self.at_once = self.most_at_once = 0

    async def write(self, items: Sequence[int]) -> None:
        self.batches.append(list(items))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.begun.set()
        await self.free.wait()
        self.at_once -= 1
        if 666 in items:
            raise ValueError("nobody writes that")


async def test_what_comes_together_is_written_together() -> None:
    ledger = Ledger()
    gathering = Gathering(ledger.write, 0)

    await asyncio.gather(*map(gathering.add, range(5)))
    await gathering.add(5)

    assert ledger.batches == [[0, 1, 2, 3, 4], [5]]


async def test_what_comes_during_a_write_waits_for_its_end() -> None:
    ledger = Ledger()
    ledger.free.clear()
    gathering = Gathering(ledger.write, 0)
    first = asyncio.create_task(gathering.add(1))
    await ledger.begun.wait()
    others = [asyncio.create_task(gathering.add(number)) for number in (2, 3)]
    await asyncio.sleep(0)
    assert not first.done()

    ledger.free.set()
    await asyncio.gather(first, *others)

    assert ledger.batches == [[1], [2, 3]]
    assert ledger.most_at_once == 1


async def test_no_more_are_written_together_than_so_many() -> None:
    ledger = Ledger()
    gathering = Gathering(ledger.write, 0)

    await asyncio.gather(*map(gathering.add, range(2 * MOST_ITEMS + 1)))

    assert [len(batch) for batch in ledger.batches] == [MOST_ITEMS, MOST_ITEMS, 1]


async def test_a_large_one_goes_alone() -> None:
    ledger = Ledger()
    gathering = Gathering(ledger.write, 0, weigh=lambda item: item)
    half = MOST_BYTES // 2

    await asyncio.gather(*map(gathering.add, (1, 2, 2 * MOST_BYTES, 3, half, half - 1, half + 1)))

    assert ledger.batches == [[1, 2], [2 * MOST_BYTES], [3, half], [half - 1, half + 1]]


async def test_what_is_of_one_key_is_written_apart_and_in_order() -> None:
    ledger = Ledger()
    gathering = Gathering(ledger.write, 0, key=lambda item: item % 10)

    await asyncio.gather(*map(gathering.add, (1, 2, 11, 21, 12, 3)))

    assert ledger.batches == [[1, 2, 3], [11, 12], [21]]


async def test_one_that_cannot_be_written_fails_alone() -> None:
    ledger = Ledger()
    gathering = Gathering(ledger.write, 0)

    ends = await asyncio.gather(*map(gathering.add, (1, 666, 2)), return_exceptions=True)

    assert ledger.batches == [[1, 666, 2], [1], [666], [2]]
    assert [type(end) for end in ends] == [type(None), ValueError, type(None)]
    await gathering.add(3)


async def test_who_no_longer_waits_keeps_nobody_from_the_end() -> None:
    ledger = Ledger()
    ledger.free.clear()
    gathering = Gathering(ledger.write, 0)
    gone, waiting = (asyncio.create_task(gathering.add(number)) for number in (1, 2))
    await ledger.begun.wait()

    gone.cancel()
    ledger.free.set()
    await waiting

    with pytest.raises(asyncio.CancelledError):
        await gone
    assert ledger.batches == [[1, 2]]
