"""Push an extraction job for each posting that waits for one."""

import logging
from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError
from scrapy.crawler import Crawler

from openfunnel.batches import Batches
from openfunnel.queue.leases import Job
from openfunnel.records import BoardAnswer
from pipelines import Pipeline

logger = logging.getLogger(__name__)

LINGER_SECONDS = 0.005
"""Long enough for all that the pipeline before lets go at once."""


class PushExtractionJobs(Pipeline):
    """Queues what was just committed; what a crash keeps from the queue, the reaper pushes."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._committed = Batches(self._push, LINGER_SECONDS)

    async def process_item(self, item: Any) -> Any:
        """Push the jobs of `awaiting`."""
        return await self._committed(item) if item.awaiting else item

    async def _push(self, answers: Sequence[BoardAnswer]) -> Sequence[BoardAnswer]:
        jobs = [Job(str(posting_id)) for answer in answers for posting_id in answer.awaiting]
        try:
            await self.connections.extract_queue.push(jobs)
        except RedisError as error:  # what they stand for is committed, and will be found
            logger.warning("The reaper will push %d jobs: %s", len(jobs), error)
        return answers
