"""Servers that go away for a while: crawlers wait, and nothing that was asked for is forgotten."""

import os
import signal
from pathlib import Path

from openfunnel import services
from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.serve import running
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
        stage.wait_until(lambda: "Waiting for PostgreSQL or Redis" in stage.log())
        assert crawler.poll() is None
        services.ensure_postgres(settings)

        # Then every one of them is crawled
        stage.wait_until(lambda: stage.count(FETCHED) == len(TOKENS))
        with stage.redis() as client:
            assert not client.exists("greenhouse:start_urls", "greenhouse:requests:lease")
