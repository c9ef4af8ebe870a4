"""Extracts stored postings again, from their stored text, and counts what comes out differently.

Postings are taken in the order of their ids, several at a time, and stored in that order: each
batch in one transaction with the replay's own progress. So a replay that ends early, for whatever
reason, goes on behind the last posting that it has both stored and counted.

What a model made is replaced by the rules' work only where the rules were asked for: not where
triage keeps a posting from the model now, nor where the model is away or its answer unusable.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from openfunnel.clock import utc_now
from openfunnel.errors import ExtractionFailed
from openfunnel.extraction import rules
from openfunnel.extraction.contract import Extractor
from openfunnel.extraction.difference import differences
from openfunnel.extraction.outages import AWAY, Outage, pause_for
from openfunnel.extraction.prompt import PROMPT_VERSION
from openfunnel.extraction.replay_report import ReplayReport, Tally
from openfunnel.extraction.usage import Account, Meter
from openfunnel.records import ExtractionResult, ModelUse, PostingText
from openfunnel.store import queries, replays
from openfunnel.store.database import Database
from openfunnel.store.extraction_writes import FinishedExtraction, save_extractions
from openfunnel.store.former_extractions import FormerExtraction, former_extractions
from openfunnel.store.replays import ReplayFilter, ReplayRow
from openfunnel.store.usage import UsageRow, add_usage

RULES = "rules"
PAGE = 100
"""Postings read at a time."""
BATCH = 16
"""Postings stored at a time."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What is to be extracted again, and what becomes of it."""

    filters: ReplayFilter = field(default_factory=ReplayFilter)
    limit: int | None = None
    """At most so many postings."""
    rules_replace_models: bool = False
    """Whether the rules' work may take the place of a model's."""
    dry_run: bool = False
    """Store neither results nor progress; what models were asked is stored all the same."""


@dataclass(frozen=True)
class _Subject:
    """A posting and what is stored about it."""

    id: int
    posting: PostingText
    text_checksum: str
    former: FormerExtraction | None


@dataclass(frozen=True)
class _Outcome:
    """The new extraction of a posting, or why there is none."""

    subject: _Subject
    result: ExtractionResult | str


