"""What Redis forgets comes back, and what the frontier gives up on becomes a dead letter."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from openfunnel.intake import Intake, StartEntry
from openfunnel.lost_requests import LOST_AFTER, LostRequests, Recovered
from openfunnel.queue.frontier import Frontier
from openfunnel.queue.hosts import Ceilings
from openfunnel.queue.leases import Job
from openfunnel.queue.start_lists import StartLists
from openfunnel.records import BoardRef, Failure
from openfunnel.settings import Settings
from openfunnel.sources.addresses import Address
from openfunnel.store import crawl_writes, posting_writes
from openfunnel.store.crawl_writes import BoardOutcome
from openfunnel.store.database import Database
from tests.integration import singly

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ACME = BoardRef(ats="greenhouse", token="acme")
BOLT = BoardRef(ats="greenhouse", token="bolt")
COIL = BoardRef(ats="lever", token="coil")
DONE = BoardOutcome(
    posting_count=0,
    changed=False,
    etag=None,
    last_modified=None,
    checksum=None,
    raw_response_id=None,
)


@dataclass
class Office:
    """Intake and recovery on real servers, and a clock that a test sets."""

    intake: Intake
    lost: LostRequests
    database: Database
    redis: Redis
    frontier: Frontier
    now: datetime = NOW

    async def lose(self, *addresses: Address) -> tuple[int, ...]:
        """Queue addresses, and let Redis forget them."""
        queued = await self.intake.queue(addresses)
        await self.redis.flushall()
        self.now += LOST_AFTER + SECOND
        return queued.board_ids

    async def entries(self, source: str) -> int:
        """Take all entries of a list, and count them."""
        return len(await self.redis.rpop(f"{source}:start_urls", 1000) or [])

    async def queued(self) -> int:
        """Take a turn, and count what it queued."""
        return (await self.lost.recover()).queued

    def letters(self) -> list[Any]:
        with self.database.begin() as session:
            query = "SELECT kind, key, reason, last_error, payload FROM dead_letters ORDER BY id"
            return list(session.execute(text(query)))


@pytest.fixture
async def office(database_url: str, redis: Redis) -> AsyncIterator[Office]:
    with Database(database_url) as database:
        office: Office
        settings = Settings.load(environ={})
        intake = Intake(database, StartLists(redis), settings, clock=lambda: office.now)
        lost = LostRequests(database, redis, intake, settings, clock=lambda: office.now)
        frontier = Frontier(redis, "greenhouse", Ceilings(0), max_deaths=1)
        office = Office(intake, lost, database, redis, frontier)
        yield office


async def test_what_redis_lost_comes_back_once(office: Office) -> None:
    await office.lose(Address(ACME), Address(BOLT, "12"), Address(COIL))

    assert await office.queued() == 3
    assert await office.queued() == 0

    assert (await office.entries("greenhouse"), await office.entries("lever")) == (2, 1)


async def test_nothing_is_lost_too_early(office: Office) -> None:
    await office.lose(Address(ACME), Address(ACME, "12"))
    office.now = NOW + LOST_AFTER

    assert await office.queued() == 0


async def test_nothing_comes_back_that_is_done(office: Office) -> None:
    (board_id,) = await office.lose(Address(ACME), Address(BOLT, "12"))
    with office.database.begin() as session:
        singly.finish(session, board_id, DONE, office.now, jitter=1.0)
        bolt = crawl_writes.upsert_board(session, BOLT, None, NOW)
        posting_writes.fail_discovered(session, bolt, "12", Failure.NOT_FOUND)

    assert await office.queued() == 0


@pytest.mark.parametrize("state", ["ready", "delayed", "leased"])
async def test_nothing_comes_back_that_the_frontier_knows(office: Office, state: str) -> None:
    # Given a board whose request is in motion, and one that is lost
    await office.lose(Address(ACME), Address(BOLT))
    job = Job(str(ACME), "{}", host="ats.example")
    await office.frontier.push([job], delay_seconds=60 if state == "delayed" else 0)
    if state == "leased":
        assert (await office.frontier.take_allowed(1, 0, 60)).leases

    # Then only the lost one comes back
    assert await office.queued() == 1
    (entry,) = await office.redis.lrange("greenhouse:start_urls", 0, -1)
    assert b"/bolt/" in entry


async def test_nothing_comes_back_while_entries_are_unread(office: Office) -> None:
    await office.lose(Address(ACME), Address(COIL))
    await office.redis.lpush("greenhouse:start_urls", "bolt")

    assert await office.queued() == 1
    assert await office.entries("lever") == 1
    assert await office.entries("greenhouse") == 1
    assert await office.queued() == 1


async def test_a_board_whose_crawlers_die_ends_as_a_dead_letter(office: Office) -> None:
    # Given a request that was taken by a crawler that died once too often
    await office.intake.accept([StartEntry(Address(ACME))])
    payload = '{"meta": {"board": {"ats": "greenhouse", "token": "acme"}, "posting_id": null}}'
    await office.frontier.push([Job(str(ACME), payload, host="ats.example")])
    assert (await office.frontier.take_allowed(1, 0, 0)).leases
    await office.frontier.reap()

    # When the reaper takes a turn
    assert await office.lost.recover() == Recovered(dead=1)

    # Then a dead letter says so, and nobody waits for the board any more
    ((kind, key, reason, error, payload),) = office.letters()
    assert (kind, key, reason) == ("crawl", "greenhouse:acme", "lost")
    assert "died 1 times" in error
    assert payload == {"board": ACME.model_dump(), "posting_id": None}
    assert await office.queued() == 0
    assert await office.frontier.dead(10) == []


@pytest.mark.parametrize(
    "meta",
    [
        '{"board": {"ats": "greenhouse", "token": "acme"}, "posting_id": {"a": 1}}',
        '{"board": {"ats": "greenhouse", "token": "acme"}, "posting_id": "../x"}',
        '{"board": {"ats": "junk", "token": "acme"}, "posting_id": null}',
        '{"board": {"ats": "lever", "token": "acme"}, "posting_id": null}',
        '{"board": {"ats": "greenhouse", "region": "moon", "token": "acme"}, "posting_id": null}',
        '{"board": 7, "posting_id": null}',
        "[]",
        "7",
    ],
)
async def test_a_poisoned_request_is_a_dead_letter_and_nothing_else(
    office: Office, meta: str
) -> None:
    # Given a request that asks for nothing there is, and one that came to nothing
    fine = '{"meta": {"board": {"ats": "greenhouse", "token": "bolt"}, "posting_id": null}}'
    poison = Job("poison", f'{{"meta": {meta}}}', host="ats.example")
    await office.frontier.push([poison, Job(str(BOLT), fine, host="ats.example")])
    for lease in (await office.frontier.take_allowed(2, 0, 60)).leases:
        await office.frontier.kill(lease, "killed", "by the test")
    await office.redis.zadd("greenhouse:requests:dead", {"poison": 0, str(BOLT): 0})

    # When the reaper takes a turn, then both are buried, and no board is made up
    assert (await office.lost.recover()).dead == 2
    assert sorted((kind, key) for kind, key, *_ in office.letters())[0] == ("crawl", str(BOLT))
    with office.database.begin() as session:
        boards = session.execute(text("SELECT ats, token FROM boards")).all()
    assert boards == [("greenhouse", "bolt")]


async def test_an_entry_that_kills_crawlers_ends_as_a_dead_letter(office: Office) -> None:
    await office.redis.lpush("greenhouse:start_urls", b"\xff\x00 junk")
    assert (await office.frontier.take_allowed(0, 1, 0)).leases
    await office.frontier.reap()

    assert await office.lost.recover() == Recovered(dead=1)

    ((kind, key, _, _, payload),) = office.letters()
    assert kind == "entry"
    assert key.endswith("junk")
    assert payload["source"] == "greenhouse"


async def test_expired_leases_come_back_through_the_reaper(office: Office) -> None:
    await office.frontier.push([Job(str(ACME), "{}", host="ats.example")])
    assert (await office.frontier.take_allowed(1, 0, 0)).leases

    assert (await office.lost.recover()).returned == 1
    assert (await office.frontier.waiting()).unfinished == 1
