"""What holds for every source: bad answers, broken entries, real boards."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.records import BoardContent, BoardRef
from openfunnel.sources import SOURCES
from openfunnel.sources.board import merge
from tests.unit.sources.fixtures import ROOT, parse

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
WHOLE = {ats: json.loads((ROOT / ats / "posting/payload.json").read_text()) for ats in SOURCES}
BARE = {"lever"}
"""Sources whose answer is the list itself; the others have it as `jobs` in an object."""


def board(ats: str) -> BoardRef:
    return BoardRef(ats=ats, token="acme")


def parse_board(ats: str, entries: list[Any]) -> BoardContent:
    answer = entries if ats in BARE else {"jobs": entries}
    return merge(SOURCES[ats].parse_board(json.dumps(answer).encode(), board(ats)))


@pytest.mark.parametrize("ats", SOURCES)
def test_an_empty_board_is_a_board(ats: str) -> None:
    assert parse_board(ats, []) == BoardContent(postings=())


@pytest.mark.parametrize("ats", SOURCES)
@given(value=ANY_JSON)
def test_any_json_among_the_postings_is_accounted_for(ats: str, value: Any) -> None:
    content = parse_board(ats, [WHOLE[ats], value])

    assert [posting.external_id for posting in content.postings[:1]] == [str(WHOLE[ats]["id"])]
    assert len(content.postings) + content.prospects + len(content.broken) == 2


@pytest.mark.parametrize("ats", SOURCES)
@given(data=st.data(), value=ANY_JSON)
def test_any_json_in_a_field_is_accounted_for(ats: str, data: st.DataObject, value: Any) -> None:
    field = data.draw(st.sampled_from(sorted(WHOLE[ats])))

    content = parse_board(ats, [{**WHOLE[ats], field: value}])

    assert len(content.postings) + content.prospects + len(content.broken) == 1
    for posting in content.postings:
        stored = posting.model_dump_json()  # what no database could take would not encode
        assert "\\u0000" not in stored.replace("\\\\", "")  # a backslash may stand before a u


@pytest.mark.parametrize("ats", SOURCES)
@pytest.mark.parametrize(
    "junk",
    [
        rb'"\u0000\ud800 \udc00x"',
        b'"raw \x00 \x07"',
        b'"\xed\xa0\x80 \xff"',
        b"1e999",
        b"NaN",
        b"-Infinity",
        b"9" * 10_000,
    ],
)
def test_what_postgresql_cannot_store_does_not_reach_the_payload(ats: str, junk: bytes) -> None:
    whole = json.dumps({**WHOLE[ats], "junk": "JUNK"}).encode().replace(b'"JUNK"', junk)
    body = b"[%s]" % whole if ats in BARE else b'{"jobs": [%s]}' % whole

    (posting,) = merge(SOURCES[ats].parse_board(body, board(ats))).postings

    payload = json.dumps(dict(posting.payload), ensure_ascii=False, allow_nan=False)
    payload.encode()
    assert "\\u0000" not in payload
    assert "9" * 100 not in payload


@pytest.mark.parametrize("ats", SOURCES)
def test_a_posting_nested_too_deeply_is_broken_and_alone(ats: str) -> None:
    deep: Any = None
    for _ in range(200):
        deep = [deep]

    content = parse_board(ats, [{**WHOLE[ats], "deep": deep}, WHOLE[ats]])

    assert len(content.postings) == 1
    assert "nested too deeply" in content.broken[0]


@pytest.mark.parametrize("ats", SOURCES)
def test_a_posting_that_comes_twice_is_kept_once(ats: str) -> None:
    assert len(parse_board(ats, [WHOLE[ats], WHOLE[ats]]).postings) == 1


def test_users_named_in_metadata_appear_nowhere() -> None:
    raw = (ROOT / "greenhouse/board/payload.json").read_text()
    assert "nobody@tidewater.example" in raw

    content = parse("greenhouse/board").model_dump_json()

    assert "Nobody Invented" not in content
    assert "nobody@tidewater.example" not in content


def test_the_rest_of_a_payload_is_kept_as_it_is() -> None:
    (posting,) = parse("greenhouse/posting").postings
    raw = WHOLE["greenhouse"]
    kept = [item for item in raw["metadata"] if item["value_type"] != "user"]

    assert posting.payload == {**raw, "metadata": kept}


# --- real boards --------------------------------------------------------------------------------

STORED_BESIDE = {"company", "fetched_at", "job_count"}
"""Fields that whoever recorded some of these answers put around the jobs."""


def read_boards(folder: Path, ats: str) -> list[BoardContent]:
    bodies = [gzip.decompress(path.read_bytes()) for path in sorted(folder.rglob("*.json.gz"))]
    return [merge(SOURCES[ats].parse_board(body, board(ats))) for body in bodies]


@pytest.mark.parametrize(
    ("ats", "postings", "prospects"),
    [("greenhouse", 767, 2), ("lever", 329, 0), ("ashby", 139, 0)],
)
def test_every_posting_of_the_real_boards_is_read(
    shared: Path, ats: str, postings: int, prospects: int
) -> None:
    contents = read_boards(shared / "corpus/boards" / ats, ats)

    assert sum(len(content.postings) for content in contents) == postings
    assert sum(content.prospects for content in contents) == prospects
    assert all(posting.text for content in contents for posting in content.postings)


@pytest.mark.parametrize(
    ("part", "ats"),
    [
        ("boards", "greenhouse"),
        ("boards", "lever"),
        ("boards", "ashby"),
        ("history", "greenhouse"),
        ("history", "lever"),
        ("listings", "greenhouse"),
    ],
)
def test_no_field_of_the_real_boards_is_unknown(shared: Path, part: str, ats: str) -> None:
    unknown: Counter[str] = Counter()
    for content in read_boards(shared / "corpus" / part / ats, ats):
        assert content.broken == ()
        unknown.update(content.unknown_fields)

    assert unknown.keys() <= STORED_BESIDE
