"""Servers that go away for a while: crawlers wait, and nothing that was asked for is forgotten."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from openfunnel import services
from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.serve import running
from openfunnel.settings import Settings

from .stage import Stage, environment_of

WORLD = GeneratedWorld(boards=4, postings=40)
TOKENS = [ref.token for ref in WORLD.boards() if ref.ats == "greenhouse"]
FETCHED = "SELECT count(*) FROM boards WHERE last_fetched_at IS NOT NULL"


@pytest.fixture
def own_servers(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Stage]:
    """A stage on servers that no other test uses, so that they may be taken away."""
    settings = Settings.load(environ={}, home=tmp_path_factory.mktemp("home"))
    stage = Stage(
        services.ensure_postgres(settings),
        services.ensure_redis(settings),
        tmp_path,
        environment_of({"OPENFUNNEL_HOME": str(settings.home), "OPENFUNNEL_HOST_RATE": "0"}),
    )
    # Named, so that nobody starts them again by asking for them.
    stage.environment |= {"DATABASE_URL": stage.database_url, "REDIS_URL": stage.redis_url}
    assert stage.run("migrate").returncode == 0
    yield stage
    stage.end()
    services.stop(settings)


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
            assert not client.exists("greenhouse:start_urls", "greenhouse:taken")
