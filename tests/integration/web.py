"""A web server of this test alone, that answers as told and remembers what it was asked."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    target: str
    """Its path, or the whole URL where the server is asked as a proxy."""
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """One answer."""

    status: int = 200
    body: bytes = b"hello"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Web:
    """A running server."""

    port: int
    log: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def targets(self) -> list[str]:
        return [asked.target for asked in self.log]


Rule = Callable[[Asked], Answer | None]
"""None: close the connection without an answer."""


@contextmanager
def serve(rule: Rule) -> Iterator[Web]:
    """Serve on a free port of the loopback interface until the block ends."""

    class Server(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = Asked(self.path, dict(self.headers.items()))
            web.log.append(asked)
            answer = rule(asked)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        web = Web(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()
