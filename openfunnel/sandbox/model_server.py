"""What a model server does whatever its protocol: wait for a slot, make an answer, keep count."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from openfunnel.sandbox import model
from openfunnel.sandbox.disruption import Sleep
from openfunnel.sandbox.faults import FaultKind, Faults
from openfunnel.sandbox.model import Reply
from openfunnel.sandbox.model_faults import spoil

T = TypeVar("T")


@dataclass(frozen=True)
class Fate:
    """What befalls one call."""

    fault: FaultKind | None
    turn: int
    """How often the same has befallen calls before."""


@dataclass(frozen=True)
class Chat:
    """What is asked of a model."""

    messages: Sequence[Mapping[str, str]]
    schema: Mapping[str, Any] | None
    most_tokens: int | None
    """Of the answer; None: any."""


class ModelServer:
    """Answers chats, some at a time, and keeps count.

    An answer takes `latency_seconds`; `slots` of them are made at a time, and the others wait
    without limit. Whoever hangs up gives back the slot, or the place in the queue.
    """

    def __init__(
        self,
        faults: Faults,
        models: Sequence[str],
        latency_seconds: float,
        slots: int,
        sleep: Sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.models = tuple(models)
        self._faults = faults
        self._latency_seconds = latency_seconds
        self._slots = asyncio.Semaphore(slots)
        self._sleep = sleep
        self._clock = clock
        # The rules are pure Python: more threads would only keep the event loop from its turn.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sandbox-model")
        self._fates: Counter[str] = Counter()
        self._chats = self._open = self._working = 0
        self._busy_seconds = 0.0
        self._counted_at = clock()

    def serves(self, name: str) -> bool:
        """Whether a model of this name is there; without a tag it is the latest."""
        return tagged(name) in map(tagged, self.models)

    def befall(self) -> FaultKind | None:
        """Decide what befalls a request for anything but a chat."""
        return self._faults.befall_ollama()

    def befall_chat(self) -> Fate:
        """Count a chat, and decide what befalls it."""
        self._chats += 1
        fault = self._faults.befall_ollama()
        if fault is None:
            return Fate(None, 0)
        self._fates[fault] += 1
        return Fate(fault, self._fates[fault] - 1)

    async def answer(self, request: Request, chat: Chat, fate: Fate) -> Reply | None:
        """Return the reply to a chat; None: the client has hung up."""
        self._open += 1
        try:
            making = _never() if fate.fault is FaultKind.OLLAMA_STALL else self._reply(chat, fate)
            return await _unless_hung_up(request, making)
        finally:
            self._open -= 1

    def calls(self) -> dict[str, Any]:
        """Return how often a chat was asked for, and what became of it.

        - `chat`: all requests for one, refused ones too, and `open`: those in work or waiting;
        - `busy_seconds`: how long answers were in the making, added up over the slots;
        - `by_fault`: how many of them each fault befell.
        """
        self._count_busy(0)
        return {
            "chat": self._chats,
            "open": self._open,
            "busy_seconds": self._busy_seconds,
            "by_fault": dict(self._fates),
        }

    async def _reply(self, chat: Chat, fate: Fate) -> Reply:
        async with self._slot():
            started = self._clock()
            loop = asyncio.get_running_loop()
            reply = await loop.run_in_executor(
                self._thread, model.reply, chat.messages, chat.schema
            )
            left = self._latency_seconds - (self._clock() - started)
            if left > 0:
                await self._sleep(left)
            spent = round((self._clock() - started) * 1e9)
        spoilt = spoil(replace(reply, nanoseconds=spent), fate.fault, fate.turn)
        return _limited(spoilt, chat.most_tokens)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        async with self._slots:
            self._count_busy(1)
            try:
                yield
            finally:
                self._count_busy(-1)

    def _count_busy(self, change: int) -> None:
        now = self._clock()
        self._busy_seconds += self._working * (now - self._counted_at)
        self._counted_at = now
        self._working += change


# --- requests and answers -----------------------------------------------------------------------


class Hangup(Response):
    """Closes the connection when half of the body is sent; of one byte that is none."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head of an answer and the first half of its body."""
        status, half = self.status_code, self.body[: len(self.body) // 2]
        await send({"type": "http.response.start", "status": status, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": half, "more_body": True})


def unreachable() -> Hangup:
    """Return what closes a connection without an answer."""
    return Hangup(b" ")


def tagged(name: str) -> str:
    """Return a model's name with its tag, as Ollama lists it."""
    return name if ":" in name else f"{name}:latest"


async def read_object(request: Request) -> dict[str, Any]:
    """Return the JSON object that a request brings.

    Raises:
        ValueError: it brings something else; the message says so.
    """
    data = await request.body()
    if not data:
        raise ValueError("missing request body")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(str(error)[:200]) from None
    if not isinstance(body, dict):
        raise ValueError("the request body is no object")
    return body


def are_messages(messages: object) -> bool:
    """Whether these are a chat's messages, each a text."""
    return isinstance(messages, list) and all(
        isinstance(message, dict) and isinstance(message.get("content"), str)
        for message in messages
    )


def _limited(reply: Reply, most_tokens: int | None) -> Reply:
    if most_tokens is None or not 0 < most_tokens < model.count_tokens(reply.content):
        return reply
    content = reply.content[: most_tokens * model.BYTES_PER_TOKEN]
    return replace(reply, content=content, answer_tokens=most_tokens, ending="length")


async def _unless_hung_up(request: Request, making: Coroutine[Any, Any, T]) -> T | None:
    """Wait for what is made for a request; stop making it when the client has hung up."""
    made = asyncio.ensure_future(making)
    hung_up = asyncio.ensure_future(_hang_up(request))
    try:
        await asyncio.wait((made, hung_up), return_when=asyncio.FIRST_COMPLETED)
        return made.result() if made.done() else None
    finally:
        made.cancel()
        hung_up.cancel()
        await asyncio.gather(made, hung_up, return_exceptions=True)


async def _hang_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue


async def _never() -> Reply:
    return await asyncio.Future()
