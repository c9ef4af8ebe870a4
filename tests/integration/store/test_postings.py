import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from openfunnel.normalize.text import one_line
from openfunnel.records import AtsFields, Compensation, Origin, PayPeriod, PostingStatus
from openfunnel.store import posting_writes, queries
from openfunnel.store.database import Database
from openfunnel.store.encoding import storable_text, to_json
from openfunnel.store.run_writes import create_run
from tests.integration import singly

PAY = Compensation(min=Decimal(50), max=Decimal(60), currency="EUR", period=PayPeriod.HOUR)


def test_a_page_stored_again_changes_nothing(store, now: datetime) -> None:
    page = [store.posting(number) for number in range(1, 6)]

    first = store.save(*page)
    again = store.save(*page, at=now + timedelta(days=1))

    assert (first.new, first.changed, first.unchanged) == (5, 0, 0)
    assert (again.new, again.changed, again.unchanged) == (0, 0, 5)
    assert again.awaiting == first.awaiting
    stored = queries.get_posting(store.session, first.awaiting[0]).posting
    assert stored.fetched_at == stored.first_seen_at == now


def test_an_empty_page_is_no_trouble(store, now: datetime) -> None:
    board_id = store.board()

    saved = singly.save_page(store.session, board_id, store.raw(board_id), [], now)

    assert saved == posting_writes.SavedPostings((), 0, 0, 0, 0)


def test_of_postings_with_one_address_the_last_counts(store) -> None:
    saved = store.save(store.posting(1, title="First"), store.posting(1, title="Second"))

    (posting_id,) = saved.awaiting
    assert saved.new == 1
    assert queries.get_posting(store.session, posting_id).posting.title == "Second"


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Another title"},
        {"text": "Another text"},
        {"fields": AtsFields(locations=("Paris",))},
    ],
)
def test_a_changed_posting_waits_again_with_its_old_extraction_visible(
    store, change: dict[str, Any]
) -> None:
    posting_id = store.add(store.posting())

    saved = store.save(store.posting(**change))

    assert (saved.awaiting, saved.changed) == ((posting_id,), 1)
    assert queries.get_posting(store.session, posting_id).posting.status is PostingStatus.FETCHED
    assert queries.get_extraction(store.session, posting_id).outdated
    assert store.extract(posting_id, fence=2)
    assert not queries.get_extraction(store.session, posting_id).outdated


@pytest.mark.parametrize(
    "change",
    [{"payload": {"id": 1, "views": 5}}, {"apply_url": "https://y.example"}, {"posted_at": None}],
)
def test_what_no_extraction_depends_on_is_updated_without_a_new_one(
    store, change: dict[str, Any]
) -> None:
    posting_id = store.add(store.posting())

    saved = store.save(store.posting(**change))

    assert (saved.awaiting, saved.unchanged) == ((), 1)
    stored = queries.get_posting(store.session, posting_id).posting
    expected = store.posting(**change)
    assert stored.status is PostingStatus.EXTRACTED
    assert (stored.apply_url, stored.posted_at) == (expected.apply_url, expected.posted_at)
    assert stored.listed_at == (expected.posted_at or stored.first_seen_at)
    assert queries.posting_payload(store.session, posting_id) == expected.payload


def test_a_posting_gone_from_its_board_closes_and_opens_again_when_seen(
    store, now: datetime
) -> None:
    kept, gone = store.add(store.posting(1)), store.add(store.posting(2))
    other = store.posting(3, board=store.posting().board.model_copy(update={"token": "other"}))
    store.save(other)

    assert singly.close_all_but(store.session, store.board(), ["1"], now) == 1
    assert queries.get_posting(store.session, gone).posting.closed_at == now
    assert queries.get_posting(store.session, kept).posting.closed_at is None

    saved = store.save(store.posting(2))
    stored = queries.get_posting(store.session, gone).posting
    assert (stored.closed_at, stored.status) == (None, PostingStatus.EXTRACTED)
    assert (saved.unchanged, saved.awaiting) == (1, ())


# --- former versions ----------------------------------------------------------------------------


def versions(store) -> list[tuple[Any, ...]]:
    """What is kept of former versions, oldest first."""
    columns = "job_posting_id, replaced_at, title, locations, compensation, closed_at"
    return store.session.execute(
        text(f"SELECT {columns} FROM posting_versions ORDER BY id")
    ).fetchall()


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Another title"},
        {"text": "Another text"},
        {"fields": AtsFields(locations=("Paris",))},
        {"fields": AtsFields(locations=("Berlin",), compensation=PAY)},
    ],
)
def test_a_changed_posting_keeps_its_former_version(
    store, now: datetime, change: dict[str, Any]
) -> None:
    (posting_id,) = store.save(store.posting()).awaiting
    later = now + timedelta(days=1)

    store.save(store.posting(**change), at=later)

    assert versions(store) == [(posting_id, later, "Engineer 1", ["Berlin"], None, None)]


