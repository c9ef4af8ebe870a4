"""Extracts stored postings again, from their stored text, and counts what comes out differently.

Postings are taken in the order of their ids, several at a time, and stored in that order, with the
replay's own progress. So a replay that ends early, for whatever reason, goes on behind the last
posting that it has both stored and counted.

What a model made is replaced by the rules' work only where the rules were asked for: not where
triage keeps a posting from the model now, nor where the model is away or its answer unusable.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import datetime
from itertools import islice
from typing import Any

from openfunnel.clock import utc_now
from openfunnel.errors import ExtractionFailed
from openfunnel.extraction.contract import Extractor
from openfunnel.extraction.outages import AWAY, Outage, pause_for
from openfunnel.extraction.replay_journal import Journal, Outcome, Plan, Subject
from openfunnel.extraction.replay_report import ReplayReport
from openfunnel.extraction.usage import Meter
from openfunnel.store.database import Database
from openfunnel.store.replays import ReplayRow

PAGE = 100
"""Postings read at a time."""
BATCH = 16
"""Postings stored at a time."""

log = logging.getLogger(__name__)


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
        self._journal = Journal(database, plan, clock)
        self._extractor = extractor
        self._meter = meter
        self._plan = plan
        self._most_in_hand = 2 * (BATCH + slots)
        self._outage = Outage(pause_seconds)

    @property
    def report(self) -> ReplayReport:
        """What is done, before an interruption, too."""
        return self._journal.report

    async def begin(self, anew: bool = False) -> ReplayRow | None:
        """Find what the same replay left undone, unless this one is to begin `anew`.

        Returns the replay that goes on; None where one begins.
        """
        return await asyncio.to_thread(self._journal.begin, self._extractor, anew)

    async def run(self, stop: asyncio.Event, show: Callable[[ReplayReport], None]) -> bool:
        """Replay until all is done or `stop` is set; `show` is called with each new report.

        Returns whether all is done. What was extracted and could not be stored in its turn before
        the stop is dropped: models are not asked again for what they have answered.

        Raises:
            DatabaseUnavailable: PostgreSQL went away; nothing that was reported is lost.
        """
        in_hand: deque[asyncio.Task[Outcome]] = deque()
        subjects = self._subjects()
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                await self._fill(in_hand, subjects, stop)
                if not in_hand:
                    await asyncio.to_thread(self._journal.finish)
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
        in_hand: deque[asyncio.Task[Outcome]],
        subjects: AsyncIterator[Subject],
        stop: asyncio.Event,
    ) -> None:
        """More than the slots are held, so that none waits for its turn to be stored."""
        while len(in_hand) < self._most_in_hand:
            subject = await anext(subjects, None)
            if subject is None:
                return
            in_hand.append(asyncio.create_task(self._extract(subject, stop)))

    async def _subjects(self) -> AsyncGenerator[Subject, None]:
        """Yield the postings that are left, read a page at a time."""
        after_id = self._journal.after_id
        limit = self._plan.limit
        left = None if limit is None else limit - self.report.postings
        while left is None or left > 0:
            wanted = PAGE if left is None else min(PAGE, left)
            ids, page = await asyncio.to_thread(self._journal.read, after_id, wanted)
            if not ids:
                return
            for subject in page:
                yield subject
            after_id = ids[-1]
            left = None if left is None else left - len(page)

    # --- extracting -----------------------------------------------------------------------------

    async def _extract(self, subject: Subject, stop: asyncio.Event) -> Outcome:
        """Extract one posting, and wait while the model, or PostgreSQL, is away."""
        while True:
            try:
                result = await self._extractor.extract(subject.posting)
            except AWAY as error:
                await pause_for(self._outage.begin(error, time.monotonic()), stop)
                if stop.is_set():
                    raise
            except ExtractionFailed as error:
                return Outcome(subject, str(error))
            except Exception as error:
                log.exception("Posting %s: unexpected", subject.id)
                return Outcome(subject, f"{type(error).__name__}: {error}")
            else:
                self._outage.end()
                return Outcome(subject, result)

    # --- storing --------------------------------------------------------------------------------

    async def _conclude(self, in_hand: deque[asyncio.Task[Outcome]]) -> None:
        """Store and count what is done and has its turn, and what models were asked meanwhile."""
        batch: list[Outcome] = []
        while in_hand and len(batch) < BATCH and in_hand[0].done() and not in_hand[0].exception():
            batch.append(in_hand.popleft().result())
        uses = self._meter.take()
        if not (batch or uses):
            return
        try:
            await asyncio.to_thread(self._journal.store, batch, uses)
        except BaseException:
            self._meter.put_back(uses)
            raise
