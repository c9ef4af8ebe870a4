"""What models cost, added up for each run, ATS and model."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from openfunnel.store.encoding import to_json

# One row an account, in one order: whoever adds to the same accounts waits, and never in a circle.
# What a run cost that is gone is still counted, as of no run. A server may name its model by
# whatever comes to its mind: an index takes 2,704 bytes.
_ADD = text("""
    INSERT INTO model_usage AS known (
        run_id, ats, model, calls, cache_hits, tokens_in, tokens_out, seconds, updated_at)
    SELECT runs.id, ats, left(model, 200), sum(calls), sum(cache_hits), sum(tokens_in),
           sum(tokens_out), sum(seconds), :now
    FROM json_to_recordset(CAST(:uses AS json)) AS used (
        run_id bigint, ats text, model text, calls bigint, cache_hits bigint, tokens_in bigint,
        tokens_out bigint, seconds double precision)
    LEFT JOIN runs ON runs.id = used.run_id
    GROUP BY runs.id, ats, left(model, 200)
    ORDER BY runs.id, ats COLLATE "C", left(model, 200) COLLATE "C"
    ON CONFLICT (coalesce(run_id, 0::bigint), ats, model) DO UPDATE SET
        calls = known.calls + excluded.calls,
        cache_hits = known.cache_hits + excluded.cache_hits,
        tokens_in = known.tokens_in + excluded.tokens_in,
        tokens_out = known.tokens_out + excluded.tokens_out,
        seconds = known.seconds + excluded.seconds,
        updated_at = excluded.updated_at
""")

_OF_RUN = text("""
    SELECT run_id, ats, model, calls, cache_hits, tokens_in, tokens_out, seconds
    FROM model_usage WHERE coalesce(run_id, 0::bigint) = :run_id
    ORDER BY ats, model
""")

_SUMS = """
    SELECT CAST(NULL AS bigint), ats, model, CAST(sum(calls) AS bigint),
           CAST(sum(cache_hits) AS bigint), CAST(sum(tokens_in) AS bigint),
           CAST(sum(tokens_out) AS bigint), sum(seconds)
    FROM model_usage {which} GROUP BY ats, model ORDER BY ats, model
"""
_IN_ALL = text(_SUMS.format(which=""))
_OF_RUNS = text(_SUMS.format(which="WHERE run_id IS NOT NULL"))


@dataclass(frozen=True)
class UsageRow:
    """What one model did for the postings of one run and ATS."""

    run_id: int | None
    """None for postings that no run fetched, and for sums over all runs."""
    ats: str
    model: str
    calls: int
    """Requests that the model answered."""
    cache_hits: int
    """Answers that were known, and cost nothing."""
    tokens_in: int
    tokens_out: int
    seconds: float
    """From sending to answer, added up over the calls."""


def add_usage(session: Session, uses: Iterable[UsageRow], now: datetime) -> None:
    """Add to what is counted."""
    session.execute(_ADD, {"uses": to_json([asdict(use) for use in uses]), "now": now})


def usage_of_run(session: Session, run_id: int) -> list[UsageRow]:
    """Return what models did for the postings that a run fetched, by ATS and model."""
    return [UsageRow(*row) for row in session.execute(_OF_RUN, {"run_id": run_id})]


def usage_in_all(session: Session) -> list[UsageRow]:
    """Return what models did for all postings, by ATS and model."""
    return [UsageRow(*row) for row in session.execute(_IN_ALL)]


def usage_of_runs(session: Session) -> list[UsageRow]:
    """Return what models did for the postings of all runs, by ATS and model: without replays."""
    return [UsageRow(*row) for row in session.execute(_OF_RUNS)]
