"""Postings: the search, one posting whole, its skills, its own part of the board's answer."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from api import cursor, problems
from api.deps import RowId, SessionDep, refuse_parameters, refuse_repetition
from api.parameters import PostingsQuery
from api.schemas import PostingItem, Postings, SkillItem, Skills, WholePosting
from openfunnel.errors import NotFound
from openfunnel.store import queries, search

router = APIRouter(prefix="/job_postings", tags=["postings"])


@router.get("", summary="Search", dependencies=[Depends(refuse_repetition(PostingsQuery))])
def search_postings(query: Annotated[PostingsQuery, Query()], session: SessionDep) -> Postings:
    """Find postings by text, place, pay, skills and more; page on with `cursor`.

    Filters that read extracted fields find extracted postings only. New postings do not shift the
    pages of a search that is under way.
    """
    filters, canonical = query.filters(), query.canonical()
    after = cursor.decode(query.cursor, canonical) if query.cursor is not None else None
    rows = search.search_postings(session, filters, query.sort, query.limit + 1, after)
    total, is_estimate = search.count_postings(session, filters)
    page, more = rows[: query.limit], len(rows) > query.limit
    return Postings(
        items=[PostingItem.model_validate(row) for row in page],
        next_cursor=cursor.encode(page[-1].position(query.sort), canonical) if more else None,
        total=total,
        total_is_estimate=is_estimate,
    )


@router.get(
    "/{job_posting_id}",
    summary="One posting, whole",
    dependencies=[Depends(refuse_parameters)],
    responses=problems.responses(404),
)
def read_posting(job_posting_id: RowId, session: SessionDep) -> WholePosting:
    """Answer a posting with its text and its extraction."""
    detail = _existing(session, job_posting_id)
    return WholePosting.of(detail, queries.get_extraction(session, job_posting_id))


@router.get(
    "/{job_posting_id}/skills",
    summary="The technologies and skills of one posting",
    dependencies=[Depends(refuse_parameters)],
    responses=problems.responses(404),
)
def read_skills(job_posting_id: RowId, session: SessionDep) -> Skills:
    """Answer each technology and skill, and how the posting relates to it."""
    _existing(session, job_posting_id)
    rows = queries.posting_skills(session, job_posting_id)
    return Skills(items=[SkillItem.model_validate(row) for row in rows])


@router.get(
    "/{job_posting_id}/raw",
    summary="One posting as its board gave it",
    dependencies=[Depends(refuse_parameters)],
    tags=["raw"],
    responses=problems.responses(404),
)
def read_payload(job_posting_id: RowId, session: SessionDep) -> dict[str, Any]:
    """Answer the posting's own part of its board's answer, without what names employees."""
    payload = queries.posting_payload(session, job_posting_id)
    if payload is None:
        raise NotFound(kind="fetched job posting", key=job_posting_id)
    return dict(payload)


def _existing(session: SessionDep, job_posting_id: int) -> queries.PostingDetail:
    detail = queries.get_posting(session, job_posting_id)
    if detail is None:
        raise NotFound(kind="job posting", key=job_posting_id)
    return detail
