"""Does to an answer what `Faults` decided: an ASGI layer around the boards' routes."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openfunnel.sandbox.ats_api import not_found
from openfunnel.sandbox.faults import FaultKind, Faults

DAMAGES = (FaultKind.CUT, FaultKind.INVALID)

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
        if scope["type"] != "http" or not is_board_path(scope["path"]):
            await self._app(scope, receive, send)
            return
        fault = self._faults.befall_board(board_token(scope["path"]))
        scope.setdefault("state", {})["fault"] = fault
        if refusal := self._refusal(fault, scope["path"]):
            await refusal(scope, receive, send)
            return
        if fault is FaultKind.SLOW:
            await self._sleep(self._faults.slow_seconds)
        if fault in DAMAGES:
            scope = _wanting_plain_body(scope)
            send = _damaging(fault, send)
        await self._app(scope, receive, send)

    def _refusal(self, fault: FaultKind | None, path: str) -> Response | None:
        match fault:
            case FaultKind.RATE_LIMITED:
                retry_after = {"Retry-After": str(self._faults.retry_after_seconds)}
                return JSONResponse({"error": "Too many requests"}, 429, headers=retry_after)
            case FaultKind.SERVER_ERROR:
                return JSONResponse({"error": "Internal server error"}, 500)
            case FaultKind.NOT_FOUND:
                return not_found(path.split("/")[1])
            case FaultKind.EMPTY:
                return Response(b"", media_type="application/json")
        return None


def is_board_path(path: str) -> bool:
    """Whether a path is one of the boards' APIs."""
    return path.startswith(("/greenhouse/", "/lever/", "/lever_eu/"))


def board_token(path: str) -> str | None:
    """Token in `/greenhouse/v1/boards/{token}...` or `/lever/v0/postings/{token}...`."""
    parts = path.split("/")
    return parts[4] if len(parts) > 4 else None


def _wanting_plain_body(scope: Scope) -> Scope:
    """Ask on the client's behalf for a body, and an uncompressed one: there must be half of it."""
    conditions = (b"accept-encoding", b"if-none-match")
    headers = [(name, value) for name, value in scope["headers"] if name not in conditions]
    return {**scope, "headers": headers}


def _damaging(fault: FaultKind | None, send: Send) -> Send:
    start: Message = {}

    async def send_half(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        half = message["body"][: len(message["body"]) // 2]
        if fault is FaultKind.INVALID:
            headers = [item for item in start["headers"] if item[0] != b"content-length"]
            length = (b"content-length", str(len(half)).encode())
            await send({**start, "headers": [*headers, length]})
            await send({**message, "body": half})
        else:
            # The announced length stays; the server closes a connection whose body is not ended.
            await send(start)
            await send({"type": "http.response.body", "body": half, "more_body": True})

    return send_half
