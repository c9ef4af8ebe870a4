import os
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text, update

from openfunnel.errors import RawResponseDamaged
from openfunnel.records import BoardRef, DeadLetter, Failure, PostingStatus, RawResponse
from openfunnel.store import crawl_writes, dead_letters, queries, run_writes
from openfunnel.store.boards import active_boards, board_progress, boards_in_progress
from openfunnel.store.models import StoredResponse
from openfunnel.store.progress import funnel, list_runs, run_progress
from openfunnel.store.raw_writes import Received, save_raw_responses
from tests.integration import singly

PLAID = BoardRef(ats="lever", token="plaid")
PLAID_EU = BoardRef(ats="lever", token="plaid", region="eu")


def test_a_board_is_known_once_by_ats_region_and_token(store) -> None:
    ids = [store.board(PLAID), store.board(PLAID_EU), store.board(PLAID)]

    assert ids[0] == ids[2] != ids[1]
    assert [row.ref for row in active_boards(store.session)] == [PLAID, PLAID_EU]


def test_a_nameless_board_takes_the_first_name_it_is_told(store) -> None:
    posting_id = store.add(store.posting(company_name=None, board=PLAID))

    for name in (None, "Plaid", "Another"):
        store.board(PLAID, name)

    assert [row.company_name for row in active_boards(store.session)] == ["Plaid"]
    assert queries.get_posting(store.session, posting_id).posting.company_name == "Plaid"


def test_spellings_of_a_name_are_one_company(store) -> None:
    store.board(PLAID, "Café  Société")
    store.board(PLAID_EU, "CAFE SOCIETE")

    assert store.session.scalar(text("SELECT count(*) FROM companies")) == 1


def test_a_wish_is_pending_until_the_board_is_fetched_or_given_up(store, now: datetime) -> None:
    boards = [store.board(BoardRef(ats="lever", token=token)) for token in "abc"]
    crawl_writes.mark_queued(store.session, boards, now)
    crawl_writes.mark_queued(store.session, boards[:1], now + timedelta(hours=1))
    waiting = boards_in_progress(store.session, now + timedelta(seconds=1))
    assert [row.queued_at for row in waiting] == [now, now]

    store.finish(boards[0], posting_count=7)
    store.fail(boards[1], Failure.TIMED_OUT, detail="10 s")

    progress = board_progress(store.session, boards)
    assert (progress.done, progress.failed, progress.pending) == (1, 1, 1)
    assert active_boards(store.session)[0].posting_count == 7


@pytest.mark.parametrize(
    "body", [b"", b"\x00\xff\xfe not text", os.urandom(100_000), b'{"jobs": []}' * 50_000]
)
def test_an_answer_comes_back_byte_for_byte(store, now: datetime, body: bytes) -> None:
    raw = RawResponse(
        url="https://x.example/?q=\x00\ud800",
        fetched_at=now,
        http_status=200,
        body=body,
        content_type="application/json",
        etag='W/"1"',
        last_modified="yesterday",
    )

    raw_id = singly.save_answer(store.session, store.board(), raw)
    stored = queries.get_raw_response(store.session, raw_id)

    assert stored == raw.model_copy(update={"url": "https://x.example/?q=\ufffd"})
    assert queries.get_raw_response(store.session, raw_id + 1) is None


def test_the_same_body_of_a_board_is_stored_once_for_each_status(store, now: datetime) -> None:
    board_id, other = store.board(), store.board(PLAID)
    raw = RawResponse(url="https://x.example", fetched_at=now, http_status=200, body=b"{}")
    later = raw.model_copy(update={"fetched_at": now + timedelta(days=1), "etag": "new"})

    def save(board_id: int, raw: RawResponse) -> int:
        return singly.save_answer(store.session, board_id, raw)

    first = save(board_id, raw)

    assert save(board_id, later) == first
    others = {
        save(board_id, raw.model_copy(update={"http_status": 404})),
        save(board_id, raw.model_copy(update={"body": b"[]"})),
        save(other, raw),
    }
    assert len(others - {first}) == 3


