"""Dead letters: listed, shown, dropped, and given a second chance that loses nothing."""

import asyncio
import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import select
from typer.testing import CliRunner

from openfunnel import services
from openfunnel.cli.app import app
from openfunnel.errors import RetryRefused
from openfunnel.intake import Intake, read_entry
from openfunnel.queue.leases import Job
from openfunnel.queue.redis_leases import RedisLeaseQueue
from openfunnel.queue.start_lists import StartLists
from openfunnel.records import BoardRef, DeadLetter, JobPosting, PostingStatus, RawResponse
from openfunnel.revival import Revival
from openfunnel.settings import Settings
from openfunnel.sources.addresses import Address, canonical_url
from openfunnel.store import boards, crawl_writes, dead_letters, posting_writes, queries
from openfunnel.store.crawl_writes import BoardOutcome
from openfunnel.store.database import Database
from openfunnel.store.dead_letters import StoredLetter, get_dead_letter, list_dead_letters
from openfunnel.store.models import Board, Posting
from tests.integration import singly

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACME = BoardRef(ats="greenhouse", token="acme")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as database:
        yield database


@pytest.fixture
def extraction(redis: Redis) -> RedisLeaseQueue:
    return RedisLeaseQueue(redis, "extract")


@pytest.fixture
def revival(
    database: Database, redis: Redis, settings: Settings, extraction: RedisLeaseQueue
) -> Revival:
    start_lists = StartLists(redis)
    intake = Intake(database, start_lists, settings, clock=lambda: NOW)
    return Revival(database, intake, start_lists, extraction, clock=lambda: NOW)


def write(database: Database, kind: Any, key: str, **values: Any) -> StoredLetter:
    letter = DeadLetter(kind=kind, key=key, **{"reason": "given up", **values})
    with database.begin() as session:
        stored = get_dead_letter(session, dead_letters.save_dead_letter(session, letter, NOW))
    assert stored is not None
    return stored


def crawl_letter(database: Database, posting_id: str | None = None, **values: Any) -> StoredLetter:
    payload = {"board": ACME.model_dump(), "posting_id": posting_id}
    return write(database, "crawl", str(ACME), payload=payload, **values)


def entry_letter(database: Database, data: bytes, **changes: Any) -> StoredLetter:
    entry = base64.b64encode(data[:4096]).decode("ascii")
    payload = {"source": "greenhouse", "entry": entry, "bytes": len(data)} | changes
    return write(database, "entry", "an entry", payload=payload)


def letters(database: Database) -> list[int]:
    with database.begin() as session:
        return [letter.id for letter in list_dead_letters(session)]


def fetch_posting(database: Database) -> int:
    """Store a fetched posting whose extraction failed; return its id."""
    posting = JobPosting(
        board=ACME,
        external_id="12",
        title="Engineer",
        company_name="Acme",
        canonical_url=canonical_url(ACME, "12"),
        text="You know Python.",
        payload={"id": 12},
    )
    raw = RawResponse(url="https://acme.example", fetched_at=NOW, http_status=200, body=b"{}")
    with database.begin() as session:
        board_id = crawl_writes.upsert_board(session, ACME, None, NOW)
        raw_id = singly.save_answer(session, board_id, raw)
        saved = singly.save_page(session, board_id, raw_id, [posting], NOW)
        (posting_id,) = saved.awaiting
        assert posting_writes.fail_fetched(session, posting_id, "given up")
    return posting_id


def status(database: Database) -> tuple[str, str | None]:
    with database.begin() as session:
        posting = session.scalars(select(Posting)).one()
        return posting.status, posting.failure


# --- boards and postings to fetch ---------------------------------------------------------------


async def test_a_board_is_queued_again_and_its_next_answer_is_read(
    database: Database, revival: Revival, redis: Redis
) -> None:
    with database.begin() as session:
        board_id = crawl_writes.upsert_board(session, ACME, None, NOW)
        outcome = BoardOutcome(
            posting_count=1,
            changed=True,
            etag='"one"',
            last_modified="Sun, 01 Mar 2026 12:00:00 GMT",
            checksum="ab",
            raw_response_id=None,
        )
        singly.finish(session, board_id, outcome, NOW, jitter=1.0)
    letter = crawl_letter(database)

    await revival.retry(letter)

    assert await redis.llen("greenhouse:start_urls") == 1
    assert letters(database) == []
    with database.begin() as session:
        board = session.scalars(select(Board)).one()
        assert board.queued_at == NOW
        assert (board.etag, board.last_modified, board.checksum) == (None, None, None)


