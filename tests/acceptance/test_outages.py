"""Servers that go away for a while: crawlers wait, and nothing that was asked for is forgotten."""

import os
import signal
from pathlib import Path

from openfunnel import services
from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.faults import parse_faults
from openfunnel.sandbox.serve import running
from openfunnel.services import embedded_postgres, embedded_redis
from openfunnel.settings import Settings

from .stage import Stage

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
