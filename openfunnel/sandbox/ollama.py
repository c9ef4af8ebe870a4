"""A stand-in for Ollama: its protocol to the letter, its answers from the rules.

Every answer names the model `openfunnel-sandbox`, under whatever name it was asked for, so that a
result of the rules never passes for a language model's.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from openfunnel.sandbox import openai
from openfunnel.sandbox.disruption import Sleep
from openfunnel.sandbox.faults import FaultKind, Faults
from openfunnel.sandbox.model import MODEL, Reply
from openfunnel.sandbox.model_server import (
    Chat,
    Hangup,
    ModelServer,
    are_messages,
    read_object,
    tagged,
    unreachable,
)

__all__ = ["BUSY", "MODEL", "router"]

VERSION = "0.12.0"
"""Of Ollama: the one whose protocol is spoken."""

BUSY = "server busy, please try again.  maximum pending requests exceeded"
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


def router(
    faults: Faults | None = None,
    *,
    models: Sequence[str] = (MODEL,),
    latency_seconds: float = 0.0,
    slots: int = 2,
    sleep: Sleep = asyncio.sleep,
) -> APIRouter:
    """Make the routes of an Ollama that serves `models`, OpenAI's protocol among them.

    An answer takes `latency_seconds`; `slots` of them are made at a time, like
    `OLLAMA_NUM_PARALLEL`, and the others wait without limit, as they do there. How busy it was is
    told at `/sandbox/calls`: see `ModelServer.calls`.
    """
    server = ModelServer(faults or Faults(), models, latency_seconds, slots, sleep)
    routes = _Ollama(server).routes()
    routes.include_router(openai.routes(server))

    @routes.get("/sandbox/calls")
    async def calls() -> dict[str, Any]:  # on the event loop, where the counting is done
        return server.calls()

    return routes


class _Ollama:
    def __init__(self, server: ModelServer) -> None:
        self._server = server
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

    async def _tags(self) -> Response:
        fault = self._server.befall()
        if fault is FaultKind.OLLAMA_UNREACHABLE:
            return unreachable()
        models = () if fault is FaultKind.OLLAMA_MISSING else self._server.models
        return JSONResponse({"models": [_listed(tagged(model)) for model in models]})

    async def _ps(self) -> Response:
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
        try:
            asked = await read_object(request)
        except ValueError as error:
            return _error(400, str(error))
        if refusal := self._refusal(asked, self._server.befall()):
            return refusal
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
        try:
            asked = await read_object(request)
        except ValueError as error:
            return _error(400, str(error))
        fate = self._server.befall_chat()
        if refusal := self._refusal(asked, fate.fault):
            return refusal
        messages = asked.get("messages") or []
        if not are_messages(messages):
            return _error(400, "invalid message content type")
        self._used[tagged(asked["model"])] = datetime.now(UTC)
        if not messages:
            return JSONResponse({**_line(""), "done": True, "done_reason": "load"})
        reply = await self._server.answer(request, _asked(asked, messages), fate)
        if reply is None:
            return unreachable()
        if fate.fault is FaultKind.OLLAMA_RESET:
            return Hangup(json.dumps(_whole(reply)), media_type="application/json")
        if asked.get("stream", True):
            return StreamingResponse(_lines(reply), media_type="application/x-ndjson")
        return JSONResponse(_whole(reply))

    def _refusal(self, asked: Mapping[str, Any], fault: FaultKind | None) -> Response | None:
        model = asked.get("model")
        if fault is FaultKind.OLLAMA_UNREACHABLE:
            return unreachable()
        if not (model and isinstance(model, str)):
            return _error(400, "model is required")
        if fault is FaultKind.OLLAMA_MISSING or not self._server.serves(model):
            return _error(404, f"model '{model}' not found")
        if asked.get("think"):
            return _error(400, f'"{model}" does not support thinking')
        if fault is FaultKind.OLLAMA_BUSY:
            return _error(503, BUSY)
        return None


# --- the protocol -------------------------------------------------------------------------------


async def _greet() -> PlainTextResponse:
    return PlainTextResponse("Ollama is running")


async def _version() -> dict[str, str]:
    return {"version": VERSION}


def _asked(asked: Mapping[str, Any], messages: list[dict[str, str]]) -> Chat:
    options, schema = asked.get("options"), asked.get("format")
    limit = options.get("num_predict") if isinstance(options, dict) else None
    return Chat(
        messages,
        schema if isinstance(schema, dict) else None,
        limit if isinstance(limit, int) else None,
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


def _line(content: str, thinking: str | None = None) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return {
        "model": MODEL,
        "created_at": datetime.now(UTC).isoformat(),
        "message": message | ({"thinking": thinking} if thinking else {}),
        "done": False,
    }


def _end(reply: Reply) -> dict[str, Any]:
    if reply.ending is None:
        return {}
    half = reply.nanoseconds // 2
    counted = {"prompt_eval_count": reply.prompt_tokens, "eval_count": reply.answer_tokens}
    return {
        "done": True,
        "done_reason": reply.ending,
        "total_duration": reply.nanoseconds,
        "load_duration": 0,
        "prompt_eval_duration": half,
        "eval_duration": reply.nanoseconds - half,
        **{name: count for name, count in counted.items() if count is not None},
    }


def _whole(reply: Reply) -> dict[str, Any]:
    return {**_line(reply.content, reply.thinking), **_end(reply)}


async def _lines(reply: Reply) -> AsyncIterator[str]:
    if reply.thinking:
        yield json.dumps(_line("", reply.thinking)) + "\n"
    for start in range(0, len(reply.content), CHUNK_CHARACTERS):
        yield json.dumps(_line(reply.content[start : start + CHUNK_CHARACTERS])) + "\n"
    if reply.ending:
        yield json.dumps({**_line(""), **_end(reply)}) + "\n"
