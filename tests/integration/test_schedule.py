"""The scheduler: what is due goes onto the frontier, once, by one leader at a time."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import text
from typer.testing import CliRunner

from openfunnel import services
from openfunnel.cli.app import app
from openfunnel.errors import DatabaseUnavailable
from openfunnel.intake import Intake, Queued
from openfunnel.queue.presence import PresenceBoard
from openfunnel.queue.start_lists import StartLists
from openfunnel.records import BoardRef
from openfunnel.scheduling import PAGE, ROLE, Scheduler, queue_due
from openfunnel.settings import Settings
from openfunnel.sources.addresses import Address
from openfunnel.store import boards, crawl_writes
from openfunnel.store.database import Database
from openfunnel.store.leadership import Leadership

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ACME = BoardRef(ats="greenhouse", token="acme")
BOLT = BoardRef(ats="greenhouse", token="bolt")
COIL = BoardRef(ats="lever", token="coil")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as database:
        yield database


@pytest.fixture
def leadership(database_url: str) -> Iterator[Leadership]:
    with Leadership(database_url, ROLE) as leadership:
        yield leadership


@pytest.fixture
def intake(database: Database, redis: Redis, settings: Settings) -> Intake:
    return Intake(database, StartLists(redis), settings, clock=lambda: NOW)


@pytest.fixture
def scheduler(
    database: Database, intake: Intake, redis: Redis, leadership: Leadership
) -> Scheduler:
    return Scheduler(database, intake, PresenceBoard(redis), leadership, clock=lambda: NOW)


def add(database: Database, ref: BoardRef, due_at: datetime) -> None:
    with database.begin() as session:
        board_id = crawl_writes.upsert_board(session, ref, None, NOW)
        values = {"id": board_id, "due_at": due_at}
        session.execute(text("UPDATE boards SET due_at = :due_at WHERE id = :id"), values)


def wanted(database: Database) -> list[str]:
    with database.begin() as session:
        return [
            board.ref.token
            for board in boards.active_boards(session)
            if board.queued_at is not None
        ]


# --- turns --------------------------------------------------------------------------------------


async def test_boards_that_are_due_are_queued_and_no_others(
    database: Database, scheduler: Scheduler, redis: Redis
) -> None:
    add(database, ACME, NOW - HOUR)
    add(database, BOLT, NOW + HOUR)
    add(database, COIL, NOW)

    assert await scheduler.turn() == 2

    assert wanted(database) == ["acme", "coil"]
    (entry,) = await redis.lrange("greenhouse:start_urls", 0, -1)
    assert b"/acme/" in entry
    assert await redis.llen("lever:start_urls") == 1


async def test_a_board_that_is_queued_already_is_not_queued_again(
    database: Database, scheduler: Scheduler, redis: Redis
) -> None:
    add(database, ACME, NOW)

    assert [await scheduler.turn() for _ in range(3)] == [1, 0, 0]
    assert await redis.llen("greenhouse:start_urls") == 1


async def test_boards_go_in_pages_and_the_longest_due_first(
    database: Database, intake: Intake, redis: Redis
) -> None:
    tokens = [f"board{number:03}" for number in range(PAGE + 20)]
    await intake.queue([Address(ACME.model_copy(update={"token": token})) for token in tokens])
    await redis.flushall()
    with database.begin() as session:
        session.execute(
            text("UPDATE boards SET queued_at = NULL, due_at = :now - id * interval '1 s'"),
            {"now": NOW},
        )

    queued = await queue_due(database, intake, NOW)

    assert len(set(queued.board_ids)) == len(tokens)
    first = await redis.lindex("greenhouse:start_urls", -1)
    assert first is not None
    assert f"/{tokens[-1]}/".encode() in first
    assert await redis.llen("greenhouse:start_urls") == len(tokens)


# --- leading ------------------------------------------------------------------------------------


async def test_who_follows_leaves_the_boards_alone(
    database: Database, scheduler: Scheduler, database_url: str
) -> None:
    add(database, ACME, NOW)
    with Leadership(database_url, ROLE) as other:
        assert other.take()
        assert await scheduler.turn() is None
    assert wanted(database) == []

    assert await scheduler.turn() == 1


def test_a_lead_is_kept_by_taking_it_again_and_given_up_at_once(database_url: str) -> None:
    with Leadership(database_url, ROLE) as first, Leadership(database_url, ROLE) as second:
        assert [first.take(), first.take(), second.take(), first.take()] == [
            True,
            True,
            False,
            True,
        ]
        first.close()
        assert [second.take(), first.take()] == [True, False]


def test_one_may_lead_in_one_thing_and_another_in_another(database_url: str) -> None:
    with Leadership(database_url, "one") as one, Leadership(database_url, "other") as other:
        assert [one.take(), other.take()] == [True, True]


def test_a_follower_takes_over_when_the_leaders_process_is_killed(
    database_url: str, leadership: Leadership
) -> None:
    program = (
        "import sys, time\n"
        "from openfunnel.store.leadership import Leadership\n"
        f"leadership = Leadership(sys.argv[1], {ROLE!r})\n"
        "print(leadership.take(), flush=True)\n"
        "time.sleep(600)"
    )
    leader = subprocess.Popen(
        [sys.executable, "-c", program, database_url], stdout=subprocess.PIPE, text=True
    )
    try:
        assert leader.stdout is not None
        assert leader.stdout.readline() == "True\n"
        assert not leadership.take()
    finally:
        leader.kill()
        leader.communicate()

    waiting = threading.Event()
    assert any(leadership.take() or waiting.wait(0.01) for _ in range(1000))


def test_who_loses_its_connection_has_lost_the_lead_and_says_so(
    database: Database, database_url: str, leadership: Leadership
) -> None:
    assert leadership.take()
    with database.begin() as session:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE application_name = 'openfunnel scheduler'"
                " AND datname = current_database()"
            )
        )
    with Leadership(database_url, ROLE) as other:
        assert other.take()
        with pytest.raises(DatabaseUnavailable):
            leadership.take()
        assert not leadership.take()
    assert leadership.take()


def test_a_server_that_is_away_is_one_clear_line() -> None:
    leadership = Leadership("postgresql://me:hunter2@127.0.0.1:1/funnel", ROLE)

    with pytest.raises(DatabaseUnavailable) as away:
        leadership.take()

    assert "me:***@127.0.0.1:1" in str(away.value)
    assert "hunter2" not in str(away.value)


# --- the role -----------------------------------------------------------------------------------


class Outages(Intake):
    """An intake that meets these errors before it does its work, and then ends the test."""

    def meet(self, stop: asyncio.Event, *errors: Exception) -> None:
        self.stop, self.errors = stop, list(errors)

    async def queue(self, addresses: Sequence[Address]) -> Queued:
        if self.errors:
            raise self.errors.pop(0)
        self.stop.set()
        return await super().queue(addresses)


async def test_the_scheduler_outlives_outages_and_surprises(
    database: Database, redis: Redis, settings: Settings, database_url: str
) -> None:
    add(database, ACME, NOW)
    stop, presence = asyncio.Event(), PresenceBoard(redis)
    intake = Outages(database, StartLists(redis), settings, clock=lambda: NOW)
    away = DatabaseUnavailable(url="", detail=""), RedisConnectionError("refused")
    intake.meet(stop, *away, ZeroDivisionError("by zero"))
    leadership = Leadership(database_url, ROLE)

    await Scheduler(database, intake, presence, leadership, clock=lambda: NOW).run(stop, 0)

    assert wanted(database) == ["acme"]
    assert await presence.present() == []
    with Leadership(database_url, ROLE) as other:
        assert other.take()


async def test_schedulers_say_who_leads(
    database: Database, intake: Intake, redis: Redis, database_url: str
) -> None:
    stop, told = asyncio.Event(), []

    class Told(PresenceBoard):
        async def beat(self, presence, ttl_seconds=10):  # type: ignore[no-untyped-def]
            await super().beat(presence, ttl_seconds)
            told.extend(one.detail for one in await self.present(ROLE))
            leadership.close()
            if len(told) == 2:
                stop.set()
            else:
                assert other.take()

    with Leadership(database_url, ROLE) as other:
        leadership = Leadership(database_url, ROLE)
        await Scheduler(database, intake, Told(redis), leadership).run(stop, 0)

    assert told == ["leads", "stands by"]


# --- commands -----------------------------------------------------------------------------------


@pytest.fixture
def environment(
    settings: Settings, database: Database, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Point commands at the database and the Redis of this test."""
    monkeypatch.setenv("OPENFUNNEL_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", database.url)
    monkeypatch.setenv("REDIS_URL", services.ensure_redis(settings))


async def run(*arguments: str) -> str:
    result = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.usefixtures("environment")
async def test_one_turn_by_hand_queues_what_is_due(database: Database, database_url: str) -> None:
    add(database, ACME, NOW)

    with Leadership(database_url, ROLE) as other:
        assert other.take()
        refused = await run("schedule", "--once")
        assert refused == "Another scheduler is at work; nothing was queued\n"
    assert await run("schedule", "--once") == "Queued: 1 boards\n"
    assert await run("schedule", "--once") == "Queued: 0 boards\n"


@pytest.mark.usefixtures("environment")
async def test_a_crawl_of_what_is_due_takes_named_boards_along(
    database: Database, redis: Redis
) -> None:
    add(database, ACME, NOW)
    add(database, BOLT, datetime(2999, 1, 1, tzinfo=UTC))

    assert await run("crawl", "--due", "lever:coil") == "Queued: 2 boards\n"
    assert wanted(database) == ["acme", "coil"]
    assert await run("crawl", "--due") == "Queued: 0 boards\n"
    assert await redis.llen("greenhouse:start_urls") == 1
