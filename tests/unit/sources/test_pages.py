"""Answers in pages: together the whole answer, and never taken for whole when they are not."""

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.errors import ChangedSchema, TruncatedAnswer, UnparsableAnswer
from openfunnel.records import BoardContent, BoardRef, Failure
from openfunnel.settings import PROJECT_ROOT
from openfunnel.sources import SOURCES, board, stream
from openfunnel.sources.board import PAGE_ENTRIES, merge, name_failure
from tests.unit.sources.fixtures import CASES, ROOT
from tests.unit.sources.test_answers import ANY_JSON, BARE, WHOLE

RECORDED = [*(("boards", ats) for ats in SOURCES), ("listings", "greenhouse")]


def parse(ats: str, body: bytes) -> Iterator[BoardContent]:
    return SOURCES[ats].parse_board(body, BoardRef(ats=ats, token="acme"))


def entries(ats: str, count: int) -> list[Any]:
    ids = (n if ats == "greenhouse" else f"0c5d1f6e-3b7a-4c1e-9a44-{n:012}" for n in range(1, 9999))
    return [{**WHOLE[ats], "id": next(ids)} for _ in range(count)]


def answer(ats: str, values: list[Any], total: int | None = None) -> bytes:
    meta = {} if total is None else {"meta": {"total": total}}
    return json.dumps(values if ats in BARE else {"jobs": values, **meta}).encode()


@pytest.mark.parametrize("ats", SOURCES)
@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (0, [0]),
        (1, [1]),
        (PAGE_ENTRIES, [PAGE_ENTRIES]),
        (PAGE_ENTRIES + 1, [PAGE_ENTRIES, 1]),
        (2 * PAGE_ENTRIES, [PAGE_ENTRIES, PAGE_ENTRIES]),
    ],
)
def test_a_page_is_full_or_the_last(ats: str, count: int, sizes: list[int]) -> None:
    pages = list(parse(ats, answer(ats, entries(ats, count))))

    assert [page.entries for page in pages] == sizes
    assert [len(page.postings) for page in pages] == sizes


def test_what_the_answer_says_it_holds_stands_on_the_last_page() -> None:
    values = entries("greenhouse", PAGE_ENTRIES + 1)

    pages = list(parse("greenhouse", answer("greenhouse", values, total=len(values))))

    assert [page.stated for page in pages] == [None, PAGE_ENTRIES + 1]


def test_the_total_may_stand_before_the_jobs() -> None:
    (page,) = parse("greenhouse", b'{"meta": {"total": 0, "page": 1}, "jobs": [], "extra": []}')

    assert page == BoardContent(
        postings=(), unknown_fields={"meta.page": 1, "extra": 1}, entries=0, stated=0
    )


@pytest.mark.parametrize(
    ("total", "error"), [(3, TruncatedAnswer), (1, UnparsableAnswer), (2.5, ChangedSchema)]
)
def test_an_answer_whose_counts_disagree_is_refused(total: Any, error: type) -> None:
    with pytest.raises(UnparsableAnswer) as refusal:
        list(parse("greenhouse", answer("greenhouse", entries("greenhouse", 2), total)))

    assert type(refusal.value) is error


def test_pages_come_before_the_rest_is_looked_at() -> None:
    body = answer("lever", entries("lever", PAGE_ENTRIES + 1))
    pages = parse("lever", body[:-1] + b", ?]")

    assert next(pages).entries == PAGE_ENTRIES
    with pytest.raises(UnparsableAnswer):
        next(pages)


@pytest.mark.parametrize(("part", "ats"), RECORDED)
def test_the_pages_of_a_recorded_board_are_the_whole(
    shared: Path, monkeypatch: pytest.MonkeyPatch, part: str, ats: str
) -> None:
    for path in sorted((shared / "corpus" / part / ats).rglob("*.json.gz")):
        body = gzip.decompress(path.read_bytes())
        with monkeypatch.context() as patch:
            patch.setattr(board, "PAGE_ENTRIES", sys.maxsize)
            patch.setattr(stream, "WINDOW_BYTES", sys.maxsize)
            (whole,) = parse(ats, body)
        with monkeypatch.context() as patch:
            patch.setattr(board, "PAGE_ENTRIES", 7)
            patch.setattr(stream, "WINDOW_BYTES", 10_000)
            assert merge(parse(ats, body)) == whole


@pytest.mark.parametrize("case", [case for case in CASES if "posting" not in case])
def test_a_fixture_cut_anywhere_is_never_a_complete_answer(case: str) -> None:
    ats = case.partition("/")[0]
    body = (ROOT / case / "payload.json").read_bytes().rstrip()

    for length in range(0, len(body), 1 if len(body) < 4000 else 7):
        with pytest.raises(UnparsableAnswer) as refusal:
            list(parse(ats, body[:length]))
        assert isinstance(refusal.value, TruncatedAnswer | ChangedSchema)


