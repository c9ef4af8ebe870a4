from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from openfunnel.records import (
    Evidence,
    Initiative,
    InitiativeType,
    JobPosting,
    LeftOut,
    Omission,
    PayPeriod,
    Place,
    PostingStatus,
    Seniority,
    Stance,
    ValueSource,
    Workplace,
)
from openfunnel.store import queries
from openfunnel.store.database import Database
from openfunnel.store.extraction_writes import FinishedExtraction, save_extractions
from openfunnel.store.models import SkillAlias, StoredExtraction
from openfunnel.store.search import PostingFilters, search_postings


def test_an_extraction_comes_back_as_it_was_given(store, now: datetime) -> None:
    (posting_id,) = store.save(store.posting()).awaiting
    result = store.result(
        workplace=Workplace.REMOTE,
        places=[Place(city="Berlin", country="DE")],
        pay=(50, 60, "USD", PayPeriod.HOUR),
        technologies=[store.mention("Python")],
    ).model_copy(
        update={
            "model": "m",
            "tokens_in": 2**40,
            "duration_ms": 7,
            "cached": True,
            "confidence": 0.85,
            "triage": "too_short",
            "failure": "m: no JSON",
            "refused": {"no_evidence": 2, "out_of_bounds": 1},
            "left_out": (LeftOut(start=0, end=9, why=Omission.BOILERPLATE),),
        }
    )

    saved = save_extractions(store.session, [store.finished(posting_id, result, 7)], now)

    stored = queries.get_extraction(store.session, posting_id)
    assert saved == {posting_id}
    assert (stored.result, stored.extracted_at, stored.outdated) == (result, now, False)
    assert (stored.comp_max_usd_year, stored.comp_rate_date is None) == (60 * 2080, False)
    assert queries.get_extraction(store.session, posting_id + 1) is None
    row = store.session.get(StoredExtraction, posting_id)
    assert (row.dropped, row.fence) == (3, 7)
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


def test_each_result_of_a_batch_is_judged_by_its_own_fence(store, now: datetime) -> None:
    early, late = (store.add(store.posting(number), fence=5) for number in (1, 2))
    rust = store.result(technologies=[store.mention("Rust")])

    saved = save_extractions(
        store.session, [store.finished(late, rust, 6), store.finished(early, rust, 4)], now
    )

    assert saved == {late}
    assert [bool(queries.posting_skills(store.session, one)) for one in (early, late)] == [
        False,
        True,
    ]


def test_of_two_results_for_one_posting_the_later_lease_counts(store, now: datetime) -> None:
    (posting_id,) = store.save(store.posting()).awaiting
    late = store.finished(posting_id, store.result(seniority=Seniority.LEAD), 2)
    early = store.finished(posting_id, store.result(seniority=Seniority.VP), 1)

    assert save_extractions(store.session, [late, early], now) == {posting_id}
    assert queries.get_posting(store.session, posting_id).posting.seniority is Seniority.LEAD


def test_every_posting_of_a_batch_gets_its_own_skills_and_places(store, now: datetime) -> None:
    named = [("Python", "SQL"), (), ("Python", 'C "sharp", \\ {odd}')]
    places = [[], [Place(city="Berlin", country="DE"), Place(country="FR")], []]
    ids = store.save(*(store.posting(number) for number in range(3))).awaiting
    batch = [
        store.finished(
            posting_id,
            store.result(technologies=[store.mention(one) for one in names], places=there),
        )
        for posting_id, names, there in zip(ids, named, places, strict=True)
    ]

    assert save_extractions(store.session, batch, now) == set(ids)

    skills = [queries.posting_skills(store.session, posting_id) for posting_id in ids]
    assert [{one.skill for one in found} for found in skills] == [set(names) for names in named]
    rows = [store.session.get(StoredExtraction, posting_id) for posting_id in ids]
    assert [len(row.skill_ids) for row in rows] == [2, 0, 2]
    assert [{"country:DE", "country:FR"} <= set(row.place_keys) for row in rows] == [
        False,
        True,
        False,
    ]


def test_an_empty_batch_is_no_trouble(store, now: datetime) -> None:
    assert save_extractions(store.session, [], now) == set()


