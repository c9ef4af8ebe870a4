"""Store what an answer says: its postings, or that it is as before, or why there is none."""

import random
from collections.abc import Sequence
from typing import Any

from scrapy.crawler import Crawler

from openfunnel import harvest
from openfunnel.batches import Batches
from openfunnel.records import BoardAnswer
from pipelines import Pipeline, body_bytes

LINGER_SECONDS = 0.01
"""Long enough for all that the pipeline before lets go at once."""
BATCHES_AT_ONCE = 2
"""One is read while PostgreSQL stores the other."""


class StorePostings(Pipeline):
    """Commits boards' postings, and what the answers mean for the boards."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._read = Batches(
            self._store_answers,
            LINGER_SECONDS,
            weigh=body_bytes,
            key=lambda answer: answer.board_id,
            at_once=BATCHES_AT_ONCE,
        )
        self._unchanged = Batches(self._store_unchanged, LINGER_SECONDS)

    async def process_item(self, item: Any) -> Any:
        """Fill in `awaiting`, and the failure of an answer that cannot be read."""
        return await (self._unchanged if item.unchanged else self._read)(item)

    async def _store_answers(self, answers: Sequence[BoardAnswer]) -> Sequence[BoardAnswer]:
        await self.store(harvest.store_answers, self.connections.database, answers, jitter)
        return answers

    async def _store_unchanged(self, answers: Sequence[BoardAnswer]) -> Sequence[BoardAnswer]:
        await self.store(harvest.store_unchanged, self.connections.database, answers, jitter)
        return answers


def jitter() -> float:
    """Factor by which a due time is moved: boards seen together need not come due together."""
    return random.uniform(0.9, 1.1)  # noqa: S311
