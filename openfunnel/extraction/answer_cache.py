"""Answers that are known: what was asked once is never asked again.

An answer is kept as the model gave it, and read and verified anew for every posting: a change of
taxonomy or of verification costs no call.
"""

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from openfunnel.clock import utc_now
from openfunnel.extraction.chat import ChatModel
from openfunnel.extraction.contract import ANSWER_SCHEMA
from openfunnel.extraction.prompt import PROMPT_VERSION
from openfunnel.records import PostingText
from openfunnel.store.database import Database
from openfunnel.store.model_answers import find_answer, save_answer

MOST_ANSWERS = 10_000
"""Kept in memory; at about 3 KB each."""


@dataclass(frozen=True)
class KnownAnswer:
    """A usable answer, as the model gave it, and what it cost then."""

    content: str
    model: str
    tokens_in: int
    tokens_out: int


class AnswerCache(Protocol):
    """Keeps answers by the key of their question."""

    async def get(self, key: str) -> KnownAnswer | None:
        """Return the answer to a question, if it is known."""

    async def put(self, key: str, answer: KnownAnswer) -> None:
        """Keep an answer; of two to the same question the first stays."""


class StoredAnswers:
    """Answers in PostgreSQL, shared by all processes.

    Both methods raise DatabaseUnavailable while the server is away.
    """

    def __init__(self, database: Database, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now

    async def get(self, key: str) -> KnownAnswer | None:
        """Return the answer to a question, if it is known."""
        return await asyncio.to_thread(self._get, key)

    async def put(self, key: str, answer: KnownAnswer) -> None:
        """Keep an answer; of two to the same question the first stays."""
        await asyncio.to_thread(self._put, key, answer)

    def _get(self, key: str) -> KnownAnswer | None:
        with self._database.autocommit() as session:
            found = find_answer(session, key)
        if found is None:
            return None
        return KnownAnswer(found.content, found.model, found.tokens_in, found.tokens_out)

    def _put(self, key: str, answer: KnownAnswer) -> None:
        with self._database.autocommit() as session:
            save_answer(
                session,
                key,
                answer.content,
                answer.model,
                answer.tokens_in,
                answer.tokens_out,
                self._now(),
            )


class AnswersInMemory:
    """Answers of this process alone, the most recently used ones."""

    def __init__(self, most: int = MOST_ANSWERS) -> None:
        self._most = most
        self._answers: OrderedDict[str, KnownAnswer] = OrderedDict()

    async def get(self, key: str) -> KnownAnswer | None:
        """Return the answer to a question, if it is known."""
        if key in self._answers:
            self._answers.move_to_end(key)
        return self._answers.get(key)

    async def put(self, key: str, answer: KnownAnswer) -> None:
        """Keep an answer; of two to the same question the first stays."""
        self._answers.setdefault(key, answer)
        while len(self._answers) > self._most:
            self._answers.popitem(last=False)


def answer_key(posting: PostingText, model: ChatModel, prompt_tokens: int) -> str:
    """Return the key of the question for a posting's facts.

    It covers what the posting says, the prompt, the schema, the model and its options, and how much
    of a text is shown. It leaves out the ATS's fields, which no model sees: one text in five
    locations is one question. It leaves out the board, whose boilerplate is not shown: what else is
    on a board that day does not change what a text says.
    """
    said = [posting.title, posting.company_name, posting.text]
    return question_key(model, [*said, PROMPT_VERSION, prompt_tokens, ANSWER_SCHEMA])


def question_key(model: ChatModel, question: list[Any]) -> str:
    """Return the key of any question to a model: SHA-256, in hex, of its JSON."""
    asked = [*question, model.name, model.model, dict(model.options)]
    written = json.dumps(asked, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()
