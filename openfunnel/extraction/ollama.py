"""A language model behind Ollama, asked with the schema both as grammar and in the prompt.

Ollama cuts a prompt that exceeds the context silently, ends an answer that runs too long with
`done_reason: length`, and cuts off a model that repeats itself with `done: false`: all three are
checked here, and none is taken for an answer. So is a request that Ollama takes and never answers:
it counts against its posting, which would else be tried for ever and keep others waiting.
"""

import asyncio
import logging
import time
from typing import NoReturn

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
from openfunnel.extraction.answer import (
    InvalidAnswer,
    ModelAnswer,
    describe,
    read_answer,
    salvage_answer,
)
from openfunnel.extraction.contract import ANSWER_SCHEMA, PROMPT_VERSION
from openfunnel.extraction.prompt import Message, ask, ask_again
from openfunnel.extraction.verification import verify
from openfunnel.records import ExtractionResult, PostingText
from openfunnel.settings import Settings

CONTEXT_TOKENS = 12_288
"""Constant, because a change reloads the model: instructions 1,300, posting 5,700, a quoted answer
and its error 800, a new answer 3,072; the rest is slack for texts that take more tokens a byte.
A posting whose prompt fills it nevertheless is refused: what the model has read is not the whole.
"""

ANSWER_TOKENS = 3_072

OPTIONS = {
    "temperature": 0,
    "seed": 20,
    "num_ctx": CONTEXT_TOKENS,
    "num_predict": ANSWER_TOKENS,
}

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 900.0
"""A small model on a laptop's CPU takes minutes, and waits for its turn behind other requests; what
takes longer has failed."""

_AWAY = (ConnectionError, httpx.TransportError)
_GARBLED = (ValueError, TypeError, AttributeError, RecursionError)
"""What the client raises over an answer that is not of Ollama's protocol."""
_BUSY_STATUS = frozenset({404, 408, 429, 502, 503, 504})
"""404: the model was there at the start, so somebody is replacing it."""

log = logging.getLogger(__name__)


class OllamaExtractor:
    """Asks one model; one client, and so one pool of connections, per process."""

    name = "ollama"

    def __init__(self, settings: Settings, answer_seconds: float = ANSWER_SECONDS) -> None:
        """Make the client; nothing is asked yet.

        Raises:
            InvalidSetting: OLLAMA_HOST is no address.
        """
        self.model: str | None = settings.model
        self._model = settings.model
        self._answer_seconds = answer_seconds
        try:
            self.host = redact_url(settings.ollama_host)
            self._client = ollama.AsyncClient(
                host=settings.ollama_host,
                timeout=httpx.Timeout(answer_seconds, connect=CONNECT_SECONDS),
            )
        except (ValueError, httpx.InvalidURL) as error:
            raise InvalidSetting(name="OLLAMA_HOST", problem=str(error)) from None

    async def check(self) -> None:
        """Raise ModelUnavailable unless Ollama answers and has the model."""
        try:
            listed = await asyncio.wait_for(self._client.list(), timeout=2 * CONNECT_SECONDS)
        except (*_AWAY, *_GARBLED, ollama.ResponseError, TimeoutError):
            self._unavailable(
                "no Ollama", f"Start it with `ollama serve`, then run `ollama pull {self._model}`"
            )
        named = self._model if ":" in self._model else f"{self._model}:latest"
        if named not in {model.model for model in listed.models}:
            self._unavailable("the model is not pulled", f"Run `ollama pull {self._model}`")

    async def extract(self, posting: PostingText) -> ExtractionResult:
        """Return what the model says about a posting, as far as it holds.

        An unusable answer is asked for once more, with the error quoted; of the second answer the
        sound part is taken.

        Raises:
            ModelBusy: Ollama is away, busy, or misses the model.
            ModelAnswerInvalid: neither answer was usable, or the prompt filled the context.
            ExtractionFailed: Ollama refused the request, or took it and did not answer in time.
        """
        started = time.perf_counter()
        first = await self._chat(ask(posting))
        answers, salvaged = [first], 0
        try:
            answer = _read(first)
        except _AnswerError as problem:
            log.info("%s answered something unusable, asking again: %s", self._model, problem)
            second = await self._chat(ask_again(posting, _content(first), str(problem)))
            answers.append(second)
            answer, salvaged = self._salvage(second)
        verified = await asyncio.to_thread(verify, answer, posting)
        return ExtractionResult(
            extraction=verified.extraction,
            extractor=self.name,
            model=first.model or self._model,
            prompt_version=PROMPT_VERSION,
            tokens_in=sum(one.prompt_eval_count or 0 for one in answers),
            tokens_out=sum(one.eval_count or 0 for one in answers),
            duration_ms=round((time.perf_counter() - started) * 1000),
            dropped=verified.dropped + salvaged,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()  # type: ignore[no-untyped-call]

    async def _chat(self, messages: list[Message]) -> ollama.ChatResponse:
        try:
            response = await self._client.chat(
                model=self._model,
                messages=[{"role": one.role, "content": one.content} for one in messages],
                format=ANSWER_SCHEMA,
                options=OPTIONS,
                stream=False,
            )
        except httpx.ReadTimeout as error:
            reason = f"no answer from {self._model} within {self._answer_seconds:g} s"
            raise ExtractionFailed(reason=reason) from error
        except _AWAY as error:
            raise self._busy(str(error) or type(error).__name__) from error
        except ollama.ResponseError as error:
            if error.status_code in _BUSY_STATUS:
                raise self._busy(error.error) from error
            raise ExtractionFailed(reason=f"Ollama: {str(error)[:300]}") from error
        except _GARBLED as error:
            raise ModelAnswerInvalid(model=self._model, reason="not Ollama's protocol") from error
        tokens = (response.prompt_eval_count or 0) + (response.eval_count or 0)
        if tokens >= CONTEXT_TOKENS:  # a new answer to the same prompt would be no better
            reason = f"prompt and answer filled the context of {CONTEXT_TOKENS} tokens"
            raise ModelAnswerInvalid(model=self._model, reason=reason)
        return response

    def _salvage(self, response: ollama.ChatResponse) -> tuple[ModelAnswer, int]:
        try:
            return salvage_answer(_finished(response))
        except InvalidAnswer as error:
            reason = describe(error)
        except _AnswerError as problem:
            reason = str(problem)
        raise ModelAnswerInvalid(model=self._model, reason=f"twice; {reason}")

    def _busy(self, reason: str) -> ModelBusy:
        return ModelBusy(model=self._model, host=self.host, reason=reason[:300])

    def _unavailable(self, reason: str, remedy: str) -> NoReturn:
        raise ModelUnavailable(
            host=self.host, model=self._model, reason=reason, remedy=remedy
        ) from None


class _AnswerError(Exception):
    """An answer that has to be asked for again; its text is quoted to the model."""


def _read(response: ollama.ChatResponse) -> ModelAnswer:
    try:
        return read_answer(_finished(response))
    except InvalidAnswer as error:
        raise _AnswerError(describe(error)) from None


def _finished(response: ollama.ChatResponse) -> str:
    """Return the text of a whole answer."""
    if response.done is not True:
        raise _AnswerError("it was broken off because it repeated itself")
    if response.done_reason == "length":
        raise _AnswerError("it was cut off because it was too long; name fewer, shorter evidences")
    return _content(response)


def _content(response: ollama.ChatResponse) -> str:
    return response.message.content or ""
