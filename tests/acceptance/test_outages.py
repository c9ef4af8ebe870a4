"""Servers that go away for a while: crawlers wait, and nothing that was asked for is forgotten."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil
import pytest

from openfunnel import services
from openfunnel.queue.connection import ANSWER_SECONDS
from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.faults import parse_faults
from openfunnel.sandbox.serve import running
from openfunnel.services import embedded_postgres, embedded_redis
from openfunnel.settings import Settings
from spiders.feed import LONGEST_AWAY_SECONDS

from .stage import POSTINGS, Stage, postings_of

WORLD = GeneratedWorld(boards=4, postings=40)
TOKENS = [ref.token for ref in WORLD.boards() if ref.ats == "greenhouse"]
FETCHED = "SELECT count(*) FROM boards WHERE last_fetched_at IS NOT NULL"


def test_entries_pushed_while_postgresql_is_away_are_crawled_when_it_is_back(
    own_servers: Stage,
) -> None:
    stage = own_servers
    settings = Settings.load(environ={}, home=Path(stage.environment["OPENFUNNEL_HOME"]))
    with running(WORLD) as sandbox:
        # Given an idle crawler, and a database that dies
        stage.face(sandbox)
        crawler = stage.scrapy("crawl", "greenhouse")
        with stage.redis() as client:
            stage.wait_until(lambda: bool(client.keys("openfunnel:present:crawler:greenhouse:*")))
        pid_file = settings.home / "postgres" / "data" / "postmaster.pid"
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)
        stage.wait_until(lambda: not pid_file.exists())

        # When entries are pushed, and it comes back
        stage.push("greenhouse", *TOKENS)
        stage.wait_until(lambda: "Waiting: PostgreSQL does not answer" in stage.log())
        assert crawler.poll() is None
        services.ensure_postgres(settings)

        # Then every one of them is crawled
        stage.wait_until(lambda: stage.count(FETCHED) == len(TOKENS))
        keys = "greenhouse:start_urls", "greenhouse:requests:lease"
        with stage.redis() as client:  # leases end after the commit
            stage.wait_until(lambda: not client.exists(*keys))


def test_a_crawler_waits_for_a_redis_that_is_away_and_goes_on(own_servers: Stage) -> None:
    stage = own_servers
    home = Path(stage.environment["OPENFUNNEL_HOME"])
    with running(WORLD) as sandbox:
        # Given a crawler whose Redis goes away
        stage.face(sandbox)
        crawler = stage.scrapy("crawl", "greenhouse")
        with stage.redis() as client:
            stage.wait_until(lambda: bool(client.keys("openfunnel:present:crawler:greenhouse:*")))
        embedded_redis.stop(home / "redis")
        stage.wait_until(lambda: "Waiting: " in stage.log())
        assert crawler.poll() is None

        # When it comes back, and entries are pushed
        embedded_redis.start(home / "redis")
        stage.push("greenhouse", *TOKENS)

        # Then every one of them is crawled
        stage.wait_until(lambda: stage.count(FETCHED) == len(TOKENS))


def test_a_crawler_can_be_stopped_while_its_servers_are_away(own_servers: Stage) -> None:
    stage = own_servers
    home = Path(stage.environment["OPENFUNNEL_HOME"])
    with running(WORLD, parse_faults("slow,slow-seconds=2")) as sandbox:
        # Given a crawler with requests in the air, whose servers go away
        stage.face(sandbox)
        stage.push("greenhouse", *TOKENS)
        crawler = stage.scrapy("crawl", "greenhouse")
        with stage.redis() as client:
            stage.wait_until(lambda: client.zcard("greenhouse:requests:lease") > 0)
        embedded_redis.stop(home / "redis")
        embedded_postgres.stop(home / "postgres")

        # When it is asked to stop, then it does
        crawler.send_signal(signal.SIGTERM)
        stage.wait_until(lambda: crawler.poll() is not None)


def test_a_crawler_can_be_stopped_while_its_database_says_nothing(own_servers: Stage) -> None:
    stage = own_servers
    home = Path(stage.environment["OPENFUNNEL_HOME"])
    with running(WORLD, parse_faults("slow,slow-seconds=2")) as sandbox:
        # Given a crawler with requests in the air, and a database that takes all and answers none
        stage.face(sandbox)
        stage.push("greenhouse", *TOKENS)
        crawler = stage.scrapy("crawl", "greenhouse")
        with stage.redis() as client:
            stage.wait_until(lambda: client.zcard("greenhouse:requests:lease") >= len(TOKENS))
        pid_file = home / "postgres" / "data" / "postmaster.pid"
        server = psutil.Process(int(pid_file.read_text().split()[0]))
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            # When it is asked to stop, then it does, and hands back what it could not store
            crawler.send_signal(signal.SIGTERM)
            stage.wait_until(lambda: crawler.poll() is not None)
            with stage.redis() as client:
                assert client.zcard("greenhouse:requests:lease") == 0
        finally:
            for process in processes:
                process.resume()


LEASE_SECONDS = 1.0
AWAY_SECONDS = LEASE_SECONDS + ANSWER_SECONDS + LONGEST_AWAY_SECONDS
"""Longer than a lease, than anybody waits for an answer, and than the pauses between tries."""


@contextmanager
def shut_down(stage: Stage) -> Iterator[None]:
    folder = Path(stage.environment["OPENFUNNEL_HOME"]) / "redis"
    assert embedded_redis.stop(folder)
    yield
    embedded_redis.start(folder)


@contextmanager
def frozen(stage: Stage) -> Iterator[None]:
    """It takes connections and requests, and answers none."""
    with stage.redis() as client:
        pid = client.info("server")["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("away", [shut_down, frozen])
def test_nothing_is_lost_or_doubled_while_redis_is_away_for_long(
    own_servers: Stage, away: Callable[[Stage], AbstractContextManager[None]]
) -> None:
    # Given crawlers in the middle of their work, with requests in the air, and a reaper
    stage = own_servers
    world = GeneratedWorld(boards=120, postings=240)
    boards = [ref for ref in world.boards() if ref.ats == "greenhouse"]
    stage.environment |= {
        "OPENFUNNEL_LEASE_SECONDS": str(LEASE_SECONDS),
        "OPENFUNNEL_HOST_RATE": "15",
    }
    with running(world, parse_faults("slow,slow-seconds=0.5")) as sandbox:
        stage.face(sandbox)
        stage.push("greenhouse", *(ref.token for ref in boards))
        crew = [stage.scrapy("crawl", "greenhouse"), stage.scrapy("crawl", "greenhouse")]
        crew.append(stage.openfunnel("reap"))
        stage.wait_until(lambda: stage.count(FETCHED) >= 5)

        # When Redis is away for longer than anything lasts
        with away(stage):
            back_at = time.monotonic() + AWAY_SECONDS
            stage.wait_until(lambda: time.monotonic() >= back_at)
            assert stage.count(FETCHED) < len(boards)
            assert [process.poll() for process in crew] == [None] * len(crew)

        # Then the same processes go on, and everything is there, once
        stage.wait_until(lambda: stage.count(FETCHED) == len(boards))
        with stage.redis() as client:
            stage.wait_until(lambda: not client.exists("greenhouse:requests:lease"))
        assert [process.poll() for process in crew] == [None] * len(crew)
    assert sorted(stage.rows(POSTINGS)) == sorted(postings_of(world, boards))
    assert stage.count("SELECT count(*) FROM raw_responses") == len(boards)
    assert stage.run("extract", "--drain", OPENFUNNEL_EXTRACTOR="rules").returncode == 0
    assert stage.count("SELECT count(*) FROM job_postings WHERE status <> 'extracted'") == 0
    assert stage.count("SELECT count(*) FROM dead_letters") == 0
