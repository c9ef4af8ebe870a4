"""OpenAI's protocol of chats, as vLLM, llama.cpp and SGLang serve it, before the sandbox's model.

A subset: one whole answer, no streaming, no tools. Keys are not looked at.
"""

import json
import time
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from openfunnel.sandbox.faults import FaultKind
from openfunnel.sandbox.model import MODEL, Reply
from openfunnel.sandbox.model_server import (
    Chat,
    Fate,
    Hangup,
    ModelServer,
    are_messages,
    read_object,
    unreachable,
)

_RETRY_LATER = (
    (503, "server_error", None, "The server is overloaded; please try again later."),
    (429, "requests", "rate_limit_exceeded", "Too many requests; please try again later."),
)
"""What servers say when they are busy, in turn."""

_REFUSED = "invalid_request_error"


def routes(server: ModelServer) -> APIRouter:
    """Make the routes of `server` below `/v1`, the base that clients are given."""
    protocol = _OpenAi(server)
    routes = APIRouter(prefix="/v1")
    routes.add_api_route("/models", protocol.models, methods=["GET"])
    routes.add_api_route("/chat/completions", protocol.chat, methods=["POST"])
    return routes


class _OpenAi:
    def __init__(self, server: ModelServer) -> None:
        self._server = server

    async def models(self) -> Response:
        fault = self._server.befall()
        if fault is FaultKind.OLLAMA_UNREACHABLE:
            return unreachable()
        names = () if fault is FaultKind.OLLAMA_MISSING else self._server.models
        data = [
            {"id": name, "object": "model", "created": 1_767_225_600, "owned_by": "openfunnel"}
            for name in names
        ]
        return JSONResponse({"object": "list", "data": data})

    async def chat(self, request: Request) -> Response:
        try:
            asked = await read_object(request)
        except ValueError as error:
            return _error(400, str(error))
        fate = self._server.befall_chat()
        if refusal := self._refusal(asked, fate):
            return refusal
        reply = await self._server.answer(request, _asked(asked), fate)
        if reply is None:
            return unreachable()
        if fate.fault is FaultKind.OLLAMA_RESET:
            return Hangup(json.dumps(_completion(reply)), media_type="application/json")
        return JSONResponse(_completion(reply))

    def _refusal(self, asked: Mapping[str, Any], fate: Fate) -> Response | None:
        model, messages = asked.get("model"), asked.get("messages")
        if fate.fault is FaultKind.OLLAMA_UNREACHABLE:
            return unreachable()
        if not (model and isinstance(model, str)):
            return _error(400, "you must provide a model parameter", parameter="model")
        if fate.fault is FaultKind.OLLAMA_MISSING or not self._server.serves(model):
            said = f"The model `{model}` does not exist."
            return _error(404, said, parameter="model", code="model_not_found")
        if not (messages and are_messages(messages)):
            return _error(400, "messages must be texts, and one at least", parameter="messages")
        if asked.get("stream"):
            return _error(400, "streaming is not supported", parameter="stream")
        if fate.fault is FaultKind.OLLAMA_BUSY:
            status, kind, code, said = _RETRY_LATER[fate.turn % len(_RETRY_LATER)]
            return _error(status, said, kind=kind, code=code)
        return None


def _asked(asked: Mapping[str, Any]) -> Chat:
    limit = asked.get("max_completion_tokens") or asked.get("max_tokens")
    return Chat(asked["messages"], _schema(asked), limit if isinstance(limit, int) else None)


def _schema(asked: Mapping[str, Any]) -> dict[str, Any] | None:
    found: Any = asked
    for key in ("response_format", "json_schema", "schema"):
        found = found.get(key)
        if not isinstance(found, dict):
            return None
    return dict(found)


def _completion(reply: Reply) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.content}
    thinking = {"reasoning_content": reply.thinking} if reply.thinking else {}
    return {
        "id": f"chatcmpl-{sha256(reply.content.encode()).hexdigest()[:24]}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": message | thinking,
                "logprobs": None,
                # There is no word for an answer that was broken off.
                "finish_reason": reply.ending or "length",
            }
        ],
        **_usage(reply),
    }


def _usage(reply: Reply) -> dict[str, Any]:
    prompt, answer = reply.prompt_tokens, reply.answer_tokens
    if prompt is None or answer is None:
        return {}
    return {
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": answer,
            "total_tokens": prompt + answer,
        }
    }


def _error(
    status: int,
    message: str,
    *,
    kind: str = _REFUSED,
    parameter: str | None = None,
    code: str | None = None,
) -> JSONResponse:
    error = {"message": message, "type": kind, "param": parameter, "code": code}
    return JSONResponse({"error": error}, status)
