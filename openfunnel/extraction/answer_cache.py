"""Answers that are known: what was asked once is never asked again.

An answer is kept as the model gave it, and read and verified anew for every posting: a change of
taxonomy or of verification costs no call.
"""

import asyncio
import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from openfunnel.batches import Batches
from openfunnel.clock import utc_now
from openfunnel.errors import DatabaseUnavailable
from openfunnel.extraction.chat import ChatModel
from openfunnel.extraction.contract import ANSWER_SCHEMA
from openfunnel.extraction.prompt import PROMPT_VERSION
from openfunnel.records import PostingText
from openfunnel.store.database import Database
from openfunnel.store.model_answers import KnownAnswer, find_answers, save_answers

MOST_ANSWERS = 10_000
"""Kept in memory; at about 3 KB each."""
FIND_LINGER_SECONDS = 0.2
"""For questions to be looked up together: they are prepared one after the other."""
SAVE_LINGER_SECONDS = 0.8
"""For answers to be stored together; a model takes seconds for one."""

log = logging.getLogger(__name__)


class AnswerCache(Protocol):
    """Keeps answers by the key of their question."""

    async def get(self, key: str) -> KnownAnswer | None:
        """Return the answer to a question, if it is known."""

    async def put(self, key: str, answer: KnownAnswer) -> None:
        """Keep an answer; of two to the same question the later one stays."""

    async def close(self) -> None:
        """Wait until all answers are kept, those nobody waits for any more, too."""


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
        """Keep an answer; of two to the same question the later one stays."""
        self._answers[key] = answer
        self._answers.move_to_end(key)
        while len(self._answers) > self._most:
            self._answers.popitem(last=False)

    async def close(self) -> None:
        """Nothing is under way."""


class StoredAnswers:
    """Answers in PostgreSQL, shared by all processes.

    Questions that come together are looked up together, and answers stored together.
    """

    def __init__(self, database: Database, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now
        self._find = Batches(self._find_all, FIND_LINGER_SECONDS, shared=(DatabaseUnavailable,))
        self._save = Batches(self._save_all, SAVE_LINGER_SECONDS, shared=(DatabaseUnavailable,))
        self._kept = AnswersInMemory()
        """What came while the server was away."""
        self._saving: set[asyncio.Task[None]] = set()

    async def get(self, key: str) -> KnownAnswer | None:
        """Return the answer to a question, if it is known.

        Raises:
            DatabaseUnavailable: the server is away, and the answer is not at hand.
        """
        return await self._kept.get(key) or await self._find(key)

    async def put(self, key: str, answer: KnownAnswer) -> None:
        """Keep an answer; of two to the same question the later one stays.

        It is paid for, and so it is kept though whoever asked be gone. While the server is away
        this process remembers it: its model is not asked again.
        """
        saving = asyncio.create_task(self._keep(key, answer))
        self._saving.add(saving)
        saving.add_done_callback(self._note)
        await asyncio.shield(saving)

    async def close(self) -> None:
        """Wait until all answers are kept, those nobody waits for any more, too."""
        await asyncio.gather(*self._saving, return_exceptions=True)

    def _note(self, saving: asyncio.Task[None]) -> None:
        self._saving.discard(saving)
        if not saving.cancelled() and (error := saving.exception()):
            log.warning("A model's answer is not kept: %s", error)

    async def _keep(self, key: str, answer: KnownAnswer) -> None:
        try:
            await self._save((key, answer))
        except DatabaseUnavailable as error:
            log.info("A model's answer is kept in memory: %s", error)
            await self._kept.put(key, answer)

    async def _find_all(self, keys: Sequence[str]) -> list[KnownAnswer | None]:
        def find() -> dict[str, KnownAnswer]:
            with self._database.autocommit() as session:
                return find_answers(session, keys, self._now())

        found = await asyncio.to_thread(find)
        return [found.get(key) for key in keys]

    async def _save_all(self, answers: Sequence[tuple[str, KnownAnswer]]) -> list[None]:
        def save() -> None:
            with self._database.autocommit() as session:
                save_answers(session, dict(answers), self._now())

        await asyncio.to_thread(save)
        return [None] * len(answers)


def answer_keys(model: ChatModel, prompt_tokens: int) -> Callable[[PostingText], str]:
    """Return a function that gives the key of the question for a posting's facts.

    It covers what the posting says, the prompt, the schema, the model and its options, and how much
    of a text is shown. It leaves out the ATS's fields, which no model sees: one text in five
    locations is one question. It leaves out the board, whose boilerplate is not shown: what else is
    on a board that day does not change what a text says.
    """
    always = _written([PROMPT_VERSION, prompt_tokens, ANSWER_SCHEMA, *_asked(model)])

    def answer_key(posting: PostingText) -> str:
        said = _written([posting.title, posting.company_name, posting.text])
        return _hashed(f"{said[:-1]}, {always[1:]}")

    return answer_key


def question_key(model: ChatModel, question: list[Any]) -> str:
    """Return the key of any question to a model: SHA-256, in hex, of its JSON."""
    return _hashed(_written([*question, *_asked(model)]))


def _asked(model: ChatModel) -> list[Any]:
    return [model.name, model.model, dict(model.options)]


def _written(question: list[Any]) -> str:
    return json.dumps(question, sort_keys=True, ensure_ascii=False)


def _hashed(written: str) -> str:
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()
