"""Runs over HTTP."""

import json

import httpx
from redis.asyncio import Redis

from openfunnel.store.boards import active_boards
from openfunnel.store.database import Database

from .conftest import Visit
from .world import World


async def test_a_run_queues_every_board(
    redis: Redis, client: httpx.AsyncClient, world: World
) -> None:
    answer = await client.post("/run/all")
    assert answer.status_code == 202
    run = answer.json()
    assert set(run) == {"run_id", "trace_id", "board_count", "job_count"}
    assert (run["board_count"], run["job_count"]) == (2, 6)
    entries = [json.loads(entry) for entry in await redis.lrange("greenhouse:start_urls", 0, -1)]
    assert len(entries) == 2
    assert {entry["meta"]["run_id"] for entry in entries} == {run["run_id"]}


async def test_an_empty_store_is_seeded_first(
    redis: Redis, visit: Visit, database_url: str
) -> None:
    async with visit(database_url=database_url) as client:
        run = (await client.post("/run/all")).json()
    with Database(database_url) as database, database.begin() as session:
        boards = active_boards(session)
    assert run["board_count"] == len(boards) > 0
    assert run["job_count"] == 0


async def test_a_run_tells_how_far_it_is(client: httpx.AsyncClient, world: World) -> None:
    progress = (await client.get(f"/runs/{world.run_id}")).json()
    assert progress["run_id"] == world.run_id
    assert progress["boards"] == {"done": 1, "failed": 0, "pending": 1}
    assert progress["postings"] == {"discovered": 0, "fetched": 2, "extracted": 4, "failed": 0}
    assert progress["finished"] is False


async def test_runs_are_listed_newest_first(
    redis: Redis, client: httpx.AsyncClient, world: World
) -> None:
    started = (await client.post("/run/all")).json()
    items = (await client.get("/runs")).json()["items"]
    assert (items[0]["run_id"], items[-1]["run_id"]) == (started["run_id"], world.run_id)
    assert [item["run_id"] for item in (await client.get("/runs?limit=1")).json()["items"]] == [
        started["run_id"]
    ]


async def test_problems_are_problem_details_on_any_address(client: httpx.AsyncClient) -> None:
    missing = await client.get("/nowhere")
    assert (missing.status_code, missing.json()["title"]) == (404, "Not Found")
    wrong = await client.get("/run/all")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    for answer in (missing, wrong):
        assert answer.headers["content-type"] == "application/problem+json"
