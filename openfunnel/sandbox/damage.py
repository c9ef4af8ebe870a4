"""Bodies that are not what they should be: ended early, shortened, or far too large."""

import json
import zlib
from collections.abc import Callable, Iterator
from functools import cache

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Scope, Send

LARGE_BYTES = 110_000_000
"""More than anybody's board, and more than 100 MB by whichever count."""
CHUNK = b" " * 1_000_000

Damage = Callable[[Message, bytes], list[Message]]
"""Turns the start and the body of an answer into the messages that are sent instead."""


def applied(damage: Damage, send: Send) -> Send:
    """Return a `send` that damages an answer, which must come in one piece."""
    start: Message = {}

    async def send_damaged(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        for part in damage(start, message["body"]):
            await send(part)

    return send_damaged


def cut(start: Message, body: bytes) -> list[Message]:
    """Half of the body under the announced length: the server closes a connection so left open."""
    half = body[: len(body) // 2]
    return [start, {"type": "http.response.body", "body": half, "more_body": True}]


def invalid(start: Message, body: bytes) -> list[Message]:
    """Half of the body, announced as if it were the whole."""
    return _whole(start, body[: len(body) // 2])


def shorten(start: Message, body: bytes) -> list[Message]:
    """Half of the jobs of a Greenhouse board, under the count of all of them."""
    is_json = (b"content-type", b"application/json") in start["headers"]
    content = json.loads(body) if is_json else None
    if isinstance(content, dict) and "meta" in content:
        content["jobs"] = content["jobs"][: len(content["jobs"]) // 2]
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return _whole(start, body)


def too_large(scope: Scope) -> Response:
    """A list of nothing, spaced out; some 100 kB on the way where the client takes gzip."""
    if "gzip" in Request(scope).headers.get("accept-encoding", ""):
        headers = {"Content-Encoding": "gzip"}
        return Response(_gzipped(), media_type="application/json", headers=headers)
    return StreamingResponse(_chunks(), media_type="application/json")


def _whole(start: Message, body: bytes) -> list[Message]:
    headers = [item for item in start["headers"] if item[0] != b"content-length"]
    headers.append((b"content-length", str(len(body)).encode()))
    return [{**start, "headers": headers}, {"type": "http.response.body", "body": body}]


def _chunks() -> Iterator[bytes]:
    yield b"["
    for _ in range(LARGE_BYTES // len(CHUNK)):
        yield CHUNK
    yield b"]"


@cache
def _gzipped() -> bytes:
    compressor = zlib.compressobj(wbits=31)  # 31: with the header and trailer of gzip
    parts = [compressor.compress(chunk) for chunk in _chunks()]
    return b"".join(parts) + compressor.flush()
