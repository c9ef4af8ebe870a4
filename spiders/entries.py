"""From start entries to requests: read, recorded as wanted in PostgreSQL, then exchanged.

An entry is leased until its request stands in its place, so a crawler that dies in between loses
nothing. It is read beside the feed's turns, which have requests to see to while PostgreSQL writes.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from scrapy import Request

from openfunnel.errors import AddressRefused
from openfunnel.intake import StartEntry, read_entry
from openfunnel.queue.leases import Job, Lease
from openfunnel.queue.values import encode
from spiders.connections import Connections


class Entries:
    """The entries one crawler process takes."""

    def __init__(
        self, spider: Any, connections: Connections, write: Callable[[Request], Job]
    ) -> None:
        self._spider = spider
        self._connections = connections
        self._write = write
        self._reading: asyncio.Task[None] | None = None

    def begin(self, leases: Sequence[Lease], then: Callable[[], None]) -> None:
        """Begin to put requests in the place of entries; `then` is called once they are there."""
        self._reading = asyncio.create_task(self._read(leases, then))

    def check(self) -> bool:
        """Whether the entries that were begun are done, so that others may be.

        Raises:
            DatabaseUnavailable, redis.RedisError: a server was away; they are handed back.
        """
        if self._reading is None:
            return True
        if not self._reading.done():
            return False
        ended, self._reading = self._reading, None
        ended.result()
        return True

    async def end(self, *, now: bool = False) -> None:
        """Wait until nothing is read any more; `now`: hand back what is being read."""
        if self._reading is not None:
            if now:
                self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, leases: Sequence[Lease], then: Callable[[], None]) -> None:
        try:
            await self._exchange(leases)
        except BaseException:
            # Else they would wait for their leases to expire, and count a death.
            await self._connections.frontier.release_all(leases)
            raise
        finally:
            then()

    async def _exchange(self, leases: Sequence[Lease]) -> None:
        connections = self._connections
        read: list[tuple[Lease, StartEntry]] = []
        refused = 0
        for lease in leases:
            try:
                entry = self._understand(lease)
            except AddressRefused as error:
                refused += 1
                await connections.refuse(lease, "refused", str(error))
                continue
            if entry.address.board.ats == self._spider.name:
                read.append((lease, entry))
            else:
                await connections.intake.forward(entry)
                await connections.frontier.acknowledge(lease)
        visits = await connections.intake.accept([entry for _, entry in read])
        pairs: list[tuple[Lease, Job]] = []
        for lease, entry in read:
            request = self._spider.request(entry, visits[entry.address.board])
            try:
                pairs.append((lease, self._write(request)))
            except ValueError as error:
                await connections.refuse(lease, "cannot be written", str(error))
        await connections.frontier.exchange(pairs)
        if refused:
            await connections.counters.add("refused_entries", self._spider.name, refused)

    def _understand(self, lease: Lease) -> StartEntry:
        data = encode(lease.job.payload)
        return read_entry(data, self._spider.name, self._connections.settings)