@pytest.mark.parametrize("ats", SOURCES)
def test_a_recorded_board_cut_anywhere_is_truncated(shared: Path, ats: str) -> None:
    path = min((shared / "corpus/boards" / ats).glob("*.json.gz"), key=lambda p: p.stat().st_size)
    body = gzip.decompress(path.read_bytes()).rstrip()

    for length in range(1, len(body), len(body) // 40):
        with pytest.raises(TruncatedAnswer):
            list(parse(ats, body[:length]))


@pytest.mark.parametrize("ats", SOURCES)
def test_an_answer_without_one_readable_entry_is_a_changed_schema(ats: str) -> None:
    renamed = [{"key": 1, "name": "Engineer"}] * 3

    with pytest.raises(ChangedSchema, match="of 3 entries none can be read, as posting number 1"):
        list(parse(ats, answer(ats, renamed)))
    assert len(merge(parse(ats, answer(ats, renamed[:2]))).broken) == 2
    assert len(merge(parse(ats, answer(ats, [*renamed, *entries(ats, 1)]))).broken) == 3


@pytest.mark.parametrize("ats", SOURCES)
def test_a_broken_entry_is_named_by_its_place_in_the_whole_answer(ats: str) -> None:
    values = [*entries(ats, PAGE_ENTRIES), "broken"]

    (reason,) = merge(parse(ats, answer(ats, values))).broken

    assert reason.startswith(f"posting number {PAGE_ENTRIES + 1}:")


@pytest.mark.parametrize("ats", SOURCES.keys() - BARE)
@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"jobs": null}',
        b'{"jobs": {}}',
        b'{"meta": {}}',
        b"[]",
        b'{"jobs":[],"jobs":[]}',
        b"null",
        b'"text"',
    ],
)
def test_an_answer_without_one_list_of_jobs_is_a_changed_schema(ats: str, body: bytes) -> None:
    with pytest.raises(ChangedSchema):
        list(parse(ats, body))


@pytest.mark.parametrize("meta", [b"7", b'{"total": "0"}'])
def test_a_count_of_another_type_is_a_changed_schema(meta: bytes) -> None:
    with pytest.raises(ChangedSchema):
        list(parse("greenhouse", b'{"jobs": [], "meta": %s}' % meta))


@pytest.mark.parametrize("ats", SOURCES)
@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (b"", Failure.TRUNCATED),
        (b'{"id": 1, "text', Failure.TRUNCATED),
        (b"<html>", Failure.UNPARSABLE),
        (b"{} {}", Failure.UNPARSABLE),
        (b"[" * 100_000, Failure.UNPARSABLE),
        (b"[]", Failure.CHANGED_SCHEMA),
        (b"null", Failure.CHANGED_SCHEMA),
    ],
)
def test_an_answer_that_is_no_posting_has_a_name(ats: str, body: bytes, failure: Failure) -> None:
    with pytest.raises(UnparsableAnswer) as refusal:
        list(SOURCES[ats].parse_posting(body, BoardRef(ats=ats, token="acme")))

    assert name_failure(refusal.value) is failure


@pytest.mark.parametrize("ats", SOURCES)
@given(junk=st.lists(ANY_JSON), place=st.integers(0, 40))
def test_whatever_a_list_holds_every_entry_is_accounted_for(
    ats: str, junk: list[Any], place: int
) -> None:
    values = entries(ats, 1) + junk
    body = answer(ats, values)

    whole = merge(parse(ats, body))

    assert whole.entries == len(values)
    assert len(whole.postings) + whole.prospects + len(whole.broken) == len(values)
    with pytest.raises(UnparsableAnswer):
        list(parse(ats, body[: -1 - place % len(body)]))


@pytest.mark.parametrize("ats", SOURCES)
@given(body=st.binary() | ANY_JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_pages_or_an_answer_that_cannot_be_read(ats: str, body: bytes) -> None:
    for parser in (SOURCES[ats].parse_board, SOURCES[ats].parse_posting):
        with suppress(UnparsableAnswer):
            assert list(parser(body, BoardRef(ats=ats, token="acme")))


LARGE_SITE = """
import io, json, re, resource, sys
from pathlib import Path

from openfunnel.records import BoardRef
from openfunnel.sources import SOURCES

ats, title, content, begin, end = sys.argv[1:]
text = "<p>Caf\u00e9 \U0001f600 " + "words and more words " * 270 + "</p>"
site = io.BytesIO(begin.encode())
site.seek(0, io.SEEK_END)
for number in range(8000):
    posting_id = f"0c5d1f6e-3b7a-4c1e-9a44-{number:012}"
    posting = json.dumps({"id": posting_id, title: "Engineer", content: text}, ensure_ascii=False)
    site.write((b"," if number else b"") + posting.encode())
site.write(end.encode())
body = site.getvalue()
private = re.search(r"VmData:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
limit = int(private) * 1024 + 50_000_000
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
pages = SOURCES[ats].parse_board(body, BoardRef(ats=ats, token="acme"))
print(len(body) // 1_000_000, sum(len(page.postings) for page in pages))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits a process's memory as Linux does")
@pytest.mark.parametrize(
    "shape",
    [
        ("lever", "text", "description", "[", "]"),
        ("ashby", "title", "descriptionHtml", '{"jobs":[', "]}"),
    ],
    ids=["lever", "ashby"],
)
def test_a_site_of_45_megabytes_is_read_in_50_megabytes_beside_it(shape: tuple[str, ...]) -> None:
    child = [sys.executable, "-c", LARGE_SITE, *shape]

    done = subprocess.run(child, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=200)

    assert (done.stdout, done.stderr) == ("46 8000\n", "")
