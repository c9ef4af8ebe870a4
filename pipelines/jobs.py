"""Push an extraction job for each posting that waits for one."""

from typing import Any, Self

from itemadapter import ItemAdapter
from scrapy.crawler import Crawler

from openfunnel.queue.leases import Job
from pipelines import connections


class PushExtractionJobs:
    """Queues what was just committed; what a crash keeps from the queue, the reaper pushes."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Take the crawler, for its spider's connections."""
        return cls(crawler)

    async def process_item(self, item: Any) -> Any:
        """Push the jobs of `awaiting`."""
        if awaiting := ItemAdapter(item)["awaiting"]:
            queue = connections(self._crawler).extract_queue
            await queue.push([Job(str(posting_id)) for posting_id in awaiting])
        return item
