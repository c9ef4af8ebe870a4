"""From a dead job to its dead letter: stored in PostgreSQL first, forgotten by Redis then.

Redis may be wiped, so what was given up on is not left there.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from openfunnel.queue.leases import DeadJob, LeaseQueue
from openfunnel.records import DeadLetter
from openfunnel.store import posting_writes
from openfunnel.store.database import Database
from openfunnel.store.dead_letters import save_dead_letter

_LARGEST_ID = 2**63


def posting_id_of(key: str) -> int | None:
    """Return the posting that a job's key names; None where others put junk into the queue."""
    if not (key.isascii() and key.isdecimal() and len(key) < 20):
        return None
    number = int(key)
    return number if number < _LARGEST_ID else None


async def store_dead_letters(
    jobs: Sequence[DeadJob], database: Database, queue: LeaseQueue, now: datetime
) -> None:
    """Store a dead letter for each job, mark its posting as failed, and bury the job.

    Several processes may come upon the same dead job: the first of them writes the letter.
    """
    if jobs:
        await asyncio.to_thread(_store, jobs, database, now)
        await queue.bury([dead.job.key for dead in jobs])


def _store(jobs: Sequence[DeadJob], database: Database, now: datetime) -> None:
    with database.begin() as session:
        for dead in sorted(jobs, key=lambda dead: dead.job.key):
            if _is_news(session, dead):
                save_dead_letter(session, _letter(dead), now)


def _is_news(session: Session, dead: DeadJob) -> bool:
    """Mark the posting as failed. False where it is so already, or extracted meanwhile."""
    posting_id = posting_id_of(dead.job.key)
    return posting_id is None or posting_writes.fail_fetched(session, posting_id, dead.reason)


def _letter(dead: DeadJob) -> DeadLetter:
    return DeadLetter(
        kind="extract",
        key=dead.job.key,
        reason=dead.reason,
        attempts=dead.attempts,
        last_error=dead.last_error,
        payload={"payload": dead.job.payload, "deaths": dead.deaths},
    )
