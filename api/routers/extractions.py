"""The extracted fields of a posting."""

from fastapi import APIRouter, Depends

from api import problems
from api.deps import RowId, SessionDep, refuse_parameters
from api.schemas import ExtractionAnswer
from openfunnel.errors import NotFound
from openfunnel.store import queries

router = APIRouter(prefix="/extractions", tags=["postings"])


@router.get(
    "/{job_posting_id}",
    summary="The fields of one posting, with their evidence",
    dependencies=[Depends(refuse_parameters)],
    responses=problems.responses(404),
)
def read_extraction(job_posting_id: RowId, session: SessionDep) -> ExtractionAnswer:
    """Answer each field with its value, who said so, and the words it was read from."""
    stored = queries.get_extraction(session, job_posting_id)
    if stored is None:
        raise NotFound(kind="extraction of job posting", key=job_posting_id)
    return ExtractionAnswer.of(stored)
