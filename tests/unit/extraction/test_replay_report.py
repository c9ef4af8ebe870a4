"""Counting what a replay does."""

from openfunnel.extraction.difference import Change
from openfunnel.extraction.replay_report import (
    LONGEST_REASON,
    MOST_CHANGES,
    MOST_FAILURES,
    CountedChange,
    ReplayReport,
    Tally,
)
from openfunnel.store.usage import UsageRow

LEVEL = Change("seniority", "mid", "senior")


def full() -> Tally:
    tally = Tally()
    tally.compared([LEVEL, Change("technologies", None, "Python")])
    tally.compared([LEVEL])
    tally.compared([])
    tally.new()
    tally.kept()
    tally.outrun()
    tally.failed("no answer")
    tally.used([UsageRow(None, "lever", "m", 2, 3, 40, 5, 6.0)])
    return tally


def test_every_posting_is_counted_once() -> None:
    report = full().report()

    assert (report.changed, report.same, report.new, report.kept) == (2, 1, 1, 1)
    assert (report.failed, report.outrun, report.postings) == (1, 1, 7)
    assert report.failures == {"no answer": 1}
    assert (report.calls, report.cache_hits) == (2, 3)
    assert (report.tokens_in, report.tokens_out) == (40, 5)
    assert report.changes[0] == CountedChange(
        field="seniority", before="mid", after="senior", postings=2
    )


def test_a_report_that_was_stored_is_counted_on() -> None:
    stored = ReplayReport.model_validate_json(full().report().model_dump_json())

    tally = Tally(stored)
    assert tally.report() == stored
    tally.compared([LEVEL])

    assert tally.report().changed == stored.changed + 1
    assert tally.report().changes[0].postings == 3


def test_the_most_frequent_change_of_a_field_comes_first() -> None:
    tally = Tally()
    for change in (Change("skills", None, "a"), *[Change("skills", None, "b")] * 2):
        tally.compared([change])

    assert [one.after for one in tally.report().changes] == ["b", "a"]


def test_changes_beyond_the_bound_are_counted_without_a_name() -> None:
    tally = Tally()
    for number in range(MOST_CHANGES + 5):
        tally.compared([Change("compensation", None, str(number))])
    tally.compared([Change("compensation", None, "0")])

    report = tally.report()

    assert len(report.changes) == MOST_CHANGES
    assert report.changes[0].postings == 2
    assert report.more_changes == {"compensation": 5}


def test_failures_are_bounded_in_number_and_length() -> None:
    tally = Tally()
    for number in range(MOST_FAILURES + 5):
        tally.failed(f"{number}" + "x" * 1000)

    failures = tally.report().failures

    assert max(map(len, failures)) <= LONGEST_REASON
    assert failures["another reason"] == 5
    assert sum(failures.values()) == MOST_FAILURES + 5
