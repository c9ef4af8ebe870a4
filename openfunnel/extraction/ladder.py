"""The extractor that asks models: rules first, then the small model, the large one, the rules.

A posting is prepared in one thread (rules, triage, digest, prompt), its question is answered by the
cache or the first model, and the answer is concluded in that thread (read, verified, given a
confidence). A model is asked at most twice: once more with what was wrong with its answer, or anew
where the request itself failed; of a flawed second answer the sound part is taken. The next model
is asked where that gave nothing, or an answer of low confidence. If no model gives anything that
can be trusted, the rules' result is taken with the failure on record, or, where rules are not to
step in, the posting is a dead letter.

A model that is away is waited for (`ModelBusy`) while there is no usable answer. For a better one
than the rules' no posting waits, because nobody knows how long; but none is given up on before it.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Literal, TypeVar

from openfunnel.errors import ExtractionFailed, ModelAnswerInvalid, ModelBusy
from openfunnel.extraction import rules
from openfunnel.extraction.answer_cache import AnswerCache, answer_keys
from openfunnel.extraction.boilerplate import NONE, Boilerplate, BoilerplateBook
from openfunnel.extraction.calls import Calls
from openfunnel.extraction.chat import ChatModel
from openfunnel.extraction.digest import digest
from openfunnel.extraction.inquiry import Inquiry, Question, Told
from openfunnel.extraction.prompt import PROMPT_VERSION, ask
from openfunnel.extraction.triage import Triage
from openfunnel.extraction.usage import Meter
from openfunnel.normalize.text import one_line
from openfunnel.records import ExtractionResult, PostingText

FAILURE_CHARACTERS = 500
"""What is recorded of a failure."""
MOST_WARNINGS = 20
"""Of a process, on requests that fail: some servers say it in new words each time."""

_NUMBER = re.compile(r"\d+")

T = TypeVar("T")

log = logging.getLogger(__name__)


class ModelExtractor:
    """Extracts with the help of models, the cheapest first; never takes their word for anything."""

    def __init__(
        self,
        tiers: Sequence[ChatModel],
        cache: AnswerCache,
        book: BoilerplateBook | None,
        triage: Triage,
        meter: Meter,
        *,
        slots: int,
        min_confidence: float,
        on_failure: Literal["rules", "dead"],
        prompt_tokens: int,
    ) -> None:
        """Ask `tiers` in turn, each at most `slots` questions at a time, `prompt_tokens` a posting.

        Without a `book` nothing is taken for boilerplate.
        """
        self.name = tiers[0].name
        self.model: str | None = tiers[0].model
        self._tiers = tuple(tiers)
        self._cache = cache
        self._book = book
        self._triage = triage
        self._calls = Calls(meter, slots)
        self._inquiry = Inquiry(self._calls, cache, self._run)
        self._min_confidence = min_confidence
        self._on_failure = on_failure
        self._prompt_tokens = prompt_tokens
        self._keys = [answer_keys(tier, prompt_tokens) for tier in self._tiers]
        self._warned_of: set[str] = set()
        # The rules are pure Python: a second thread would not make them faster.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="extraction")

    async def check(self) -> None:
        """Raise ModelUnavailable unless every model can be asked."""
        for model in self._models():
            await model.check()

    async def close(self) -> None:
        """Close the connections, and let the thread end; answers that were read are kept."""
        await self._cache.close()
        self._thread.shutdown(wait=False, cancel_futures=True)
        for model in self._models():
            await model.close()

    async def extract(self, posting: PostingText) -> ExtractionResult:
        """Return the fields of a posting, from a model where one can be believed.

        Raises:
            ModelBusy: a model is away or busy, and none has given a usable answer, or rules are not
                to step in.
            ModelAnswerInvalid: none of them gives one that can be trusted, and rules are not to
                step in. Asked again, they would say the same.
            ExtractionFailed: likewise, but a request failed, and may not the next time.
        """
        started = time.perf_counter()
        boilerplate = await self._book.of(posting.origin) if self._book else NONE
        question = await self._run(self._prepare, posting, boilerplate)
        refused = question.refused or await self._triage.refuse_by_model(
            posting, question.stated, self._calls, self._cache
        )
        if refused:
            return _by_rules(question, started, triage=refused)
        told = await self._climb(question)
        if self._trusts(told[-1]):
            return self._result(question, told[-1], told, started)
        failure = "; ".join(f"{one.model}: {_problem(one)}" for one in told)
        failure = one_line(failure)[:FAILURE_CHARACTERS]
        if self._on_failure == "rules":
            self._warn(told, failure)
            return _by_rules(question, started, failure=failure, told=told)
        if any(one.may_pass for one in told):
            raise ExtractionFailed(reason=failure)
        raise ModelAnswerInvalid(model=self.model, reason=failure)

    async def _climb(self, question: Question) -> list[Told]:
        """Ask one tier after the other, until an answer can be trusted."""
        told: list[Told] = []
        for tier, key in zip(self._tiers, question.keys, strict=True):
            try:
                said = await self._inquiry.once(tier, key, question)
            except ModelBusy as busy:
                if self._on_failure == "dead" or not any(one.concluded for one in told):
                    for asked, one in zip(question.keys, told, strict=False):
                        self._inquiry.note_unusable(asked, one)
                    raise
                log.info("the rules step in for an answer of low confidence: %s", busy)
                break
            told.append(said)
            if self._trusts(said):
                break
        return told

    def _trusts(self, told: Told) -> bool:
        return told.concluded is not None and told.concluded.confidence >= self._min_confidence

    def _warn(self, told: Sequence[Told], failure: str) -> None:
        """Say once why requests fail: a server that refuses one mostly refuses them all."""
        failed = {
            _NUMBER.sub("0", f"{one.model}: {one.problem}")
            for one in told
            if one.may_pass and one.concluded is None
        }
        if not failed <= self._warned_of and len(self._warned_of) < MOST_WARNINGS:
            log.warning("The rules step in, because a request failed: %s", failure)
            self._warned_of |= failed

    def _prepare(self, posting: PostingText, boilerplate: Boilerplate) -> Question:
        lines = rules.lines_of(posting)
        stated = rules.extract(posting, lines)
        if refused := self._triage.refuse(posting, stated):
            return Question(posting, stated, refused)
        estimate = self._calls.estimate(self._tiers[0])
        shown = digest(posting, lines, stated, boilerplate, estimate, self._prompt_tokens)
        return Question(
            posting,
            stated,
            messages=ask(posting, shown.text),
            left_out=shown.left_out,
            keys=tuple(key_of(posting) for key_of in self._keys),
        )

    def _result(
        self, question: Question, trusted: Told, told: Sequence[Told], started: float
    ) -> ExtractionResult:
        assert trusted.concluded is not None
        verified = trusted.concluded.verified
        return ExtractionResult(
            extraction=verified.extraction,
            extractor=self.name,
            model=trusted.model,
            prompt_version=PROMPT_VERSION,
            cached=trusted.cached,
            confidence=trusted.concluded.confidence,
            refused=dict(trusted.concluded.salvaged + verified.refused),
            left_out=question.left_out,
            **_spent(told, started),
        )

    def _models(self) -> Sequence[ChatModel]:
        return (*self._tiers, *([self._triage.model] if self._triage.model else []))

    async def _run(self, work: Callable[..., T], *arguments: object, **named: object) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(work, *arguments, **named))


def _by_rules(
    question: Question,
    started: float,
    *,
    triage: str | None = None,
    failure: str | None = None,
    told: Sequence[Told] = (),
) -> ExtractionResult:
    return ExtractionResult(
        extraction=question.stated,
        extractor="rules",
        prompt_version=rules.RULES_VERSION,
        triage=triage,
        failure=failure,
        **_spent(told, started),
    )


def _spent(told: Sequence[Told], started: float) -> dict[str, int]:
    """Return what asking took, in tokens of calls made for this posting, and milliseconds."""
    return {
        "tokens_in": sum(one.tokens_in for one in told),
        "tokens_out": sum(one.tokens_out for one in told),
        "duration_ms": round((time.perf_counter() - started) * 1000),
    }


def _problem(told: Told) -> str:
    return f"confidence {told.concluded.confidence:.2f}" if told.concluded else told.problem
