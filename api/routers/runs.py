"""Runs: crawls of every board, asked for at once."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from api import problems
from api.deps import (
    ConnectionsDep,
    RowId,
    SessionDep,
    refuse_parameters,
    refuse_repetition,
    require_admin,
)
from api.probes import ping_redis
from api.schemas import ListedRun, RunAnswer, RunProgress, Runs
from openfunnel.errors import NotFound
from openfunnel.extraction.reconciliation import reconcile
from openfunnel.store import progress
from openfunnel.store.usage import usage_of_run

router = APIRouter(tags=["runs"])


class RunsQuery(BaseModel):
    """How many runs to list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=25, ge=1, le=200, description="Runs to list.")


@router.post(
    "/run/all",
    status_code=202,
    summary="Crawl every board",
    dependencies=[Depends(refuse_parameters), Depends(require_admin)],
    responses=problems.responses(403),
)
async def start_run(opened: ConnectionsDep) -> RunAnswer:
    """Queue a crawl of every active board, and an extraction of every posting that needs one.

    An empty store is seeded with the shipped list of known boards first. Redis is asked before
    anything is recorded: without it nothing begins.
    """
    await ping_redis(opened)
    run = await opened.intake.start_run()
    await reconcile(opened.database, opened.extract_queue)
    return RunAnswer.model_validate(run)


@router.get("/runs", summary="Runs", dependencies=[Depends(refuse_repetition(RunsQuery))])
def list_runs(query: Annotated[RunsQuery, Query()], session: SessionDep) -> Runs:
    """List the latest runs, newest first."""
    rows = progress.list_runs(session, query.limit)
    return Runs(items=[ListedRun.model_validate(row) for row in rows])


@router.get(
    "/runs/{run_id}",
    summary="How far a run is",
    dependencies=[Depends(refuse_parameters)],
    responses=problems.responses(404),
)
def read_run(run_id: RowId, session: SessionDep) -> RunProgress:
    """Answer the boards of a run and the postings on them, by how far they are, and what models
    were asked for it.
    """
    found = progress.run_progress(session, run_id)
    if found is None:
        raise NotFound(kind="run", key=run_id)
    return RunProgress.of(found, usage_of_run(session, run_id))
