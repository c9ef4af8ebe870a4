"""How boards get onto the frontier: one way, for the command line, the API and the reaper.

PostgreSQL learns first that a board is wanted (`boards.queued_at`), then Redis gets the start
entry. Whatever Redis or a killed crawler loses is therefore known, and `requeue_lost` puts it back.
"""

import asyncio
import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy.orm import Session

from openfunnel.clock import utc_now
from openfunnel.errors import AddressRefused
from openfunnel.queue.presence import PresenceBoard
from openfunnel.queue.start_lists import StartLists
from openfunnel.records import BoardRef, DeadLetter, Failure
from openfunnel.settings import Settings
from openfunnel.sources import SOURCES
from openfunnel.sources.addresses import Address, canonical_url, locate, request_url
from openfunnel.sources.starter import StarterBoard, starter_boards
from openfunnel.store import crawl_writes, posting_writes, queries, run_writes
from openfunnel.store.boards import active_boards, boards_in_progress
from openfunnel.store.database import Database

Row = TypeVar("Row")

LONGEST_ENTRY = 4096
"""Bytes of a start entry; a longer one is refused unread."""

LOST_AFTER = timedelta(seconds=15)
"""A wanted board may be between two hands for so long before it counts as lost."""

MOST_REQUEUES = 5
"""A board whose crawl is lost more often, such as one that kills its crawlers, is given up."""


@dataclass(frozen=True)
class StartEntry:
    """A start entry, read: what to ask for, and for which run."""

    address: Address
    run_id: int | None = None


@dataclass(frozen=True)
class Queued:
    """What was put onto the frontier."""

    board_ids: tuple[int, ...]
    posting_ids: tuple[int, ...]
    """Postings asked for by their own address."""
    sources: frozenset[str]


@dataclass(frozen=True)
class RunStarted:
    """A run that was just started."""

    run_id: int
    trace_id: str
    board_count: int
    job_count: int
    """Postings known on its boards."""


def read_entry(data: bytes, ats: str, settings: Settings) -> StartEntry:
    """Read an entry of a start list: a token, an address, or `{"url": ..., "meta": {...}}`.

    `ats` is the source whose list it is from: a bare token names a board of that source. Of `meta`
    only `run_id` is read.

    Raises:
        AddressRefused: it makes no sense, with the reason.
    """
    shown = data[:100].decode("utf-8", "replace")
    if len(data) > LONGEST_ENTRY:
        raise AddressRefused(entry=shown, reason=f"it is longer than {LONGEST_ENTRY} bytes")
    try:
        text = data.decode("utf-8").strip()
        if not text.startswith("{"):
            return StartEntry(locate(text, settings, ats))
        entry = json.loads(text)
    except UnicodeDecodeError:
        raise AddressRefused(entry=shown, reason="it is not UTF-8 text") from None
    except (ValueError, RecursionError):
        raise AddressRefused(entry=shown, reason="it is not valid JSON") from None
    if not isinstance(url := entry.get("url"), str):
        raise AddressRefused(entry=shown, reason='it has no "url"')
    meta = entry.get("meta")
    run_id = meta.get("run_id") if isinstance(meta, dict) else None
    known = type(run_id) is int and 0 < run_id < 2**63  # `true` is an int too
    return StartEntry(locate(url, settings, ats), run_id if known else None)


