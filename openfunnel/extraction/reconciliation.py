"""Puts back what Redis has lost: every posting that is fetched and whose job nobody knows."""

import asyncio

from openfunnel.queue.leases import Job, LeaseQueue
from openfunnel.store import queries
from openfunnel.store.database import Database

PAGE = 1000


async def reconcile(database: Database, queue: LeaseQueue) -> int:
    """Push the missing jobs, in pages; return how many were pushed.

    Postings that failed are left alone: their dead letters say why, and wait for a person. A job
    of a posting that is extracted meanwhile does no harm: its worker finds nothing to do.
    """
    pushed, after_id = 0, 0
    while ids := await asyncio.to_thread(_page, database, after_id):
        known = await queue.known([str(posting_id) for posting_id in ids])
        missing = [Job(key) for key in map(str, ids) if key not in known]
        pushed += await queue.push(missing) if missing else 0
        after_id = ids[-1]
    return pushed


def _page(database: Database, after_id: int) -> list[int]:
    with database.begin() as session:
        return queries.postings_awaiting_extraction(session, after_id, PAGE)
