"""Push an extraction job for each posting that waits for one."""

import logging
from typing import Any

from itemadapter import ItemAdapter
from redis.exceptions import RedisError

from openfunnel.queue.leases import Job
from pipelines import Pipeline

logger = logging.getLogger(__name__)


class PushExtractionJobs(Pipeline):
    """Queues what was just committed; what a crash keeps from the queue, the reaper pushes."""

    async def process_item(self, item: Any) -> Any:
        """Push the jobs of `awaiting`."""
        if awaiting := ItemAdapter(item)["awaiting"]:
            jobs = [Job(str(posting_id)) for posting_id in awaiting]
            try:
                await self.connections.extract_queue.push(jobs)
            except RedisError as error:  # what they stand for is committed, and will be found
                logger.warning("The reaper will push %d jobs: %s", len(jobs), error)
        return item
