"""Talking to a language model: what every server behind OpenFunnel is reduced to."""

from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, Protocol

ANSWER_TOKENS = 3_072
"""What an answer may take; real ones take 850 on average."""
SEED = 20
CONNECT_SECONDS = 5.0
BUSY_STATUS = frozenset({404, 408, 429, 502, 503, 504})
"""404: the model was there at the start, so somebody is replacing it."""


@dataclass(frozen=True)
class Message:
    """One message of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


class Ending(StrEnum):
    """How an answer ended."""

    WHOLE = "whole"
    """The model was done."""
    TOO_LONG = "too_long"
    """Cut off: the answer's tokens, or the context, were used up."""
    BROKEN_OFF = "broken_off"
    """The server gave up on it, as Ollama does with a model that repeats itself."""


@dataclass(frozen=True)
class Reply:
    """What a model answered, and what it cost."""

    content: str
    ending: Ending
    model: str
    """As the server names it."""
    tokens_in: int | None
    """Of the prompt; None where the server does not say, or says what cannot be."""
    tokens_out: int | None


MOST_BYTES = 4 * 1024 * 1024
"""What is read of what a server sends; the longest answer there is takes a fraction of it."""


async def read_within_bounds(parts: AsyncIterable[bytes]) -> bytes:
    """Return a body as far as one is read: of a longer one, what nobody can take for a whole."""
    read = bytearray()
    async for part in parts:
        read += part
        if len(read) > MOST_BYTES:
            break
    return bytes(read[:MOST_BYTES])


class ChatModel(Protocol):
    """One model of one server; asked by many at once, and no faster for it."""

    name: str
    """Kind of server: `ollama` or `openai`."""
    model: str
    host: str
    """For people; without any login."""
    options: Mapping[str, Any]
    """All that shapes an answer beside the messages: temperature, seed, context and so on."""

    async def chat(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> Reply:
        """Ask, and wait for the whole answer, which is to follow `schema` (nobody vouches for it).

        Raises:
            ModelBusy: the server is away, busy, or misses the model; nothing was asked.
            ExtractionFailed: it refused the request, or took it and did not answer in time.
            ModelAnswerInvalid: what it sent is not of its protocol.
        """

    async def check(self) -> None:
        """Raise ModelUnavailable unless the server answers and has the model."""

    async def close(self) -> None:
        """Close the connections."""


def plausible(count: object, most: int) -> int | None:
    """Return a server's count of tokens; None where it is none, or cannot be one."""
    return count if isinstance(count, int) and 0 < count <= most else None
