"""Runs: crawls of many boards asked for at once."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from openfunnel.store.progress import RunRow

_CREATE = text("""
    WITH wanted AS (
        SELECT id FROM boards WHERE id = ANY(CAST(:board_ids AS bigint[]))
    ), run AS (
        INSERT INTO runs (trace_id, kind, created_at, board_count, job_count)
        SELECT :trace_id, :kind, :now, (SELECT count(*) FROM wanted),
               (SELECT count(*) FROM job_postings WHERE board_id IN (SELECT id FROM wanted))
        RETURNING *
    ), listed AS (
        INSERT INTO run_boards (run_id, board_id) SELECT run.id, wanted.id FROM run, wanted
    )
    SELECT id, trace_id, kind, created_at, board_count, job_count FROM run
""")


def create_run(
    session: Session, kind: str, trace_id: str, board_ids: Sequence[int], now: datetime
) -> RunRow:
    """Record a run over these boards; `mark_queued` and the start entries are the caller's."""
    values = {"kind": kind, "trace_id": trace_id, "board_ids": list(board_ids), "now": now}
    return RunRow(**session.execute(_CREATE, values).mappings().one())
