"""Crawlers that are killed all the time, and servers that restart under them: nothing is lost."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from openfunnel.records import BoardRef
from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.serve import running
from openfunnel.services import embedded_postgres, embedded_redis
from openfunnel.sources import SOURCES

from .stage import Stage

BOARDS = 500
CRAWLERS = 3
KILLS = 15
PER_SECOND = 20
"""Slow enough that work remains for all the kills, however fast the machine."""
FETCHED = "SELECT count(*) FROM boards WHERE last_fetched_at IS NOT NULL"
POSTINGS = "SELECT ats, token, external_id FROM job_postings JOIN boards ON boards.id = board_id"


def restart_redis(home: Path) -> None:
    assert embedded_redis.stop(home / "redis")
    embedded_redis.start(home / "redis")


def restart_postgresql(home: Path) -> None:
    assert embedded_postgres.stop(home / "postgres")
    embedded_postgres.start(home / "postgres")


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
    expected = {(ref.ats, ref.token, one) for ref in boards for one in external_ids(world, ref)}
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
        next_kill = time.monotonic()
        while fetched() < BOARDS:
            next_kill += 1.0
            stage.wait_until(lambda at=next_kill: time.monotonic() >= at or fetched() == BOARDS)
            victim = chance.randrange(CRAWLERS)
            crawlers[victim].kill()
            crawlers[victim].wait()
            crawlers[victim] = stage.scrapy("crawl", "greenhouse")
            kills += 1
            if kills in (KILLS // 3, 2 * KILLS // 3):
                disturb(home)

        # Then everything is there, once
        assert kills >= KILLS
        found = stage.rows(POSTINGS)
        assert len(found) == len(expected)
        assert set(found) == expected
        assert stage.count("SELECT count(*) FROM dead_letters") == 0
        assert stage.count("SELECT count(*) FROM raw_responses") == BOARDS


def external_ids(world: GeneratedWorld, ref: BoardRef) -> list[str]:
    answer = world.answer(ref)
    assert answer is not None
    pages = SOURCES[ref.ats].parse_board(answer.body, ref)
    return [posting.external_id for page in pages for posting in page.postings]
