"""Requests to models: so many at a time, metered, and one for all who ask the same at once."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from openfunnel.errors import ExtractionFailed
from openfunnel.extraction.chat import ChatModel, Message, Reply
from openfunnel.extraction.tokens import TokenEstimate
from openfunnel.extraction.usage import Meter
from openfunnel.records import PostingText

T = TypeVar("T")

MODEL_CHARACTERS = 200
"""What is kept of the name that a server gives its model."""


class Calls:
    """The way of one process to its models."""

    def __init__(
        self, meter: Meter, slots: int, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """Ask each model at most `slots` questions at a time; `clock` gives seconds."""
        self._meter = meter
        self._slots = slots
        self._clock = clock
        self._turns: dict[ChatModel, asyncio.Semaphore] = {}
        self._estimates: dict[ChatModel, TokenEstimate] = {}

    def estimate(self, model: ChatModel) -> TokenEstimate:
        """Return the estimate of a model's tokens, which its own counts calibrate."""
        return self._estimates.setdefault(model, TokenEstimate())

    async def ask(
        self,
        model: ChatModel,
        posting: PostingText,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
    ) -> Reply:
        """Ask when it is this question's turn; tokens that the server does not count are estimated.

        A request that fails has cost its time: an answer may have been in the making.

        Raises:
            ModelBusy, ExtractionFailed: as `ChatModel.chat` does.
        """
        async with self._turns.setdefault(model, asyncio.Semaphore(self._slots)):
            started = self._clock()
            try:
                reply = await model.chat(messages, schema)
            except ExtractionFailed:
                self._meter.note(posting, model.model, calls=1, seconds=self._clock() - started)
                raise
            seconds = self._clock() - started
        reply = self._counted(model, messages, reply)
        self._meter.note(
            posting,
            reply.model,
            calls=1,
            tokens_in=reply.tokens_in or 0,
            tokens_out=reply.tokens_out or 0,
            seconds=seconds,
        )
        return reply

    def note_known(self, model: str, posting: PostingText) -> None:
        """Count an answer that nobody had to be asked for."""
        self._meter.note(posting, model, cache_hits=1)

    def _counted(self, model: ChatModel, messages: Sequence[Message], reply: Reply) -> Reply:
        estimate = self.estimate(model)
        expected = sum(estimate(message.content) for message in messages)
        if reply.tokens_in is not None:
            estimate.note(expected, reply.tokens_in)
        return replace(
            reply,
            model=(reply.model or model.model)[:MODEL_CHARACTERS],
            tokens_in=expected if reply.tokens_in is None else reply.tokens_in,
            tokens_out=estimate(reply.content) if reply.tokens_out is None else reply.tokens_out,
        )


class Flights(Generic[T]):
    """Calls under way by key: who asks for what is under way waits for it.

    A call goes on while anybody waits: the cancellation of whoever began it harms no one else.
    """

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[T]] = {}

    async def join(self, key: str, call: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T, bool]:
        """Return what the call under `key` returns, and whether it was begun for this.

        Raises:
            Exception: whatever the call raised, to everybody who waited for it.
        """
        flight = self._flights.get(key)
        begins = flight is None
        if flight is None:
            flight = self._flights[key] = _Flight(call())
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task), begins
        finally:
            flight.waiting -= 1
            if not flight.waiting or flight.task.done():
                if self._flights.get(key) is flight:
                    del self._flights[key]
                flight.task.cancel()  # no effect on one that is done


class _Flight(Generic[T]):
    """A call and how many wait for it."""

    def __init__(self, call: Coroutine[Any, Any, T]) -> None:
        self.task = asyncio.create_task(call)
        self.waiting = 0
