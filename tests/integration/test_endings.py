"""How requests end: in the real Redis, with letters in the real PostgreSQL."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis
from scrapy import Request
from scrapy.settings import Settings as ScrapySettings

from openfunnel.queue.frontier import Waiting
from openfunnel.settings import Settings
from openfunnel.store.database import Database
from openfunnel.store.models import StoredDeadLetter
from spiders import serializer
from spiders.connections import MOST_ATTEMPTS, Connections
from spiders.endings import Endings
from spiders.engine import Engine
from spiders.frontier import DupeFilter, RequestQueue
from spiders.greenhouse import GreenhouseSpider
from spiders.hands import Hands

URL = "https://boards-api.greenhouse.io/v1/boards/{}/jobs?content=true&pay_transparency=true"
LEASE_SECONDS = 60.0

UNWRITABLE: dict[str, dict[str, Any]] = {
    "meta that is no JSON": {"meta": {"page": object()}},
    "meta that holds bytes": {"meta": {"page": b"2"}},
    "arguments that are no JSON": {"cb_kwargs": {"pages": {1, 2}}},
    "a callback that is nobody's method": {"callback": lambda response: None},
    "a board that is none": {"meta": {"board": "acme"}},
    "a board without a posting": {"meta": {"board": {"ats": "greenhouse", "token": "acme"}}},
}


class Idle(Engine):
    """An engine that is done with all it was given."""

    def has(self, request: Request) -> bool:
        return False


class World:
    """A crawler's hands and their endings."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self.spider = GreenhouseSpider()
        self.spider.connections = connections
        name = "%(spider)s:requests"
        self.queue = RequestQueue(None, self.spider, name, serializer)
        self.hands = Hands()
        dupefilter = DupeFilter(None, "greenhouse:dupefilter")
        crawler: Any = None
        self.endings = Endings(connections, self.hands, Idle(crawler), self.queue, dupefilter)

    def request(self, token: str, **changes: Any) -> Request:
        board = {"ats": "greenhouse", "region": "", "token": token}
        values: dict[str, Any] = {
            "callback": self.spider.parse,
            "errback": self.spider.fail,
            "meta": {"board": board, "posting_id": None, "run_id": None},
        }
        return Request(URL.format(token), **(values | changes))

    async def send(self, *tokens: str) -> list[Request]:
        """Requests that were pushed, taken and handed to Scrapy."""
        frontier = self.connections.frontier
        await frontier.push([self.endings.write(self.request(token)) for token in tokens])
        return await self.take()

    async def take(self) -> list[Request]:
        taken = []
        for lease in await self.connections.frontier.take(100, LEASE_SECONDS):
            self.hands.add(lease, self.queue.read(lease.job))
            request = self.hands.send()
            assert request is not None
            taken.append(request)
        return taken

    def succeed(self, request: Request) -> None:
        self.hands.confirm(request.meta["lease"], request.meta["fence"])

    async def settle(self) -> None:
        await self.endings.settle(is_stopping=False)
        await self.endings.bury_refused()

    def letters(self) -> list[tuple[str, str, str]]:
        with self.connections.database.begin() as session:
            letters = session.query(StoredDeadLetter).order_by(StoredDeadLetter.id)
            return [(letter.kind, letter.key, letter.last_error) for letter in letters]


@pytest.fixture
async def world(settings: Settings, redis: Redis, database_url: str) -> AsyncIterator[World]:
    own = settings.model_copy(update={"host_rate": 0.0})
    given = {"OPENFUNNEL": own, "OPENFUNNEL_DATABASE": Database(database_url)}
    connections = Connections(ScrapySettings(given), "greenhouse")
    yield World(await connections.open())
    await connections.close({})


@pytest.mark.parametrize("changes", UNWRITABLE.values(), ids=UNWRITABLE)
async def test_a_redirect_that_cannot_be_written_fails_its_request_alone(
    world: World, changes: dict[str, Any]
) -> None:
    # Given two requests in hand, of which one is redirected to what cannot be written
    redirected, fine = await world.send("acme", "bolt")
    meta = {**redirected.meta, **changes.get("meta", {}), "redirect_times": 1}
    if "board" in changes.get("meta", {}):
        meta.pop("posting_id")

    # When both are over
    assert not world.endings.take(redirected.replace(**{**changes, "meta": meta}))
    world.succeed(fine)
    await world.settle()

    # Then the one comes back later, and the other is done
    assert len(world.hands) == 0
    depth = await world.connections.frontier.depth()
    assert (depth.ready, depth.delayed, depth.leased, depth.dead) == (0, 1, 0, 0)
    assert world.letters() == []


async def test_what_can_never_be_written_ends_as_a_dead_letter_that_says_why(world: World) -> None:
    await world.send("acme")
    for _ in range(MOST_ATTEMPTS):
        (hand,) = world.hands.finished(lambda request: False)
        meta = {**hand.request.meta, "retry_times": 1, "page": object()}
        assert not world.endings.take(hand.request.replace(meta=meta))
        await world.settle()
        await world.connections.redis.zadd(  # its pause is over
            "greenhouse:requests:delayed", {"greenhouse:acme": 0}, xx=True
        )
        await world.take()

    ((kind, key, error),) = world.letters()
    assert (kind, key) == ("crawl", "greenhouse:acme")
    assert "which cannot be written: TypeError: Object of type object is not JSON" in error
    assert await world.connections.frontier.waiting() == Waiting(0, 0)


@pytest.mark.parametrize("changes", UNWRITABLE.values(), ids=UNWRITABLE)
async def test_a_new_request_that_cannot_be_written_is_a_dead_letter_and_holds_up_nobody(
    world: World, changes: dict[str, Any]
) -> None:
    (parent,) = await world.send("acme")

    assert not world.endings.take(world.request("bolt", **changes))
    assert world.endings.take(world.request("coil"))
    world.succeed(parent)
    await world.settle()
    await world.settle()

    ((kind, key, error),) = world.letters()
    assert (kind, key) == ("entry", URL.format("bolt"))
    assert error
    (coil,) = await world.take()
    assert coil.url == URL.format("coil")


async def test_a_new_request_with_its_parents_meta_is_no_redirect(world: World) -> None:
    # Given a request that was redirected before it was taken
    before = world.request("acme")
    before.meta.update({"redirect_times": 1, "redirect_urls": [before.url]})
    await world.connections.frontier.push([world.endings.write(before)])
    (parent,) = await world.take()

    # When it leads to another one, with all of its meta
    board = {"ats": "greenhouse", "region": "", "token": "bolt"}
    child = world.request("bolt", meta={**parent.meta, "board": board})
    assert world.endings.take(child)
    world.succeed(parent)
    await world.settle()

    # Then the other one waits, and the parent is done
    assert await world.connections.frontier.known(["greenhouse:acme", "greenhouse:bolt"]) == {
        "greenhouse:bolt"
    }


async def test_the_redirect_of_a_lease_that_was_lost_is_somebody_elses(world: World) -> None:
    (request,) = await world.send("acme")
    world.hands.lose(world.hands.leases)

    assert world.endings.take(request.replace(meta={**request.meta, "redirect_times": 1}))
    await world.settle()

    depth = await world.connections.frontier.depth()
    assert (depth.unfinished, depth.leased) == (1, 1)
