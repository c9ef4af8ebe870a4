"""A replay in PostgreSQL: which postings are left, and what came of those that are done.

Each batch is stored in one transaction with the replay's own progress, so that nothing is counted
that is not stored, and nothing twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from openfunnel.extraction import rules
from openfunnel.extraction.contract import Extractor
from openfunnel.extraction.difference import differences
from openfunnel.extraction.prompt import PROMPT_VERSION
from openfunnel.extraction.replay_report import ReplayReport, Tally
from openfunnel.records import ExtractionResult, PostingText
from openfunnel.store import queries, replays
from openfunnel.store.database import Database
from openfunnel.store.extraction_writes import FinishedExtraction, save_extractions
from openfunnel.store.former_extractions import FormerExtraction, former_extractions
from openfunnel.store.replays import ReplayFilter, ReplayRow
from openfunnel.store.usage import UsageRow, add_usage

RULES = "rules"


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
class Subject:
    """A posting and what is stored about it."""

    id: int
    posting: PostingText
    text_checksum: str
    former: FormerExtraction | None


@dataclass(frozen=True)
class Outcome:
    """The new extraction of a posting, or why there is none."""

    subject: Subject
    result: ExtractionResult | str


class Journal:
    """Reads and writes for one replay; every method waits for PostgreSQL.

    Raises:
        DatabaseUnavailable: from each of them, when PostgreSQL is away; nothing is half done.
    """

    def __init__(self, database: Database, plan: Plan, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._plan = plan
        self._clock = clock
        self._row: ReplayRow | None = None
        self._tally = Tally()

    @property
    def report(self) -> ReplayReport:
        """What is stored and counted."""
        return self._tally.report()

    @property
    def after_id(self) -> int:
        """The last posting that an earlier part of this replay did; 0 where there is none."""
        return self._row.after_id if self._row else 0

    def begin(self, extractor: Extractor, anew: bool) -> ReplayRow | None:
        """Find what the same replay left undone, unless this one is to begin `anew`.

        Returns the replay that goes on; None where one begins.
        """
        if self._plan.dry_run:
            return None
        version = rules.RULES_VERSION if extractor.name == RULES else PROMPT_VERSION
        what = extractor.name, extractor.model, version, self._plan.filters
        now = self._clock()
        with self._database.begin() as session:
            row = replays.begin_replay(session, *what, now, self._plan.limit)
            if anew and row.after_id:
                replays.finish_replay(session, row.id, now)
                row = replays.begin_replay(session, *what, now, self._plan.limit)
        self._row = row
        if not row.after_id:
            return None
        self._tally = Tally(ReplayReport.model_validate(row.changes))
        return row

    def read(self, after_id: int, limit: int) -> tuple[list[int], list[Subject]]:
        """Return the next page: ids beyond `after_id`, and those of them that have a text."""
        with self._database.begin() as session:
            ids = replays.postings_to_replay(session, self._plan.filters, after_id, limit)
            found = queries.postings_for_extraction(session, ids)
            former = former_extractions(session, ids)
        page = [
            Subject(one, _of_no_run(found[one].posting), found[one].text_checksum, former.get(one))
            for one in ids
            if one in found
        ]
        return ids, page

    def store(self, batch: Sequence[Outcome], uses: Sequence[UsageRow]) -> None:
        """Store and count outcomes, in the order of their ids, and what models were asked."""
        now = self._clock()
        with self._database.begin() as session:
            saved = self._save(session, [one for one in batch if self._is_wanted(one)], now)
            for outcome in batch:
                self._count(outcome, saved)
            self._tally.used(uses)
            add_usage(session, uses, now)
            if self._row and batch:
                report, last = self.report, batch[-1].subject.id
                changes = report.model_dump(mode="json")
                replays.advance_replay(session, self._row.id, last, report.postings, changes, now)

    def finish(self) -> None:
        """Record that all is done: the next replay of this kind begins at the first posting."""
        if self._row:
            with self._database.begin() as session:
                replays.finish_replay(session, self._row.id, self._clock())

    def _is_wanted(self, outcome: Outcome) -> bool:
        """Whether a result is to take the place of what is stored."""
        former, result = outcome.subject.former, outcome.result
        if isinstance(result, str):
            return False
        of_rules = result.extractor == RULES and former is not None and former.extractor != RULES
        return self._plan.rules_replace_models or not of_rules

    def _save(
        self, session: Session, outcomes: Sequence[Outcome], now: datetime
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

    def _count(self, outcome: Outcome, saved: Mapping[int, str | None]) -> None:
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


def _of_no_run(posting: PostingText) -> PostingText:
    """What a replay costs is not added to the run that once fetched the posting."""
    if posting.origin is None:
        return posting
    origin = posting.origin.model_copy(update={"run_id": None})
    return posting.model_copy(update={"origin": origin})
