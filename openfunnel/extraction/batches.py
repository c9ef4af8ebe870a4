"""Many calls made as one: how a worker spares PostgreSQL and Redis a trip for each posting."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from openfunnel.extraction.outages import AWAY

MOST = 32
"""In one batch: enough to share the costs, few enough to hold up nobody."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_Asked: TypeAlias = tuple[Item, asyncio.Future[Answer]]


class Batches(Generic[Item, Answer]):
    """Group commit: what comes while one batch is under way goes together in the next.

    `work` answers a batch item by item. If it fails, each item is tried alone, so that a bad one
    fails by itself; only while a service is away, everybody is told so at once.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Coroutine[Any, Any, Sequence[Answer]]],
        linger_seconds: float,
    ) -> None:
        """A batch waits `linger_seconds` for others to join the first."""
        self._work = work
        self._linger_seconds = linger_seconds
        self._waiting: list[_Asked[Item, Answer]] = []
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Answer:
        """Return the answer to one item.

        Raises:
            Exception: whatever `work` raises about it.
        """
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                if len(self._waiting) < MOST:
                    await asyncio.sleep(self._linger_seconds)
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                if wanted := [asked for asked in batch if not asked[1].cancelled()]:
                    await self._serve(wanted)
        finally:
            self._running = None

    async def _serve(self, batch: Sequence[_Asked[Item, Answer]]) -> None:
        items = [item for item, _ in batch]
        (work,), _ = await asyncio.wait({asyncio.create_task(self._work(items))})
        error = work.exception()
        if error is None:
            for (_, future), answer in zip(batch, work.result(), strict=True):
                if not future.done():
                    future.set_result(answer)
        elif len(batch) > 1 and not isinstance(error, AWAY):
            for one in batch:
                await self._serve([one])
        else:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
