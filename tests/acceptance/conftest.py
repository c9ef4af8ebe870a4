"""Fixtures for whole processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from openfunnel import services
from openfunnel.settings import Settings
from tests.conftest import temporary_home

from .stage import Stage, environment_of


@pytest.fixture
def stage(settings: Settings, database_url: str, tmp_path: Path) -> Iterator[Stage]:
    """An empty store, an empty Redis, and no outside world yet."""
    redis_url = services.ensure_redis(settings)
    with Redis.from_url(redis_url) as client:
        client.flushall()
    stage = Stage(
        database_url,
        redis_url,
        tmp_path,
        environment_of(
            {
                "OPENFUNNEL_HOME": str(settings.home),
                "DATABASE_URL": database_url,
                "REDIS_URL": redis_url,
                "OPENFUNNEL_HOST_RATE": "0",
                "OPENFUNNEL_EXTRACTOR": "rules",
            }
        ),
    )
    yield stage
    stage.end()


@pytest.fixture
def own_servers(tmp_path: Path) -> Iterator[Stage]:
    """A stage on servers that no other test uses, so that they may be taken away."""
    with temporary_home() as home:
        settings = Settings.load(environ={}, home=home)
        stage = Stage(
            services.ensure_postgres(settings),
            services.ensure_redis(settings),
            tmp_path,
            environment_of({"OPENFUNNEL_HOME": str(home), "OPENFUNNEL_HOST_RATE": "0"}),
        )
        # Named, so that nobody starts them again by asking for them.
        stage.environment |= {"DATABASE_URL": stage.database_url, "REDIS_URL": stage.redis_url}
        assert stage.run("migrate").returncode == 0
        yield stage
        stage.end()
