"""Requests that came to nothing: given up on by the frontier, or forgotten by Redis.

PostgreSQL knows which boards and postings are wanted. What is wanted and known to nobody in Redis
goes back onto its start list; what the frontier gave up on becomes a dead letter. Every step may
be repeated, and several processes may take it at once.
"""

import asyncio
import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis.asyncio import Redis
from sqlalchemy.orm import Session

from openfunnel.clock import utc_now
from openfunnel.intake import Intake
from openfunnel.queue.frontier import Frontier
from openfunnel.queue.hosts import Ceilings
from openfunnel.queue.leases import DeadJob
from openfunnel.queue.values import encode
from openfunnel.records import BoardRef, DeadLetter, Failure
from openfunnel.settings import Settings
from openfunnel.sources import SOURCES
from openfunnel.sources.addresses import Address
from openfunnel.store import crawl_writes, dead_letters, posting_writes, queries
from openfunnel.store.boards import boards_in_progress
from openfunnel.store.database import Database

LOST_AFTER = timedelta(seconds=15)
"""A wanted board may be between two hands for so long before it counts as lost."""

LONGEST_ENTRY = 4096
"""Bytes of a start entry that its dead letter keeps."""

DEAD_PAGE = 100


@dataclass(frozen=True)
class Recovered:
    """What one turn brought back."""

    returned: int = 0
    """Leases that had expired."""
    dead: int = 0
    """Dead letters stored."""
    queued: int = 0
    """Boards and postings that Redis had forgotten."""


class LostRequests:
    """Looks after the frontiers of all sources."""

    def __init__(
        self,
        database: Database,
        redis: Redis,
        intake: Intake,
        settings: Settings,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        # Stock scrapy-redis keeps no book of what it handed out: nothing can be found missing.
        self._keeps_book = settings.frontier == "leased"
        # What was given up is taken by nobody here, so no rate matters.
        self._frontiers = {name: Frontier(redis, name, Ceilings(0)) for name in SOURCES}
        self._intake = intake
        self._clock = clock

    async def recover(self) -> Recovered:
        """Take one turn over all sources.

        Raises:
            DatabaseUnavailable, redis.RedisError: a service is away; what was done stays done.
        """
        returned = dead = 0
        for source, frontier in self._frontiers.items():
            returned += await frontier.reap()
            while jobs := await frontier.dead(DEAD_PAGE):
                await bury(source, jobs, frontier, self._database, self._clock())
                dead += len(jobs)
        return Recovered(returned, dead, await self._requeue())

    async def _requeue(self) -> int:
        wanted = await asyncio.to_thread(self._wanted) if self._keeps_book else []
        lost: list[Address] = []
        for source, frontier in self._frontiers.items():
            addresses = {str(one): one for one in wanted if one.board.ats == source}
            if not addresses or (await frontier.waiting()).entries:
                continue  # entries nobody has read yet may well be the ones that are missing
            known = await frontier.known(list(addresses))
            lost += [address for key, address in addresses.items() if key not in known]
        if lost:
            await self._intake.queue(lost)
        return len(lost)

    def _wanted(self) -> list[Address]:
        before = self._clock() - LOST_AFTER
        with self._database.begin() as session:
            boards = [Address(board.ref) for board in boards_in_progress(session, before)]
            postings = queries.discovered_postings(session, before)
        return boards + [Address(one.ref, one.external_id) for one in postings]


async def bury(
    source: str, jobs: Sequence[DeadJob], frontier: Frontier, database: Database, now: datetime
) -> None:
    """Store a dead letter for each request the frontier of `source` gave up on, and forget it.

    Raises:
        DatabaseUnavailable: PostgreSQL is away; the frontier offers the rest again later.
    """
    for dead in jobs:
        await asyncio.to_thread(_store, source, dead, database, now)
        await frontier.bury([dead.job.key])


def _store(source: str, dead: DeadJob, database: Database, now: datetime) -> None:
    address = _address(source, dead) if dead.job.host else None
    with database.begin() as session:
        if address is None:
            letter = _entry_letter(source, dead)
        else:
            letter = _crawl_letter(address, dead)
            _fail(session, address, letter.last_error, now)
        dead_letters.save_dead_letter(session, letter, now)


def _fail(session: Session, address: Address, detail: str, now: datetime) -> None:
    board_id = crawl_writes.upsert_board(session, address.board, None, now)
    if address.posting_id is None:
        crawl_writes.fail_board(session, board_id, Failure.LOST, detail, now, jitter=1.0)
    else:
        posting_writes.fail_discovered(session, board_id, address.posting_id, Failure.LOST)


def _address(name: str, dead: DeadJob) -> Address | None:
    """What a serialized request asks for; None where it is no board or posting of the source."""
    source = SOURCES[name]
    try:
        meta = json.loads(dead.job.payload)["meta"]
        board, posting_id = BoardRef.model_validate(meta["board"]), meta["posting_id"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    if (
        board.ats != name
        or board.region not in source.api_bases
        or source.forms.clean_token(board.token) != board.token
        or not (posting_id is None or isinstance(posting_id, str))
        or (posting_id is not None and source.forms.clean_posting_id(posting_id) != posting_id)
    ):
        return None
    return Address(board, posting_id)


def _crawl_letter(address: Address, dead: DeadJob) -> DeadLetter:
    return DeadLetter(
        kind="crawl",
        key=str(address),
        reason=Failure.LOST,
        attempts=dead.attempts + dead.deaths,
        last_error=": ".join(filter(None, (dead.reason, dead.last_error))),
        payload={"board": address.board.model_dump(), "posting_id": address.posting_id},
    )


def _entry_letter(source: str, dead: DeadJob) -> DeadLetter:
    data = encode(dead.job.payload)
    return DeadLetter(
        kind="entry",
        key=_printable(data[:100].decode("utf-8", "replace")),
        reason=dead.reason,
        attempts=dead.attempts + dead.deaths,
        last_error=dead.last_error,
        payload={
            "source": source,
            "entry": base64.b64encode(data[:LONGEST_ENTRY]).decode("ascii"),
            "bytes": len(data),
        },
    )


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