class Replay:
    """One replay, to be begun and then run, once each."""

    def __init__(
        self,
        database: Database,
        extractor: Extractor,
        meter: Meter,
        plan: Plan,
        *,
        slots: int,
        clock: Callable[[], datetime] = utc_now,
        pause_seconds: float = 1.0,
    ) -> None:
        """`slots`: how many postings the extractor works on at a time; `meter` is its own.

        `pause_seconds` is the first pause when the model is away.
        """
        self._database = database
        self._extractor = extractor
        self._meter = meter
        self._plan = plan
        self._most_in_hand = 2 * (BATCH + slots)
        self._clock = clock
        self._outage = Outage(pause_seconds)
        self._row: ReplayRow | None = None
        self._tally = Tally()

    @property
    def report(self) -> ReplayReport:
        """What is done, before an interruption, too."""
        return self._tally.report()

    async def begin(self, anew: bool = False) -> ReplayRow | None:
        """Find what the same replay left undone, unless this one is to begin `anew`.

        Returns the replay that goes on; None where one begins.
        """
        if self._plan.dry_run:
            return None
        self._row = await asyncio.to_thread(self._begin, anew)
        if not self._row.after_id:
            return None
        self._tally = Tally(ReplayReport.model_validate(self._row.changes))
        return self._row

    async def run(self, stop: asyncio.Event, show: Callable[[ReplayReport], None]) -> bool:
        """Replay until all is done or `stop` is set; `show` is called with each new report.

        Returns whether all is done. What was extracted and could not be stored in its turn before
        the stop is dropped: models are not asked again for what they have answered.

        Raises:
            DatabaseUnavailable: PostgreSQL went away; nothing that was reported is lost.
        """
        in_hand: deque[asyncio.Task[_Outcome]] = deque()
        subjects = self._subjects()
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                await self._fill(in_hand, subjects, stop)
                if not in_hand:
                    await asyncio.to_thread(self._finish)
                    return True
                batch = asyncio.gather(*islice(in_hand, BATCH), return_exceptions=True)
                awaited: set[asyncio.Future[Any]] = {stopped, batch}
                await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
                await self._conclude(in_hand)
                show(self.report)
            return False
        finally:
            for task in (stopped, *in_hand):
                task.cancel()
            await asyncio.gather(stopped, *in_hand, return_exceptions=True)
            await subjects.aclose()
            await self._conclude(deque())  # what models were asked for what is dropped now

    # --- taking ---------------------------------------------------------------------------------

    async def _fill(
        self,
        in_hand: deque[asyncio.Task[_Outcome]],
        subjects: AsyncIterator[_Subject],
        stop: asyncio.Event,
    ) -> None:
        """More than the slots are held, so that none waits for its turn to be stored."""
        while len(in_hand) < self._most_in_hand:
            subject = await anext(subjects, None)
            if subject is None:
                return
            in_hand.append(asyncio.create_task(self._extract(subject, stop)))

    async def _subjects(self) -> AsyncGenerator[_Subject, None]:
        """Yield the postings that are left, read a page at a time."""
        after_id = self._row.after_id if self._row else 0
        limit = self._plan.limit
        left = None if limit is None else limit - self.report.postings
        while left is None or left > 0:
            wanted = PAGE if left is None else min(PAGE, left)
            ids, page = await asyncio.to_thread(self._read, after_id, wanted)
            if not ids:
                return
            for subject in page:
                yield subject
            after_id = ids[-1]
            left = None if left is None else left - len(page)

    def _read(self, after_id: int, limit: int) -> tuple[list[int], list[_Subject]]:
        with self._database.begin() as session:
            ids = replays.postings_to_replay(session, self._plan.filters, after_id, limit)
            found = queries.postings_for_extraction(session, ids)
            former = former_extractions(session, ids)
        page = [
            _Subject(one, _of_no_run(found[one].posting), found[one].text_checksum, former.get(one))
            for one in ids
            if one in found
        ]
        return ids, page

    # --- extracting -----------------------------------------------------------------------------

    async def _extract(self, subject: _Subject, stop: asyncio.Event) -> _Outcome:
        """Extract one posting, and wait while the model, or PostgreSQL, is away."""
        while True:
            try:
                result = await self._extractor.extract(subject.posting)
            except AWAY as error:
                await pause_for(self._outage.begin(error, time.monotonic()), stop)
                if stop.is_set():
                    raise
            except ExtractionFailed as error:
                return _Outcome(subject, str(error))
            except Exception as error:
                log.exception("Posting %s: unexpected", subject.id)
                return _Outcome(subject, f"{type(error).__name__}: {error}")
            else:
                self._outage.end()
                return _Outcome(subject, result)

    # --- storing --------------------------------------------------------------------------------

    async def _conclude(self, in_hand: deque[asyncio.Task[_Outcome]]) -> None:
        """Store and count what is done and has its turn, and what models were asked meanwhile."""
        batch: list[_Outcome] = []
        while in_hand and len(batch) < BATCH and in_hand[0].done() and not in_hand[0].exception():
            batch.append(in_hand.popleft().result())
        uses = self._meter.take()
        if not (batch or uses):
            return
        try:
            await asyncio.to_thread(self._store, batch, uses)
        except BaseException:
            self._meter.put_back(uses)
            raise

    def _store(self, batch: Sequence[_Outcome], uses: Mapping[Account, ModelUse]) -> None:
        now = self._clock()
        with self._database.begin() as session:
            saved = self._save(session, [one for one in batch if self._is_wanted(one)], now)
            for outcome in batch:
                self._count(outcome, saved)
            self._tally.used(uses.values())
            rows = [UsageRow(one.run_id, one.ats, **use.model_dump()) for one, use in uses.items()]
            add_usage(session, rows, now)
            if self._row and batch:
                report, last = self.report, batch[-1].subject.id
                changes = report.model_dump(mode="json")
                replays.advance_replay(session, self._row.id, last, report.postings, changes, now)

    def _is_wanted(self, outcome: _Outcome) -> bool:
        """Whether a result is to take the place of what is stored."""
        former, result = outcome.subject.former, outcome.result
        if isinstance(result, str):
            return False
        of_rules = result.extractor == RULES and former is not None and former.extractor != RULES
        return self._plan.rules_replace_models or not of_rules

    def _save(
        self, session: Session, outcomes: Sequence[_Outcome], now: datetime
    ) -> dict[int, str | None]:
        """Return the postings that were stored, or why PostgreSQL refused them."""
        finished = [
            FinishedExtraction(
                one.subject.id,
                one.subject.text_checksum,
                one.result,
                one.subject.former.fence if one.subject.former else 0,
            )
            for one in outcomes
            if isinstance(one.result, ExtractionResult)
        ]
        if not finished or self._plan.dry_run:
            return dict.fromkeys(one.posting_id for one in finished)
        try:
            with session.begin_nested():
                return dict.fromkeys(save_extractions(session, finished, now))
        except DBAPIError as error:
            if len(finished) == 1:
                return {finished[0].posting_id: f"PostgreSQL refuses it: {error.orig}"}
        alone = [self._save(session, [one], now) for one in outcomes]
        return {posting_id: refusal for one in alone for posting_id, refusal in one.items()}

    def _count(self, outcome: _Outcome, saved: Mapping[int, str | None]) -> None:
        subject, result = outcome.subject, outcome.result
        if isinstance(result, str):
            self._tally.failed(result)
        elif not self._is_wanted(outcome):
            if result.failure:
                self._tally.failed(result.failure)
            else:
                self._tally.kept()
        elif subject.id not in saved:
            self._tally.outrun()
        elif refusal := saved[subject.id]:
            self._tally.failed(refusal)
        elif subject.former is None:
            self._tally.new()
        else:
            self._tally.compared(differences(subject.former.extraction, result.extraction))

    # --- progress -------------------------------------------------------------------------------

    def _begin(self, anew: bool) -> ReplayRow:
        extractor = self._extractor
        version = rules.RULES_VERSION if extractor.name == RULES else PROMPT_VERSION
        what = extractor.name, extractor.model, version, self._plan.filters
        now = self._clock()
        with self._database.begin() as session:
            row = replays.begin_replay(session, *what, now, self._plan.limit)
            if anew and row.after_id:
                replays.finish_replay(session, row.id, now)
                row = replays.begin_replay(session, *what, now, self._plan.limit)
        return row

    def _finish(self) -> None:
        if self._row:
            with self._database.begin() as session:
                replays.finish_replay(session, self._row.id, self._clock())


def _of_no_run(posting: PostingText) -> PostingText:
    """What a replay costs is not added to the run that once fetched the posting."""
    if posting.origin is None:
        return posting
    origin = posting.origin.model_copy(update={"run_id": None})
    return posting.model_copy(update={"origin": origin})
