from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from openfunnel.errors import InvalidQuery
from openfunnel.normalize.location import query_keys
from openfunnel.records import (
    BoardRef,
    PayPeriod,
    Place,
    PostingStatus,
    RoleFunction,
    Seniority,
    Stance,
    Workplace,
)
from openfunnel.store import queries
from openfunnel.store.search import (
    PostingFilters,
    PostingSort,
    count_postings,
    search_postings,
)
from tests.integration import singly

YEAR = PayPeriod.YEAR


@pytest.fixture
def market(store, now: datetime) -> dict[str, int]:
    """A few postings that each filter tells apart, by a short name."""
    lever = BoardRef(ats="lever", token="zeta-jobs")
    ids = {
        "data": store.add(
            store.posting(1, title="Staff Data Engineer", text='Own our "data platform" in SQL.'),
            role_function=RoleFunction.DATA,
            seniority=Seniority.STAFF,
            workplace=Workplace.HYBRID,
            places=[Place(city="New York", region="New York", country="US")],
            pay=(180_000, 220_000, "USD", YEAR),
            technologies=[store.mention("PostgreSQL"), store.mention("Python")],
        ),
        "sales": store.add(
            store.posting(
                1, board=lever, company_name="Zeta Café", title="Account Executive", posted_at=None
            ),
            role_function=RoleFunction.SALES,
            seniority=Seniority.MID,
            workplace=Workplace.REMOTE,
            places=[Place(country="DE")],
            technologies=[store.mention("Salesforce", Stance.USED)],
        ),
        "hourly": store.add(
            store.posting(2, title="Python Tutor", posted_at=now - timedelta(days=30)),
            role_function=RoleFunction.EDUCATION,
            seniority=Seniority.JUNIOR,
            places=[Place(city="Berlin", country="DE")],
            pay=(20, 30, "EUR", PayPeriod.HOUR),
            technologies=[store.mention("Python")],
        ),
    }
    (ids["waiting"],) = store.save(store.posting(3, title="Not extracted yet")).awaiting
    ids["closed"] = store.add(store.posting(4, title="Filled data job"))
    singly.close_all_but(store.session, store.board(), ["1", "2", "3"], now)
    return ids


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, {"data", "sales", "hourly", "waiting"}),
        ({"closed": True}, {"closed"}),
        ({"closed": None}, {"data", "sales", "hourly", "waiting", "closed"}),
        ({"q": "data engineers"}, {"data"}),
        ({"q": '"data platform" -tutor'}, {"data"}),
        ({"q": '"platform data"'}, set()),
        ({"q": "tutor or executive"}, {"hourly", "sales"}),
        ({"q": "zeta"}, {"sales"}),
        ({"q": "salesforce"}, {"sales"}),
        ({"q": "zeta", "closed": None, "ats": ["greenhouse"]}, set()),
        ({"q": "') ; \0 & | ! <-> :* ((("}, set()),
        ({"status": [PostingStatus.FETCHED]}, {"waiting"}),
        ({"status": list(PostingStatus)}, {"data", "sales", "hourly", "waiting"}),
        ({"company_names": ["ACME  corp"]}, {"data", "hourly", "waiting"}),
        ({"company_names": ["zeta cafe"]}, {"sales"}),
        ({"company_names": ["Zeta-Jobs"]}, {"sales"}),
        ({"company_names": ["acme", "zeta-jobs"]}, {"data", "sales", "hourly", "waiting"}),
        ({"company_names": ["acm"]}, set()),
        ({"ats": ["lever"]}, {"sales"}),
        ({"role_function": [RoleFunction.DATA, RoleFunction.SALES]}, {"data", "sales"}),
        ({"seniority": [Seniority.JUNIOR]}, {"hourly"}),
        ({"workplace": [Workplace.REMOTE, Workplace.HYBRID]}, {"data", "sales"}),
        ({"place_keys": ["country:DE"]}, {"sales", "hourly"}),
        ({"place_keys": ["remote"]}, {"sales"}),
        ({"place_keys": query_keys("NYC")}, {"data"}),
        ({"place_keys": []}, set()),
        ({"min_comp_usd_year": Decimal(220_000)}, {"data"}),
        ({"min_comp_usd_year": Decimal(220_001)}, set()),
        ({"min_comp_usd_year": Decimal(40_000)}, {"data", "hourly"}),
        (
            {"min_comp_usd_year": Decimal(100_000), "include_unknown_comp": True},
            {"data", "sales", "waiting"},
        ),
        ({"skills": ["python"]}, {"data", "hourly"}),
        ({"skills": ["PYTHON", "Postgres"]}, {"data"}),
        ({"skills": ["postgresql"]}, {"data"}),
        ({"skills": ["python", "salesforce"]}, set()),
        ({"skills": ["no such skill"]}, set()),
        ({"seniority": [Seniority.STAFF], "place_keys": ["country:US"]}, {"data"}),
        ({"employment_type": ["contract"]}, set()),
    ],
    ids=str,
)
def test_a_filter_finds_what_it_says(
    store, market: dict[str, int], filters: dict[str, Any], found: set[str]
) -> None:
    wanted = PostingFilters(**filters)

    rows = search_postings(store.session, wanted)

    names = {posting_id: name for name, posting_id in market.items()}
    assert {names[row.id] for row in rows} == found
    assert count_postings(store.session, wanted) == (len(found), False)


