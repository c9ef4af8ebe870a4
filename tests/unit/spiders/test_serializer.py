"""Requests as JSON and back: nothing of a request is lost, and nothing else is read."""

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Request
from scrapy.http import FormRequest
from scrapy.utils.request import request_from_dict

from spiders import serializer


def round_trip(request: Request) -> Request:
    return request_from_dict(serializer.loads(serializer.dumps(request.to_dict())))


def test_everything_a_request_holds_comes_back() -> None:
    request = Request(
        "https://api.example/acme/jobs?content=true",
        method="POST",
        headers={"Accept": ["a", "b"], "X-Bytes": b"\xff\xfe", "X-Name": "caf\xe9"},
        body=b"\x00\xff{}",
        meta={"board": {"ats": "greenhouse", "token": "acme", "region": ""}, "retry_times": 2},
        priority=-3,
        dont_filter=True,
        cb_kwargs={"page": 2},
        flags=["seen"],
    )

    assert round_trip(request).to_dict() == request.to_dict()


@given(
    body=st.binary(),
    value=st.binary(),
    meta=st.dictionaries(st.text(), st.one_of(st.none(), st.integers(), st.text())),
)
def test_any_bytes_and_texts_come_back(body: bytes, value: bytes, meta: dict[str, Any]) -> None:
    request = Request("https://api.example", headers={"X-Value": value}, body=body, meta=meta)

    again = round_trip(request)

    assert again.body == body
    assert again.headers.getlist("X-Value") == [value]
    assert again.meta == meta


def test_it_is_json_that_anybody_can_read() -> None:
    data = serializer.dumps(Request("https://api.example/acme").to_dict())

    assert json.loads(data)["url"] == "https://api.example/acme"


def test_what_json_cannot_express_is_refused_when_written() -> None:
    request = Request("https://api.example", meta={"when": object()})

    with pytest.raises(TypeError):
        serializer.dumps(request.to_dict())


JUNK = [
    b"",
    b"junk",
    b"\xff\xfe\x00",
    b"null",
    b"[]",
    b'"https://api.example"',
    b"{}",
    b'{"body": ""}',
    b'{"url": 5}',
    b'{"url": ["https://api.example"]}',
    b'{"url": "https://api.example", "body": 5}',
    b'{"url": "https://api.example", "body": "no base64!"}',
    b'{"url": "https://api.example", "body": "\xc3\xa9"}',
    b"[" * 100_000,
    b'{"url": ' + b"[" * 100_000,
    b'{"url": "https://api.example", "priority": ' + b"9" * 5000 + b"}",
    pickle.dumps({"url": "https://api.example"}),
]


@pytest.mark.parametrize("data", JUNK, ids=lambda data: repr(data[:20]))
def test_junk_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        serializer.loads(data)


@given(st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        request = serializer.loads(data)
    except ValueError:
        return
    assert isinstance(request["url"], str)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "data:,junk", "ftp://api.example", "/jobs"])
def test_only_addresses_on_the_web_are_read(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        serializer.loads(json.dumps({"url": url}))


def test_no_class_is_loaded_by_name() -> None:
    kept = FormRequest("https://api.example", formdata={"a": "b"}).to_dict()

    assert type(round_trip(FormRequest("https://api.example"))) is Request
    assert "_class" not in serializer.loads(serializer.dumps(kept))
