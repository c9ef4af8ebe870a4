"""A user's first session over HTTP, as the README walks it."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from openfunnel.clock import utc_now
from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.serve import running
from openfunnel.store.crawl_writes import upsert_board
from openfunnel.store.database import Database

from .stage import Stage

BOARDS, POSTINGS = 12, 300


@dataclass
class Session:
    """Somebody with curl."""

    stage: Stage
    base: str

    def get(self, path: str) -> Any:
        """Ask for JSON; anything but 200 fails."""
        answer = httpx.get(self.base + path, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def session(stage: Stage) -> Iterator[Session]:
    """The whole of OpenFunnel on this machine, with boards known and nothing fetched."""
    world = GeneratedWorld(BOARDS, POSTINGS, company_name="Stripe")
    port = _free_port()
    with running(world) as sandbox:
        stage.face(sandbox)
        _introduce(stage, world)
        stage.openfunnel("up", "--port", str(port))
        base = f"http://127.0.0.1:{port}"
        stage.wait_until(lambda: _answers(base))
        yield Session(stage, base)
        stage.end()


def test_run_wait_read(session: Session) -> None:
    # Run
    started = httpx.post(f"{session.base}/run/all", timeout=30)
    assert started.status_code == 202
    run = started.json()
    assert run["run_id"]
    assert run["trace_id"]
    assert run["board_count"] == BOARDS
    assert 0 <= run["job_count"] <= POSTINGS  # boards that are due may have been crawled before

    # Wait
    def finished() -> bool:
        progress = session.get(f"/runs/{run['run_id']}")
        return bool(progress["postings"]["extracted"] == POSTINGS)

    session.stage.wait_until(finished)
    assert [one["run_id"] for one in session.get("/runs")["items"]] == [run["run_id"]]

    # Read one posting
    job_id = session.get("/job_postings?status=extracted&limit=1")["items"][0]["id"]
    posting = session.get(f"/job_postings/{job_id}")
    assert posting["id"] == job_id
    assert posting["text"]
    extraction = session.get(f"/extractions/{job_id}")
    assert extraction["extractor"] == "rules"
    skills = session.get(f"/job_postings/{job_id}/skills")["items"]
    for skill in skills:
        assert skill["evidence"]["text"] in posting["text"] + posting["title"]

    # Search
    python = session.get("/job_postings?status=extracted&skill=python&limit=25")["items"]
    assert python
    for one in python:
        named = session.get(f"/job_postings/{one['id']}/skills")["items"]
        assert "python" in {skill["slug"] for skill in named}
    stripe = session.get("/job_postings?status=extracted&company_name=Stripe&limit=25")["items"]
    assert stripe
    assert {one["company_name"] for one in stripe} == {"Stripe"}
    nyc = session.get("/job_postings?status=extracted&location=NYC&limit=25")["items"]
    assert nyc
    for one in nyc:
        assert ("New York", "US") in {
            (place["city"], place["country"]) for place in one["locations"]
        }
    staff = session.get(
        "/job_postings?status=extracted&location=NYC&min_comp=200000&seniority=staff"
    )["items"]
    assert staff
    for one in staff:
        assert one["seniority"] == "staff"
        assert float(one["compensation"]["max_usd_year"]) >= 200_000

    # Health
    for path in ("/health", "/health/db", "/health/redis"):
        assert session.get(path)["status"] == "ok"

    # Run again: everything is known now
    again = httpx.post(f"{session.base}/run/all", timeout=30).json()
    assert again["job_count"] == POSTINGS


def _introduce(stage: Stage, world: GeneratedWorld) -> None:
    database = Database(stage.database_url)
    with database.begin() as session:
        for ref in world.boards():
            upsert_board(session, ref, world.company_name(ref), utc_now())
    database.close()


def _answers(base: str) -> bool:
    try:
        return httpx.get(f"{base}/health", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