def test_of_a_batch_with_a_value_postgresql_refuses_only_that_one_is_lost(
    database: Database, store_on: Callable[..., Any], now: datetime
) -> None:
    with database.begin() as session:
        store = store_on(session)
        good, bad = store.save(store.posting(1), store.posting(2)).awaiting
        endless = store.result().model_copy(update={"tokens_in": 2**70})
        batch = [store.finished(good), store.finished(bad, endless)]

    with pytest.raises(DBAPIError), database.begin() as session:
        save_extractions(session, batch, now)

    stored = set()
    for one in batch:
        with suppress(DBAPIError), database.begin() as session:
            stored |= save_extractions(session, [one], now)
    assert stored == {good}
    with database.begin() as session:
        assert queries.postings_awaiting_extraction(session, 0, 10) == [bad]


def test_what_postgresql_cannot_hold_is_mended(store, now: datetime) -> None:
    odd = "S\0Q\ud800L"
    (posting_id,) = store.save(store.posting()).awaiting
    evidence = Evidence(text=f"you know {odd} and \\u0000")
    result = store.result(
        technologies=[store.mention("S\0QL", category="\0d\0b", evidence=evidence)],
        initiatives=(
            Initiative(type=InitiativeType.SCALING, evidence=evidence, source=ValueSource.LLM),
        ),
    ).model_copy(update={"failure": odd, "model": odd, "refused": {odd: 1}})

    assert save_extractions(store.session, [store.finished(posting_id, result)], now)

    (skill,) = queries.posting_skills(store.session, posting_id)
    stored = queries.get_extraction(store.session, posting_id).result
    mended = "SQ\ufffdL"
    assert (skill.skill, skill.slug, skill.category) == ("SQL", "sql", "db")
    assert skill.evidence.text == f"you know {mended} and \\u0000"
    assert stored.extraction.initiatives[0].evidence == skill.evidence
    assert (stored.failure, stored.model, stored.refused) == (mended, mended, {mended: 1})


def test_an_extraction_of_a_posting_that_is_gone_is_refused(store, now: datetime) -> None:
    gone = FinishedExtraction(99, "", store.result(technologies=[store.mention("Go")]), 1)

    assert save_extractions(store.session, [gone], now) == set()


def test_an_extraction_of_an_older_text_leaves_the_posting_waiting(store, now: datetime) -> None:
    (posting_id,) = store.save(store.posting()).awaiting
    begun = store.finished(posting_id)
    store.save(store.posting(text="Changed meanwhile"))

    assert save_extractions(store.session, [begun], now) == {posting_id}

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
    database: Database, store_on: Callable[..., Any], now: datetime
) -> None:
    with database.begin() as session:
        store = store_on(session)
        awaiting = store.save(*(store.posting(number) for number in range(120))).awaiting
    names = [f"Skill {number}" for number in range(40)]

    def work(start: int) -> int:
        random = Random(start)
        with database.begin() as session:
            store = store_on(session)
            batch = [
                store.finished(
                    posting_id,
                    store.result(
                        technologies=[
                            store.mention(one, category=f"of {start}")  # all skills are written
                            for one in random.sample(names, 10)
                        ]
                    ),
                )
                for posting_id in awaiting[start::30]
            ]
            return len(save_extractions(session, batch, now))

    with ThreadPoolExecutor(8) as workers:
        assert sum(workers.map(work, range(30))) == 120

    with database.begin() as session:
        assert session.scalar(text("SELECT count(*) FROM skills")) == len(names)
        assert session.scalar(text("SELECT count(*) FROM job_skills")) == 120 * 10
        assert queries.postings_awaiting_extraction(session, 0, 1) == []


def test_batches_and_crawls_of_the_same_postings_do_not_deadlock(
    database: Database, store_on: Callable[..., Any], now: datetime
) -> None:
    with database.begin() as session:
        store = store_on(session)
        pages = [
            [store.posting(number, text=f"Version {version}") for number in range(60)]
            for version in range(12)
        ]
        # One by one, so that their ids are in another order than a page is written in.
        ids = [one for posting in pages[0] for one in store.save(posting).awaiting]
        known = queries.postings_for_extraction(session, ids)

    def crawl(page: list[JobPosting]) -> None:
        with database.begin() as session:
            store_on(session).save(*page)

    def work(seed: int) -> None:
        batch = [
            FinishedExtraction(one, known[one].text_checksum, store.result(), seed)
            for one in Random(seed).sample(ids, 16)
        ]
        with database.begin() as session:
            save_extractions(session, batch, now)

    with ThreadPoolExecutor(8) as threads:
        ends = [threads.submit(work, seed) for seed in range(100)]
        ends += [threads.submit(crawl, page) for page in pages]
        for end in ends:
            end.result()


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
