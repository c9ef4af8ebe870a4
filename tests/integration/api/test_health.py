"""Health, and what happens when a server is away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from api.app import create_app
from openfunnel.errors import DatabaseUnavailable
from openfunnel.settings import Settings
from openfunnel.store.database import Database

CHECKS = ("/health", "/health/db", "/health/redis")
NOBODY = "postgresql://somebody:secret@127.0.0.1:9/none"


@asynccontextmanager
async def _with_servers_away(
    settings: Settings, database: str | None = None, redis: str | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client of an app that was started well and lost a server since."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        opened = app.state.connections
        if database is not None:
            app.state.connections = replace(opened, database=Database(database))
        if redis is not None:
            app.state.connections = replace(opened, redis=Redis.from_url(redis))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            yield client


@pytest.mark.parametrize("path", CHECKS)
async def test_with_both_servers_up_all_is_well(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"


async def test_without_postgresql_health_names_it(api_settings: Settings) -> None:
    async with _with_servers_away(api_settings, database=NOBODY) as client:
        answers = {path: await client.get(path) for path in CHECKS}
        reading = await client.get("/job_postings")
    assert {path: answer.status_code for path, answer in answers.items()} == {
        "/health": 503,
        "/health/db": 503,
        "/health/redis": 200,
    }
    for answer in (answers["/health"], answers["/health/db"], reading):
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert "database" in answer.json()["detail"]
        assert "redis" not in answer.json()["detail"]
        assert "secret" not in answer.text


async def test_without_redis_health_names_it_and_no_run_begins(api_settings: Settings) -> None:
    async with _with_servers_away(api_settings, redis="redis://127.0.0.1:9") as client:
        answers = {path: await client.get(path) for path in CHECKS}
        before = await client.get("/runs")
        starting = await client.post("/run/all")
        reading = await client.get("/job_postings")
        after = await client.get("/runs")
    assert {path: answer.status_code for path, answer in answers.items()} == {
        "/health": 503,
        "/health/db": 200,
        "/health/redis": 503,
    }
    assert starting.status_code == 503
    assert "redis" in starting.json()["detail"]
    assert reading.status_code == 200
    assert after.json() == before.json()


async def test_a_start_without_postgresql_says_why_in_one_line(home: Path) -> None:
    settings = Settings.load(environ={}, home=home, database_url=NOBODY)
    app = create_app(settings)
    with pytest.raises(DatabaseUnavailable):
        async with app.router.lifespan_context(app):
            pass

    # As a server starts it
    sent = []

    async def receive() -> dict[str, str]:
        return {"type": "lifespan.startup"}

    async def send(message: dict[str, str]) -> None:
        sent.append(message)

    await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
    (message,) = sent
    assert message["type"] == "lifespan.startup.failed"
    assert message["message"].startswith("PostgreSQL does not answer")
    assert "\n" not in message["message"]
    assert "secret" not in message["message"]
