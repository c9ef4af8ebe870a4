"""What a replay has done so far: counted, bounded, and stored with its progress."""

from collections import Counter
from collections.abc import Iterable

from openfunnel.extraction.difference import Change
from openfunnel.records import Record
from openfunnel.store.usage import UsageRow

MOST_CHANGES = 200
"""Different changes of one field that are told apart; further ones are counted without a name."""
MOST_FAILURES = 50
LONGEST_REASON = 200


class CountedChange(Record):
    """A change, and how many postings it came up in; None: the posting says nothing."""

    field: str
    before: str | None
    after: str | None
    postings: int


class ReplayReport(Record):
    """What came out of a replay."""

    same: int = 0
    """Postings that say what they said."""
    changed: int = 0
    new: int = 0
    """Postings without an extraction before."""
    kept: int = 0
    """Postings that keep what a model made: only the rules were to be had this time."""
    failed: int = 0
    """Postings that keep what they had: no extraction came about."""
    outrun: int = 0
    """Postings that a worker extracted, or a crawl took away, meanwhile; nothing was stored."""
    calls: int = 0
    """Answers of models, of the failed postings, too; as are the tokens."""
    cache_hits: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    changes: tuple[CountedChange, ...] = ()
    """By field; the most frequent of each field first."""
    more_changes: dict[str, int] = {}
    """By field: changes too rare to be told apart."""
    failures: dict[str, int] = {}
    """Failed postings by reason, the most frequent first."""

    @property
    def postings(self) -> int:
        """Postings that are done, however they ended."""
        return self.same + self.changed + self.new + self.kept + self.failed + self.outrun


class Tally:
    """Adds up outcomes, in memory that does not grow with the postings."""

    def __init__(self, begun: ReplayReport | None = None) -> None:
        report = begun or ReplayReport()
        self._counts = Counter(report.model_dump(exclude={"changes", "more_changes", "failures"}))
        self._more = Counter(report.more_changes)
        self._failures = Counter(report.failures)
        self._changes: dict[str, Counter[Change]] = {}
        for one in report.changes:
            change = Change(one.field, one.before, one.after)
            self._changes.setdefault(one.field, Counter())[change] = one.postings

    def compared(self, changes: Iterable[Change]) -> None:
        """Count a posting that was extracted again."""
        some = False
        for change in changes:
            some = True
            known = self._changes.setdefault(change.field, Counter())
            if change in known or len(known) < MOST_CHANGES:
                known[change] += 1
            else:
                self._more[change.field] += 1
        self._counts["changed" if some else "same"] += 1

    def new(self) -> None:
        """Count a posting that was extracted for the first time."""
        self._counts["new"] += 1

    def kept(self) -> None:
        """Count a posting whose former extraction is better than what there is now."""
        self._counts["kept"] += 1

    def outrun(self) -> None:
        """Count a posting whose result is not wanted any more."""
        self._counts["outrun"] += 1

    def failed(self, reason: str) -> None:
        """Count a posting that could not be extracted."""
        self._counts["failed"] += 1
        short = reason[:LONGEST_REASON]
        known = short in self._failures or len(self._failures) < MOST_FAILURES
        self._failures[short if known else "another reason"] += 1

    def used(self, uses: Iterable[UsageRow]) -> None:
        """Count what models were asked."""
        for use in uses:
            for name in ("calls", "cache_hits", "tokens_in", "tokens_out"):
                self._counts[name] += getattr(use, name)

    def report(self) -> ReplayReport:
        """Return what was counted so far."""
        return ReplayReport(
            **self._counts,
            changes=tuple(
                CountedChange(**change._asdict(), postings=postings)
                for changes in self._changes.values()
                for change, postings in changes.most_common()
            ),
            more_changes=dict(self._more),
            failures=dict(self._failures.most_common()),
        )
