"""Fixtures for whole processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from openfunnel import services
from openfunnel.settings import Settings

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
