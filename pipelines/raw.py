"""Store each answer byte for byte, whatever is in it."""

from collections.abc import Sequence
from typing import Any

from scrapy.crawler import Crawler

from openfunnel.batches import Batches
from openfunnel.records import BoardAnswer
from openfunnel.store.crawl_writes import board_ids
from openfunnel.store.raw_writes import Received, save_raw_responses
from pipelines import Pipeline, body_bytes

LINGER_SECONDS = 0.03


class StoreRawResponse(Pipeline):
    """Commits the answer before anybody tries to make sense of it, and never the same one twice."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._received = Batches(self._save, LINGER_SECONDS, weigh=body_bytes)

    async def process_item(self, item: Any) -> Any:
        """Fill in `board_id` and `raw_response_id`."""
        return item if item.unchanged else await self._received(item)

    async def _save(self, answers: Sequence[BoardAnswer]) -> Sequence[BoardAnswer]:
        await self.store(self._store, answers)
        return answers

    def _store(self, answers: Sequence[BoardAnswer]) -> None:
        with self.connections.database.autocommit() as session:
            ids = board_ids(session, [one.board for one in answers], max(one.at for one in answers))
            for answer in answers:
                answer.board_id = ids[answer.board]
            whole = [one for one in answers if one.raw is not None]
            received = [
                Received(ids[one.board], one.raw, one.run_id, one.failure)
                for one in whole
                if one.raw is not None
            ]
            stored = save_raw_responses(session, received)
        for answer, raw_response_id in zip(whole, stored, strict=True):
            answer.raw_response_id = raw_response_id