def test_times_are_inclusive_and_the_first_sighting_stands_in(
    store, market: dict[str, int], now: datetime
) -> None:
    def find(**filters: Any) -> set[int]:
        return {row.id for row in search_postings(store.session, PostingFilters(**filters))}

    assert find(posted_after=now) == {market["data"], market["sales"], market["waiting"]}
    assert find(posted_after=now + timedelta(microseconds=1)) == set()
    assert find(posted_after=now - timedelta(days=30)) >= {market["hourly"]}
    assert market["hourly"] in find(first_seen_after=now)
    assert find(first_seen_after=now + timedelta(microseconds=1)) == set()


def test_a_row_shows_what_the_extraction_found(store, market: dict[str, int]) -> None:
    (row,) = search_postings(store.session, PostingFilters(q="data engineer"))

    assert (row.title, row.company_name) == ("Staff Data Engineer", "Acme Corp")
    assert (row.role_function, row.seniority) == (RoleFunction.DATA, Seniority.STAFF)
    assert row.locations == (Place(city="New York", region="New York", country="US"),)
    assert (row.compensation.max, row.compensation.max_usd_year) == (220_000, 220_000)
    assert queries.get_posting(store.session, row.id).posting == row
    assert queries.get_posting(store.session, 10**12) is None


@pytest.fixture
def crowd(store, now: datetime) -> list[int]:
    """120 postings with many ties in every order."""
    random = Random(7)
    ids = []
    for number in range(120):
        seen = now + timedelta(hours=random.randrange(5))
        posted = random.choice([None, now - timedelta(days=random.randrange(4))])
        pay = random.choice([None, (90, 100 + random.randrange(3), "EUR", YEAR)])
        posting = store.posting(number, posted_at=posted)
        if random.random() < 0.2:
            ids.extend(store.save(posting, at=seen).awaiting)
        else:
            ids.append(store.add(posting, at=seen, pay=pay))
    return ids


@pytest.mark.parametrize("limit", [1, 7, 120])
@pytest.mark.parametrize("sort", PostingSort)
def test_pages_bring_every_row_exactly_once_in_order(
    store, crowd: list[int], sort: PostingSort, limit: int
) -> None:
    rows, after = [], None
    while page := search_postings(store.session, PostingFilters(), sort, limit, after):
        rows += page
        after = page[-1].position(sort)

    def value(row: Any) -> Any:
        pay = row.compensation.max_usd_year if row.compensation else Decimal(0)
        values = {"-posted_at": row.listed_at, "-first_seen_at": row.first_seen_at, "-comp": pay}
        return values[sort]

    keys = [(value(row), row.id) for row in rows]
    assert sorted(row.id for row in rows) == sorted(crowd)
    assert keys == sorted(keys, reverse=True)


def test_rows_that_come_meanwhile_do_not_shift_the_pages(
    store, crowd: list[int], now: datetime
) -> None:
    sort = PostingSort.FIRST_SEEN_AT
    first = search_postings(store.session, PostingFilters(), sort, 60)
    store.save(*(store.posting(number) for number in range(500, 520)), at=now + timedelta(days=9))

    rest = search_postings(store.session, PostingFilters(), sort, 60, first[-1].position(sort))

    assert sorted(row.id for row in first + rest) == sorted(crowd)


@pytest.mark.parametrize("value", ["", "yesterday", "NaN", "Infinity", "1e999999", "\0"])
@pytest.mark.parametrize("sort", PostingSort)
def test_a_made_up_position_is_refused(store, sort: PostingSort, value: str) -> None:
    with pytest.raises(InvalidQuery, match="cursor"):
        search_postings(store.session, PostingFilters(), sort, 5, (value, 1))


def test_beyond_its_cap_a_count_is_an_estimate(store, crowd: list[int]) -> None:
    assert count_postings(store.session, PostingFilters(), cap=120) == (120, False)

    count, is_estimate = count_postings(store.session, PostingFilters(q="engineer"), cap=50)

    assert is_estimate
    assert count > 50
