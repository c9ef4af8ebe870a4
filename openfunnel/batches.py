"""Batches: group commit for whoever pays for each trip to PostgreSQL or Redis.

What comes while one batch is under way goes together in the next, so that the busier a process is,
the less a trip costs it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeAlias, TypeVar

MOST_ITEMS = 32
"""In one batch: enough to share the costs, few enough to hold up nobody."""

MOST_BYTES = 4 * 1024 * 1024
"""In one batch; a larger item goes alone."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_Batch: TypeAlias = dict[asyncio.Future[Answer], Item]


class Batches(Generic[Item, Answer]):
    """Calls for single items, made together.

    `work` answers a batch item by item, and all of it or nothing happens: if it fails, each item is
    tried alone, so that a bad one fails by itself. Only an error of `shared` (a service is away) is
    told to all at once.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Coroutine[Any, Any, Sequence[Answer]]],
        linger_seconds: float,
        *,
        weigh: Callable[[Item], int] = lambda _: 0,
        key: Callable[[Item], Hashable] = id,
        enough: Callable[[], int] = lambda: MOST_ITEMS,
        shared: tuple[type[Exception], ...] = (),
        at_once: int = 1,
    ) -> None:
        """A batch waits `linger_seconds` for others to join the first, or until there are `enough`:
        it is full, or nobody is left who could join.

        `weigh` returns the bytes of an item. Items of the same `key` are never under way together,
        and go in the order they came. Up to `at_once` batches are under way at a time: a further
        one begins beside the others where a whole one waits.
        """
        self._work = work
        self._linger_seconds = linger_seconds
        self._weigh = weigh
        self._key = key
        self._enough = enough
        self._shared = shared
        self._at_once = at_once
        self._waiting: _Batch[Answer, Item] = {}
        self._under_way: set[Hashable] = set()
        """Keys of items."""
        self._running: set[asyncio.Task[None] | None] = set()
        self._ready = asyncio.Event()

    async def __call__(self, item: Item) -> Answer:
        """Return the answer to one item.

        Raises:
            Exception: whatever `work` raises about it.
        """
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[answered] = item
        if self._is_ready():
            self._ready.set()
        whole = len(self._waiting) >= MOST_ITEMS
        if len(self._running) < (self._at_once if whole else 1):
            self._running.add(asyncio.create_task(self._run()))
        return await answered

    async def _run(self) -> None:
        try:
            await self._linger()
            while batch := self._take():
                await asyncio.gather(self._serve(batch), self._linger())
                self._under_way.difference_update(map(self._key, batch.values()))
        finally:
            self._running.discard(asyncio.current_task())

    async def _linger(self) -> None:
        if not self._linger_seconds:
            await asyncio.sleep(0)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._linger_seconds):
                await self._ready.wait()

    def _is_ready(self) -> bool:
        return len(self._waiting) >= max(1, min(MOST_ITEMS, self._enough()))

    def _take(self) -> _Batch[Answer, Item]:
        batch: _Batch[Answer, Item] = {}
        size = 0
        for answered, item in list(self._waiting.items()):
            if answered.cancelled():  # nobody waits for it any more
                del self._waiting[answered]
                continue
            if (key := self._key(item)) in self._under_way:
                continue
            size += self._weigh(item)
            if batch and (len(batch) == MOST_ITEMS or size > MOST_BYTES):
                break
            batch[answered] = self._waiting.pop(answered)
            self._under_way.add(key)
        if not self._is_ready():
            self._ready.clear()
        return batch

    async def _serve(self, batch: _Batch[Answer, Item]) -> None:
        try:
            answers = await self._work(list(batch.values()))
        except Exception as error:  # noqa: BLE001 - each is handed to who waits for it
            if len(batch) > 1 and not isinstance(error, self._shared):
                for answered, item in batch.items():
                    await self._serve({answered: item})
                return
            for answered in batch:
                if not answered.done():
                    answered.set_exception(error)
        else:
            for answered, answer in zip(batch, answers, strict=True):
                if not answered.done():  # whoever waited may be gone
                    answered.set_result(answer)
