"""A model behind Ollama, whose decoding the schema constrains.

Ollama cuts a prompt that exceeds the context silently, ends an answer that runs too long with
`done_reason: length`, and cuts off a model that repeats itself with `done: false`: none of the
three passes for a whole answer. A request that Ollama takes and never answers counts against its
posting, which would else be tried for ever and keep others waiting.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from pydantic import BaseModel, ValidationError

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
from openfunnel.extraction.prompt import PROMPT_TOKENS_MOST
from openfunnel.settings import Settings

CONTEXT_TOKENS = -(-(PROMPT_TOKENS_MOST + ANSWER_TOKENS) // 1_024) * 1_024
"""Of prompt and answer: the longest there are fit. Constant, because a change reloads the model."""

KEEP_ALIVE = "30m"
"""How long the model stays loaded without a request: a crawl's pauses are shorter."""

IDLE_SECONDS = 4.0
"""How long a connection is kept for the next request: servers close theirs after five or more."""
PORT = 11_434


class OllamaModel(ChatModel):
    """One model of one Ollama, asked over one pool of connections.

    Over plain HTTP, of which two requests are needed: Ollama's own client takes 1.4 ms of processor
    time for a call, most of it in httpx, where aiohttp takes 0.3.
    """

    name = "ollama"

    def __init__(self, settings: Settings, model: str) -> None:
        """Nothing is asked yet.

        Raises:
            InvalidSetting: OLLAMA_HOST is no address, or no header takes OLLAMA_API_KEY.
        """
        self.model = model
        self.options: Mapping[str, Any] = {
            "temperature": 0,
            "seed": SEED,
            "num_ctx": CONTEXT_TOKENS,
            "num_predict": ANSWER_TOKENS,
        }
        self._answer_seconds = settings.answer_seconds
        self.host = redact_url(settings.ollama_host)
        self._url = address(settings.ollama_host)
        self._key = Key(settings.ollama_key, "OLLAMA_API_KEY")
        self._written: tuple[Mapping[str, Any], str] | None = None

    async def check(self) -> None:
        """Raise ModelUnavailable unless Ollama answers and has the model."""
        try:
            async with asyncio.timeout(2 * CONNECT_SECONDS):
                status, body = await self._request("GET", "/api/tags")
            listed = _Models.model_validate_json(body).models if status < _ERRORS else None
        except (aiohttp.ClientError, ValidationError, TimeoutError):
            listed = None
        if listed is None:
            self._unavailable(
                "no Ollama",
                f"Start it with `ollama serve` and run `ollama pull {self.model}`, or correct "
                "OLLAMA_HOST",
            )
        named = self.model if ":" in self.model else f"{self.model}:latest"
        if named not in {one.model for one in listed}:
            self._unavailable(f"{self.model} is not pulled", f"Run `ollama pull {self.model}`")

    async def chat(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Reply:
        """Ask, and wait for the whole answer.

        Raises:
            ModelBusy: Ollama is away, busy, or misses the model.
            ExtractionFailed: it refused the request, or took it and did not answer in time.
            ModelAnswerInvalid: what it sent is not of its protocol.
        """
        said = json.dumps([{"role": one.role, "content": one.content} for one in messages])
        body = f'{self._always(schema)[:-1]}, "messages": {said}}}'.encode()
        try:
            async with asyncio.timeout(self._answer_seconds):
                status, answer = await self._request("POST", "/api/chat", body)
        except aiohttp.ClientError as error:  # some of these are time-outs, of the connecting
            raise self._busy(str(error) or type(error).__name__) from error
        except TimeoutError as error:
            reason = f"no answer from {self.model} within {self._answer_seconds:g} s"
            raise ExtractionFailed(reason=reason) from error
        if status in BUSY_STATUS:
            raise self._busy(_error_in(answer))
        if status >= _ERRORS:
            said = self._key.hidden_in(_error_in(answer))[:300]
            raise ExtractionFailed(reason=f"Ollama: {said} (status {status})")
        try:
            told = _Answer.model_validate_json(answer)
        except ValidationError as error:
            raise ModelAnswerInvalid(model=self.model, reason="not Ollama's protocol") from error
        return _reply(told, self.model)

    async def close(self) -> None:
        """Close the connections."""
        if "_session" in vars(self):
            await self._session.close()

    def _always(self, schema: Mapping[str, Any]) -> str:
        """Return a request without its messages; of the schema asked for last it is remembered."""
        if self._written is None or self._written[0] is not schema:
            asked = {
                "model": self.model,
                "format": schema,
                "options": self.options,
                "think": False,  # models that cannot think do not mind
                "keep_alive": KEEP_ALIVE,
                "stream": False,
            }
            self._written = schema, json.dumps(asked)
        return self._written[1]

    async def _request(
        self, method: str, path: str, body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Return the status and the body of an answer, as far as one is read."""
        async with self._session.request(method, self._url + path, data=body) as response:
            read = await read_within_bounds(response.content.iter_any())
            if not response.content.at_eof():
                response.close()
            return response.status, read

    @cached_property
    def _session(self) -> aiohttp.ClientSession:
        """Opened by the loop that uses it."""
        headers = {"Content-Type": "application/json"}
        if self._key.sent:
            headers["Authorization"] = f"Bearer {self._key.sent}"
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            proxy=_proxy(self._url),
        )

    def _busy(self, reason: str) -> ModelBusy:
        said = self._key.hidden_in(reason)[:300]
        return ModelBusy(model=self.model, host=self.host, reason=said)

    def _unavailable(self, reason: str, remedy: str) -> NoReturn:
        raise ModelUnavailable(
            host=self.host, model=self.model, reason=reason, remedy=remedy
        ) from None


def address(host: str) -> str:
    """Return the URL that Ollama's own client makes of OLLAMA_HOST: `example.com` -> port 11434.

    Raises:
        InvalidSetting: it is no address.
    """
    scheme, _, rest = host.partition("://")
    if not rest:
        scheme, rest = "http", host
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        name, port = parts.hostname or "127.0.0.1", parts.port
    except ValueError as error:
        raise InvalidSetting(name="OLLAMA_HOST", problem=str(error)) from None
    if scheme not in _PORTS or not re.fullmatch(r"[\w.:%-]+", name):
        raise InvalidSetting(name="OLLAMA_HOST", problem="it is no http or https address")
    port = port or (PORT if rest is host else _PORTS[scheme])
    name = f"[{name}]" if ":" in name else name
    return f"{scheme}://{name}:{port}/{parts.path.strip('/')}".rstrip("/")


def _proxy(url: str) -> str | None:
    """Return the HTTP proxy that the environment names for a URL; that is slow to find out."""
    parts = urlsplit(url)
    named = {} if proxy_bypass(parts.hostname or "") else getproxies()
    proxy = named.get(parts.scheme) or named.get("all") or ""
    return proxy if proxy.startswith("http") else None


def _reply(answer: "_Answer", asked: str) -> Reply:
    return Reply(
        content=answer.message.content or answer.message.thinking or "",
        ending=_ending(answer),
        model=answer.model or asked,
        tokens_in=plausible(answer.prompt_eval_count, CONTEXT_TOKENS),
        tokens_out=plausible(answer.eval_count, CONTEXT_TOKENS),
    )


def _ending(answer: "_Answer") -> Ending:
    if answer.done is not True:
        return Ending.BROKEN_OFF
    prompt = plausible(answer.prompt_eval_count, CONTEXT_TOKENS) or 0
    said = plausible(answer.eval_count, CONTEXT_TOKENS) or 0
    if answer.done_reason == "length" or prompt + said >= CONTEXT_TOKENS:
        return Ending.TOO_LONG
    return Ending.WHOLE


# --- the protocol, as far as it is read ---------------------------------------------------------

_ERRORS = 400
"""Statuses from here on say that something went wrong."""
_ERROR_BYTES = 1_000
"""What is read of an error that is no object."""
_PORTS = {"http": 80, "https": 443}


class _Said(BaseModel):
    content: str | None = None
    thinking: str | None = None


class _Answer(BaseModel):
    message: _Said
    model: str | None = None
    done: Any = None
    done_reason: Any = None
    prompt_eval_count: Any = None
    eval_count: Any = None


class _Listed(BaseModel):
    model: str | None = None


class _Models(BaseModel):
    models: list[_Listed]


class _Error(BaseModel):
    error: str


def _error_in(body: bytes) -> str:
    """Return what an answer says went wrong."""
    try:
        return _Error.model_validate_json(body).error
    except ValidationError:
        return body[:_ERROR_BYTES].decode("utf-8", "replace")
