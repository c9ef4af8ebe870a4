"""Intake: what start entries mean, and how boards get onto the frontier."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis.asyncio import Redis

from openfunnel.errors import AddressRefused
from openfunnel.intake import LONGEST_ENTRY, Intake, StartEntry, read_entry
from openfunnel.queue.start_lists import StartLists
from openfunnel.records import BoardRef, Failure
from openfunnel.settings import Settings
from openfunnel.sources import SOURCES
from openfunnel.sources.addresses import Address
from openfunnel.sources.starter import StarterBoard, starter_boards
from openfunnel.store import boards, crawl_writes, progress, queries
from openfunnel.store.database import Database

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PLAIN = Settings.load(environ={})

ACME = BoardRef(ats="greenhouse", token="acme")
BOLT = BoardRef(ats="greenhouse", token="bolt")
COIL = BoardRef(ats="lever", token="coil")
EURO = BoardRef(ats="lever", region="eu", token="euro")
POSTING_ID = "3f2a0f5e-7c1b-4d5e-9a6b-0123456789ab"
"""As Lever makes them."""

# --- reading ------------------------------------------------------------------------------------


def as_json(**entry: Any) -> bytes:
    return json.dumps(entry).encode()


@pytest.mark.parametrize(
    ("data", "board", "posting_id", "run_id"),
    [
        # a bare token is of the list's source
        (b"acme", ACME, None, None),
        (b"  ACME\r\n", ACME, None, None),
        (b"lever:coil", COIL, None, None),
        (b"lever:eu:euro", EURO, None, None),
        # public pages and the API
        (b"https://job-boards.greenhouse.io/acme", ACME, None, None),
        (b"boards.greenhouse.io/acme/jobs/12?gh_src=x", ACME, "12", None),
        (b"https://boards-api.greenhouse.io/v1/boards/acme/jobs?content=true", ACME, None, None),
        (b"https://jobs.eu.lever.co/euro", EURO, None, None),
        # JSON, as scrapy-redis knows it
        (as_json(url="acme"), ACME, None, None),
        (as_json(url="https://job-boards.greenhouse.io/acme/jobs/12"), ACME, "12", None),
        (as_json(url="acme", meta={"run_id": 7, "depth": 1}), ACME, None, 7),
        (b'\n{"url": "lever:coil", "meta": null}', COIL, None, None),
        # a run is a number of ours or none
        (as_json(url="acme", meta={"run_id": "7"}), ACME, None, None),
        (as_json(url="acme", meta={"run_id": True}), ACME, None, None),
        (as_json(url="acme", meta={"run_id": 7.0}), ACME, None, None),
        (as_json(url="acme", meta={"run_id": 0}), ACME, None, None),
        (as_json(url="acme", meta={"run_id": -7}), ACME, None, None),
        (as_json(url="acme", meta={"run_id": 2**63}), ACME, None, None),
        (as_json(url="acme", meta=[7]), ACME, None, None),
    ],
)
def test_an_entry_is_read(
    data: bytes, board: BoardRef, posting_id: str | None, run_id: int | None
) -> None:
    entry = read_entry(data, "greenhouse", PLAIN)

    assert entry == StartEntry(Address(board, posting_id), run_id)
    assert type(entry.run_id) is type(run_id)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"x" * (LONGEST_ENTRY + 1), "longer than 4096 bytes"),
        (b'{"url": ', "not valid JSON"),
        (b'{"url": "acme"} trailing', "not valid JSON"),
        (b'{"url": ' + b"[" * 4000, "not valid JSON"),
        (b'{"url": ' + b"9" * 4080 + b"}", 'no "url"'),
        (b"{}", 'no "url"'),
        (as_json(url=None), 'no "url"'),
        (as_json(url=["acme"]), 'no "url"'),
        (as_json(meta={"run_id": 7}), 'no "url"'),
        (b"[]", "no token"),
        (b'"acme"', "no token"),
        (b"a\0b", "no token"),
        (b"../../etc/passwd", "."),
        (b"https://careers.example.com/jobs/1", "no host of a known source"),
        (b"https://careers.example.com/jobs?gh_jid=1", "not the board"),
        (b"nosuch:acme", "no source"),
        (b"file:///etc/passwd", "."),
        (b"https://[::1", "."),
        (b"https://job-boards.greenhouse.io:99999/acme", "."),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(AddressRefused, match=reason) as refused:
        read_entry(data, "greenhouse", PLAIN)

    line = str(refused.value)
    assert "\n" not in line
    assert len(line) < 700


def test_a_login_in_an_entry_is_not_shown() -> None:
    for data in (b"https://user:hunter2@x.example/a", as_json(url="https://u:hunter2@x.example")):
        with pytest.raises(AddressRefused) as refused:
            read_entry(data, "greenhouse", PLAIN)
        assert "hunter2" not in str(refused.value)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
entries = st.one_of(
    st.binary(),
    st.text().map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.text().map(lambda text: ("https://" + text).encode("utf-8", "surrogatepass")),
    anything.map(lambda value: json.dumps({"url": value}).encode()),
    st.text().map(lambda url: json.dumps({"url": "https://" + url}).encode()),
    anything.map(lambda meta: json.dumps({"url": "acme", "meta": meta}).encode()),
    anything.map(lambda run: json.dumps({"url": "acme", "meta": {"run_id": run}}).encode()),
)


@given(data=entries)
@example(data=b'{"url": "\\ud800"}')
@example(data=b'{"url": "https://\\ud800.example/"}')
@example(data=b'{"url": "https://job-boards.greenhouse.io/\\u0000"}')
@example(data=b'{"url": "acme", "meta": {"run_id": NaN}}')
@example(data=b'{"url": "acme", "meta": {"run_id": 1e999}}')
@example(data="https://٣.example:٣/".encode())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for ats in ("greenhouse", "lever"):
        try:
            entry = read_entry(data, ats, PLAIN)
        except AddressRefused as refused:
            str(refused).encode()
        else:
            str(entry.address.board).encode()
            assert "\0" not in str(entry.address)


# --- queueing -----------------------------------------------------------------------------------


@dataclass
class Desk:
    """An intake on real servers, and a clock that a test sets."""

    intake: Intake
    database: Database
    redis: Redis
    start_lists: StartLists
    now: datetime = NOW

    def clock(self) -> datetime:
        return self.now

    async def entries(self, source: str) -> list[bytes]:
        """Take all entries of a list, first come first."""
        return await self.redis.rpop(f"{source}:start_urls", 1000) or []

    async def waiting(self, source: str) -> list[dict[str, Any]]:
        """Take and read all entries of a list."""
        return [json.loads(data) for data in await self.entries(source)]

    def wanted(self) -> dict[BoardRef, datetime | None]:
        """When a crawl of each board was asked for."""
        with self.database.begin() as session:
            return {board.ref: board.queued_at for board in boards.active_boards(session)}


@pytest.fixture
async def desk(database_url: str, redis: Redis) -> AsyncIterator[Desk]:
    with Database(database_url) as database:
        lists = StartLists(redis)
        desk: Desk
        # Where another base is set, entries still name the real address.
        elsewhere = Settings.load(environ={"OPENFUNNEL_GREENHOUSE_URL": "http://127.0.0.1:9"})
        intake = Intake(database, lists, elsewhere, clock=lambda: desk.now)
        desk = Desk(intake, database, redis, lists)
        yield desk


async def test_queued_boards_are_recorded_and_pushed(desk: Desk) -> None:
    queued = await desk.intake.queue([Address(EURO), Address(ACME)])

    assert len(queued.board_ids) == 2
    assert queued.sources == {"greenhouse", "lever"}
    assert desk.wanted() == {ACME: NOW, EURO: NOW}
    (acme,) = await desk.waiting("greenhouse")
    assert acme["url"].startswith("https://boards-api.greenhouse.io/v1/boards/acme/jobs")
    assert acme["meta"] == {}
    (euro,) = await desk.waiting("lever")
    assert euro["url"].startswith("https://api.eu.lever.co/v0/postings/euro")


async def test_what_is_pushed_reads_as_what_was_queued(desk: Desk) -> None:
    addresses = [Address(ACME), Address(ACME, "12"), Address(COIL), Address(EURO, POSTING_ID)]
    await desk.intake.queue(addresses)

    read = [
        read_entry(data, source, PLAIN).address
        for source in ("greenhouse", "lever")
        for data in await desk.entries(source)
    ]
    assert read == addresses


async def test_a_queued_posting_is_discovered_and_its_board_is_not_wanted(desk: Desk) -> None:
    queued = await desk.intake.queue([Address(ACME, "12")])

    assert queued.board_ids == ()
    assert desk.wanted() == {ACME: None}
    (one,) = await desk.waiting("greenhouse")
    assert "/acme/jobs/12" in one["url"]
    with desk.database.begin() as session:
        later = NOW + SECOND
        (posting,) = queries.discovered_postings(session, later)
    assert (posting.ref, posting.external_id) == (ACME, "12")


async def test_nothing_to_queue_is_nothing_done(desk: Desk) -> None:
    queued = await desk.intake.queue([])

    assert queued.board_ids == ()
    assert await desk.redis.dbsize() == 0


async def test_seeding_names_companies_and_queues(desk: Desk) -> None:
    starters = [StarterBoard("Acme Corp", ACME), StarterBoard("Coil", COIL)]

    queued = await desk.intake.seed(iter(starters))

    assert len(queued.board_ids) == 2
    with desk.database.begin() as session:
        named = {board.ref: board.company_name for board in boards.active_boards(session)}
    assert named == {ACME: "Acme Corp", COIL: "Coil"}
    assert len(await desk.waiting("greenhouse")) == 1
    assert len(await desk.waiting("lever")) == 1


async def test_introducing_asks_for_no_crawl(desk: Desk) -> None:
    await desk.intake.introduce([StarterBoard("Acme Corp", ACME)])

    assert desk.wanted() == {ACME: None}
    assert await desk.waiting("greenhouse") == []


async def test_all_active_boards_are_queued_and_no_others(desk: Desk) -> None:
    queued = await desk.intake.queue([Address(ACME), Address(BOLT)])
    for day in (0, 2, 4):
        with desk.database.begin() as session:
            gone, at = queued.board_ids[1], NOW + timedelta(days=day)
            crawl_writes.fail_board(session, gone, Failure.NOT_FOUND, "HTTP 404", at, jitter=1.0)
    await desk.waiting("greenhouse")
    desk.now += SECOND

    again = await desk.intake.queue(await desk.intake.active())

    assert again.board_ids == queued.board_ids[:1]
    assert desk.wanted() == {ACME: NOW + SECOND}
    assert len(await desk.waiting("greenhouse")) == 1


async def test_a_run_queues_every_active_board_under_its_number(desk: Desk) -> None:
    await desk.intake.introduce([StarterBoard("Acme Corp", ACME), StarterBoard("Coil", COIL)])

    run = await desk.intake.start_run()

    assert (run.board_count, run.job_count) == (2, 0)
    assert len(run.trace_id) == 32
    assert desk.wanted() == {ACME: NOW, COIL: NOW}
    pushed = await desk.waiting("greenhouse") + await desk.waiting("lever")
    assert [one["meta"] for one in pushed] == [{"run_id": run.run_id}] * 2
    with desk.database.begin() as session:
        begun = progress.run_progress(session, run.run_id)
    assert begun is not None
    assert begun.boards.pending == 2
    assert not begun.finished


async def test_a_run_on_an_empty_store_seeds_it(desk: Desk) -> None:
    run = await desk.intake.start_run()

    assert run.board_count == len({starter.ref for starter in starter_boards()})
    waiting = [await desk.entries(ats) for ats in SOURCES]
    assert sum(map(len, waiting)) == run.board_count


async def test_accepted_entries_are_wanted_and_not_pushed_again(desk: Desk) -> None:
    entries = [StartEntry(Address(ACME), 7), StartEntry(Address(BOLT, "12"))]

    visits = await desk.intake.accept(entries)

    assert visits.keys() == {ACME, BOLT}
    assert desk.wanted() == {ACME: NOW, BOLT: None}
    assert await desk.waiting("greenhouse") == []


async def test_an_entry_on_the_wrong_list_moves_with_its_run(desk: Desk) -> None:
    await desk.intake.forward(StartEntry(Address(COIL), 7))

    (one,) = await desk.waiting("lever")
    assert one["meta"] == {"run_id": 7}
    assert read_entry(json.dumps(one).encode(), "lever", PLAIN) == StartEntry(Address(COIL), 7)