class Intake:
    """Puts boards and postings onto the frontier."""

    def __init__(
        self,
        database: Database,
        start_lists: StartLists,
        settings: Settings,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._start_lists = start_lists
        # Entries name the real address: who takes them puts in the base that is set for it.
        self._public = settings.model_copy(update={"source_urls": {}})
        self._clock = clock

    async def queue(self, addresses: Sequence[Address]) -> Queued:
        """Record boards and postings as wanted, and push them."""
        board_ids, posting_ids = await asyncio.to_thread(self._record, addresses)
        await self._push(addresses)
        sources = frozenset(address.board.ats for address in addresses)
        return Queued(board_ids, posting_ids, sources)

    async def seed(self, starters: Iterable[StarterBoard]) -> Queued:
        """Introduce boards and put them onto the frontier."""
        boards = tuple(starters)
        await self.introduce(boards)
        return await self.queue([Address(board.ref) for board in boards])

    async def introduce(self, starters: Iterable[StarterBoard]) -> None:
        """Make boards known with their companies' names, without asking for a crawl."""
        await asyncio.to_thread(self._name, starters)

    async def active(self) -> list[Address]:
        """Addresses of all active boards."""
        boards = await asyncio.to_thread(self._read, active_boards)
        return [Address(board.ref) for board in boards]

    async def start_run(self) -> RunStarted:
        """Queue a crawl of every active board as one run; an empty store is seeded first."""
        run, refs = await asyncio.to_thread(self._record_run)
        await self._push([Address(ref) for ref in refs], run.run_id)
        return run

    async def accept(self, entries: Sequence[StartEntry]) -> None:
        """Record entries taken off a start list as wanted, before anything is done with them."""
        await asyncio.to_thread(self._record, [entry.address for entry in entries])

    async def forward(self, entry: StartEntry) -> None:
        """Push an entry onto the list of the source it belongs to."""
        await self._push([entry.address], entry.run_id)

    async def requeue_lost(self, presences: PresenceBoard) -> int:
        """Push what is wanted, or was taken and forgotten, while nothing of its source moves.

        Returns how many entries that made. A fetch too many does no harm, one too few does.
        """
        returned = 0
        for ats in SOURCES:
            waiting = await self._start_lists.waiting(ats)
            crawlers = await presences.present(f"crawler:{ats}")
            if waiting.entries or waiting.requests or any(one.busy for one in crawlers):
                continue
            returned += await self._start_lists.put_back(ats)
            lost = await asyncio.to_thread(self._record_lost, ats)
            await self._push(lost)
            returned += len(lost)
        return returned

    async def _push(self, addresses: Iterable[Address], run_id: int | None = None) -> None:
        meta = {} if run_id is None else {"run_id": run_id}
        entries: dict[str, list[str]] = defaultdict(list)
        for address in addresses:
            url = request_url(address, self._public)
            entries[address.board.ats].append(json.dumps({"url": url, "meta": meta}))
        for ats, lines in entries.items():
            await self._start_lists.push(ats, lines)

    def _read(self, query: Callable[[Session], list[Row]]) -> list[Row]:
        with self._database.begin() as session:
            return query(session)

    def _record(self, addresses: Iterable[Address]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        now = self._clock()
        boards: list[int] = []
        postings: list[int] = []
        with self._database.begin() as session:
            for address in sorted(addresses, key=str):  # two who record never wait in a circle
                board_id = crawl_writes.upsert_board(session, address.board, None, now)
                if address.posting_id is None:
                    boards.append(board_id)
                else:
                    url = canonical_url(address.board, address.posting_id)
                    found = posting_writes.discover_posting(
                        session, board_id, url, address.posting_id, now
                    )
                    postings.append(found)
            crawl_writes.mark_queued(session, boards, now)
        return tuple(boards), tuple(postings)

    def _record_lost(self, ats: str) -> list[Address]:
        """Return what of a source was lost; give up on boards that are lost again and again."""
        now = self._clock()
        before = now - LOST_AFTER
        with self._database.begin() as session:
            boards = [one for one in boards_in_progress(session, before) if one.ref.ats == ats]
            for board in boards:
                if board.requeues >= MOST_REQUEUES:
                    detail = f"its crawl was lost {board.requeues + 1} times"
                    letter = DeadLetter(
                        kind="crawl",
                        key=str(board.ref),
                        reason=Failure.LOST,
                        attempts=board.requeues + 1,
                        last_error=detail,
                        payload={"board": board.ref.model_dump(), "posting_id": None},
                    )
                    crawl_writes.fail_board(session, board.id, Failure.LOST, detail, now)
                    crawl_writes.save_dead_letter(session, letter, now)
            again = [board for board in boards if board.requeues < MOST_REQUEUES]
            crawl_writes.mark_lost(session, [board.id for board in again], now)
            postings = queries.discovered_postings(session, before)
        return [Address(board.ref) for board in again] + [
            Address(one.ref, one.external_id) for one in postings if one.ref.ats == ats
        ]

    def _name(self, starters: Iterable[StarterBoard]) -> None:
        now = self._clock()
        with self._database.begin() as session:
            for starter in sorted(starters, key=str):
                crawl_writes.upsert_board(session, starter.ref, starter.name, now)

    def _record_run(self) -> tuple[RunStarted, list[BoardRef]]:
        now = self._clock()
        if not self._read(active_boards):
            self._name(starter_boards())
        with self._database.begin() as session:
            boards = active_boards(session)
            ids = [board.id for board in boards]
            run = run_writes.create_run(session, "all", secrets.token_hex(16), ids, now)
            crawl_writes.mark_queued(session, ids, now)
        started = RunStarted(run.id, run.trace_id, run.board_count, run.job_count)
        return started, [board.ref for board in boards]
