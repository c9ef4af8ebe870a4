"""Gathering: what comes within a moment is written at once, for each write has its price."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_ITEMS = 32
MOST_BYTES = 4 * 1024 * 1024
"""Of what is written at once; a larger item goes alone."""


class Gathering(Generic[T]):
    """Items collect for `seconds`, and as long as those before them are being written.

    `write` writes several items, all of them or none; what fails together is written again one by
    one, so that no item fails for another's sake. `weigh` returns the bytes of an item. Items of
    the same `key` are never written together, and in the order they came.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[None]],
        seconds: float,
        weigh: Callable[[T], int] = lambda _: 0,
        key: Callable[[T], Hashable] = id,
    ) -> None:
        self._write = write
        self._seconds = seconds
        self._weigh = weigh
        self._key = key
        self._waiting: dict[asyncio.Future[None], T] = {}
        self._running: asyncio.Task[None] | None = None

    async def add(self, item: T) -> None:
        """Return once the item is written; raises what went wrong with it alone."""
        written = asyncio.get_running_loop().create_future()
        self._waiting[written] = item
        self._running = self._running or asyncio.create_task(self._run())
        await written

    async def _run(self) -> None:
        await asyncio.sleep(self._seconds)
        while self._waiting:
            await asyncio.gather(self._settle(self._take()), asyncio.sleep(self._seconds))
        self._running = None

    def _take(self) -> dict[asyncio.Future[None], T]:
        batch: dict[asyncio.Future[None], T] = {}
        keys: set[Hashable] = set()
        size = 0
        for written, item in self._waiting.items():
            if (key := self._key(item)) in keys:
                continue
            size += self._weigh(item)
            if batch and (len(batch) == MOST_ITEMS or size > MOST_BYTES):
                break
            batch[written] = item
            keys.add(key)
        for written in batch:
            del self._waiting[written]
        return batch

    async def _settle(self, batch: dict[asyncio.Future[None], T]) -> None:
        try:
            await self._write(list(batch.values()))
        except Exception as error:  # noqa: BLE001 - each is handed to who waits for it
            if len(batch) > 1:
                for written, item in batch.items():
                    await self._settle({written: item})
                return
            for written in batch:
                if not written.done():
                    written.set_exception(error)
        else:
            for written in batch:
                if not written.done():  # whoever waited may be gone
                    written.set_result(None)
