"""A stand-in for Ollama: its protocol to the letter, its answers from the rules.

Every answer names the model `openfunnel-sandbox`, under whatever name it was asked for, so that a
result of the rules never passes for a language model's.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from openfunnel.sandbox.disruption import Sleep
from openfunnel.sandbox.faults import FaultKind, Faults
from openfunnel.sandbox.model import answer

MODEL = "openfunnel-sandbox"
VERSION = "0.12.0"
"""Of Ollama: the one whose protocol is spoken."""

BUSY = "server busy, please try again.  maximum pending requests exceeded"
BYTES_PER_TOKEN = 4
CHUNK_CHARACTERS = 200
KEEP_ALIVE = timedelta(minutes=5)
DETAILS = {
    "parent_model": "",
    "format": "rules",
    "family": MODEL,
    "families": [MODEL],
    "parameter_size": "0B",
    "quantization_level": "none",
}


@dataclass(frozen=True)
class Reply:
    """What the model says to one chat, and what it cost."""

    content: str
    done_reason: str
    prompt_tokens: int
    answer_tokens: int
    nanoseconds: int


def router(
    faults: Faults | None = None,
    *,
    models: Sequence[str] = (MODEL,),
    latency_seconds: float = 0.0,
    slots: int = 2,
    sleep: Sleep = asyncio.sleep,
) -> APIRouter:
    """Make the routes of an Ollama that serves `models`.

    An answer takes `latency_seconds`; `slots` of them are made at a time, like
    `OLLAMA_NUM_PARALLEL`, and the others wait without limit, as they do there.
    """
    return _Server(faults or Faults(), models, latency_seconds, slots, sleep).routes()


class _Server:
    def __init__(
        self,
        faults: Faults,
        models: Sequence[str],
        latency_seconds: float,
        slots: int,
        sleep: Sleep,
    ) -> None:
        self._faults = faults
        self._models = tuple(_tagged(model) for model in models)
        self._latency_seconds = latency_seconds
        self._slots = asyncio.Semaphore(slots)
        self._sleep = sleep
        self._used: dict[str, datetime] = {}

    def routes(self) -> APIRouter:
        routes = APIRouter()
        routes.add_api_route("/", _greet, methods=["GET", "HEAD"])
        routes.add_api_route("/api/version", _version, methods=["GET"])
        routes.add_api_route("/api/tags", self._tags, methods=["GET"])
        routes.add_api_route("/api/ps", self._ps, methods=["GET"])
        routes.add_api_route("/api/show", self._show, methods=["POST"])
        routes.add_api_route("/api/chat", self._chat, methods=["POST"])
        return routes

    def _tags(self) -> Response:
        fault = self._faults.befall_ollama()
        if fault is FaultKind.OLLAMA_UNREACHABLE:
            return Hangup()
        models = () if fault is FaultKind.OLLAMA_MISSING else self._models
        return JSONResponse({"models": [_listed(model) for model in models]})

    def _ps(self) -> Response:
        now = datetime.now(UTC)
        return JSONResponse(
            {
                "models": [
                    {
                        **_listed(model),
                        "expires_at": (used + KEEP_ALIVE).isoformat(),
                        "size_vram": 0,
                        "context_length": 4096,
                    }
                    for model, used in self._used.items()
                    if used + KEEP_ALIVE > now
                ]
            }
        )

    async def _show(self, request: Request) -> Response:
        asked = await _body(request)
        if isinstance(asked, Response):
            return asked
        if fault := self._refusal(asked, self._faults.befall_ollama()):
            return fault
        return JSONResponse(
            {
                "license": "The OpenFunnel sandbox: rules behind Ollama's protocol, no model.",
                "modelfile": f"# {MODEL}",
                "details": DETAILS,
                "model_info": {"general.architecture": MODEL, "general.parameter_count": 0},
                "capabilities": ["completion"],
            }
        )

    async def _chat(self, request: Request) -> Response:
        asked = await _body(request)
        if isinstance(asked, Response):
            return asked
        fault = self._faults.befall_ollama()
        if refusal := self._refusal(asked, fault):
            return refusal
        messages = asked.get("messages") or []
        if not _are_messages(messages):
            return _error(400, "invalid message content type")
        self._used[_tagged(str(asked["model"]))] = datetime.now(UTC)
        if not messages:
            return JSONResponse({**_line(""), "done": True, "done_reason": "load"})
        reply = await self._reply(asked, messages, fault)
        if asked.get("stream", True):
            return StreamingResponse(_lines(reply), media_type="application/x-ndjson")
        return JSONResponse({**_line(reply.content), **_end(reply)})

    def _refusal(self, asked: Mapping[str, Any], fault: FaultKind | None) -> Response | None:
        model = str(asked.get("model") or "")
        if fault is FaultKind.OLLAMA_UNREACHABLE:
            return Hangup()
        if not model:
            return _error(400, "model is required")
        if fault is FaultKind.OLLAMA_MISSING or _tagged(model) not in self._models:
            return _error(404, f"model '{model}' not found")
        if fault is FaultKind.OLLAMA_BUSY:
            return _error(503, BUSY)
        return None

    async def _reply(
        self, asked: Mapping[str, Any], messages: list[dict[str, str]], fault: FaultKind | None
    ) -> Reply:
        started = time.perf_counter_ns()
        async with self._slots:
            if self._latency_seconds:
                await self._sleep(self._latency_seconds)
            content = await asyncio.to_thread(answer, messages)
        if fault is FaultKind.OLLAMA_INVALID:
            content = f"Sure! Here are the facts of this posting: {content[:80]}"
        options = asked.get("options")
        limit = options.get("num_predict") if isinstance(options, dict) else None
        done_reason = "stop"
        if isinstance(limit, int) and 0 < limit < _tokens(content):
            content, done_reason = content[: limit * BYTES_PER_TOKEN], "length"
        return Reply(
            content=content,
            done_reason=done_reason,
            prompt_tokens=sum(_tokens(message["content"]) for message in messages),
            answer_tokens=_tokens(content),
            nanoseconds=time.perf_counter_ns() - started,
        )


class Hangup(Response):
    """Closes the connection: a body is announced and never sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send no more than the head of an answer."""
        head = [(b"content-length", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": head})


# --- the protocol -------------------------------------------------------------------------------


async def _greet() -> PlainTextResponse:
    return PlainTextResponse("Ollama is running")


async def _version() -> dict[str, str]:
    return {"version": VERSION}


async def _body(request: Request) -> dict[str, Any] | Response:
    data = await request.body()
    if not data:
        return _error(400, "missing request body")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        return _error(400, str(error)[:200])
    return body if isinstance(body, dict) else _error(400, "the request body is no object")


def _are_messages(messages: object) -> bool:
    return isinstance(messages, list) and all(
        isinstance(message, dict) and isinstance(message.get("content"), str)
        for message in messages
    )


def _error(status: int, error: str) -> JSONResponse:
    return JSONResponse({"error": error}, status)


def _listed(model: str) -> dict[str, Any]:
    return {
        "name": model,
        "model": model,
        "modified_at": "2026-01-01T00:00:00Z",
        "size": 0,
        "digest": sha256(model.encode()).hexdigest(),
        "details": DETAILS,
    }


def _line(content: str) -> dict[str, Any]:
    return {
        "model": MODEL,
        "created_at": datetime.now(UTC).isoformat(),
        "message": {"role": "assistant", "content": content},
        "done": False,
    }


def _end(reply: Reply) -> dict[str, Any]:
    half = reply.nanoseconds // 2
    counted = {"prompt_eval_count": reply.prompt_tokens, "eval_count": reply.answer_tokens}
    return {
        "done": True,
        "done_reason": reply.done_reason,
        "total_duration": reply.nanoseconds,
        "load_duration": 0,
        "prompt_eval_duration": half,
        "eval_duration": reply.nanoseconds - half,
        **{name: count for name, count in counted.items() if count},  # absent when 0
    }


async def _lines(reply: Reply) -> AsyncIterator[str]:
    for start in range(0, len(reply.content), CHUNK_CHARACTERS):
        yield json.dumps(_line(reply.content[start : start + CHUNK_CHARACTERS])) + "\n"
    yield json.dumps({**_line(""), **_end(reply)}) + "\n"


def _tagged(model: str) -> str:
    return model if ":" in model else f"{model}:latest"


def _tokens(text: str) -> int:
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)
