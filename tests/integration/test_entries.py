"""Start entries, read beside whatever else a crawler does: in the real Redis and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from redis.asyncio import Redis
from scrapy.settings import Settings as ScrapySettings

from openfunnel.errors import DatabaseUnavailable
from openfunnel.queue.frontier import Waiting
from openfunnel.queue.leases import Lease
from openfunnel.settings import Settings
from openfunnel.store.database import Database
from spiders import serializer
from spiders.connections import Connections
from spiders.entries import Entries
from spiders.frontier import RequestQueue
from spiders.greenhouse import GreenhouseSpider

LEASE_SECONDS = 60.0


class Desk:
    """Entries as a feed takes them, and a PostgreSQL that may keep it waiting."""

    def __init__(self, connections: Connections, monkeypatch: pytest.MonkeyPatch) -> None:
        self.connections = connections
        spider = GreenhouseSpider()
        spider.connections = connections
        queue = RequestQueue(None, spider, "%(spider)s:requests", serializer)
        self.entries = Entries(spider, connections, lambda one: queue.write(one, lambda _: ""))
        self.may_record = asyncio.Event()
        self.trouble: Exception | None = None
        self.ended = asyncio.Event()
        accept = connections.intake.accept

        async def record(entries: Any) -> Any:
            await self.may_record.wait()
            if self.trouble is not None:
                raise self.trouble
            return await accept(entries)

        monkeypatch.setattr(connections.intake, "accept", record)

    async def begin(self, *tokens: str) -> Sequence[Lease]:
        """Push entries, take them, and begin to read them."""
        await self.connections.redis.lpush("greenhouse:start_urls", *tokens)
        taken = await self.connections.frontier.take_allowed(0, 100, LEASE_SECONDS)
        self.entries.begin(taken.leases, self.ended.set)
        await asyncio.sleep(0)
        return taken.leases

    async def requests(self) -> list[str]:
        """Keys of the requests that wait to be sent."""
        leases = await self.connections.frontier.take(100, LEASE_SECONDS)
        return sorted(lease.job.key for lease in leases)


@pytest.fixture
async def desk(
    settings: Settings, redis: Redis, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    own = settings.model_copy(update={"host_rate": 0.0})
    given = {"OPENFUNNEL": own, "OPENFUNNEL_DATABASE": Database(database_url)}
    connections = Connections(ScrapySettings(given), "greenhouse")
    yield Desk(await connections.open(), monkeypatch)
    await connections.close({})


async def test_they_stay_leased_until_their_requests_stand_in_their_place(desk: Desk) -> None:
    await desk.begin("acme", "bolt")
    assert not desk.entries.check()
    assert await desk.requests() == []
    assert await desk.connections.frontier.waiting() == Waiting(entries=0, unfinished=2)

    desk.may_record.set()
    await desk.ended.wait()
    await desk.entries.end()

    assert desk.entries.check()
    assert await desk.requests() == ["greenhouse:acme", "greenhouse:bolt"]


async def test_they_are_handed_back_where_postgresql_is_away(desk: Desk) -> None:
    desk.trouble = DatabaseUnavailable(url="postgresql://h", detail="refused")
    desk.may_record.set()
    await desk.begin("acme")
    await desk.ended.wait()
    await desk.entries.end()
    with pytest.raises(DatabaseUnavailable):
        desk.entries.check()

    desk.trouble = None
    assert desk.entries.check()
    (lease,) = (await desk.connections.frontier.take_allowed(0, 100, LEASE_SECONDS)).leases
    assert (lease.job.payload, lease.deaths) == ("acme", 0)


async def test_a_crawler_that_ends_at_once_hands_them_back(desk: Desk) -> None:
    await desk.begin("acme")

    await desk.entries.end(now=True)

    (lease,) = (await desk.connections.frontier.take_allowed(0, 100, LEASE_SECONDS)).leases
    assert (lease.job.payload, lease.deaths) == ("acme", 0)
