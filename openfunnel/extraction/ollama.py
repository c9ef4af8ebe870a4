"""A model behind Ollama, whose decoding the schema constrains.

Ollama cuts a prompt that exceeds the context silently, ends an answer that runs too long with
`done_reason: length`, and cuts off a model that repeats itself with `done: false`: none of the
three passes for a whole answer. A request that Ollama takes and never answers counts against its
posting, which would else be tried for ever and keep others waiting.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import httpx
import ollama

from openfunnel.errors import (
    ExtractionFailed,
    InvalidSetting,
    ModelAnswerInvalid,
    ModelBusy,
    ModelUnavailable,
    redact_url,
)
from openfunnel.extraction.chat import (
    ANSWER_TOKENS,
    BUSY_STATUS,
    CONNECT_SECONDS,
    SEED,
    ChatModel,
    Ending,
    Message,
    Reply,
    plausible,
)
from openfunnel.extraction.prompt import PROMPT_TOKENS_MOST
from openfunnel.settings import Settings

CONTEXT_TOKENS = -(-(PROMPT_TOKENS_MOST + ANSWER_TOKENS) // 1_024) * 1_024
"""Of prompt and answer: the longest there are fit. Constant, because a change reloads the model."""

KEEP_ALIVE = "30m"
"""How long the model stays loaded without a request: a crawl's pauses are shorter."""

_AWAY = (ConnectionError, httpx.TransportError)
_GARBLED = (ValueError, TypeError, AttributeError, RecursionError)
"""What the client raises over an answer that is not of Ollama's protocol."""


class OllamaModel(ChatModel):
    """One model of one Ollama, asked over one pool of connections."""

    name = "ollama"

    def __init__(self, settings: Settings, model: str) -> None:
        """Make the client; nothing is asked yet.

        Raises:
            InvalidSetting: OLLAMA_HOST is no address.
        """
        self.model = model
        self.options: Mapping[str, Any] = {
            "temperature": 0,
            "seed": SEED,
            "num_ctx": CONTEXT_TOKENS,
            "num_predict": ANSWER_TOKENS,
        }
        self._answer_seconds = settings.answer_seconds
        try:
            self.host = redact_url(settings.ollama_host)
            self._client = ollama.AsyncClient(
                host=settings.ollama_host,
                timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
            )
        except (ValueError, httpx.InvalidURL) as error:
            raise InvalidSetting(name="OLLAMA_HOST", problem=str(error)) from None

    async def check(self) -> None:
        """Raise ModelUnavailable unless Ollama answers and has the model."""
        try:
            listed = await asyncio.wait_for(self._client.list(), timeout=2 * CONNECT_SECONDS)
        except (*_AWAY, *_GARBLED, ollama.ResponseError, TimeoutError):
            self._unavailable(
                "no Ollama", f"Start it with `ollama serve`, then run `ollama pull {self.model}`"
            )
        named = self.model if ":" in self.model else f"{self.model}:latest"
        if named not in {one.model for one in listed.models}:
            self._unavailable(f"{self.model} is not pulled", f"Run `ollama pull {self.model}`")

    async def chat(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Reply:
        """Ask, and wait for the whole answer.

        Raises:
            ModelBusy: Ollama is away, busy, or misses the model.
            ExtractionFailed: it refused the request, or took it and did not answer in time.
            ModelAnswerInvalid: what it sent is not of its protocol.
        """
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._answer_seconds):
                response = await self._client.chat(
                    model=self.model,
                    messages=[{"role": one.role, "content": one.content} for one in messages],
                    format=dict(schema),
                    options=self.options,
                    think=False,  # models that cannot think do not mind
                    keep_alive=KEEP_ALIVE,
                    stream=False,
                )
        except TimeoutError as error:
            reason = f"no answer from {self.model} within {self._answer_seconds:g} s"
            raise ExtractionFailed(reason=reason) from error
        except _AWAY as error:
            raise self._busy(str(error) or type(error).__name__) from error
        except ollama.ResponseError as error:
            if error.status_code in BUSY_STATUS:
                raise self._busy(error.error) from error
            raise ExtractionFailed(reason=f"Ollama: {str(error)[:300]}") from error
        except _GARBLED as error:
            raise ModelAnswerInvalid(model=self.model, reason="not Ollama's protocol") from error
        return _reply(response, self.model, time.perf_counter() - started)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()  # type: ignore[no-untyped-call]

    def _busy(self, reason: str) -> ModelBusy:
        return ModelBusy(model=self.model, host=self.host, reason=reason[:300])

    def _unavailable(self, reason: str, remedy: str) -> NoReturn:
        raise ModelUnavailable(
            host=self.host, model=self.model, reason=reason, remedy=remedy
        ) from None


def _reply(response: ollama.ChatResponse, asked: str, seconds: float) -> Reply:
    return Reply(
        content=response.message.content or response.message.thinking or "",
        ending=_ending(response),
        model=response.model or asked,
        tokens_in=plausible(response.prompt_eval_count, CONTEXT_TOKENS),
        tokens_out=plausible(response.eval_count, CONTEXT_TOKENS),
        seconds=seconds,
    )


def _ending(response: ollama.ChatResponse) -> Ending:
    if response.done is not True:
        return Ending.BROKEN_OFF
    prompt = plausible(response.prompt_eval_count, CONTEXT_TOKENS) or 0
    answer = plausible(response.eval_count, CONTEXT_TOKENS) or 0
    if response.done_reason == "length" or prompt + answer >= CONTEXT_TOKENS:
        return Ending.TOO_LONG
    return Ending.WHOLE
