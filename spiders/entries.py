"""From start entries to requests: read, recorded as wanted in PostgreSQL, then exchanged.

An entry is leased until its request stands in its place, so a crawler that dies in between loses
nothing.
"""

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

    async def exchange(self, leases: Sequence[Lease]) -> None:
        """Put requests in the place of entries.

        Raises:
            DatabaseUnavailable, redis.RedisError: a server is away; the entries are still leased.
        """
        connections = self._connections
        read: list[tuple[Lease, StartEntry]] = []
        refused = 0
        for lease in leases:
            try:
                entry = self._read(lease)
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

    def _read(self, lease: Lease) -> StartEntry:
        data = encode(lease.job.payload)
        return read_entry(data, self._spider.name, self._connections.settings)
