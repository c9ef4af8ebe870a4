"""The item pipelines in their order, on a real store and queue: what becomes of an answer."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
import zstandard
from redis.asyncio import Redis
from scrapy.utils.misc import load_object
from sqlalchemy.exc import DBAPIError

from openfunnel.queue.leases import Depth, Job
from openfunnel.queue.redis_leases import RedisLeaseQueue
from openfunnel.records import BoardAnswer, BoardRef, Failure, RawResponse
from openfunnel.sources.addresses import canonical_url
from openfunnel.store import crawl_writes, posting_writes
from openfunnel.store.database import Database
from spiders import settings as scrapy_settings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
BOARD = BoardRef(ats="greenhouse", token="acme")
JUNK = b'{"jobs": []}\xff\x00'


@dataclass
class Line:
    """The pipelines of `spiders/settings.py` in a row, and what is behind them."""

    pipelines: Sequence[Any]
    database: Database
    queue: RedisLeaseQueue

    async def send(self, answer: BoardAnswer) -> BoardAnswer:
        item: Any = answer
        for pipeline in self.pipelines:
            item = await pipeline.process_item(item)
        assert item is answer
        return answer

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.url) as connection:
            return connection.execute(query).fetchall()  # type: ignore[call-overload]

    def postings(self) -> dict[str, tuple[str, datetime | None]]:
        """Status and end of each posting."""
        found = self.rows("SELECT external_id, status, closed_at FROM job_postings")
        return {external_id: (status, closed_at) for external_id, status, closed_at in found}

    def board(self) -> dict[str, Any]:
        """What is known of the board."""
        names = "status, queued_at, last_fetched_at, posting_count, failure, failure_detail"
        ((*values,),) = self.rows(f"SELECT {names} FROM boards")
        return dict(zip(names.split(", "), values, strict=True))

    def letters(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT key, reason, attempts, last_error FROM dead_letters ORDER BY id")

    def want(self) -> None:
        """Ask for a crawl of the board."""
        with self.database.begin() as session:
            board_id = crawl_writes.upsert_board(session, BOARD, None, NOW)
            crawl_writes.mark_queued(session, [board_id], NOW)


class WatchedQueue(RedisLeaseQueue):
    """Notes what other connections see of the store at the moment of each push."""

    url: str
    visible: list[int]

    async def push(self, jobs: Sequence[Job], delay_seconds: float = 0) -> int:
        self.visible.append(await asyncio.to_thread(self._count, jobs))
        return await super().push(jobs, delay_seconds)

    def _count(self, jobs: Sequence[Job]) -> int:
        with psycopg.connect(self.url) as connection:
            ids = [int(job.key) for job in jobs]
            query = "SELECT count(*) FROM job_postings WHERE id = ANY(%s)"
            (count,) = connection.execute(query, [ids]).fetchone() or (0,)
            return int(count)


@pytest.fixture
async def line(database_url: str, redis: Redis) -> AsyncIterator[Line]:
    with Database(database_url) as database:
        queue = WatchedQueue(redis, "extract")
        queue.url, queue.visible = database_url, []
        connections = SimpleNamespace(database=database, extract_queue=queue)
        crawler: Any = SimpleNamespace(spider=SimpleNamespace(connections=connections))
        numbered = sorted(scrapy_settings.ITEM_PIPELINES.items(), key=lambda one: one[1])
        pipelines = [load_object(path).from_crawler(crawler) for path, _ in numbered]
        yield Line(pipelines, database, queue)


def job(number: int, **changes: Any) -> dict[str, Any]:
    """A posting in the words of Greenhouse."""
    fine = {
        "id": number,
        "internal_job_id": number,
        "title": "Engineer",
        "company_name": "Acme Corp",
        "content": "We build rockets.",
        "absolute_url": f"https://acme.example/jobs/{number}",
    }
    return fine | changes


def raw(body: bytes, at: datetime = NOW, status: int = 200) -> RawResponse:
    return RawResponse(
        url="https://api.example/acme",
        fetched_at=at,
        http_status=status,
        body=body,
        content_type="application/json",
    )


def listing(*jobs: dict[str, Any], at: datetime = NOW, board: BoardRef = BOARD) -> BoardAnswer:
    """A board that lists these."""
    body = json.dumps({"jobs": jobs, "meta": {"total": len(jobs)}}).encode()
    return BoardAnswer(board, None, None, at, raw=raw(body, at))


def whole(*numbers: int, at: datetime = NOW) -> BoardAnswer:
    """A board that lists postings with these numbers."""
    return listing(*map(job, numbers), at=at)


def single(number: int, at: datetime = NOW, **changes: Any) -> BoardAnswer:
    """The answer to a request for one posting."""
    body = json.dumps(job(number, **changes)).encode()
    return BoardAnswer(BOARD, str(number), None, at, raw=raw(body, at))


def failed(failure: Failure, *, posting_id: str | None = None, **values: Any) -> BoardAnswer:
    """A request that came to nothing."""
    return BoardAnswer(BOARD, posting_id, None, NOW, failure=failure, detail="it is so", **values)


# --- content ------------------------------------------------------------------------------------


async def test_a_board_is_stored_and_its_jobs_are_pushed(line: Line) -> None:
    line.want()

    answer = await line.send(whole(1, 2))

    assert line.postings() == {"1": ("fetched", None), "2": ("fetched", None)}
    assert line.board() == {
        "status": "active",
        "queued_at": None,
        "last_fetched_at": NOW,
        "posting_count": 2,
        "failure": None,
        "failure_detail": None,
    }
    assert line.letters() == []
    leases = await line.queue.take(10, 60)
    ids = [str(row[0]) for row in line.rows("SELECT id FROM job_postings ORDER BY id")]
    assert sorted(lease.job.key for lease in leases) == ids == [str(one) for one in answer.awaiting]


async def test_the_answer_is_kept_byte_for_byte_and_named_by_its_postings(line: Line) -> None:
    answer = await line.send(whole(1))

    assert answer.raw is not None
    ((raw_id, body, size, failure),) = line.rows(
        "SELECT id, body, body_bytes, failure FROM raw_responses"
    )
    assert zstandard.decompress(body) == answer.raw.body
    assert (raw_id, size, failure) == (answer.raw_response_id, len(answer.raw.body), None)
    assert line.rows("SELECT raw_response_id FROM job_postings") == [(raw_id,)]


async def test_what_cannot_be_read_is_kept_byte_for_byte_too(line: Line) -> None:
    answer = await line.send(BoardAnswer(BOARD, None, None, NOW, raw=raw(JUNK)))

    assert answer.failure == Failure.UNPARSABLE
    ((body,),) = line.rows("SELECT body FROM raw_responses")
    assert zstandard.decompress(body) == JUNK


async def test_jobs_are_pushed_after_the_commit(line: Line) -> None:
    await line.send(whole(1, 2, 3))

    assert isinstance(line.queue, WatchedQueue)
    assert line.queue.visible == [3]


async def test_what_did_not_change_is_not_extracted_again(line: Line) -> None:
    await line.send(whole(1, 2))
    with line.database.begin() as session:
        session.connection().exec_driver_sql("UPDATE job_postings SET status = 'extracted'")
    for lease in await line.queue.take(10, 60):
        await line.queue.acknowledge(lease)

    await line.send(listing(job(1), job(2, title="Staff Engineer"), at=LATER))

    assert line.postings() == {"1": ("extracted", None), "2": ("fetched", None)}
    assert len(await line.queue.take(10, 60)) == 1


async def test_the_same_answer_twice_changes_nothing(line: Line) -> None:
    await line.send(whole(1, 2))
    before = line.rows("SELECT id, status, checksum, fetched_at FROM job_postings ORDER BY id")

    await line.send(whole(1, 2))

    after = line.rows("SELECT id, status, checksum, fetched_at FROM job_postings ORDER BY id")
    assert after == before
    assert (await line.queue.depth()).unfinished == 2


async def test_an_answer_that_is_stored_again_counts_once(line: Line) -> None:
    answer = await line.send(whole(1, 2))
    again = await line.send(answer)

    assert (again.postings, len(again.awaiting)) == (2, 2)


async def test_an_unknown_run_does_no_harm(line: Line) -> None:
    answer = whole(1)
    answer.run_id = 2**62

    await line.send(answer)

    assert line.postings() == {"1": ("fetched", None)}
    assert line.rows("SELECT run_id FROM raw_responses") == [(None,)]


async def test_a_single_posting_is_stored_and_leaves_the_others_alone(line: Line) -> None:
    await line.send(whole(1))
    line.want()

    await line.send(single(2, at=LATER))

    assert line.postings() == {"1": ("fetched", None), "2": ("fetched", None)}
    assert line.board()["queued_at"] == NOW
    assert line.board()["posting_count"] == 1


async def test_postings_asked_for_one_by_one_do_not_overtake_each_other(line: Line) -> None:
    await line.send(replace(single(2), fence=7))
    await line.send(replace(single(1), fence=6))

    assert line.postings() == {"1": ("fetched", None), "2": ("fetched", None)}


async def test_one_answer_that_cannot_be_stored_keeps_no_other_out(line: Line) -> None:
    with line.database.begin() as session:
        session.connection().exec_driver_sql(
            "ALTER TABLE job_postings ADD CONSTRAINT refused CHECK (external_id <> '666')"
        )
    boards = [BoardRef(ats="greenhouse", token=token) for token in ("acme", "bolt", "cone")]
    answers = [
        listing(job(number), board=board) for number, board in zip((1, 666, 3), boards, strict=True)
    ]

    ends = await asyncio.gather(*map(line.send, answers), return_exceptions=True)

    assert [isinstance(end, DBAPIError) for end in ends] == [False, True, False]
    assert line.postings() == {"1": ("fetched", None), "3": ("fetched", None)}
    assert line.rows("SELECT count(*) FROM raw_responses") == [(3,)]
    assert (await line.queue.depth()).unfinished == 2


async def test_two_answers_of_one_board_that_come_together_are_stored_one_after_the_other(
    line: Line,
) -> None:
    other = BoardRef(ats="greenhouse", token="bolt")
    answers = [
        replace(whole(1, 2), fence=1),
        listing(job(3), board=other),
        replace(whole(2, at=LATER), fence=2),
    ]

    await asyncio.gather(*map(line.send, answers))

    assert line.postings() == {
        "1": ("fetched", LATER),
        "2": ("fetched", None),
        "3": ("fetched", None),
    }


# --- postings that go and come ------------------------------------------------------------------


async def test_a_posting_that_is_gone_is_closed_and_opens_again_when_it_is_back(
    line: Line,
) -> None:
    await line.send(whole(1, 2))

    await line.send(whole(1, at=LATER))
    assert line.postings() == {"1": ("fetched", None), "2": ("fetched", LATER)}

    await line.send(whole(1, 2, at=LATER))
    assert line.postings() == {"1": ("fetched", None), "2": ("fetched", None)}


async def test_a_posting_keeps_the_day_it_was_closed(line: Line) -> None:
    await line.send(whole(1, 2))
    await line.send(whole(1, at=LATER))
    await line.send(whole(1, at=LATER + timedelta(days=1)))

    assert line.postings()["2"] == ("fetched", LATER)


async def test_an_empty_board_closes_nothing_before_two_more_confirm_it(line: Line) -> None:
    await line.send(whole(1, 2))

    for hours in (0, 0.5, 1):
        await line.send(whole(at=LATER + timedelta(hours=hours)))
        assert line.postings() == {"1": ("fetched", None), "2": ("fetched", None)}
    assert line.board()["posting_count"] == 2

    end = LATER + timedelta(hours=2)
    await line.send(whole(at=end))
    assert line.postings() == {"1": ("fetched", end), "2": ("fetched", end)}
    assert line.board()["posting_count"] == 0


async def test_an_empty_board_that_fills_again_was_never_empty(line: Line) -> None:
    await line.send(whole(1))
    for hours in (0, 1):
        await line.send(whole(at=LATER + timedelta(hours=hours)))
    await line.send(whole(1, at=LATER + timedelta(hours=2)))

    await line.send(whole(at=LATER + timedelta(hours=3)))

    assert line.postings() == {"1": ("fetched", None)}


async def test_an_answer_that_holds_less_than_it_says_closes_nothing(line: Line) -> None:
    await line.send(whole(1, 2))
    body = json.dumps({"jobs": [job(1)], "meta": {"total": 2}}).encode()

    answer = await line.send(BoardAnswer(BOARD, None, None, LATER, raw=raw(body, LATER)))

    assert answer.failure == Failure.TRUNCATED
    assert line.postings() == {"1": ("fetched", None), "2": ("fetched", None)}
    assert [letter[1] for letter in line.letters()] == ["truncated"]


async def test_an_unchanged_answer_is_nothing_but_a_visit(line: Line) -> None:
    first = await line.send(whole(1, 2))
    line.want()
    rows = "SELECT xmin, * FROM job_postings ORDER BY id"
    before = line.rows(rows)

    assert first.raw is not None
    checksum = hashlib.sha256(first.raw.body).hexdigest()
    await line.send(replace(whole(1, 2, at=LATER), checksum=checksum, unchanged=True))

    assert line.rows(rows) == before
    assert line.rows("SELECT count(*) FROM raw_responses") == [(1,)]
    assert (line.board()["queued_at"], line.board()["last_fetched_at"]) == (None, LATER)
    assert line.board()["posting_count"] == 2


async def test_a_crawler_that_was_overtaken_changes_nothing(line: Line) -> None:
    await line.send(replace(whole(1, 2, at=LATER), fence=7))

    await line.send(replace(whole(1), fence=6))

    assert line.postings() == {"1": ("fetched", None), "2": ("fetched", None)}
    assert line.board()["last_fetched_at"] == LATER


async def test_a_broken_posting_keeps_no_other_out_and_closes_none(line: Line) -> None:
    await line.send(whole(1, 2, 3))

    answer = await line.send(listing(job(1), job(2, title=None), job(4), at=LATER))

    assert line.postings() == dict.fromkeys("1234", ("fetched", None))
    ((key, reason, _, error),) = line.letters()
    assert (key, reason) == ("greenhouse:acme", "posting")
    assert error.startswith("posting 2: ")
    ((raw_id, payload),) = line.rows("SELECT raw_response_id, payload FROM dead_letters")
    assert raw_id == answer.raw_response_id
    assert payload == {"board": BOARD.model_dump(), "posting_id": None}
    assert line.board()["failure"] is None


async def test_a_posting_that_stays_broken_has_one_dead_letter(line: Line) -> None:
    for days in range(3):
        at = NOW + timedelta(days=days)
        await line.send(listing(job(1), job(2, title=None), job(10 + days), at=at))

    assert len(line.letters()) == 1


async def test_postings_of_another_board_are_not_closed(line: Line) -> None:
    await line.send(whole(1))
    other = BoardRef(ats="greenhouse", token="bolt")

    await line.send(listing(job(9), board=other))

    assert line.postings() == {"1": ("fetched", None), "9": ("fetched", None)}


# --- failures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [one for one in Failure if one != Failure.NOT_FOUND])
async def test_a_final_failure_is_the_boards_and_a_dead_letter(
    line: Line, failure: Failure
) -> None:
    await line.send(whole(1))
    line.want()

    answer = await line.send(failed(failure, raw=raw(JUNK, LATER, 500), attempts=5))

    board = line.board()
    assert (board["status"], board["queued_at"]) == ("active", None)
    assert (board["failure"], board["failure_detail"]) == (failure, "it is so")
    assert line.letters() == [("greenhouse:acme", failure, 5, "it is so")]
    assert line.rows("SELECT kind, raw_response_id FROM dead_letters") == [
        ("crawl", answer.raw_response_id)
    ]
    assert line.postings() == {"1": ("fetched", None)}
    assert line.rows("SELECT failure FROM raw_responses ORDER BY id") == [(None,), (failure,)]


async def test_a_board_that_is_gone_is_an_answer_and_no_dead_letter(line: Line) -> None:
    line.want()

    await line.send(failed(Failure.NOT_FOUND, raw=raw(JUNK, status=404)))

    assert line.board()["failure"] == "not_found"
    assert line.board()["status"] == "active"  # until days have confirmed it
    assert line.board()["queued_at"] is None
    assert line.letters() == []
    assert await line.queue.depth() == Depth(0, 0, 0, 0, 0.0)


async def test_a_failure_that_is_asked_again_leaves_nothing_but_the_raw_answer(
    line: Line,
) -> None:
    line.want()

    await line.send(failed(Failure.TRUNCATED, raw=raw(JUNK), last=False))

    assert line.rows("SELECT failure FROM raw_responses") == [("truncated",)]
    assert line.board()["failure"] is None
    assert line.board()["queued_at"] == NOW
    assert line.letters() == []


async def test_a_request_without_any_answer_is_on_record(line: Line) -> None:
    await line.send(failed(Failure.TIMED_OUT, attempts=3))

    assert line.rows("SELECT count(*) FROM raw_responses") == [(0,)]
    assert line.board()["failure"] == "timed_out"
    assert line.rows("SELECT raw_response_id, attempts FROM dead_letters") == [(None, 3)]


async def test_a_board_that_answers_again_has_no_failure_any_more(line: Line) -> None:
    await line.send(failed(Failure.SERVER_ERROR))

    await line.send(whole(1, at=LATER))

    assert line.board()["failure"] is None
    assert line.board()["failure_detail"] is None


async def test_a_detail_may_quote_anything(line: Line) -> None:
    answer = failed(Failure.UNREACHABLE)
    answer.detail = "a NUL \0, a lone surrogate \ud800, and length " + "x" * 10_000

    await line.send(answer)

    assert line.board()["failure"] == "unreachable"
    assert len(line.letters()) == 1


def discover(line: Line, posting_id: str) -> None:
    with line.database.begin() as session:
        board_id = crawl_writes.upsert_board(session, BOARD, None, NOW)
        url = canonical_url(BOARD, posting_id)
        posting_writes.discover_posting(session, board_id, url, posting_id, NOW)


@pytest.mark.parametrize(("failure", "letters"), [(Failure.NOT_FOUND, 0), (Failure.UNPARSABLE, 1)])
async def test_a_single_posting_that_fails_is_failed_alone(
    line: Line, failure: Failure, letters: int
) -> None:
    discover(line, "1")
    discover(line, "2")
    line.want()

    await line.send(failed(failure, posting_id="1", raw=raw(JUNK, status=404)))

    assert line.postings() == {"1": ("failed", None), "2": ("discovered", None)}
    assert line.board()["failure"] is None
    assert line.board()["queued_at"] == NOW
    assert [letter[0] for letter in line.letters()] == ["greenhouse:acme/1"] * letters


async def test_a_single_posting_that_was_fetched_before_stays(line: Line) -> None:
    await line.send(whole(1))

    await line.send(failed(Failure.NOT_FOUND, posting_id="1", raw=raw(JUNK, status=404)))

    assert line.postings() == {"1": ("fetched", None)}


@pytest.mark.parametrize(
    ("changes", "failure"),
    [({"internal_job_id": None}, "not_found"), ({"title": None}, "unparsable")],
)
async def test_an_answer_without_the_posting_that_was_asked_for_ends_the_wait(
    line: Line, changes: Any, failure: str
) -> None:
    # A talent-pool entry, or one that cannot be read: asking again would bring the same.
    discover(line, "1")

    await line.send(single(1, **changes))

    assert line.rows("SELECT status, failure FROM job_postings") == [("failed", failure)]