def test_answers_stored_at_once_get_each_its_own_bytes_and_the_same_ones_one_id(
    store, now: datetime
) -> None:
    acme, plaid = store.board(), store.board(PLAID)
    known = store.raw(acme, b"known")
    bodies = [b"one", b"", b"known", os.urandom(5000), b"one", b"three" * 1000]

    def received(board_id: int, body: bytes) -> Received:
        raw = RawResponse(url="https://x.example", fetched_at=now, http_status=200, body=body)
        return Received(board_id, raw)

    answers = [received(acme, body) for body in bodies] + [received(plaid, b"one")]
    ids = save_raw_responses(store.session, answers)

    stored = [queries.get_raw_response(store.session, one) for one in ids]
    assert [raw.body for raw in stored if raw] == [*bodies, b"one"]
    assert (ids[2], ids[4]) == (known, ids[0])
    assert len(set(ids)) == len(ids) - 1
    assert save_raw_responses(store.session, answers) == ids


def test_boards_are_found_together_and_made_known_where_they_are_not(store, now: datetime) -> None:
    known = store.board(PLAID)
    odd = BoardRef(ats="lever", token="a\0b")

    ids = crawl_writes.board_ids(store.session, [PLAID_EU, PLAID, odd, PLAID], now)

    assert set(ids) == {PLAID, PLAID_EU, odd}
    assert ids[PLAID] == known
    assert crawl_writes.board_ids(store.session, ids, now) == ids


@pytest.mark.parametrize("change", [{"checksum": "0" * 64}, {"body": b"no zstd"}])
def test_a_damaged_body_is_not_passed_off_as_the_answer(store, change: dict) -> None:
    raw_id = store.raw(store.board(), b"precious")
    store.session.execute(update(StoredResponse).values(**change))

    with pytest.raises(RawResponseDamaged, match=str(raw_id)):
        queries.get_raw_response(store.session, raw_id)


@pytest.mark.parametrize("run_id", [None, 12345, 2**70])
def test_an_answer_for_a_run_nobody_knows_is_stored_without_it(store, run_id: int | None) -> None:
    raw_id = store.raw(store.board(), run_id=run_id)

    assert store.session.get(StoredResponse, raw_id).run_id is None


def test_a_run_counts_its_boards_and_the_postings_known_on_them(store, now: datetime) -> None:
    store.save(store.posting(1), store.posting(2))
    other = store.board(PLAID)
    boards = [store.board(), other]
    run = run_writes.create_run(store.session, "all", "trace", boards, now)
    assert (run.board_count, run.job_count, run.trace_id) == (2, 2, "trace")

    store.raw(boards[0], run_id=run.id)
    store.finish(boards[0], posting_count=2)
    store.fail(other, Failure.BLOCKED, detail="403")

    progress = run_progress(store.session, run.id)
    assert (progress.boards.done, progress.boards.failed, progress.boards.pending) == (1, 1, 0)
    assert progress.postings[PostingStatus.FETCHED] == 2
    assert not progress.finished
    assert run_progress(store.session, run.id + 1) is None


def test_one_fetch_serves_every_run_that_waits_for_the_board(store, now: datetime) -> None:
    board_id = store.board()
    runs = [run_writes.create_run(store.session, "all", "t", [board_id], now) for _ in range(2)]

    store.finish(board_id, posting_count=0)

    assert all(run_progress(store.session, run.id).finished for run in runs)
    assert [run.id for run in list_runs(store.session)] == [runs[1].id, runs[0].id]


def test_the_funnel_counts_everything(store, now: datetime) -> None:
    store.add(store.posting(1))
    store.save(store.posting(2), store.posting(3))
    board_id = store.board()
    singly.close_all_but(store.session, board_id, ["1", "2"], now)
    crawl_writes.mark_queued(store.session, [board_id], now)
    gone, broken = store.board(PLAID), store.board(PLAID_EU)
    for day in (0, 3):
        store.fail(gone, Failure.NOT_FOUND, now + timedelta(days=day))
    store.fail(broken, Failure.UNPARSABLE)
    letter = DeadLetter(kind="crawl", key="k\0" * 3000, reason="r", payload={"k": "\0"})
    dead_letters.save_dead_letter(store.session, letter, now)

    counts = funnel(store.session)

    boards = counts.boards
    assert (boards.total, boards.queued, boards.failed, boards.not_found) == (3, 1, 1, 1)
    assert {status.value: count for status, count in counts.postings.items()} == {
        "discovered": 0,
        "fetched": 2,
        "extracted": 1,
        "failed": 0,
    }
    assert counts.closed == 1
    assert counts.dead_letters == {"crawl": 1}
    assert counts.extractors == {"rules": 1}
