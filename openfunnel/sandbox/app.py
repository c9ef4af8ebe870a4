"""The sandbox as one ASGI application: boards, model server, and a log of what was asked."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable

from fastapi import APIRouter, FastAPI
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openfunnel.records import BoardRef
from openfunnel.sandbox import ats_api
from openfunnel.sandbox.disruption import (
    ROBOTS_PATH,
    Disruption,
    Sleep,
    board_token,
    is_board_path,
)
from openfunnel.sandbox.faults import Faults
from openfunnel.sandbox.world import World

RECENT_REQUESTS = 5000
"""How many requests the log remembers one by one; beyond that it only counts."""


def create_app(
    world: World,
    faults: Faults | None = None,
    ollama: APIRouter | None = None,
    *,
    robots: str | None = None,
    clock: Callable[[], float] = time.time,
    sleep: Sleep = asyncio.sleep,
) -> ASGIApp:
    """Assemble the sandbox: the boards' APIs (`ats_api`), Ollama at `/`, `/sandbox/...`.

    `ollama` are the model server's routes where they are not the usual ones, `robots` is the text
    of `/robots.txt`, which is a 404 without one.
    """
    faults = faults or Faults()
    app = FastAPI(title="OpenFunnel sandbox", docs_url=None, redoc_url=None, openapi_url=None)
    log = RequestLog(clock)

    @app.get("/sandbox/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/sandbox/boards")
    def boards() -> list[BoardRef]:
        return list(world.boards())

    @app.get("/sandbox/log")
    def requests() -> dict[str, object]:
        return log.report()

    @app.get(ROBOTS_PATH)
    def read_robots() -> Response:
        return Response(status_code=404) if robots is None else PlainTextResponse(robots)

    app.include_router(ats_api.router(world))
    app.include_router(ollama or _default_ollama(faults))
    return Logged(Disruption(app, faults, sleep), log)


def _default_ollama(faults: Faults) -> APIRouter:
    from openfunnel.sandbox.ollama import router  # the rules' vocabulary takes a while to load

    return router(faults)


class RequestLog:
    """What the boards were asked: counted without end, remembered one by one up to a bound."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._recent: deque[dict[str, object]] = deque(maxlen=RECENT_REQUESTS)
        self._statuses: Counter[int] = Counter()
        self._faults: Counter[str] = Counter()
        self._robots = 0

    def add(self, path: str, query: str, status: int, fault: str | None) -> None:
        """Note one request, with the time it was answered (seconds since 1970)."""
        self._statuses[status] += 1
        if fault:
            self._faults[fault] += 1
        self._recent.append(
            {
                "path": path,
                "query": query,
                "board": board_token(path),
                "status": status,
                "fault": fault,
                "at": self._clock(),
            }
        )

    def add_robots(self) -> None:
        """Note a request for robots.txt; it counts apart, and has no fault or status."""
        self._robots += 1

    def report(self) -> dict[str, object]:
        """Return counts by status and by fault, and the latest requests, oldest first."""
        return {
            "robots": self._robots,
            "requests": self._statuses.total(),
            "statuses": dict(self._statuses),
            "faults": dict(self._faults),
            "recent": list(self._recent),
        }


class Logged:
    """Notes every request to a board in the log."""

    def __init__(self, app: ASGIApp, log: RequestLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and note how it was answered."""
        if scope["type"] == "http" and scope["path"] == ROBOTS_PATH:
            self._log.add_robots()
        if scope["type"] != "http" or not is_board_path(scope["path"]):
            await self._app(scope, receive, send)
            return

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                fault = scope.get("state", {}).get("fault")
                query = scope["query_string"].decode("latin-1")
                self._log.add(scope["path"], query, message["status"], fault)
            await send(message)

        await self._app(scope, receive, note)