async def test_a_posting_that_led_nowhere_is_asked_for_again(
    database: Database, revival: Revival, redis: Redis
) -> None:
    with database.begin() as session:
        board_id = crawl_writes.upsert_board(session, ACME, None, NOW)
        posting_writes.discover_posting(session, board_id, canonical_url(ACME, "12"), "12", NOW)
        posting_writes.fail_discovered(session, board_id, "12", "timed_out")
    letter = crawl_letter(database, posting_id="12")

    await revival.retry(letter)

    assert status(database) == (PostingStatus.DISCOVERED, None)
    (entry,) = await redis.lrange("greenhouse:start_urls", 0, -1)
    asked = read_entry(entry, "greenhouse", Settings.load(environ={}))
    assert asked.address == Address(ACME, "12")
    with database.begin() as session:
        assert [one.queued_at for one in boards.active_boards(session)] == [None]
    assert letters(database) == []


async def test_a_posting_that_was_fetched_keeps_its_state(
    database: Database, revival: Revival
) -> None:
    fetch_posting(database)

    await revival.retry(crawl_letter(database, posting_id="12"))

    assert status(database) == (PostingStatus.FAILED, "given up")


# --- entries ------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"acme", '{"url": "ängström"}'.encode(), b" \0"])
async def test_an_entry_goes_back_to_its_list_as_it_was(
    database: Database, revival: Revival, redis: Redis, data: bytes
) -> None:
    await redis.lpush("greenhouse:start_urls", b"later")

    await revival.retry(entry_letter(database, data))

    assert await redis.lrange("greenhouse:start_urls", 0, -1) == [data, b"later"]
    assert letters(database) == []


# --- postings to extract ------------------------------------------------------------------------


async def test_a_posting_is_extracted_again(
    database: Database, revival: Revival, extraction: RedisLeaseQueue
) -> None:
    posting_id = fetch_posting(database)

    await revival.retry(write(database, "extract", str(posting_id)))

    assert status(database) == (PostingStatus.FETCHED, None)
    assert await extraction.known([str(posting_id)]) == {str(posting_id)}
    assert letters(database) == []


async def test_a_posting_whose_dead_job_is_not_buried_yet_is_extracted_again_then(
    database: Database, revival: Revival, extraction: RedisLeaseQueue
) -> None:
    key = str(fetch_posting(database))
    await extraction.push([Job(key)])
    (lease,) = await extraction.take(1, 60)
    await extraction.kill(lease, "killed", "by the test")

    await revival.retry(write(database, "extract", key))
    await extraction.bury([key])

    assert [lease.job.key for lease in await extraction.take(1, 60)] == [key]


# --- what cannot be tried again -----------------------------------------------------------------

BAD_LETTERS: Mapping[str, tuple[str, Any, str]] = {
    "no payload": ("crawl", {}, "its payload does not say"),
    "a board of no source": (
        "crawl",
        {"board": {"ats": "nosuch", "token": "acme"}, "posting_id": None},
        "there is no source for nosuch:acme",
    ),
    "a region of no host": (
        "crawl",
        {"board": {"ats": "lever", "token": "acme", "region": "moon"}, "posting_id": None},
        "there is no source for lever:moon:acme",
    ),
    "an entry of no source": (
        "entry",
        {"source": "nosuch", "entry": "", "bytes": 0},
        "there is no source nosuch",
    ),
    "an entry that was cut": (
        "entry",
        {"source": "lever", "entry": "YWFh", "bytes": 4097},
        "of its 4097 bytes only 3",
    ),
    "an entry of junk": ("entry", {"source": "lever", "entry": "/w==", "bytes": 1}, "no text"),
    "an entry of no base64": ("entry", {"source": "lever", "entry": "?", "bytes": 1}, "no text"),
    "a posting that is not there": ("extract", {}, "no posting 12 waits"),
    "a posting of another kind": ("mystery", {}, "nobody knows the kind mystery"),
}


@pytest.mark.parametrize(("kind", "payload", "reason"), BAD_LETTERS.values(), ids=BAD_LETTERS)
async def test_what_cannot_be_tried_again_is_said_and_the_letter_stays(
    database: Database, revival: Revival, redis: Redis, kind: str, payload: Any, reason: str
) -> None:
    letter = write(database, "crawl", "12", payload=payload)
    strange = StoredLetter(**{**vars(letter), "kind": kind})

    with pytest.raises(RetryRefused, match=reason):
        await revival.retry(strange)

    assert letters(database) == [letter.id]
    assert await redis.dbsize() == 0


class Unreachable(StartLists):
    """Start lists of a Redis that went away."""

    async def push(self, source: str, entries: Sequence[str]) -> None:
        raise RedisConnectionError("refused")


