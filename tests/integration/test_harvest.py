"""Several answers stored at once: each comes to its own end, as if it had been alone."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from openfunnel.errors import DatabaseUnavailable
from openfunnel.harvest import store_answers
from openfunnel.records import BoardAnswer, BoardRef, Failure, RawResponse
from openfunnel.sources.board import PAGE_ENTRIES
from openfunnel.store import crawl_writes
from openfunnel.store.claims import claim
from openfunnel.store.database import Database
from tests.integration import singly

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)

REFUSE_666 = "ALTER TABLE job_postings ADD CONSTRAINT refused CHECK (external_id <> '666')"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as database:
        yield database


class Harvesting:
    """A store, and answers as the pipeline before hands them on."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def answer(
        self, token: str, *numbers: int, at: datetime = NOW, title: str = "Engineer", fence: int = 0
    ) -> BoardAnswer:
        """A board that lists postings with these numbers."""
        jobs = [
            {"id": number, "internal_job_id": 1, "title": title, "content": "We build."}
            for number in numbers
        ]
        body = json.dumps({"jobs": jobs, "meta": {"total": len(jobs)}}).encode()
        return self.received(token, body, at=at, fence=fence)

    def received(self, token: str, body: bytes, at: datetime = NOW, fence: int = 0) -> BoardAnswer:
        """An answer of which the bytes are stored."""
        board = BoardRef(ats="greenhouse", token=token)
        raw = RawResponse(url="https://ats.example", fetched_at=at, http_status=200, body=body)
        answer = BoardAnswer(board, None, None, at, raw=raw, fence=fence)
        with self.database.begin() as session:
            answer.board_id = crawl_writes.upsert_board(session, board, None, at)
            answer.raw_response_id = singly.save_answer(session, answer.board_id, raw)
        return answer

    def failed(self, token: str) -> BoardAnswer:
        """A request that came to nothing."""
        board = BoardRef(ats="greenhouse", token=token)
        answer = BoardAnswer(board, None, None, NOW, failure=Failure.TIMED_OUT, detail="10 s")
        with self.database.begin() as session:
            answer.board_id = crawl_writes.upsert_board(session, board, None, NOW)
        return answer

    def store(self, *answers: BoardAnswer) -> None:
        store_answers(self.database, answers, lambda: 1.0)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            return connection.execute(query).fetchall()  # type: ignore[call-overload]

    def boards(self) -> dict[str, tuple[Any, ...]]:
        """Posting count and failure by token."""
        rows = self.rows("SELECT token, posting_count, failure FROM boards WHERE fence < 9")
        return {token: (count, failure) for token, count, failure in rows}

    def postings(self) -> dict[tuple[str, str], datetime | None]:
        """When each posting was closed."""
        query = """
            SELECT token, external_id, closed_at
            FROM job_postings JOIN boards ON boards.id = board_id
        """
        return {(token, external_id): closed for token, external_id, closed in self.rows(query)}


@pytest.fixture
def harvesting(database: Database) -> Harvesting:
    return Harvesting(database)


def test_every_answer_of_a_batch_comes_to_its_own_end(harvesting: Harvesting) -> None:
    harvesting.store(harvesting.answer("good", 1, 2))
    overtaken = harvesting.answer("overtaken", 5, fence=3)
    with harvesting.database.begin() as session:
        assert overtaken.board_id is not None
        claim(session, overtaken.board_id, 9)
    junk = harvesting.received("junk", b"<html>")
    again = harvesting.answer("good", 2, 3, at=LATER)
    broken = harvesting.answer("broken", 4)

    harvesting.store(
        overtaken,
        harvesting.answer("other", 7),
        again,
        harvesting.answer("empty"),
        harvesting.failed("failed"),
        junk,
        broken,
    )

    assert harvesting.boards() == {
        "good": (2, None),
        "other": (1, None),
        "empty": (0, None),
        "failed": (None, "timed_out"),
        "junk": (None, "unparsable"),
        "broken": (1, None),
    }
    assert harvesting.postings() == {
        ("good", "1"): LATER,
        ("good", "2"): None,
        ("good", "3"): None,
        ("other", "7"): None,
        ("broken", "4"): None,
    }
    ids = {key: id_ for id_, key in harvesting.rows("SELECT id, external_id FROM job_postings")}
    assert again.awaiting == (ids["2"], ids["3"])
    assert (overtaken.awaiting, broken.awaiting) == ((), (ids["4"],))
    letters = harvesting.rows("SELECT key, reason FROM dead_letters ORDER BY key")
    assert letters == [("greenhouse:failed", "timed_out"), ("greenhouse:junk", "unparsable")]


def test_a_batch_that_postgresql_refuses_leaves_nothing_half_done(harvesting: Harvesting) -> None:
    with harvesting.database.begin() as session:
        session.connection().exec_driver_sql(REFUSE_666)
    good, poisonous = harvesting.answer("good", 1), harvesting.answer("poisonous", 666)

    with pytest.raises(DBAPIError):
        harvesting.store(good, poisonous)
    assert harvesting.postings() == {}

    harvesting.store(good)
    assert harvesting.postings() == {("good", "1"): None}
    assert (good.postings, len(good.awaiting)) == (1, 1)


def test_a_long_answer_in_a_batch_is_stored_to_its_end(harvesting: Harvesting) -> None:
    numbers = range(1, PAGE_ENTRIES + 51)
    long = harvesting.answer("long", *numbers)

    harvesting.store(harvesting.answer("short", 9001), long)

    assert harvesting.boards() == {"long": (len(numbers), None), "short": (1, None)}
    assert len(long.awaiting) == long.postings == len(numbers)


def test_batches_of_the_same_boards_do_not_stand_in_each_others_way(database: Database) -> None:
    harvesting = Harvesting(database)
    tokens = [f"board{number}" for number in range(8)]
    batches = [
        [harvesting.answer(token, *range(1, 21), title=title) for token in order]
        for order, title in ((tokens, "One"), (tokens[::-1], "Two"))
    ]
    together = Barrier(2)

    def store(batch: list[BoardAnswer]) -> None:
        together.wait()
        for _ in range(10):
            try:
                return harvesting.store(*batch)
            except DatabaseUnavailable:  # a deadlock that PostgreSQL broke: repeated, as everywhere
                continue
        raise AssertionError("it never came through")

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(store, batches))

    assert len(harvesting.postings()) == 8 * 20
    assert len(harvesting.rows("SELECT DISTINCT title FROM job_postings")) == 1
