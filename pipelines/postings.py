"""Store what an answer says: its postings, or that it is as before, or why there is none."""

import asyncio
import random
from typing import Any

from scrapy.crawler import Crawler

from openfunnel import harvest
from openfunnel.records import BoardAnswer
from pipelines import Pipeline

GATHER_SECONDS = 0.01
"""Unchanged answers that come within so long are one statement: their crawl is all overhead."""


class StorePostings(Pipeline):
    """Commits a board's postings, and what the answer means for the board."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._unchanged: list[BoardAnswer] = []
        self._gathering: asyncio.Task[None] | None = None

    async def process_item(self, item: Any) -> Any:
        """Fill in `awaiting`, and the failure of an answer that cannot be read."""
        if item.unchanged:
            self._unchanged.append(item)
            self._gathering = self._gathering or asyncio.create_task(self._store_unchanged())
            await asyncio.shield(self._gathering)
        else:
            await self.store(harvest.store_answer, self.connections.database, item, jitter)
        return item

    async def _store_unchanged(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        answers, self._unchanged, self._gathering = self._unchanged, [], None
        await self.store(harvest.store_unchanged, self.connections.database, answers, jitter)


def jitter() -> float:
    """Factor by which a due time is moved: boards seen together need not come due together."""
    return random.uniform(0.9, 1.1)  # noqa: S311
