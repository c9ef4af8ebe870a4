"""The snapshot behind `openfunnel status`: what the stores hold, as a person needs to see it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis
from rich.console import Console

from openfunnel.cli.snapshot import Snapshot, take_snapshot
from openfunnel.cli.status import render
from openfunnel.queue.frontier import Frontier
from openfunnel.queue.hosts import Ceilings, HostOutcome, HostReport, Hosts
from openfunnel.queue.leases import Job
from openfunnel.queue.start_lists import StartLists
from openfunnel.records import BoardRef, Failure
from openfunnel.settings import Settings
from openfunnel.store import crawl_writes, run_writes
from openfunnel.store.database import Database
from openfunnel.store.usage import UsageRow, add_usage

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CEILINGS = Ceilings(10, {"free.example": 0})


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as database:
        yield database


@pytest.fixture
def limited(settings: Settings) -> Settings:
    return settings.model_copy(update={"host_rate": 10.0, "host_rates": {"free.example": 0.0}})


@pytest.fixture
def hosts(redis: Redis) -> Hosts:
    return Hosts(redis, CEILINGS, random=lambda: 0.5)


def shown(snapshot: Snapshot) -> str:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(render(snapshot))
    return capture.get()


async def test_without_trouble_nothing_is_said_of_hosts_or_failures(
    database: Database, redis: Redis, limited: Settings, hosts: Hosts
) -> None:
    await hosts.report([HostReport("well.example", 0.1, HostOutcome.OK)])
    await hosts.reserve("free.example")

    snapshot = await take_snapshot(limited, database, redis)

    assert (snapshot.hosts, snapshot.failures) == ((), {})
    assert "Hosts in trouble" not in shown(snapshot)
    assert "Failed crawls" not in shown(snapshot)


async def test_hosts_that_are_blocked_slowed_or_given_up_on_are_shown(
    database: Database, redis: Redis, limited: Settings, hosts: Hosts
) -> None:
    refusal = HostReport("blocked.example", 0.1, HostOutcome.REFUSED, retry_after_seconds=300)
    await hosts.report([refusal])
    await hosts.report([HostReport("open.example", None, HostOutcome.FAILED)] * 10)
    await hosts.slow("slowed.example", crawl_delay_seconds=4)
    await hosts.report([HostReport("well.example", 0.1, HostOutcome.OK)])

    snapshot = await take_snapshot(limited, database, redis)

    blocked, open_, slowed = snapshot.hosts
    assert (blocked.host, blocked.ceiling) == ("blocked.example", 10)
    assert 250 < blocked.blocked_seconds <= 300
    assert (open_.host, open_.circuit, open_.failures) == ("open.example", "open", 10)
    assert (slowed.host, slowed.per_second, slowed.circuit) == ("slowed.example", 0.25, "closed")
    text = shown(snapshot)
    for host in snapshot.hosts:
        assert host.host in text
    assert "0.25" in text


async def test_failed_crawls_are_counted_by_source_and_name(
    database: Database, redis: Redis, limited: Settings
) -> None:
    with database.begin() as session:
        for ats, failure in (
            ("greenhouse", Failure.TIMED_OUT),
            ("greenhouse", Failure.TIMED_OUT),
            ("greenhouse", Failure.TOO_LARGE),
            ("lever", Failure.NOT_FOUND),
        ):
            ref = BoardRef(ats=ats, token="acme")
            board_id = crawl_writes.upsert_board(session, ref, None, NOW)
            crawl_writes.fail_board(session, board_id, failure, "it is so", NOW, jitter=1.0)

    snapshot = await take_snapshot(limited, database, redis)

    assert snapshot.failures == {
        "greenhouse": {"timed_out": 2, "too_large": 1},
        "lever": {"not_found": 1},
    }
    assert "Failed crawls of greenhouse so far: 2 timed_out, 1 too_large\n" in shown(snapshot)


async def test_a_frontier_is_counted_with_the_entries_nobody_has_read(
    database: Database, redis: Redis, limited: Settings
) -> None:
    frontier = Frontier(redis, "greenhouse", CEILINGS)
    await frontier.push([Job(name, host="free.example") for name in ("one", "two", "three")])
    await frontier.push([Job("four", host="free.example")], delay_seconds=60)
    (lease, *_) = (await frontier.take_allowed(2, 0, lease_seconds=60)).leases
    await frontier.kill(lease, "killed", "by the test")
    await StartLists(redis).push("greenhouse", ["acme", "bolt"])

    snapshot = await take_snapshot(limited, database, redis)

    state = snapshot.crawl["greenhouse"]
    assert (state.ready, state.delayed, state.in_flight, state.dead) == (3, 1, 1, 1)
    assert snapshot.crawl["lever"].ready == 0


async def test_models_are_shown_by_source_over_all_runs(
    database: Database, redis: Redis, limited: Settings
) -> None:
    before = await take_snapshot(limited, database, redis)
    assert (before.models, "Models" in shown(before)) == ((), False)
    with database.begin() as session:
        run = run_writes.create_run(session, "all", "ab" * 16, [], NOW)
        uses = [
            UsageRow(run.id, "greenhouse", "small:1b", 1200, 30, 600_000, 90_000, 2400.4),
            UsageRow(None, "greenhouse", "small:1b", 34, 0, 17_000, 3_000, 60.0),
            UsageRow(None, "lever", "[red]large", 5, 1, 4_000, 900, 70.0),
        ]
        add_usage(session, uses, NOW)

    snapshot = await take_snapshot(limited, database, redis)

    small, large = snapshot.models
    assert (small.source, small.model, small.calls, small.cache_hits) == (
        "greenhouse",
        "small:1b",
        1234,
        30,
    )
    assert (small.tokens_in, small.tokens_out, large.model) == (617_000, 93_000, "[red]large")
    rows = [line.split() for line in shown(snapshot).splitlines()]
    assert ["greenhouse", "small:1b", "1,234", "30", "617,000", "93,000", "2,460", "s"] in rows
    assert ["lever", "[red]large", "5", "1", "4,000", "900", "70", "s"] in rows
