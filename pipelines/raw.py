"""Store each answer byte for byte, whatever is in it."""

import asyncio
from typing import Any, Self

from itemadapter import ItemAdapter
from scrapy.crawler import Crawler

from openfunnel.clock import utc_now
from openfunnel.store import crawl_writes
from pipelines import connections


class StoreRawResponse:
    """Commits the answer before anybody tries to make sense of it."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the crawler, for its spider's connections."""
        return cls(crawler)

    async def process_item(self, item: Any) -> Any:
        """Fill in `board_id` and `raw_response_id`."""
        await asyncio.to_thread(self._store, ItemAdapter(item))
        return item

    def _store(self, answer: ItemAdapter) -> None:
        raw, failure = answer["raw"], answer["failure"]
        with connections(self._crawler).database.begin() as session:
            now = utc_now() if raw is None else raw.fetched_at
            answer["board_id"] = crawl_writes.upsert_board(session, answer["board"], None, now)
            if raw is not None:
                answer["raw_response_id"] = crawl_writes.save_raw_response(
                    session, answer["board_id"], raw, answer["run_id"], failure
                )
