from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from openfunnel.errors import InvalidQuery
from openfunnel.records import BoardRef, PostingStatus, RoleFunction
from openfunnel.store import posting_writes, replays
from openfunnel.store.database import Database
from openfunnel.store.extraction_writes import save_extractions
from openfunnel.store.replays import ReplayFilter, postings_to_replay

DATA = ReplayFilter(role_function=RoleFunction.DATA)


def test_an_unfinished_replay_goes_on_where_it_was(session, now: datetime) -> None:
    begun = replays.begin_replay(session, "ollama", "m", "2", DATA, now)
    replays.advance_replay(session, begun.id, 40, 12, {"seniority": 3}, now)

    again = replays.begin_replay(session, "ollama", "m", "2", DATA, now + timedelta(days=1))

    assert (begun.after_id, begun.postings, begun.changes) == (0, 0, {})
    assert (again.id, again.created_at, again.finished_at) == (begun.id, now, None)
    assert (again.after_id, again.postings, again.changes) == (40, 12, {"seniority": 3})


def test_a_replay_that_is_through_begins_anew(session, now: datetime) -> None:
    first = replays.begin_replay(session, "rules", None, "2", DATA, now)
    replays.advance_replay(session, first.id, 40, 12, {}, now)
    replays.finish_replay(session, first.id, now)

    second = replays.begin_replay(session, "rules", None, "2", DATA, now)

    assert second.id != first.id
    assert second.after_id == 0


@pytest.mark.parametrize(
    "other",
    [
        ("openai", None, "2", DATA),
        ("rules", "m", "2", DATA),
        ("rules", None, "3", DATA),
        ("rules", None, "2", ReplayFilter()),
        ("rules", None, "2", ReplayFilter(role_function=RoleFunction.DATA, failure=True)),
    ],
    ids=["extractor", "model", "version", "filters", "failure"],
)
def test_another_replay_does_not_go_on_with_this_one(session, other: Any, now: datetime) -> None:
    begun = replays.begin_replay(session, "rules", None, "2", DATA, now)

    assert replays.begin_replay(session, *other, now).id != begun.id


def test_a_replay_of_so_many_postings_is_another_one(session, now: datetime) -> None:
    begun = replays.begin_replay(session, "rules", None, "2", DATA, now)
    limited = replays.begin_replay(session, "rules", None, "2", DATA, now, 10)

    assert begun.id != limited.id
    assert limited == replays.begin_replay(session, "rules", None, "2", DATA, now, 10)


def test_a_replay_never_goes_back(session, now: datetime) -> None:
    begun = replays.begin_replay(session, "rules", None, "2", DATA, now)
    replays.advance_replay(session, begun.id, 40, 12, {"seniority": 3}, now)
    replays.advance_replay(session, begun.id, 30, 10, {}, now)

    stored = replays.begin_replay(session, "rules", None, "2", DATA, now)

    assert (stored.after_id, stored.postings, stored.changes) == (40, 12, {"seniority": 3})


def test_two_who_begin_the_same_replay_have_one(database: Database, now: datetime) -> None:
    def begin(_: int) -> int:
        with database.begin() as session:
            return replays.begin_replay(session, "rules", None, "2", DATA, now).id

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(begin, range(16)))) == 1


def test_postings_are_replayed_page_by_page_in_order(store) -> None:
    ids = sorted(store.add(store.posting(number)) for number in range(5))
    store.save(store.posting(9))  # waits for a worker

    assert postings_to_replay(store.session, ReplayFilter(), 0, 3) == ids[:3]
    assert postings_to_replay(store.session, ReplayFilter(), ids[2], 3) == ids[3:]
    assert postings_to_replay(store.session, ReplayFilter(), ids[4], 3) == []


Named = dict[str, int]


@pytest.fixture
def named(store, now: datetime) -> Named:
    """Postings by what is special about them."""

    def add(number: int, board: BoardRef | None = None, **changes: Any) -> int:
        posting = store.posting(number, **({"board": board} if board else {}), company_name=None)
        (posting_id,) = store.save(posting).awaiting
        role = changes.pop("role_function", RoleFunction.SALES)
        result = store.result(role_function=role).model_copy(update=changes)
        assert save_extractions(store.session, [store.finished(posting_id, result)], now)
        return posting_id

    named = {
        "lever": add(1, BoardRef(ats="lever", token="Zoë")),
        "ollama": add(2, extractor="ollama", prompt_version="1.9", confidence=0.7),
        "newer": add(3, extractor="ollama", prompt_version="1.10", confidence=0.71),
        "odd": add(4, prompt_version="of old"),
        "data": add(5, role_function=RoleFunction.DATA),
        "failed": add(6, failure="small: no JSON"),
    }
    (waiting,) = store.save(store.posting(7, company_name="Ünited Corp")).awaiting
    store.board(company_name="Acme Corp")
    (dead,) = store.save(store.posting(8)).awaiting
    posting_writes.fail_fetched(store.session, dead, "no JSON")
    posting_writes.discover_posting(store.session, store.board(), "https://x.example/9", "9", now)
    return named | {"waiting": waiting, "dead": dead}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (ReplayFilter(), "lever ollama newer odd data failed"),
        (ReplayFilter(ats="lever"), "lever"),
        (ReplayFilter(company_name="zoë"), "lever"),
        (ReplayFilter(company_name="UNITED CORP", status=PostingStatus.FETCHED), "waiting"),
        (ReplayFilter(status=PostingStatus.FAILED), "dead"),
        (ReplayFilter(status=PostingStatus.DISCOVERED), ""),
        (ReplayFilter(extractor="ollama"), "ollama newer"),
        (ReplayFilter(prompt_version="1"), ""),
        (ReplayFilter(prompt_version="1.10"), "lever ollama data failed"),
        (ReplayFilter(prompt_version="2"), "lever ollama newer data failed"),
        (ReplayFilter(role_function=RoleFunction.DATA), "data"),
        (ReplayFilter(max_confidence=0.7), "ollama"),
        (ReplayFilter(failure=True), "failed"),
        (ReplayFilter(extractor="ollama", max_confidence=0.8, prompt_version="1.10"), "ollama"),
        (ReplayFilter(extractor="x' OR true --"), ""),
    ],
)
def test_a_filter_finds_what_it_says(store, named: Named, wanted: ReplayFilter, found: str) -> None:
    ids = postings_to_replay(store.session, wanted, 0, 100)

    assert {name for name, posting_id in named.items() if posting_id in ids} == set(found.split())
    assert len(ids) == len(found.split())


@pytest.mark.parametrize(
    "values",
    [
        {"prompt_version": "latest"},
        {"prompt_version": "1."},
        {"prompt_version": ""},
        {"prompt_version": "\N{ARABIC-INDIC DIGIT THREE}"},
        {"max_confidence": 1.5},
        {"max_confidence": float("nan")},
    ],
)
def test_a_filter_that_can_be_compared_with_nothing_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidQuery):
        ReplayFilter(**values)
