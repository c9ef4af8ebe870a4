"""JSON in windows: the same values as at once, and a name for every way to go wrong."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.errors import ChangedSchema, TruncatedAnswer, UnparsableAnswer
from openfunnel.records import BoardRef
from openfunnel.sources import stream
from openfunnel.sources.stream import _DECODER, AnswerStream

BOARD = BoardRef(ats="lever", token="acme")
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**38), 10**38) | st.floats(-1e300, 1e300) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=12,
)
DOCUMENT = (
    '{"a\\u00e9\\n": [1.5e+10, -2, 0.25, true, false, null, "\\ud83d\\ude00 é😀"], '
    '"b": {"c": {}, "d": []}}'
)


def take_list(body: bytes) -> list[Any]:
    answer = AnswerStream(body, BOARD)
    values = list(answer.items("the answer"))
    answer.end()
    return values


def take_object(body: bytes) -> dict[str, Any]:
    answer = AnswerStream(body, BOARD)
    members = {name: answer.value() for name in answer.members("the answer")}
    answer.end()
    return members


SIZES = st.sampled_from([1, 2, 3, 7, 64])
"""Bytes of windows so small that every value crosses the edge of one."""


@contextmanager
def windows(size: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "WINDOW_BYTES", size)
        yield


@given(SIZES, st.lists(VALUES), st.booleans(), st.sampled_from([None, 1]))
def test_a_list_is_the_same_in_windows_as_at_once(
    size: int, values: list[Any], escaped: bool, indent: int | None
) -> None:
    body = json.dumps(values, ensure_ascii=escaped, indent=indent).encode()

    with windows(size):
        assert take_list(body) == json.loads(body) == values


@given(SIZES, st.dictionaries(TEXTS, VALUES), st.booleans())
def test_an_object_is_the_same_in_windows_as_at_once(
    size: int, members: dict[str, Any], escaped: bool
) -> None:
    body = b"\xef\xbb\xbf " + json.dumps(members, ensure_ascii=escaped).encode() + b"\r\n\t "

    with windows(size):
        assert take_object(body) == members


@given(SIZES, st.binary() | st.text('[]{}",:0-9.eE+-truefalsn\\ \n').map(str.encode))
def test_junk_is_read_as_json_loads_reads_it_or_refused(size: int, body: bytes) -> None:
    with windows(size), suppress(UnparsableAnswer):
        assert take_list(body) == _DECODER.decode(body.decode("utf-8-sig", "replace"))


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_text_cut_anywhere_is_truncated(size: int) -> None:
    whole = DOCUMENT.encode()
    assert take_object(whole) == json.loads(whole)

    for length in range(len(whole)):
        with windows(size), pytest.raises(TruncatedAnswer):
            take_object(whole[:length])


@pytest.mark.parametrize(
    "body",
    [b"[12.", b"[1e", b"[-", b"[tru", b"[", b"[1,", b"[1 ", b'["\\u00', b"", b" \n"],
)
def test_a_list_cut_anywhere_is_truncated(body: bytes) -> None:
    with pytest.raises(TruncatedAnswer):
        take_list(body)


@pytest.mark.parametrize(
    "body",
    [
        b"[1] 2",
        b"[]]",
        b"[1,]",
        b"[,]",
        b"[1 2]",
        b"[tru]",
        b'["\\x"]',
        b'["\\u00g0"]',
        b"[1.]",
        b"<html>",
        b"\xff\xfe",
        b"[01]",
        b"[}",
        b"[" * 100_000,
        b'[{"a"}]',
        b"[{'a': 1}]",
    ],
)
def test_what_is_no_json_is_unparsable_and_not_merely_cut_off(body: bytes) -> None:
    with pytest.raises(UnparsableAnswer) as refusal:
        take_list(body)

    assert type(refusal.value) is UnparsableAnswer


@pytest.mark.parametrize(
    ("body", "found"),
    [(b"{}", "an object"), (b"null", "null"), (b"7", "a number"), (b'"a"', "a text")],
)
def test_json_of_another_type_is_a_changed_schema(body: bytes, found: str) -> None:
    with pytest.raises(ChangedSchema, match=f"the answer is {found}, not a list"):
        take_list(body)


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_what_postgresql_cannot_store_is_left_out(size: int) -> None:
    body = rb'["\u0000\ud800 \udc00x", "\ud83d\ude00", 1e999, NaN, -Infinity, %s, "%s"]' % (
        b"9" * 10_000,
        b"raw \x00 \xed\xa0\x80",
    )

    with windows(size):
        assert take_list(body) == [" x", "😀", None, None, None, None, "raw  \ufffd\ufffd\ufffd"]


def test_a_value_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "WINDOW_BYTES", 16)
    monkeypatch.setattr(stream, "LONGEST_VALUE", 1000)

    assert take_list(b'["%s"]' % (b"a" * 900)) == ["a" * 900]
    with pytest.raises(UnparsableAnswer, match="the value at character 1 has more than 1,000"):
        take_list(b'["%s"]' % (b"a" * 5000))


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_an_error_names_its_place_in_the_whole_text(size: int) -> None:
    with windows(size), pytest.raises(UnparsableAnswer, match=r"character 1,005\b"):
        take_list(b'["%s", ?]' % (b"a" * 1000))
