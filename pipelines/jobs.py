"""Push an extraction job for each posting that waits for one."""

from typing import Any

from itemadapter import ItemAdapter

from openfunnel.queue.leases import Job
from pipelines import Pipeline


class PushExtractionJobs(Pipeline):
    """Queues what was just committed; what a crash keeps from the queue, the reaper pushes."""

    async def process_item(self, item: Any) -> Any:
        """Push the jobs of `awaiting`."""
        if awaiting := ItemAdapter(item)["awaiting"]:
            queue = self.connections.extract_queue
            await queue.push([Job(str(posting_id)) for posting_id in awaiting])
        return item
