"""Who may do what, by key."""

import httpx
import pytest

from .conftest import Visit
from .world import World

API, ADMIN = "reads-only", "does-it-äll"
READ = ("/job_postings", "/runs")
OPEN = ("/health", "/health/db", "/health/redis", "/docs", "/openapi.json")


def _key(value: str) -> dict[str, bytes]:
    return {"X-API-Key": value.encode()}


async def _status(client: httpx.AsyncClient, method: str, path: str, key: str | None) -> int:
    answer = await client.request(method, path, headers=_key(key) if key else {})
    if answer.status_code in (401, 403):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
    return answer.status_code


async def test_without_configured_keys_everything_is_open(visit: Visit, world: World) -> None:
    async with visit() as client:
        assert await _status(client, "GET", "/job_postings", None) == 200
        assert await _status(client, "GET", f"/raw_responses/{world.raw_response_id}", None) == 200


@pytest.mark.parametrize("path", OPEN)
async def test_health_and_docs_never_ask_for_a_key(visit: Visit, path: str) -> None:
    async with visit(api_keys=frozenset({API}), admin_keys=frozenset({ADMIN})) as client:
        assert await _status(client, "GET", path, None) == 200


@pytest.mark.parametrize(
    ("key", "reads", "administers"),
    [
        (None, 401, 401),
        ("wrong", 401, 401),
        (API[:-1], 401, 401),
        (API, 200, 403),
        (ADMIN, 200, 200),
    ],
)
async def test_an_api_key_reads_and_an_admin_key_does_it_all(
    visit: Visit, world: World, key: str | None, reads: int, administers: int
) -> None:
    async with visit(api_keys=frozenset({API}), admin_keys=frozenset({ADMIN})) as client:
        for path in READ:
            assert await _status(client, "GET", path, key) == reads
        body = f"/raw_responses/{world.raw_response_id}"
        assert await _status(client, "GET", body, key) == administers
        started = 202 if administers == 200 else administers
        assert await _status(client, "POST", "/run/all", key) == started


async def test_with_admin_keys_alone_reading_asks_for_one_too(visit: Visit, world: World) -> None:
    async with visit(admin_keys=frozenset({ADMIN})) as client:
        assert await _status(client, "GET", "/job_postings", None) == 401
        assert await _status(client, "GET", "/job_postings", ADMIN) == 200
        assert await _status(client, "POST", "/run/all", ADMIN) == 202


async def test_with_api_keys_alone_nobody_administers(visit: Visit, world: World) -> None:
    async with visit(api_keys=frozenset({API})) as client:
        assert await _status(client, "GET", "/job_postings", API) == 200
        assert await _status(client, "POST", "/run/all", API) == 403
        assert await _status(client, "POST", "/run/all", None) == 401