async def test_a_letter_stays_until_what_it_asks_for_is_on_its_way(
    database: Database, redis: Redis, settings: Settings, extraction: RedisLeaseQueue
) -> None:
    start_lists = Unreachable(redis)
    intake = Intake(database, start_lists, settings)
    revival = Revival(database, intake, start_lists, extraction)
    tried = [crawl_letter(database), entry_letter(database, b"acme")]

    for letter in tried:
        with pytest.raises(RedisConnectionError):
            await revival.retry(letter)

    assert letters(database) == [letter.id for letter in tried]


# --- commands -----------------------------------------------------------------------------------


@pytest.fixture
def environment(
    settings: Settings, database: Database, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Point commands at the database and the Redis of this test."""
    monkeypatch.setenv("OPENFUNNEL_HOME", str(settings.home))
    monkeypatch.setenv("DATABASE_URL", database.url)
    monkeypatch.setenv("REDIS_URL", services.ensure_redis(settings))
    monkeypatch.setenv("COLUMNS", "200")


async def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `openfunnel dlq ARGUMENTS`; named errors come as raised."""
    result = await asyncio.to_thread(CliRunner().invoke, app, ["dlq", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.usefixtures("environment")
async def test_letters_are_listed_and_counted(database: Database) -> None:
    assert await run("list") == (0, "No dead letters\n", "")
    crawl_letter(database, reason="timed_out", last_error="no answer \x1b[31m[red]in time")
    crawl_letter(database, reason="blocked")
    write(database, "extract", "12", reason="timed_out")

    code, shown, _ = await run("list")

    assert code == 0
    assert "greenhouse:acme" in shown
    assert "no answer \N{REPLACEMENT CHARACTER}[31m[red]in time" in shown
    assert "1 crawl: timed_out\n" in shown
    assert "1 extract: timed_out\n" in shown


@pytest.mark.usefixtures("environment")
async def test_a_long_error_leaves_room_for_the_number_to_show_a_letter_by(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = write(database, "extract", "12", last_error="small answered nonsense; " * 20)
    monkeypatch.setenv("COLUMNS", "80")

    _, shown, _ = await run("list")

    assert f"{letter.id}  extract  12" in shown


@pytest.mark.usefixtures("environment")
async def test_letters_are_chosen_by_kind_reason_and_number(database: Database) -> None:
    first = crawl_letter(database, reason="timed_out")
    crawl_letter(database, reason="blocked")
    write(database, "extract", "12", reason="timed_out")
    last = crawl_letter(database, reason="timed_out")

    async def listed(*arguments: str) -> list[int]:
        _, shown, _ = await run("list", "--json", *arguments)
        return [letter["id"] for letter in json.loads(shown)]

    chosen = "--kind", "crawl", "--reason", "timed_out"
    assert await listed(*chosen) == [first.id, last.id]
    assert await listed(*chosen, "--limit", "1") == [first.id]
    assert await listed() == letters(database)


@pytest.mark.usefixtures("environment")
async def test_a_letter_is_shown_with_all_it_holds(database: Database) -> None:
    letter = crawl_letter(database, last_error="odd\x9b")

    code, shown, _ = await run("show", str(letter.id))

    assert code == 0
    assert shown.isascii()
    held = json.loads(shown)
    assert held["payload"] == letter.payload
    assert (held["last_error"], held["created_at"]) == ("odd\x9b", "2026-03-01T12:00:00Z")


@pytest.mark.usefixtures("environment")
async def test_dropped_letters_are_gone_and_the_others_stay(database: Database) -> None:
    first, second, third = (crawl_letter(database) for _ in range(3))

    dropped = await run("drop", str(first.id), "999")
    assert dropped == (1, "Dropped: 1\n", "openfunnel: There is no dead letter 999.\n")
    assert letters(database) == [second.id, third.id]

    assert await run("drop", "--all", "--kind", "extract") == (0, "Dropped: 0\n", "")
    assert await run("drop", "--all") == (0, "Dropped: 2\n", "")
    assert letters(database) == []


@pytest.mark.usefixtures("environment")
async def test_retried_letters_are_at_work_and_who_cannot_be_is_named(
    database: Database, redis: Redis
) -> None:
    crawl_letter(database)
    lost = write(database, "extract", "12")

    code, said, errors = await run("retry", "--all")

    assert (code, said) == (1, "Retried: 1\n")
    line = f"openfunnel: Dead letter {lost.id} cannot be retried: no posting 12 waits"
    assert errors.startswith(line)
    assert letters(database) == [lost.id]
    with database.begin() as session:
        assert queries.discovered_postings(session, NOW) == []
    assert await redis.llen("greenhouse:start_urls") == 1
