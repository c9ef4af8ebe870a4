"""Stored answers, byte for byte."""

import httpx
import pytest

from openfunnel.records import BoardRef, RawResponse
from openfunnel.store import crawl_writes
from openfunnel.store.database import Database
from tests.integration import singly

from .world import BODY, NOON, World

ODD_BYTES = b"\xef\xbb\xbf{\x00}\r\n\xff"


async def test_an_answer_comes_back_byte_for_byte(client: httpx.AsyncClient, world: World) -> None:
    answer = await client.get(f"/raw_responses/{world.raw_response_id}")
    assert answer.content == BODY
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("stored", "sent"),
    [
        ("text/html", "text/html"),
        (None, "application/octet-stream"),
        ("text/html\r\nX-Bad: 1", "application/octet-stream"),
        ("tëxt/html", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
async def test_a_browser_saves_an_answer_and_never_shows_it(
    client: httpx.AsyncClient, database: Database, stored: str | None, sent: str
) -> None:
    with database.begin() as session:
        board = crawl_writes.upsert_board(
            session, BoardRef(ats="greenhouse", token="weaver"), None, NOON
        )
        raw = RawResponse(
            url="https://boards.example",
            fetched_at=NOON,
            http_status=200,
            body=ODD_BYTES + sent.encode() + repr(stored).encode(),  # the same is stored once
            content_type=stored,
        )
        raw_id = singly.save_answer(session, board, raw)
    answer = await client.get(f"/raw_responses/{raw_id}")
    assert answer.content == raw.body
    assert answer.headers["content-type"] == sent
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "x-bad" not in answer.headers
