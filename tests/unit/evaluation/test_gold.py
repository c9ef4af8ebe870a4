"""Gold sets: payloads through the parsers of the crawl, and whatever else a folder may hold."""

import json
from pathlib import Path
from typing import Any

import pytest

from openfunnel.errors import InvalidGoldSet
from openfunnel.evaluation.gold import GoldEntry, Missing, read_gold, read_posting
from openfunnel.records import JobPosting

from .samples import GOLD

POSTINGS = json.loads((GOLD / "postings.json").read_text("utf-8"))
LABELS = json.loads((GOLD / "labels.json").read_text("utf-8"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A gold set like the recorded one."""
    write(tmp_path, "postings", POSTINGS)
    write(tmp_path, "labels", LABELS)
    return tmp_path


def write(folder: Path, name: str, value: Any) -> None:
    (folder / f"{name}.json").write_text(json.dumps(value), "utf-8")


def read(payload: Any, ats: str = "greenhouse") -> JobPosting | str:
    return read_posting(GoldEntry(id="one", ats=ats, board="acme", payload=payload))


JOB = {"id": 1, "internal_job_id": 2, "title": "Baker", "content": "&lt;p&gt;Bake&lt;/p&gt;"}


def test_labels_and_payloads_are_joined_by_id(folder: Path) -> None:
    gold = read_gold(folder)

    assert [one.id for one in gold.postings] == [entry["id"] for entry in POSTINGS]
    for one in gold.postings:
        assert one.label
        assert one.label.id == one.id
        assert one.posting.text


def test_a_posting_of_an_unknown_source_is_missing(folder: Path) -> None:
    write(folder, "postings", [{**POSTINGS[0], "ats": "pigeon"}])
    write(folder, "labels", LABELS[:1])

    gold = read_gold(folder)

    assert gold.postings == ()
    assert gold.missing == (Missing(id=POSTINGS[0]["id"], reason="no source reads pigeon"),)


def test_a_talent_pool_entry_is_read_like_any_other() -> None:
    prospect = read({**JOB, "internal_job_id": None})

    assert isinstance(prospect, JobPosting)
    assert prospect.text == "Bake"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (None, "no payload"),
        ("words", "a text, not an object"),
        ([JOB], "a list, not an object"),
        ({}, "it has no usable id"),
        ({**JOB, "title": None}, "it has no title"),
        ({**JOB, "title": ["Baker"]}, "title is a list"),
        ({**JOB, "metadata": "none"}, "metadata is a text"),
    ],
)
def test_an_unreadable_payload_says_why(payload: Any, reason: str) -> None:
    found = read(payload)

    assert isinstance(found, str)
    assert reason in found


def test_a_payload_nested_too_deeply_is_refused() -> None:
    value: Any = "deep"
    for _ in range(200):
        value = [value]

    assert read({**JOB, "metadata": value}) == "it is nested too deeply"


def test_a_broken_payload_does_not_keep_the_others_out(folder: Path) -> None:
    write(folder, "postings", [{**POSTINGS[0], "payload": {"id": "?"}}, *POSTINGS[1:]])

    gold = read_gold(folder)

    assert gold.missing[0].id == POSTINGS[0]["id"]
    assert POSTINGS[1]["id"] in {one.id for one in gold.postings}


def test_a_label_without_a_payload_is_missing(folder: Path) -> None:
    write(folder, "postings", POSTINGS[1:])

    assert Missing(id=LABELS[0]["id"], reason="no payload") in read_gold(folder).missing


def test_a_payload_without_a_label_is_read_and_misses_nothing(folder: Path) -> None:
    unlabelled = {**POSTINGS[1], "id": "unlabelled"}
    broken = {**POSTINGS[1], "id": "broken", "payload": {}}
    write(folder, "postings", [*POSTINGS, unlabelled, broken])

    gold = read_gold(folder)

    assert [one.id for one in gold.postings if one.label is None] == ["unlabelled"]
    assert "broken" not in {one.id for one in gold.missing}


def test_an_employer_is_known_where_the_crawl_knows_it() -> None:
    found = read({**JOB, "company_name": "Acme Breweries"})

    assert isinstance(found, JobPosting)
    assert found.company_name == "Acme Breweries"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("labels", None, "labels.json cannot be used: No such file"),
        ("postings", None, "postings.json cannot be used: No such file"),
        ("labels", b"[", "labels.json cannot be used: it is no JSON"),
        ("labels", b"\xff\xfe[", "labels.json cannot be used: it is no JSON"),
        ("postings", b"[" * 100_000, "postings.json cannot be used: it is no JSON"),
        ("labels", b"{}", "labels.json cannot be used: Input should be a valid list"),
        ("labels", b'[{"id": "a"}, {}]', "labels.json cannot be used: 1.id: Field required"),
        ("labels", b'[{"id": "a"}, {"id": "a"}]', "labels.json cannot be used: a is in it twice"),
        ("labels", b'[{"id": "a", "seniority": "boss"}]', "0.seniority: Input should be"),
        ("postings", b'[{"id": "a"}]', "postings.json cannot be used: 0.ats: Field required"),
    ],
)
def test_what_is_no_gold_set_is_refused_by_file_and_place(
    folder: Path, name: str, content: bytes | None, problem: str
) -> None:
    file = folder / f"{name}.json"
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)

    with pytest.raises(InvalidGoldSet) as refused:
        read_gold(folder)

    assert problem in str(refused.value)
