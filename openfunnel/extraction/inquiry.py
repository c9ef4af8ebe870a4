"""Asking one model about one posting: known answers first, then the model, twice at most."""

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from openfunnel.errors import ExtractionFailed, ModelBusy
from openfunnel.extraction.answer import (
    InvalidAnswer,
    ModelAnswer,
    describe,
    read_answer,
    salvage_answer,
)
from openfunnel.extraction.answer_cache import AnswerCache
from openfunnel.extraction.calls import Calls, Flights
from openfunnel.extraction.chat import ChatModel, Ending, Message, Reply
from openfunnel.extraction.confidence import confidence
from openfunnel.extraction.contract import ANSWER_SCHEMA
from openfunnel.extraction.prompt import ask_again
from openfunnel.extraction.verification import Verified, verify
from openfunnel.records import Extraction, LeftOut, PostingText
from openfunnel.store.model_answers import KnownAnswer

REQUESTS = 2
"""To one model about one posting."""
MOST_UNUSABLE = 10_000
"""Questions of which it is remembered that a model gave nothing usable; at about 1 KB each."""

_ENDINGS = {
    Ending.TOO_LONG: "it was cut off because it was too long; name fewer, shorter evidences",
    Ending.BROKEN_OFF: "its server broke it off: it repeated itself, or a filter stopped it",
}

log = logging.getLogger(__name__)

Run = Callable[..., Coroutine[Any, Any, Any]]
"""Runs a function off the event loop: `await run(function, *arguments, **named)`."""


@dataclass(frozen=True)
class Question:
    """A posting, ready to be asked about."""

    posting: PostingText
    stated: Extraction
    """By the rules."""
    refused: str | None = None
    """Why no model is asked."""
    messages: Sequence[Message] = ()
    left_out: tuple[LeftOut, ...] = ()
    keys: tuple[str, ...] = ()
    """In the cache, a tier each."""


@dataclass(frozen=True)
class Concluded:
    """A usable answer, and what is left of it beside one posting."""

    answer: ModelAnswer
    salvaged: Counter[str]
    """Values left out to make it readable, by reason."""
    verified: Verified
    confidence: float


@dataclass(frozen=True)
class Told:
    """What asking one model led to."""

    model: str
    concluded: Concluded | None = None
    """None where nothing usable was said."""
    problem: str = ""
    may_pass: bool = False
    """Whether another time may bring an answer: the last request failed, instead of its answer."""
    tokens_in: int = 0
    tokens_out: int = 0
    cached: bool = False


class Inquiry:
    """Asks models, through the cache, and each question once however many ask it together."""

    def __init__(self, calls: Calls, cache: AnswerCache, run: Run) -> None:
        self._calls = calls
        self._cache = cache
        self._run = run
        self._flights: Flights[Told] = Flights()
        self._unusable: OrderedDict[str, Told] = OrderedDict()

    def note_unusable(self, key: str, told: Told) -> None:
        """Remember that nothing usable was said, for when the posting comes back.

        It does as long as the next model is away, and the same question would get the same answer.
        What may pass is not remembered.
        """
        if told.concluded is None and not told.may_pass:
            self._unusable[key] = told
            self._unusable.move_to_end(key)
            if len(self._unusable) > MOST_UNUSABLE:
                self._unusable.popitem(last=False)

    async def once(self, tier: ChatModel, key: str, question: Question) -> Told:
        """Ask a tier, together with whoever asks it the same at this time."""
        if (unusable := self._unusable.get(key)) is not None:
            self._unusable[key] = replace(unusable, tokens_in=0, tokens_out=0)  # paid for once
            return unusable
        told, began = await self._flights.join(key, partial(self._tell, tier, key, question))
        if began:
            return told
        if told.concluded is None:
            return replace(told, tokens_in=0, tokens_out=0)  # another posting's costs
        self._calls.note_known(told.model, question.posting)
        concluded = await self._run(
            _conclude, told.concluded.answer, told.concluded.salvaged, question
        )
        return Told(told.model, concluded, cached=True)

    async def _tell(self, tier: ChatModel, key: str, question: Question) -> Told:
        """Return what a tier says: from the cache, else from the model itself."""
        known = await self._cache.get(key)
        if known is not None:
            concluded, _, _ = await self._run(_read, [known], question, salvage=True)
            if concluded is not None:  # else today's bounds are narrower than they were
                self._calls.note_known(known.model, question.posting)
                return Told(known.model, concluded, cached=True)
        told, content = await self._ask(tier, question)
        if content is not None:
            await self._cache.put(key, KnownAnswer(content, told.model))
        return told

    async def _ask(self, tier: ChatModel, question: Question) -> tuple[Told, str | None]:
        """Ask a model, twice if need be; return the usable answer beside it as it was given."""
        messages, problem, may_pass = question.messages, "", False
        replies: list[Reply] = []
        concluded, content = None, None
        for _ in range(REQUESTS):
            try:
                reply = await self._calls.ask(tier, question.posting, messages, ANSWER_SCHEMA)
            except ModelBusy as busy:
                # What is paid for is not thrown away: the sound part of the first answer may do.
                concluded, content = await self._salvage(replies, question)
                if concluded is None:
                    raise
                log.info("the sound part of an answer stays: %s", busy)
                break
            except ExtractionFailed as error:
                problem, may_pass = str(error.reason), True
                continue
            replies.append(reply)
            problem, may_pass = _ENDINGS.get(reply.ending, ""), False
            if not problem:
                concluded, content, problem = await self._run(_read, [reply], question)
            if concluded is not None:
                break
            log.info("%s answered something unusable: %s", reply.model, problem)
            messages = ask_again(question.messages, reply.content, problem)
        else:
            concluded, content = await self._salvage(replies, question)
        told = Told(
            model=replies[-1].model if replies else tier.model,
            concluded=concluded,
            problem="" if concluded else problem,
            may_pass=may_pass,
            tokens_in=sum(one.tokens_in or 0 for one in replies),
            tokens_out=sum(one.tokens_out or 0 for one in replies),
        )
        return told, content

    async def _salvage(
        self, replies: Sequence[Reply], question: Question
    ) -> tuple[Concluded | None, str | None]:
        """Return what is sound of the last whole answer that can be salvaged, and that answer."""
        # The second of two flawed answers comes first: it knew what was wrong with the other.
        whole = [one for one in reversed(replies) if one.ending is Ending.WHOLE]
        concluded, content, _ = await self._run(_read, whole, question, salvage=True)
        return concluded, content


def _read(
    given: Sequence[Reply | KnownAnswer], question: Question, *, salvage: bool = False
) -> tuple[Concluded | None, str | None, str]:
    """Return the first usable answer, and it as it was given; else what is wrong with the last."""
    problem = ""
    for one in given:
        try:
            if salvage:
                read = salvage_answer(one.content)
            else:
                read = read_answer(one.content), Counter[str]()
        except InvalidAnswer as error:
            problem = describe(error)
        else:
            return _conclude(*read, question), one.content, ""
    return None, None, problem


def _conclude(answer: ModelAnswer, salvaged: Counter[str], question: Question) -> Concluded:
    verified = verify(answer, question.posting, question.stated)
    trust = confidence(answer, verified, question.stated, salvaged.total())
    return Concluded(answer, salvaged, verified, trust)
