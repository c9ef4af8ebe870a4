"""Crawlers that are killed all the time, and servers that restart under them: nothing is lost."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.serve import running
from openfunnel.services import embedded_postgres, embedded_redis

from .stage import POSTINGS, Stage, postings_of

BOARDS = 500
CRAWLERS = 3
KILLS = 15
PER_SECOND = 20
"""Slow enough that work remains for all the kills, however fast the machine."""
FETCHED = "SELECT count(*) FROM boards WHERE last_fetched_at IS NOT NULL"


def restart_redis(home: Path) -> None:
    assert embedded_redis.stop(home / "redis")
    embedded_redis.start(home / "redis")


def restart_postgresql(home: Path) -> None:
    assert embedded_postgres.stop(home / "postgres")
    embedded_postgres.start(home / "postgres")


def let_work(stage: Stage, fetched: Callable[[], int]) -> None:
    """Wait for a second, and on a machine too busy to start a crawler in it, for one more board."""
    before, until = min(fetched(), BOARDS - 1), time.monotonic() + 1.0
    stage.wait_until(lambda: time.monotonic() >= until and fetched() > before)


def leave_alone(_: Path) -> None:
    """Nothing but crawlers dies."""


@pytest.mark.parametrize("disturb", [leave_alone, restart_redis, restart_postgresql])
def test_every_board_is_fetched_and_no_posting_lost_or_doubled(
    own_servers: Stage, disturb: Callable[[Path], None]
) -> None:
    stage, chance = own_servers, random.Random(0)
    home = Path(stage.environment["OPENFUNNEL_HOME"])
    world = GeneratedWorld(boards=2 * BOARDS, postings=4 * BOARDS)
    boards = [ref for ref in world.boards() if ref.ats == "greenhouse"][:BOARDS]
    assert len(boards) == BOARDS
    stage.environment |= {
        "OPENFUNNEL_LEASE_SECONDS": "3",
        "OPENFUNNEL_HOST_RATE": str(PER_SECOND),
    }

    with running(world) as sandbox:
        # Given three crawlers at work
        stage.face(sandbox)
        stage.push("greenhouse", *(ref.token for ref in boards))
        crawlers = [stage.scrapy("crawl", "greenhouse") for _ in range(CRAWLERS)]
        fetched = stage.patient(lambda: stage.count(FETCHED))
        stage.wait_until(lambda: fetched() > 0)

        # When a random one is killed every second while work remains
        kills = 0
        while fetched() < BOARDS:
            let_work(stage, fetched)
            victim = chance.randrange(CRAWLERS)
            crawlers[victim].kill()
            crawlers[victim].wait()
            crawlers[victim] = stage.scrapy("crawl", "greenhouse")
            kills += 1
            if kills in (KILLS // 3, 2 * KILLS // 3):
                disturb(home)

        # Then everything is there, once
        assert kills >= KILLS
        assert sorted(stage.rows(POSTINGS)) == sorted(postings_of(world, boards))
        assert stage.count("SELECT count(*) FROM dead_letters") == 0
        assert stage.count("SELECT count(*) FROM raw_responses") == BOARDS
