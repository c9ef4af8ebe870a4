"""`python -m benchmarks.crawl.server WORLD PORT_FILE`: serves a world on two ports and keeps a log.

Bare asyncio, bodies made and compressed beforehand: a request costs it a small part of what it
costs the crawler. It speaks as much HTTP/1.1 as Scrapy needs: GET without a body, connections kept
open, one request at a time on each.

Orders, on either port:

- `/control/log`: every request to a board since the last clearing (see `Exchange`), as JSON.
- `/control/count`: how many of them are answered, for each port.
- `/control/clear`: forgets them.
- `/control/validators?on=0`: sends no ETag from now on; `on=1`: does again.
- `/control/refuse?host=0&seconds=3`: the next request to a board on the first port is answered with
  429 and that Retry-After.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs

from benchmarks.crawl.worlds import WORLDS, Scenery
from openfunnel.records import BoardRef

ADDRESS = "127.0.0.1"
PORTS = 2
_KNOWN_TAG = re.compile(rb"\r\nif-none-match: *([^\r\n]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Exchange:
    """One request to a board; times are seconds since 1970."""

    received: float
    answered: float
    host: int
    """Which port it came to: 0 or 1."""
    path: str
    status: int


@dataclass(frozen=True)
class Page:
    """The answer to a path."""

    body: bytes
    etag: bytes
    delay: float


@dataclass
class Stage:
    """What all connections share."""

    pages: Mapping[str, Page]
    exchanges: list[Exchange] = field(default_factory=list)
    answered: list[int] = field(default_factory=lambda: [0] * PORTS)
    refusals: dict[int, int] = field(default_factory=dict)
    """Retry-After of the next answer, by host."""
    validators: bool = True

    def obey(self, path: str, query: Mapping[str, list[str]]) -> bytes:
        """Carry out an order and return what there is to say, as JSON."""
        match path.removeprefix("/control/"):
            case "log":
                return json.dumps([astuple(exchange) for exchange in self.exchanges]).encode()
            case "count":
                return json.dumps(self.answered).encode()
            case "clear":
                self.exchanges.clear()
                self.answered = [0] * PORTS
            case "validators":
                self.validators = query["on"] == ["1"]
            case "refuse":
                self.refusals[int(query["host"][0])] = int(query["seconds"][0])
        return b"null"


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, stage: Stage, host: int) -> None:
        self._stage = stage
        self._host = host
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        *heads, self._unread = (self._unread + data).split(b"\r\n\r\n")
        for head in heads:
            self._serve(head)

    def _serve(self, head: bytes) -> None:
        received = time.time()
        target = head.split(b" ", 2)[1].decode("latin-1")
        path, _, query = target.partition("?")
        if path.startswith("/control/"):
            self._send(HTTPStatus.OK, self._stage.obey(path, parse_qs(query)))
        elif (page := self._stage.pages.get(path)) is None:
            self._send(HTTPStatus.NOT_FOUND, b"{}")
        else:
            respond = self._answer(page, head)
            asyncio.get_running_loop().call_later(page.delay, self._close, received, path, respond)

    def _answer(self, page: Page, head: bytes) -> Callable[[], HTTPStatus]:
        if seconds := self._stage.refusals.pop(self._host, None):
            return lambda: self._send(
                HTTPStatus.TOO_MANY_REQUESTS, b"{}", b"Retry-After: %d\r\n" % seconds
            )
        if not self._stage.validators:
            return lambda: self._send(HTTPStatus.OK, page.body, b"Content-Encoding: gzip\r\n")
        tag = b"ETag: " + page.etag + b"\r\n"
        known = _KNOWN_TAG.search(head)
        if known and page.etag in known[1]:
            return lambda: self._send(HTTPStatus.NOT_MODIFIED, b"", tag)
        return lambda: self._send(HTTPStatus.OK, page.body, tag + b"Content-Encoding: gzip\r\n")

    def _close(self, received: float, path: str, respond: Callable[[], HTTPStatus]) -> None:
        status = respond()
        exchange = Exchange(received, time.time(), self._host, path, status)
        self._stage.exchanges.append(exchange)
        self._stage.answered[self._host] += 1

    def _send(self, status: HTTPStatus, body: bytes, headers: bytes = b"") -> HTTPStatus:
        length = b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
        if status is HTTPStatus.NOT_MODIFIED:  # has no body, and no length to say so
            length = b""
        line = b"HTTP/1.1 %d %s\r\n" % (status, status.phrase.encode("ascii"))
        self._transport.write(line + length + headers + b"\r\n" + body)
        return status


def board_path(ref: BoardRef) -> str:
    """Path of a board's list request, below the bases that `sandbox_variables` names."""
    if ref.ats == "greenhouse":
        return f"/greenhouse/v1/boards/{ref.token}/jobs"
    if ref.ats == "ashby":
        return f"/ashby/posting-api/job-board/{ref.token}"
    name = f"{ref.ats}_{ref.region}" if ref.region else ref.ats
    return f"/{name}/v0/postings/{ref.token}"


def _render(scenery: Scenery) -> dict[str, Page]:
    pages = {}
    for ref in scenery.refs:
        answer = scenery.world.answer(ref)
        assert answer is not None
        etag, delay = answer.etag.encode("ascii"), scenery.delays.get(ref, 0.0)
        pages[board_path(ref)] = Page(answer.gzipped, etag, delay)
    return pages


async def _main(world: str, port_file: Path) -> None:
    loop = asyncio.get_running_loop()
    stage = Stage(_render(WORLDS[world]()))
    servers = [
        await loop.create_server(partial(Connection, stage, host), ADDRESS, 0)
        for host in range(PORTS)
    ]
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    unfinished = port_file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(ports), "ascii")
    unfinished.rename(port_file)  # whoever sees the file can read it
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], Path(sys.argv[2])))
