"""Store each answer byte for byte, whatever is in it."""

from typing import Any

from itemadapter import ItemAdapter

from openfunnel.store import crawl_writes
from pipelines import Pipeline


class StoreRawResponse(Pipeline):
    """Commits the answer before anybody tries to make sense of it, and never the same one twice."""

    async def process_item(self, item: Any) -> Any:
        """Fill in `board_id` and `raw_response_id`."""
        answer = ItemAdapter(item)
        if not answer["unchanged"]:
            await self.store(self._store, answer)
        return item

    def _store(self, answer: ItemAdapter) -> None:
        with self.connections.database.autocommit() as session:
            answer["board_id"] = crawl_writes.upsert_board(
                session, answer["board"], None, answer["at"]
            )
            if answer["raw"] is not None:
                answer["raw_response_id"] = crawl_writes.save_raw_response(
                    session, answer["board_id"], answer["raw"], answer["run_id"], answer["failure"]
                )
