"""Real boards over time: all that opened, changed and closed is found, and nothing besides."""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest

from openfunnel.harvest import store_answers
from openfunnel.records import BoardAnswer, BoardRef, Failure, JobPosting, RawResponse
from openfunnel.sources import SOURCES
from openfunnel.store import crawl_writes
from openfunnel.store.database import Database
from tests.integration import singly

HISTORIES = ("greenhouse/impact", "lever/moo", "lever/theodo")
CUTS = (0.02, 0.3, 0.5, 0.9, 0.999)
STATE = """
    SELECT external_id, closed_at, first_seen_at, fetched_at, title, text_checksum
    FROM job_postings ORDER BY external_id
"""


@dataclass
class Replay:
    """One board, asked again and again."""

    database: Database
    board: BoardRef

    def fetch(self, body: bytes, at: datetime) -> BoardAnswer:
        """Store an answer as the crawl does."""
        raw = RawResponse(url="https://ats.example", fetched_at=at, http_status=200, body=body)
        answer = BoardAnswer(self.board, None, None, at, raw=raw)
        with self.database.begin() as session:
            answer.board_id = crawl_writes.upsert_board(session, self.board, None, at)
            answer.raw_response_id = singly.save_answer(session, answer.board_id, raw)
        store_answers(self.database, [answer], lambda: 1.0)
        return answer

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.url) as connection:
            return connection.execute(query).fetchall()  # type: ignore[call-overload]

    def state(self) -> list[tuple[Any, ...]]:
        return self.rows(STATE)

    def open(self) -> set[str]:
        return {row[0] for row in self.state() if row[1] is None}

    def versions(self) -> set[tuple[str, datetime]]:
        """Which posting's former version was put aside when."""
        query = """
            SELECT external_id, replaced_at FROM posting_versions
            JOIN job_postings ON job_postings.id = job_posting_id
        """
        return {(row[0], row[1]) for row in self.rows(query)}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as database:
        yield database


def answers(folder: Path) -> list[tuple[datetime, bytes]]:
    return [
        (
            datetime.strptime(file.name.partition(".")[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC),
            gzip.decompress(file.read_bytes()),
        )
        for file in sorted(folder.glob("*.json.gz"))
    ]


def listed(body: bytes, board: BoardRef) -> dict[str, JobPosting]:
    pages = SOURCES[board.ats].parse_board(body, board)
    return {posting.external_id: posting for page in pages for posting in page.postings}


def version(posting: JobPosting) -> tuple[Any, ...]:
    """What a former version keeps."""
    fields = posting.fields
    return posting.title, fields.locations, fields.compensation, posting.text, fields


def changes(before: Mapping[str, JobPosting], now: Mapping[str, JobPosting]) -> set[str]:
    both = before.keys() & now.keys()
    return {one for one in both if version(before[one]) != version(now[one])}


def damaged(body: bytes) -> Iterator[bytes]:
    """The same answer, cut short; and whole JSON that holds less than it says."""
    for share in CUTS:
        yield body[: int(len(body) * share)]
    board = json.loads(body)
    if isinstance(board, dict):
        yield json.dumps({**board, "jobs": board["jobs"][: len(board["jobs"]) // 2]}).encode()


@pytest.mark.parametrize("history", HISTORIES)
def test_all_that_happened_is_found_and_nothing_besides(
    shared: Path, database: Database, history: str
) -> None:
    ats, token = history.split("/")
    board = BoardRef(ats=ats, token=token)
    replay = Replay(database, board)
    before: dict[str, JobPosting] = {}  # as last seen, closed ones too
    closed: dict[str, datetime] = {}
    versions: set[tuple[str, datetime]] = set()

    for at, body in answers(shared / "corpus" / "history" / history):
        now = listed(body, board)
        reopened = now.keys() & closed.keys()
        versions |= {(one, at) for one in changes(before, now) | reopened}
        closed |= dict.fromkeys(before.keys() - now.keys() - closed.keys(), at)
        closed = {one: when for one, when in closed.items() if one not in now}
        before |= now

        answer = replay.fetch(body, at)

        assert answer.failure is None
        assert replay.open() == now.keys()
        assert {row[0]: row[1] for row in replay.state() if row[1]} == closed
        assert replay.versions() == versions


@pytest.mark.parametrize("history", HISTORIES)
def test_an_answer_that_is_cut_short_changes_nothing(
    shared: Path, database: Database, history: str
) -> None:
    ats, token = history.split("/")
    replay = Replay(database, BoardRef(ats=ats, token=token))

    for at, body in answers(shared / "corpus" / "history" / history):
        replay.fetch(body, at)
        state, versions = replay.state(), replay.versions()
        for number, cut in enumerate(damaged(body), start=1):
            answer = replay.fetch(cut, at + timedelta(minutes=number))

            assert answer.failure in (Failure.TRUNCATED, Failure.UNPARSABLE)
            assert replay.state() == state
            assert replay.versions() == versions


@pytest.mark.parametrize("history", HISTORIES)
def test_the_next_answer_cut_short_closes_nothing(
    shared: Path, database: Database, history: str
) -> None:
    ats, token = history.split("/")
    replay = Replay(database, BoardRef(ats=ats, token=token))
    rest = answers(shared / "corpus" / "history" / history)

    for (at, body), (_, following) in pairwise(rest):
        replay.fetch(body, at)
        closed = {row[:2] for row in replay.state() if row[1]}
        for number, cut in enumerate(damaged(following), start=1):
            replay.fetch(cut, at + timedelta(minutes=number))

        assert {row[:2] for row in replay.state() if row[1]} == closed
