"""A board's state over the fetches of days and weeks."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import text

from openfunnel.lifecycle import DAY, HOUR
from openfunnel.records import BoardRef, Failure
from openfunnel.store import crawl_writes, queries
from openfunnel.store.boards import BoardVisit, active_boards, boards_in_progress, due_boards
from openfunnel.store.claims import claim
from openfunnel.store.database import Database
from openfunnel.store.progress import failures
from openfunnel.store.unchanged import UnchangedVisit, finish_unchanged
from tests.integration import singly

ACME = BoardRef(ats="greenhouse", token="acme")
PLAID = BoardRef(ats="lever", token="plaid")
PLAID_EU = BoardRef(ats="lever", token="plaid", region="eu")
AN_HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)


# --- taking up and claiming ---------------------------------------------------------------------


def test_taking_up_makes_boards_known_and_wants_those_asked_for_whole(store, now: datetime) -> None:
    known = store.board(PLAID)

    visits = crawl_writes.take_up(store.session, [PLAID_EU, PLAID, PLAID, ACME], now, {PLAID, ACME})

    assert {ref: visit.ref for ref, visit in visits.items()} == {
        ref: ref for ref in (PLAID_EU, PLAID, ACME)
    }
    assert visits[PLAID].id == known
    wanted = boards_in_progress(store.session, now + AN_HOUR)
    assert {row.ref: row.queued_at for row in wanted} == {PLAID: now, ACME: now}
    assert crawl_writes.take_up(store.session, [], now, ()) == {}


def test_a_board_of_which_one_posting_is_asked_for_is_not_due_the_same_day(
    store, now: datetime
) -> None:
    crawl_writes.take_up(store.session, [ACME], now, ())

    assert due_boards(store.session, now + A_DAY - AN_HOUR, 10) == []
    assert [row.ref for row in due_boards(store.session, now + A_DAY, 10)] == [ACME]


def test_a_visit_brings_the_validators_of_the_last_complete_fetch(store, now: datetime) -> None:
    board_id = store.board(ACME)
    store.finish(board_id, etag='"7"', last_modified="then", checksum="c")
    store.fail(board_id, Failure.TIMED_OUT)

    (visit,) = crawl_writes.take_up(store.session, [ACME], now, {ACME}).values()

    assert visit == BoardVisit(board_id, ACME, '"7"', "then", "c")


def test_names_that_postgresql_refuses_are_taken_up_all_the_same(store, now: datetime) -> None:
    odd = [BoardRef(ats="lever", token=token) for token in ("a\0b", "ab", "é", "'; --")]

    visits = crawl_writes.take_up(store.session, odd, now, odd)

    assert set(visits) == set(odd)
    assert visits[odd[0]].id == visits[odd[1]].id


def test_two_crawlers_may_take_up_the_same_new_boards_in_opposite_order(
    database: Database, now: datetime
) -> None:
    refs = [BoardRef(ats="lever", token=str(number)) for number in range(200)]
    taken: list[dict[BoardRef, BoardVisit]] = []

    def take(refs: list[BoardRef]) -> None:
        with database.begin() as session:
            taken.append(crawl_writes.take_up(session, refs, now, refs))

    threads = [Thread(target=take, args=(order,)) for order in (refs, refs[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    first, second = taken
    assert first == second
    assert len({visit.id for visit in first.values()}) == 200


def test_a_claim_refuses_whom_a_later_lease_has_overtaken(store) -> None:
    board_id = store.board()

    claims = [claim(store.session, board_id, fence) for fence in (5, 5, 4, 0, 6, 5)]

    assert list(map(bool, claims)) == [True, True, False, True, True, False]
    assert not claim(store.session, board_id + 1, 9)


def test_a_claim_waits_for_who_holds_the_board_and_then_sees_its_fence(
    database: Database, store_on: Callable[..., Any]
) -> None:
    with database.begin() as session:
        board_id = store_on(session).board()
    answered, claimed = [], Event()

    def overtaken() -> None:
        claimed.wait()
        with database.begin() as session:
            answered.append(claim(session, board_id, 1))

    thread = Thread(target=overtaken)
    thread.start()
    with database.begin() as session:
        assert claim(session, board_id, 2)
        claimed.set()
        while not session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            pass
        assert answered == []
    thread.join()
    assert answered == [None]


# --- due times ----------------------------------------------------------------------------------


def test_the_longest_due_board_comes_first_and_a_wanted_one_not_again(store, now: datetime) -> None:
    boards = [store.board(BoardRef(ats="lever", token=token)) for token in "abcd"]
    for board_id, days in zip(boards, (2, 3, 1, 0), strict=True):
        store.finish(board_id, now - timedelta(days=days))
    crawl_writes.mark_queued(store.session, boards[2:3], now)

    assert [row.id for row in due_boards(store.session, now, 10)] == [boards[1], boards[0]]
    assert [row.id for row in due_boards(store.session, now, 1)] == [boards[1]]


def test_a_board_made_known_without_a_crawl_is_due_at_once(store, now: datetime) -> None:
    store.board(ACME)

    assert [row.due_at for row in due_boards(store.session, now, 1)] == [now]


def test_crawls_follow_how_often_a_board_changes(store, now: datetime) -> None:
    board_id = store.board()
    intervals = []
    for changed in (True, True, False, False):
        store.finish(board_id, now, changed=changed)
        row = store.row(board_id)
        assert row.due_at == now + timedelta(seconds=row.crawl_seconds)
        intervals.append(row.crawl_seconds // HOUR)

    assert intervals == [24, 12, 18, 27]


def test_jitter_moves_the_due_time_and_not_the_interval(store, now: datetime) -> None:
    board_id = store.board()
    outcome = crawl_writes.BoardOutcome(1, True, None, None, "c", None)

    singly.finish(store.session, board_id, outcome, now, 0.9)

    row = store.row(board_id)
    assert (row.crawl_seconds, row.due_at) == (DAY, now + 0.9 * A_DAY)


def test_failures_put_the_next_try_off_until_a_success(store, now: datetime) -> None:
    board_id = store.board()
    delays = []
    for _ in range(3):
        store.fail(board_id, Failure.SERVER_ERROR)
        delays.append((store.row(board_id).due_at - now) / AN_HOUR)
    store.finish(board_id)
    row = store.row(board_id)
    assert (row.failures, row.failure, row.failed_at) == (0, None, None)

    store.fail(board_id, Failure.SERVER_ERROR)

    assert delays == [1, 2, 4]
    assert store.row(board_id).due_at == now + AN_HOUR


def visit(token: str, fence: int, checksum: str) -> UnchangedVisit:
    ref = BoardRef(ats="lever", token=token)
    return UnchangedVisit(ref, fence, checksum)


# --- unchanged ----------------------------------------------------------------------------------


def test_unchanged_boards_are_finished_together_and_keep_what_is_known(
    store, now: datetime
) -> None:
    boards = [store.board(BoardRef(ats="lever", token=token)) for token in "ab"]
    for board_id in boards:
        store.finish(board_id, posting_count=7, checksum="c")
        store.fail(board_id, Failure.NOT_FOUND)
    crawl_writes.mark_queued(store.session, boards, now)
    later = now + A_DAY

    visits = [visit(token, fence, "c") for fence, token in enumerate("ab", 1)]
    finish_unchanged(store.session, visits, later, 1.1)

    for fence, board_id in enumerate(boards, 1):
        row = store.row(board_id)
        assert (row.posting_count, row.checksum, row.changed_at) == (7, "c", now)
        assert (row.failure, row.failures, row.missing_since, row.queued_at) == (
            None,
            0,
            None,
            None,
        )
        assert (row.fence, row.last_fetched_at, row.crawl_seconds) == (fence, later, 36 * HOUR)
        assert row.due_at == later + 1.1 * timedelta(hours=36)


def test_what_a_later_lease_found_is_not_taken_for_unchanged(store, now: datetime) -> None:
    overtaken, current = (store.board(BoardRef(ats="lever", token=token)) for token in "ab")
    for board_id in (overtaken, current):
        store.finish(board_id, checksum="c")
        claim(store.session, board_id, 5)
        store.fail(board_id, Failure.BLOCKED)

    visits = [visit("b", 5, "c"), visit("b", 4, "c"), visit("a", 4, "c")]
    finish_unchanged(store.session, visits, now, 1.0)
    finish_unchanged(store.session, [], now, 1.0)

    assert store.row(overtaken).failure == "blocked"
    assert (store.row(current).failure, store.row(current).fence) == (None, 5)


def test_where_another_answer_was_stored_meanwhile_the_board_is_read_anew(
    store, now: datetime
) -> None:
    board_id = store.board(BoardRef(ats="lever", token="a"))
    store.finish(board_id, checksum="b", etag="e")
    crawl_writes.mark_queued(store.session, [board_id], now)
    later = now + A_DAY

    finish_unchanged(store.session, [visit("a", 1, "c")], later, 1.0)

    row = store.row(board_id)
    assert (row.checksum, row.etag, row.queued_at, row.due_at) == (None, None, None, later)


# --- empty answers ------------------------------------------------------------------------------


def test_a_board_without_open_postings_may_be_empty(store, now: datetime) -> None:
    assert crawl_writes.suspect_empty(store.session, store.board(), now)


def test_an_empty_answer_is_believed_after_two_further_ones_an_hour_apart(
    store, now: datetime
) -> None:
    store.save(store.posting())
    board_id = store.board()
    store.finish(board_id)
    crawl_writes.mark_queued(store.session, [board_id], now)

    minutes = (0, 59, 60, 119, 120)
    believed = [
        crawl_writes.suspect_empty(store.session, board_id, now + timedelta(minutes=after))
        for after in minutes
    ]

    assert believed == [False, False, False, False, True]


def test_a_suspected_board_is_read_anew_in_an_hour(store, now: datetime) -> None:
    (posting_id,) = store.save(store.posting()).awaiting
    board_id = store.board()
    store.finish(board_id, posting_count=1)
    crawl_writes.mark_queued(store.session, [board_id], now)

    crawl_writes.suspect_empty(store.session, board_id, now)

    row = store.row(board_id)
    assert (row.etag, row.last_modified, row.checksum) == (None, None, None)
    assert (row.due_at, row.queued_at, row.posting_count) == (now + AN_HOUR, None, 1)
    assert queries.get_posting(store.session, posting_id).posting.closed_at is None


def test_a_fetch_with_postings_ends_the_suspicion(store, now: datetime) -> None:
    store.save(store.posting())
    board_id = store.board()
    for after in range(2):
        crawl_writes.suspect_empty(store.session, board_id, now + after * AN_HOUR)
    store.finish(board_id)

    assert not crawl_writes.suspect_empty(store.session, board_id, now + 2 * AN_HOUR)


# --- boards that are gone -----------------------------------------------------------------------


def test_a_board_is_retired_when_it_was_denied_for_three_days(store, now: datetime) -> None:
    (posting_id,) = store.save(store.posting()).awaiting
    board_id = store.board()
    store.finish(board_id)

    store.fail(board_id, Failure.NOT_FOUND)
    store.fail(board_id, Failure.NOT_FOUND, now + 3 * A_DAY - AN_HOUR)
    assert len(active_boards(store.session)) == 1
    assert queries.get_posting(store.session, posting_id).posting.closed_at is None

    end = now + 3 * A_DAY
    store.fail(board_id, Failure.NOT_FOUND, end)
    assert active_boards(store.session) == due_boards(store.session, end + 99 * A_DAY, 1) == []
    assert queries.get_posting(store.session, posting_id).posting.closed_at == end


@pytest.mark.parametrize("between", ["success", "unchanged", "failure"])
def test_anything_but_a_denial_starts_the_three_days_anew(
    store, now: datetime, between: str
) -> None:
    ref = BoardRef(ats="lever", token="a")
    board_id = store.board(ref)
    store.fail(board_id, Failure.NOT_FOUND)
    if between == "success":
        store.finish(board_id)
    elif between == "unchanged":
        store.finish(board_id, checksum="c")
        store.fail(board_id, Failure.NOT_FOUND)
        unchanged = UnchangedVisit(ref, 1, "c")
        finish_unchanged(store.session, [unchanged], now, 1.0)
    else:
        store.fail(board_id, Failure.TIMED_OUT)

    store.fail(board_id, Failure.NOT_FOUND, now + 3 * A_DAY)
    assert len(active_boards(store.session)) == 1

    store.fail(board_id, Failure.NOT_FOUND, now + 6 * A_DAY)
    assert active_boards(store.session) == []


def test_a_retired_board_that_answers_again_is_read_and_active(store, now: datetime) -> None:
    board_id = store.board(PLAID)
    store.finish(board_id)
    for day in (0, 3):
        store.fail(board_id, Failure.NOT_FOUND, now + day * A_DAY)

    (visit,) = crawl_writes.take_up(store.session, [PLAID], now, {PLAID}).values()
    assert (visit.etag, visit.last_modified, visit.checksum) == (None, None, None)

    store.finish(board_id)
    assert len(active_boards(store.session, "lever")) == 1
    assert active_boards(store.session, "greenhouse") == []


def test_a_forgotten_answer_is_read_again(store, now: datetime) -> None:
    board_id = store.board(PLAID)
    store.finish(board_id)

    crawl_writes.forget_answer(store.session, board_id)

    visits = crawl_writes.take_up(store.session, [PLAID], now, ())
    assert visits[PLAID] == BoardVisit(board_id, PLAID, None, None, None)


def test_failures_are_counted_by_ats_and_name(store) -> None:
    plaid, eu, acme = store.board(PLAID), store.board(PLAID_EU), store.board(ACME)
    for board_id, failure in (
        (plaid, Failure.TIMED_OUT),
        (eu, Failure.TIMED_OUT),
        (eu, Failure.NOT_FOUND),
        (eu, Failure.TIMED_OUT),
        (acme, Failure.BLOCKED),
    ):
        store.fail(board_id, failure)
        store.finish(board_id)

    assert failures(store.session) == {
        "greenhouse": {"blocked": 1},
        "lever": {"timed_out": 3, "not_found": 1},
    }


def test_closing_all_of_a_confirmed_empty_board_leaves_nothing_open(store, now: datetime) -> None:
    store.save(store.posting(1), store.posting(2))

    assert singly.close_all_but(store.session, store.board(), [], now) == 2
    assert crawl_writes.suspect_empty(store.session, store.board(), now)
