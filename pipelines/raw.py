"""Store each answer byte for byte, whatever is in it."""

import asyncio
from typing import Any

from itemadapter import ItemAdapter

from openfunnel.clock import utc_now
from openfunnel.store import crawl_writes
from pipelines import Pipeline


class StoreRawResponse(Pipeline):
    """Commits the answer before anybody tries to make sense of it."""

    async def process_item(self, item: Any) -> Any:
        """Fill in `board_id` and `raw_response_id`."""
        await asyncio.to_thread(self._store, ItemAdapter(item))
        return item

    def _store(self, answer: ItemAdapter) -> None:
        raw, failure = answer["raw"], answer["failure"]
        with self.connections.database.begin() as session:
            now = utc_now() if raw is None else raw.fetched_at
            answer["board_id"] = crawl_writes.upsert_board(session, answer["board"], None, now)
            if raw is not None:
                answer["raw_response_id"] = crawl_writes.save_raw_response(
                    session, answer["board_id"], raw, answer["run_id"], failure
                )
