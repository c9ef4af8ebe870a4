"""A model behind an OpenAI-compatible API: vLLM, llama.cpp, SGLang, or a hosted one.

Such servers batch continuously: throughput grows with the requests in flight, and a shared prefix
of prompts is evaluated once. What they send is read by a model of its own, not by the client's
classes, which take anything for an answer.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NoReturn

import httpx2
import openai
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel, Field, ValidationError

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
    read_within_bounds,
)
from openfunnel.extraction.keys import Key
from openfunnel.settings import Settings

NO_KEY = "none"
"""Sent where no key is set: servers on one's own machines ask for none."""

_ACCOUNT_STATUS = frozenset({401, 402})
"""The key was good at the start, so it is being changed, or its account is used up: no fault of the
posting."""

_TEMPLATE_TOKENS = 1_000
"""What a chat template may add to a prompt, generously."""


class OpenAiModel(ChatModel):
    """One model of one server, asked over one pool of connections."""

    name = "openai"

    def __init__(self, settings: Settings, model: str) -> None:
        """Make the client; nothing is asked yet.

        Raises:
            InvalidSetting: OPENFUNNEL_OPENAI_URL is missing, or no address; or no header takes
                OPENFUNNEL_OPENAI_KEY.
        """
        if settings.openai_url is None:
            raise InvalidSetting(name="OPENFUNNEL_OPENAI_URL", problem="it is not set")
        self.model = model
        self._named_by = _variable(settings, model)
        self.host = redact_url(settings.openai_url)
        self.options: Mapping[str, Any] = {
            "temperature": 0,
            "seed": SEED,
            "max_tokens": ANSWER_TOKENS,
        }
        self._answer_seconds = settings.answer_seconds
        try:
            httpx2.URL(settings.openai_url)  # what the client would raise is its own secret
        except (ValueError, httpx2.InvalidURL) as error:
            raise InvalidSetting(name="OPENFUNNEL_OPENAI_URL", problem=str(error)) from None
        self._key = Key(settings.openai_key, "OPENFUNNEL_OPENAI_KEY")
        self._client = openai.AsyncOpenAI(
            base_url=settings.openai_url,
            api_key=self._key.sent or NO_KEY,
            timeout=openai.Timeout(None, connect=CONNECT_SECONDS),
            max_retries=0,
        )

    async def check(self) -> None:
        """Raise ModelUnavailable unless the server answers and has the model."""
        try:
            async with asyncio.timeout(2 * CONNECT_SECONDS):
                answer = await self._client.models.with_raw_response.list()
            served = {one.id for one in _Models.model_validate_json(answer.content).data}
        except (openai.AuthenticationError, openai.PermissionDeniedError):
            self._unavailable("it refuses the key", "Correct OPENFUNNEL_OPENAI_KEY")
        except (openai.OpenAIError, ValidationError, TimeoutError):
            self._unavailable(
                "no OpenAI-compatible API", "Start it, or correct OPENFUNNEL_OPENAI_URL"
            )
        if self.model not in served:
            named = ", ".join(sorted(served)[:5]) or "none"
            self._unavailable(
                f"{self.model} is not served", f"Set {self._named_by} to one that is: {named[:300]}"
            )

    async def chat(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Reply:
        """Ask, and wait for the whole answer.

        Raises:
            ModelBusy: the server is away, busy, misses the model, no longer takes the key, or wants
                to be paid first.
            ExtractionFailed: it refused the request, or took it and did not answer in time.
            ModelAnswerInvalid: what it sent is not of its protocol.
        """
        try:
            async with asyncio.timeout(self._answer_seconds):
                async with self._client.chat.completions.with_streaming_response.create(
                    model=self.model,
                    messages=_messages(messages),
                    extra_body={"response_format": _response_format(schema)},
                    **self.options,
                ) as answer:
                    body = await read_within_bounds(answer.iter_bytes())
            completion = _Completion.model_validate_json(body)
        except TimeoutError as error:
            reason = f"no answer from {self.model} within {self._answer_seconds:g} s"
            raise ExtractionFailed(reason=reason) from error
        except (openai.APIConnectionError, httpx2.RequestError) as error:
            # Before the answer or within it; a time-out is one, of the connecting.
            raise self._busy(str(error.__cause__ or error) or type(error).__name__) from error
        except openai.APIStatusError as error:
            if error.status_code in BUSY_STATUS | _ACCOUNT_STATUS:
                raise self._busy(error.message) from error
            reason = f"{self.host}: {self._key.hidden_in(error.message)[:300]}"
            raise ExtractionFailed(reason=reason) from error
        except (openai.OpenAIError, ValidationError) as error:
            raise ModelAnswerInvalid(model=self.model, reason="not OpenAI's protocol") from error
        return self._reply(completion, messages)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _reply(self, completion: "_Completion", messages: Sequence[Message]) -> Reply:
        choice, usage = completion.choices[0], completion.usage or _Usage()
        said = choice.message
        asked = sum(len(one.content.encode("utf-8", "replace")) for one in messages)
        return Reply(
            content=said.content or said.reasoning or said.reasoning_content or "",
            ending=_ENDINGS.get(choice.finish_reason or "", Ending.BROKEN_OFF),
            model=completion.model or self.model,
            tokens_in=plausible(usage.prompt_tokens, asked + _TEMPLATE_TOKENS),
            tokens_out=plausible(usage.completion_tokens, ANSWER_TOKENS),
        )

    def _busy(self, reason: str) -> ModelBusy:
        return ModelBusy(model=self.model, host=self.host, reason=self._key.hidden_in(reason)[:300])

    def _unavailable(self, reason: str, remedy: str) -> NoReturn:
        raise ModelUnavailable(
            host=self.host, model=self.model, reason=reason, remedy=remedy
        ) from None


def _variable(settings: Settings, model: str) -> str:
    """Return the environment variable that names a model."""
    named = {
        settings.triage_model: "OPENFUNNEL_TRIAGE_MODEL",
        settings.model_large: "OPENFUNNEL_MODEL_LARGE",
        settings.model: "OPENFUNNEL_MODEL",
    }
    return named.get(model, "OPENFUNNEL_MODEL")


def closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema in the dialect of `strict`: objects are closed, and each choice has a type.

    Grammar converters take it as well as the schema itself.
    """
    dialect = dict(schema)
    if "properties" in schema:
        inner = schema["properties"].items()
        dialect |= {
            "properties": {name: closed(value) for name, value in inner},
            "additionalProperties": False,
        }
    if "items" in schema:
        dialect["items"] = closed(schema["items"])
    if None in schema.get("enum", ()):
        # Two types beside the choices would do, too: llama.cpp then writes out all choices twice.
        choices = [choice for choice in schema["enum"] if choice is not None]
        return {"anyOf": [{"type": "string", "enum": choices}, {"type": "null"}]}
    return dialect


def _response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameter of this name; the client takes longer over it than over all the rest."""
    return {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": closed(schema), "strict": True},
    }


def _messages(messages: Sequence[Message]) -> list[ChatCompletionMessageParam]:
    said: list[ChatCompletionMessageParam] = []
    for one in messages:
        match one.role:
            case "system":
                said.append({"role": "system", "content": one.content})
            case "user":
                said.append({"role": "user", "content": one.content})
            case "assistant":
                said.append({"role": "assistant", "content": one.content})
    return said


# --- the protocol, as far as it is read ---------------------------------------------------------

_ENDINGS = {"stop": Ending.WHOLE, "length": Ending.TOO_LONG}


class _Said(BaseModel):
    content: str | None = None
    reasoning: str | None = None
    """So vLLM calls it since 2026, which called it as llama.cpp and SGLang do: the next."""
    reasoning_content: str | None = None


class _Choice(BaseModel):
    message: _Said
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: Any = None
    completion_tokens: Any = None


class _Completion(BaseModel):
    model: str | None = None
    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: _Usage | None = None


class _Listed(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Listed]