def test_the_former_pay_and_checksum_are_kept(store, now: datetime) -> None:
    store.save(store.posting(fields=AtsFields(compensation=PAY)))
    query = text("SELECT text_checksum FROM job_postings")
    before = store.session.scalar(query)

    store.save(store.posting())

    ((_, _, _, _, pay, _),) = versions(store)
    assert Compensation.model_validate(pay) == PAY
    kept = store.session.scalar(text("SELECT text_checksum FROM posting_versions"))
    assert kept == before != store.session.scalar(query)


@pytest.mark.parametrize(
    "change", [{}, {"payload": {"id": 1, "views": 5}}, {"apply_url": "https://y.example"}]
)
def test_what_no_extraction_depends_on_is_no_version(store, change: dict[str, Any]) -> None:
    store.save(store.posting())
    store.save(store.posting(**change))

    assert versions(store) == []


def test_a_posting_that_comes_back_keeps_when_it_was_gone(store, now: datetime) -> None:
    (posting_id,) = store.save(store.posting()).awaiting
    singly.close_all_but(store.session, store.board(), [], now)
    back = now + timedelta(days=1)

    saved = store.save(store.posting(), at=back)

    assert (saved.new, saved.changed, saved.unchanged, saved.reopened) == (0, 0, 1, 1)
    assert versions(store) == [(posting_id, back, "Engineer 1", ["Berlin"], None, now)]


def test_a_discovered_address_has_no_former_version(store, now: datetime) -> None:
    posting, board_id = store.posting(), store.board()
    posting_writes.discover_posting(store.session, board_id, posting.canonical_url, "1", now)
    singly.close_all_but(store.session, board_id, [], now)

    saved = store.save(posting)

    assert (saved.new, saved.reopened, versions(store)) == (1, 0, [])


def test_an_unchanged_page_writes_no_row(store, now: datetime) -> None:
    page = [store.posting(number) for number in range(1, 60)]
    store.save(*page)
    rows = text("SELECT id, ctid, xmax FROM job_postings ORDER BY id")
    before = store.session.execute(rows).all()

    store.save(*page, at=now + timedelta(days=1))

    assert store.session.execute(rows).all() == before


def test_a_discovered_address_becomes_the_posting_once_it_is_fetched(store, now: datetime) -> None:
    posting, board_id = store.posting(), store.board()

    ids = {
        posting_writes.discover_posting(
            store.session, board_id, posting.canonical_url, posting.external_id, now
        )
        for _ in range(2)
    }
    (discovered,) = queries.discovered_postings(store.session, now + timedelta(seconds=1))
    assert {discovered.id} == ids
    assert (discovered.ref, discovered.external_id) == (posting.board, posting.external_id)
    assert queries.postings_for_extraction(store.session, [discovered.id]) == {}
    assert queries.get_posting(store.session, discovered.id).text is None

    saved = store.save(posting)
    assert (saved.awaiting, saved.new) == ((discovered.id,), 1)
    assert queries.discovered_postings(store.session, now + timedelta(seconds=1)) == []


def test_an_address_that_leads_nowhere_fails_but_what_was_fetched_stays(
    store, now: datetime
) -> None:
    board_id, posting = store.board(), store.posting(1)
    posting_id = posting_writes.discover_posting(
        store.session, board_id, posting.canonical_url, "1", now
    )
    (fetched,) = store.save(store.posting(2)).awaiting

    for external_id in ("1", "2", "3"):
        posting_writes.fail_discovered(store.session, board_id, external_id, "not_found")

    stored = queries.get_posting(store.session, posting_id).posting
    assert (stored.status, stored.failure) == (PostingStatus.FAILED, "not_found")
    assert queries.get_posting(store.session, fetched).posting.status is PostingStatus.FETCHED


def test_a_failed_posting_gets_another_chance_when_its_text_changes(store, now: datetime) -> None:
    (posting_id,) = store.save(store.posting()).awaiting
    assert posting_writes.fail_fetched(store.session, posting_id, "too many attempts")

    assert store.save(store.posting()).awaiting == ()
    assert store.save(store.posting(text="Mended")).awaiting == (posting_id,)
    assert queries.get_posting(store.session, posting_id).posting.failure is None


def test_a_late_failure_does_not_undo_an_extraction(store, now: datetime) -> None:
    posting_id = store.add(store.posting())

    assert not posting_writes.fail_fetched(store.session, posting_id, "lease lost")

    assert queries.get_posting(store.session, posting_id).posting.status is PostingStatus.EXTRACTED


def test_the_page_of_the_reconciler_moves_on(store) -> None:
    awaiting = store.save(*(store.posting(number) for number in range(5))).awaiting

    assert tuple(queries.postings_awaiting_extraction(store.session, 0, 2)) == awaiting[:2]
    rest = queries.postings_awaiting_extraction(store.session, awaiting[1], 100)
    assert tuple(rest) == awaiting[2:]


