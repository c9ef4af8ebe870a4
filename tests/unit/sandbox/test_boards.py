"""The generated world: exact, repeatable, and in the shapes that the parsers know."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from openfunnel.records import BoardContent, JobPosting
from openfunnel.sandbox import words
from openfunnel.sandbox.boards import AS_OF, GeneratedWorld
from openfunnel.sources import SOURCES
from openfunnel.sources.board import merge

BOARDS, POSTINGS = 20, 600


@pytest.fixture(scope="module")
def world() -> GeneratedWorld:
    return GeneratedWorld(BOARDS, POSTINGS, seed=1, company_name="Ångström & Sons")


@pytest.fixture(scope="module")
def contents(world: GeneratedWorld) -> list[BoardContent]:
    return [merge(SOURCES[ref.ats].parse_board(body(world, ref), ref)) for ref in world.boards()]


@pytest.fixture(scope="module")
def postings(contents: Sequence[BoardContent]) -> list[JobPosting]:
    return [posting for content in contents for posting in content.postings]


def body(world: GeneratedWorld, ref) -> bytes:
    answer = world.answer(ref)
    assert answer is not None
    return answer.body


def digest(world: GeneratedWorld) -> str:
    return sha256(b"".join(body(world, ref) for ref in world.boards())).hexdigest()


def test_every_posting_is_read_and_nothing_in_it_is_unknown(contents):
    assert [content.broken for content in contents if content.broken] == []
    assert sum((Counter(content.unknown_fields) for content in contents), Counter()) == Counter()


@pytest.mark.parametrize(("boards", "count"), [(1, 1), (3, 100), (7, 5), (5, 0), (1700, 50_000)])
def test_the_openings_of_all_boards_add_up_exactly(boards, count):
    companies = GeneratedWorld(boards, count)._companies.values()

    assert len(companies) == boards
    assert sum(company.openings for company in companies) == count


def test_as_many_postings_as_asked_for_and_talent_pools_beside_them(contents, postings):
    assert len({posting.canonical_url for posting in postings}) == POSTINGS
    assert sum(content.prospects for content in contents) > 0


def test_three_boards_in_five_are_greenhouses_and_half_of_levers_are_in_europe(world):
    hosts = Counter((ref.ats, ref.region) for ref in world.boards())

    assert hosts == {
        ("greenhouse", ""): 12,
        ("lever", ""): 2,
        ("lever", "eu"): 2,
        ("ashby", ""): 4,
    }


def test_the_same_seed_gives_the_same_bytes_in_every_process():
    script = (
        "from tests.unit.sandbox.test_boards import digest, GeneratedWorld\n"
        "print(digest(GeneratedWorld(6, 60, seed=9)))"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }

    assert digests == {digest(GeneratedWorld(6, 60, seed=9))}


def test_another_seed_gives_other_boards():
    assert digest(GeneratedWorld(6, 60, seed=1)) != digest(GeneratedWorld(6, 60, seed=2))


def test_a_board_is_the_same_whichever_is_asked_for_first():
    forward, backward = GeneratedWorld(6, 60), GeneratedWorld(6, 60)
    for ref in reversed(backward.boards()):
        backward.answer(ref)

    assert digest(forward) == digest(backward)


def test_an_unknown_token_has_no_answer(world):
    ref = world.boards()[0]

    assert world.answer(ref.model_copy(update={"token": "nobody"})) is None
    assert world.answer(ref.model_copy(update={"region": "eu"})) is None


def test_the_first_board_bears_the_name_it_is_given(world, contents):
    assert world.boards()[0].token == "angstromsons"
    assert {posting.company_name for posting in contents[0].postings} == {"Ångström & Sons"}


def test_what_postings_are_about_varies(postings):
    texts = "\n".join(posting.text for posting in postings)

    assert {posting.fields.language for posting in postings} >= {"en", "fr", "de", "es"}
    departments = {name for posting in postings for name in posting.fields.departments}
    assert departments >= {"Engineering", "Data", "Sales", "Product", "Finance", "Legal", "People"}
    assert departments & {"Clinical", "Fulfillment", "Education"}
    for marker in ("Intern", "Junior", "Senior", "Staff", "Principal", "Director", "VP"):
        assert any(marker in posting.title for posting in postings)
    for words_of_pay in ("per year", "per hour", "€", "£", "$"):
        assert words_of_pay in texts
    currencies = {pay.currency for posting in postings if (pay := posting.fields.compensation)}
    assert currencies >= {"USD", "EUR", "GBP"}
    assert any(posting.fields.compensation is None for posting in postings)
    assert any(len(posting.fields.locations) > 1 for posting in postings)
    assert any("Remote" in place for posting in postings for place in posting.fields.locations)


def test_no_slot_is_left_unfilled(postings):
    for posting in postings:
        assert "{" not in posting.title + posting.text


def test_every_world_hires_staff_engineers_with_python_in_new_york(postings):
    wanted = [
        posting
        for posting in postings
        if posting.title.startswith("Staff")
        and "Python" in posting.text
        and any(place.startswith(("New York", "NYC")) for place in posting.fields.locations)
    ]

    assert len(wanted) >= 2


def test_people_named_in_metadata_stay_in_the_raw_answer(world, postings):
    raw = b"".join(body(world, ref) for ref in world.boards()).decode()
    people = words.load().companies.people
    assert any(person in raw for person in people)
    assert '"value_type":"user"' in raw

    for posting in postings:
        parsed = posting.model_dump_json()
        assert not any(person in parsed for person in people)
        assert '"user"' not in parsed


def test_nothing_is_posted_after_the_day_the_world_is_seen(postings):
    assert all(posting.posted_at and posting.posted_at < AS_OF for posting in postings)

    later = GeneratedWorld(1, 5, as_of=datetime(2031, 5, 1, tzinfo=UTC))
    entries = json.loads(body(later, later.boards()[0]))["jobs"]
    assert all(entry["first_published"].startswith(("2030", "2031")) for entry in entries)


def test_levers_plain_twins_say_what_their_html_says(world):
    refs = [ref for ref in world.boards() if ref.ats == "lever"]
    for entry in (entry for ref in refs for entry in json.loads(body(world, ref))):
        assert entry["description"].startswith(entry["opening"])
        assert entry["openingPlain"]
        assert entry["descriptionPlain"].startswith(entry["openingPlain"])
        assert entry["applyUrl"] == entry["hostedUrl"] + "/apply"


def test_ashbys_marks_and_summaries_say_what_its_fields_say(world):
    refs = [ref for ref in world.boards() if ref.ats == "ashby"]
    jobs = [job for ref in refs for job in json.loads(body(world, ref))["jobs"]]
    paid = [job for job in jobs if job["compensation"]["compensationTiers"]]

    assert 0 < len(paid) < len(jobs)
    assert all(job["shouldDisplayCompensationOnJobPostings"] for job in paid)
    for job in jobs:
        assert job["isRemote"] == (job["workplaceType"] in ("Remote", "Hybrid"))
        assert job["applyUrl"] == job["jobUrl"] + "/application"
        for place in (job, *job["secondaryLocations"]):
            assert place["address"]["postalAddress"]["addressCountry"]
    kinds = Counter(
        component["compensationType"]
        for job in paid
        for component in job["compensation"]["compensationTiers"][0]["components"]
    )
    assert kinds["Salary"] == len(paid) > kinds["EquityPercentage"] > 0
