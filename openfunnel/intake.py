"""How boards get onto the frontier: one way, for the command line, the API and the reaper.

PostgreSQL learns first that a board is wanted (`boards.queued_at`), then Redis gets the start
entry. Whatever Redis loses is therefore known, and `lost_requests` puts it back.
"""

import asyncio
import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy.orm import Session

from openfunnel.clock import utc_now
from openfunnel.errors import AddressRefused
from openfunnel.queue.start_lists import StartLists
from openfunnel.records import BoardRef
from openfunnel.settings import Settings
from openfunnel.sources.addresses import Address, canonical_url, locate, request_url
from openfunnel.sources.starter import StarterBoard, starter_boards
from openfunnel.store import crawl_writes, posting_writes, run_writes
from openfunnel.store.boards import BoardVisit, active_boards
from openfunnel.store.database import Database

Row = TypeVar("Row")

LONGEST_ENTRY = 4096
"""Bytes of a start entry; a longer one is refused unread."""


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
class Recorded:
    """What PostgreSQL knows to be wanted now."""

    visits: Mapping[BoardRef, BoardVisit]
    board_ids: tuple[int, ...]
    posting_ids: tuple[int, ...]


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
        recorded = await asyncio.to_thread(self._record, addresses)
        await self._push(addresses)
        sources = frozenset(address.board.ats for address in addresses)
        return Queued(recorded.board_ids, recorded.posting_ids, sources)

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

    async def accept(self, entries: Sequence[StartEntry]) -> Mapping[BoardRef, BoardVisit]:
        """Record entries as wanted, before anything is done with them.

        Returns what is known of their boards, for the request.
        """
        recorded = await asyncio.to_thread(self._record, [entry.address for entry in entries])
        return recorded.visits

    async def forward(self, entry: StartEntry) -> None:
        """Push an entry onto the list of the source it belongs to."""
        await self._push([entry.address], entry.run_id)

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

    def _record(self, addresses: Sequence[Address]) -> Recorded:
        now = self._clock()
        refs = [address.board for address in addresses]
        whole = {address.board for address in addresses if address.posting_id is None}
        with self._database.begin() as session:
            visits = crawl_writes.take_up(session, refs, now, whole)
            postings = tuple(
                posting_writes.discover_posting(
                    session,
                    visits[address.board].id,
                    canonical_url(address.board, address.posting_id),
                    address.posting_id,
                    now,
                )
                for address in addresses
                if address.posting_id is not None
            )
        boards = tuple(visits[ref].id for ref in dict.fromkeys(refs) if ref in whole)
        return Recorded(visits, boards, postings)

    def _name(self, starters: Iterable[StarterBoard]) -> None:
        now = self._clock()
        for starter in starters:
            with self._database.begin() as session:
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