def test_a_worker_is_given_what_the_board_said(store) -> None:
    posting = store.posting(company_name=None)
    (other_id, posting_id) = sorted(store.save(store.posting(2), posting).awaiting)

    found = queries.postings_for_extraction(store.session, [posting_id, other_id, posting_id + 100])

    pending = found[posting_id].posting
    assert found.keys() == {posting_id, other_id}
    assert (pending.title, pending.text, pending.fields) == (
        posting.title,
        posting.text,
        posting.fields,
    )
    assert (pending.company_name, pending.closed) == (None, False)
    assert found[other_id].posting.company_name == "Acme Corp"
    assert pending.origin == Origin(ats="greenhouse", board_id=store.board())


def test_a_worker_is_told_of_the_run_and_that_a_posting_is_closed(store, now: datetime) -> None:
    board_id = store.board()
    run = create_run(store.session, "import", "trace", [board_id], now)
    raw_id = store.raw(board_id, run_id=run.id)
    saved = singly.save_page(store.session, board_id, raw_id, [store.posting()], now)
    singly.close_all_but(store.session, board_id, [], now)

    (pending,) = queries.postings_for_extraction(store.session, saved.awaiting).values()

    assert pending.posting.closed
    assert pending.posting.origin.run_id == run.id


def test_two_crawlers_may_store_overlapping_pages_at_once(
    database: Database, store_on: Callable[..., Any], now: datetime
) -> None:
    start = Barrier(2)
    saved = []

    def crawl(numbers: range) -> None:
        with database.begin() as session:
            store = store_on(session)
            start.wait()
            saved.append(store.save(*(store.posting(number) for number in numbers)))

    threads = [
        Thread(target=crawl, args=(numbers,)) for numbers in (range(300), range(400, 100, -1))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(saved) == 2
    with database.begin() as session:
        assert len(queries.postings_awaiting_extraction(session, 0, 1000)) == 401


# --- what PostgreSQL refuses --------------------------------------------------------------------

NUL = 'a\0b \\u0000 "q" \\ \U0001f680'
SURROGATE = "\ud800"


def test_nul_and_lone_surrogates_never_fail_a_page(store) -> None:
    posting = store.posting(
        title=NUL,
        text=NUL,
        company_name=NUL,
        external_id="1\0",
        public_url="https://x.example/\0",
        fields=AtsFields(locations=(NUL,)),
        payload={f"k\0{SURROGATE}": [NUL + SURROGATE, float("nan"), float("inf"), 10**5000]},
    )
    clean = NUL.replace("\0", "")

    posting_id = store.add(posting)

    detail = queries.get_posting(store.session, posting_id)
    assert (detail.posting.title, detail.text, detail.posting.company_name) == (clean,) * 3
    assert detail.fields == AtsFields(locations=(clean,))
    payload = queries.posting_payload(store.session, posting_id)
    assert payload == {"k\ufffd": [f"{clean}\ufffd", None, None, None]}


def test_endless_nesting_is_cut(store) -> None:
    deep: Any = "bottom"
    for _ in range(900):
        deep = [deep]

    posting_id = store.add(store.posting(payload={"deep": deep}))

    payload = json.dumps(queries.posting_payload(store.session, posting_id))
    assert 50 < payload.count("[") <= 900


NAIVE = datetime(1, 1, 1)  # noqa: DTZ001 - boards send such


@pytest.mark.parametrize("moment", [NAIVE, datetime(9999, 12, 31, tzinfo=UTC)])
def test_a_date_no_calendar_means_is_left_out(store, moment: datetime) -> None:
    posting_id = store.add(store.posting(posted_at=moment, updated_at=moment))

    stored = queries.get_posting(store.session, posting_id).posting
    assert (stored.posted_at, stored.updated_at) == (None, None)
    assert stored.listed_at == stored.first_seen_at


any_text = st.text(st.characters() | st.sampled_from("\0\ud800\udfff\\"), max_size=30)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner) | st.dictionaries(any_text, inner),
    max_leaves=10,
)


@settings(deadline=None)
@given(any_json)
def test_any_json_is_made_storable(value: Any) -> None:
    document = to_json(value)

    document.encode()
    assert "\0" not in json.dumps(json.loads(document), ensure_ascii=False)
    assert _nul_free(json.loads(document))


def _nul_free(value: Any) -> bool:
    if isinstance(value, dict):
        return all("\0" not in key and _nul_free(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_nul_free, value))
    return not (isinstance(value, str) and "\0" in value)


@settings(deadline=None)
@given(st.text())
def test_storable_text_is_left_alone(text: str) -> None:
    assert storable_text(text) == text.replace("\0", "")


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None
)
@given(
    title=any_text.map(one_line).filter(bool),  # as parsers give it: records take no surrogates
    text=st.text(st.characters()),
    payload=any_json,
)
def test_any_posting_can_be_stored_and_extracted(
    store, title: str, text: str, payload: Any
) -> None:
    with store.session.begin_nested() as savepoint:
        posting = store.posting(title=title, text=text, payload={"value": payload})

        posting_id = store.add(posting)

        assert queries.get_posting(store.session, posting_id).text == storable_text(text)
        savepoint.rollback()
