"""A model server over real HTTP that answers what a test tells it to."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

MODEL = "tiny:1b"


@dataclass
class ModelServer:
    """Gives the told answers one after the other, and remembers what it was asked.

    With nothing left to tell it is silent until the client hangs up.
    """

    url: str
    told: list[Response] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    models: tuple[str, ...] = (MODEL,)
    listing: Response | None = None
    """Told instead of the list of models."""

    def forget(self) -> None:
        """Be as new."""
        self.told, self.asked, self.keys = [], [], []
        self.models, self.listing = (MODEL,), None

    async def chat(self, request: Request) -> Response:
        self.asked.append(await request.json())
        self.keys.append(request.headers.get("authorization"))
        if not self.told:
            assert (await request.receive())["type"] == "http.disconnect"
            return Response()
        return self.told.pop(0)

    async def tags(self, _: Request) -> Response:
        listed = [{"name": name, "model": name} for name in self.models]
        return self.listing or JSONResponse({"models": listed})

    async def list_models(self, _: Request) -> Response:
        listed = [{"id": name, "object": "model"} for name in self.models]
        return self.listing or JSONResponse({"object": "list", "data": listed})


@contextmanager
def running_model_server() -> Iterator[ModelServer]:
    """Serve both protocols from a thread on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = ModelServer(f"http://127.0.0.1:{listener.getsockname()[1]}")
    routes = [
        Route("/api/chat", server.chat, methods=["POST"]),
        Route("/api/tags", server.tags),
        Route("/v1/chat/completions", server.chat, methods=["POST"]),
        Route("/v1/models", server.list_models),
    ]
    config = uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off", ws="none")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield server
    finally:
        running.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def address_of_nobody() -> Iterator[str]:
    """An address where nobody listens, and nobody else can."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
