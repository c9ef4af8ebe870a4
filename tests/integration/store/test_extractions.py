from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, text

from openfunnel.records import (
    Evidence,
    PayPeriod,
    Place,
    PostingStatus,
    Seniority,
    Stance,
    ValueSource,
    Workplace,
)
from openfunnel.store import extraction_writes, queries
from openfunnel.store.database import Database
from openfunnel.store.models import SkillAlias, StoredExtraction
from openfunnel.store.search import PostingFilters, search_postings


def test_an_extraction_comes_back_as_it_was_given(store, now: datetime) -> None:
    (posting_id,) = store.save(store.posting()).awaiting
    pending = queries.posting_for_extraction(store.session, posting_id)
    result = store.result(
        workplace=Workplace.REMOTE,
        places=[Place(city="Berlin", country="DE")],
        pay=(50, 60, "USD", PayPeriod.HOUR),
        technologies=[store.mention("Python")],
    ).model_copy(update={"model": "m", "tokens_in": 2**40, "dropped": 3})

    saved = extraction_writes.save_extraction(
        store.session, posting_id, pending.text_checksum, result, 1, now
    )

    stored = queries.get_extraction(store.session, posting_id)
    assert saved
    assert (stored.result, stored.extracted_at, stored.outdated) == (result, now, False)
    assert (stored.comp_max_usd_year, stored.comp_rate_date is None) == (60 * 2080, False)
    assert queries.get_extraction(store.session, posting_id + 1) is None
    row = store.session.get(StoredExtraction, posting_id)
    assert {"remote", "country:DE"} <= set(row.place_keys)


def test_pay_in_a_currency_without_a_rate_is_kept_but_not_compared(store) -> None:
    posting_id = store.add(store.posting(), pay=(5, 6, "XTS", PayPeriod.MONTH))

    stored = queries.get_posting(store.session, posting_id).posting.compensation

    assert (stored.min, stored.max, stored.period) == (5, 6, PayPeriod.MONTH)
    assert (stored.max_usd_year, stored.rate_date) == (None, None)


def test_a_result_of_an_earlier_lease_is_refused(store) -> None:
    posting_id = store.add(store.posting(), fence=7, technologies=[store.mention("Rust")])

    assert not store.extract(posting_id, fence=6, seniority=Seniority.VP)
    assert [one.slug for one in queries.posting_skills(store.session, posting_id)] == ["rust"]
    assert store.extract(posting_id, fence=7, seniority=Seniority.LEAD)
    assert queries.get_posting(store.session, posting_id).posting.seniority is Seniority.LEAD


def test_an_extraction_of_a_posting_that_is_gone_is_refused(store, now: datetime) -> None:
    assert not extraction_writes.save_extraction(store.session, 99, "", store.result(), 1, now)


def test_an_extraction_of_an_older_text_leaves_the_posting_waiting(store, now: datetime) -> None:
    (posting_id,) = store.save(store.posting()).awaiting
    begun = queries.posting_for_extraction(store.session, posting_id)
    store.save(store.posting(text="Changed meanwhile"))

    saved = extraction_writes.save_extraction(
        store.session, posting_id, begun.text_checksum, store.result(), 1, now
    )

    assert saved
    assert queries.get_posting(store.session, posting_id).posting.status is PostingStatus.FETCHED
    assert queries.get_extraction(store.session, posting_id).outdated


def test_skills_are_replaced_and_the_strongest_stance_of_each_is_kept(store) -> None:
    first = [store.mention("Python"), store.mention("Rust")]
    posting_id = store.add(store.posting(), technologies=first)

    second = [
        store.mention("Rust", Stance.MENTIONED),
        store.mention("Go", Stance.USED, source=ValueSource.LLM),
        store.mention("Rust", Stance.PREFERRED, evidence=Evidence(text="Rust is a plus")),
    ]
    store.extract(posting_id, technologies=second)

    skills = queries.posting_skills(store.session, posting_id)
    assert [(one.skill, one.stance, one.source) for one in skills] == [
        ("Go", Stance.USED, ValueSource.LLM),
        ("Rust", Stance.PREFERRED, ValueSource.RULES),
    ]
    assert skills[1].evidence == Evidence(text="Rust is a plus")


def test_a_skill_that_was_renamed_is_renamed_everywhere(store) -> None:
    posting_id = store.add(store.posting(), technologies=[store.mention("Golang", slug="go")])
    store.add(store.posting(2), technologies=[store.mention("Go", category="programming")])

    (skill,) = queries.posting_skills(store.session, posting_id)

    assert (skill.skill, skill.category) == ("Go", "programming")
    aliases = set(store.session.scalars(select(SkillAlias.alias)))
    assert {"go", "golang"} <= aliases


def test_the_most_named_skills_come_first(store) -> None:
    for number, names in enumerate([("Python", "SQL"), ("Python",), ("Python", "Go", "SQL")]):
        store.add(store.posting(number), technologies=[store.mention(name) for name in names])

    top = queries.top_skills(store.session, 2)

    assert [(one.skill, one.postings) for one in top] == [("Python", 3), ("SQL", 2)]


def test_eight_workers_store_the_same_skills_without_a_deadlock(
    database: Database, store_on: Callable[..., Any]
) -> None:
    with database.begin() as session:
        store = store_on(session)
        awaiting = store.save(*(store.posting(number) for number in range(120))).awaiting
    names = [f"Skill {number}" for number in range(40)]

    def work(posting_id: int) -> bool:
        shuffled = Random(posting_id).sample(names, 30)
        with database.begin() as session:
            store = store_on(session)
            return store.extract(posting_id, technologies=[store.mention(one) for one in shuffled])

    with ThreadPoolExecutor(8) as workers:
        assert all(workers.map(work, awaiting))

    with database.begin() as session:
        assert session.scalar(text("SELECT count(*) FROM skills")) == len(names)
        assert session.scalar(text("SELECT count(*) FROM job_skills")) == 120 * 30
        assert queries.postings_awaiting_extraction(session, 0, 1) == []


@pytest.mark.parametrize(
    "words",
    [
        " ".join(f"word{number}" for number in range(400_000)),
        " ".join(f"{number:x}-{number:x}-{number:x}" for number in range(10**6, 10**6 + 99_999)),
        " ".join(
            "".join(chr(0x10400 + number // base % 40) for base in (1, 40, 1600, 64000))
            for number in range(50_000)
        ),
        " ".join(f"http://h{number}.io/p{number}" for number in range(50_000)),
        "x" * 3_000_000,
    ],
    ids=["words", "hyphens", "four-byte letters", "addresses", "one word"],
)
def test_a_text_beyond_what_a_search_vector_holds_is_extracted_all_the_same(
    store, words: str
) -> None:
    posting_id = store.add(store.posting(title="Archivist", text=words))

    assert queries.get_posting(store.session, posting_id).text == words
    (found,) = search_postings(store.session, PostingFilters(q="archivists"))
    assert found.id == posting_id


def test_amounts_keep_their_cents(store) -> None:
    posting_id = store.add(store.posting(), pay=(Decimal("17.25"), 18, "USD", PayPeriod.HOUR))

    pay = queries.get_posting(store.session, posting_id).posting.compensation

    assert (pay.min, pay.max_usd_year) == (Decimal("17.25"), Decimal(18 * 2080))
