"""Does to an answer what `Faults` decided: an ASGI layer around the boards' routes."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openfunnel.sandbox import damage
from openfunnel.sandbox.ats_api import not_found
from openfunnel.sandbox.faults import ROBOTS, FaultKind, Faults

ROBOTS_PATH = f"/{ROBOTS}"
MOVED = "/moved"
"""Stands before a path that a request was redirected to; nothing befalls it there."""
INSIDE = "http://169.254.169.254/latest/meta-data/"
"""An address that no redirect from outside has any business with."""

DAMAGES = {
    FaultKind.CUT: damage.cut,
    FaultKind.INVALID: damage.invalid,
    FaultKind.SHORT: damage.shorten,
}
CONDITIONS = (b"if-none-match", b"if-modified-since")
BOARDS = ("/greenhouse/", "/lever/", "/lever_eu/", "/ashby/")
"""What the paths of the boards' APIs start with."""
VALIDATORS = (b"etag", b"last-modified")

Sleep = Callable[[float], Awaitable[object]]


class Disruption:
    """Lets requests through, late, damaged or not at all; `sleep` is injected for tests.

    The fault that befell a request is left in its scope's state as `fault`.
    """

    def __init__(self, app: ASGIApp, faults: Faults, sleep: Sleep = asyncio.sleep) -> None:
        self._app = app
        self._faults = faults
        self._sleep = sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope.get("path", "")
        served = is_board_path(path) or path.removeprefix(MOVED) == ROBOTS_PATH
        if scope["type"] != "http" or not served:
            await self._app(scope, receive, send)
            return
        fault = self._befall(path)
        scope.setdefault("state", {})["fault"] = fault
        if refusal := self._refusal(fault, scope):
            await refusal(scope, receive, send)
            return
        if fault is FaultKind.SLOW:
            await self._sleep(self._faults.slow_seconds)
        if path.startswith(MOVED):
            scope = {**scope, "path": path.removeprefix(MOVED)}
        if not self._faults.validators:
            scope = _without(scope, CONDITIONS)
            send = _unmarked(send)
        if fault in DAMAGES:
            # A damage needs a body, and one that is not compressed.
            scope = _without(scope, (b"accept-encoding", *CONDITIONS))
            send = damage.applied(DAMAGES[fault], send)
        await self._app(scope, receive, send)

    def _befall(self, path: str) -> FaultKind | None:
        if path == ROBOTS_PATH:
            return self._faults.befall_robots()
        return None if path.startswith(MOVED) else self._faults.befall_board(board_token(path))

    def _refusal(self, fault: FaultKind | None, scope: Scope) -> Response | None:
        match fault:
            case FaultKind.RATE_LIMITED:
                retry_after = {"Retry-After": str(self._faults.retry_after_seconds)}
                return JSONResponse({"error": "Too many requests"}, 429, headers=retry_after)
            case FaultKind.SERVER_ERROR:
                return JSONResponse({"error": "Internal server error"}, 500)
            case FaultKind.NOT_FOUND:
                return not_found(scope["path"].split("/")[1])
            case FaultKind.GONE:
                return JSONResponse({"error": "Gone"}, 410)
            case FaultKind.EMPTY:
                return Response(b"", media_type="application/json")
            case FaultKind.TOO_LARGE:
                return damage.too_large(scope)
            case FaultKind.REDIRECT:
                query = scope["query_string"].decode("latin-1")
                moved = f"{MOVED}{quote(scope['path'])}"
                return RedirectResponse(f"{moved}?{query}" if query else moved, 302)
            case FaultKind.REDIRECT_INSIDE:
                return RedirectResponse(INSIDE, 302)
        return None


def is_board_path(path: str) -> bool:
    """Whether a path is one of the boards' APIs, perhaps a moved one."""
    return path.removeprefix(MOVED).startswith(BOARDS)


def board_token(path: str) -> str | None:
    """Token in `/greenhouse/v1/boards/{token}...`, and likewise in the others' paths."""
    parts = path.removeprefix(MOVED).split("/")
    return parts[4] if len(parts) > 4 else None


def _without(scope: Scope, names: tuple[bytes, ...]) -> Scope:
    """The request as if it had not had these headers."""
    headers = [(name, value) for name, value in scope["headers"] if name not in names]
    return {**scope, "headers": headers}


def _unmarked(send: Send) -> Send:
    """Leave out of an answer what a later request could ask by."""

    async def send_unmarked(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [item for item in message["headers"] if item[0] not in VALIDATORS]
            message = {**message, "headers": headers}
        await send(message)

    return send_unmarked
