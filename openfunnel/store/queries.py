"""Reads about postings, their extractions and the answers they came in; searching apart."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import zstandard
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, defer

from openfunnel.errors import RawResponseDamaged
from openfunnel.records import (
    AtsFields,
    BoardRef,
    Evidence,
    Extraction,
    ExtractionResult,
    LeftOut,
    Origin,
    PostingStatus,
    PostingText,
    RawResponse,
    Stance,
    ValueSource,
)
from openfunnel.store.encoding import to_array
from openfunnel.store.models import (
    Board,
    JobSkill,
    Posting,
    Skill,
    StoredExtraction,
    StoredResponse,
)
from openfunnel.store.search import SELECT_POSTINGS, PostingRow, read_posting

# --- what waits ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class UnfetchedPosting:
    """A posting known by address alone, and why it is, once it was given up."""

    canonical_url: str
    failure: str | None


@dataclass(frozen=True)
class DiscoveredPosting:
    """A posting of which only the address is known."""

    id: int
    ref: BoardRef
    external_id: str


@dataclass(frozen=True)
class PendingPosting:
    """What a worker needs of a posting."""

    id: int
    status: PostingStatus
    text_checksum: str
    """To be handed back with the extraction."""
    posting: PostingText


def unfetched_postings(session: Session, posting_ids: Sequence[int]) -> list[UnfetchedPosting]:
    """Those of these postings whose text nobody has, by id."""
    absent = (PostingStatus.DISCOVERED, PostingStatus.FAILED)
    statement = (
        select(Posting.canonical_url, Posting.failure)
        .where(Posting.id.in_(posting_ids), Posting.status.in_(absent), Posting.text.is_(None))
        .order_by(Posting.id)
    )
    return [UnfetchedPosting(**row) for row in session.execute(statement).mappings()]


def discovered_postings(session: Session, before: datetime) -> list[DiscoveredPosting]:
    """Return the postings known by address alone since before then."""
    statement = (
        select(Posting.id, Board.ats, Board.region, Board.token, Posting.external_id)
        .join(Board, Board.id == Posting.board_id)
        .where(Posting.status == PostingStatus.DISCOVERED, Posting.first_seen_at < before)
        .order_by(Posting.id)
    )
    return [
        DiscoveredPosting(
            row.id, BoardRef(ats=row.ats, region=row.region, token=row.token), row.external_id
        )
        for row in session.execute(statement)
    ]


_FOR_EXTRACTION = text("""
    SELECT p.id, p.status, p.text_checksum, p.title, p.text, p.fields,
           p.closed_at IS NOT NULL AS closed, p.board_id, c.name AS company_name, b.ats, r.run_id
    FROM job_postings p
    JOIN boards b ON b.id = p.board_id
    LEFT JOIN companies c ON c.id = p.company_id
    LEFT JOIN raw_responses r ON r.id = p.raw_response_id
    WHERE p.id = ANY(CAST(:ids AS bigint[])) AND p.text_checksum IS NOT NULL
""")


def postings_for_extraction(
    session: Session, posting_ids: Sequence[int]
) -> dict[int, PendingPosting]:
    """Return postings with their texts, by id; those that are gone or not fetched are missing."""
    return {
        row.id: PendingPosting(
            row.id,
            PostingStatus(row.status),
            row.text_checksum,
            PostingText(
                title=row.title,
                text=row.text,
                company_name=row.company_name,
                fields=AtsFields.model_validate(row.fields),
                closed=row.closed,
                origin=Origin(ats=row.ats, board_id=row.board_id, run_id=row.run_id),
            ),
        )
        for row in session.execute(_FOR_EXTRACTION, {"ids": to_array(posting_ids)})
    }


def postings_awaiting_extraction(session: Session, after_id: int, limit: int) -> list[int]:
    """Return the ids of fetched postings beyond `after_id`, in order; a page of the reconciler."""
    statement = (
        select(Posting.id)
        .where(Posting.status == PostingStatus.FETCHED, Posting.id > after_id)
        .order_by(Posting.id)
        .limit(limit)
    )
    return list(session.scalars(statement))


# --- what there is ------------------------------------------------------------------------------


@dataclass(frozen=True)
class PostingDetail:
    """One posting, whole."""

    posting: PostingRow
    text: str | None
    fields: AtsFields | None
    """What the ATS states beside title and text."""


@dataclass(frozen=True)
class ExtractionRow:
    """A stored extraction and what was derived from it."""

    job_posting_id: int
    result: ExtractionResult
    extracted_at: datetime
    outdated: bool
    """True where the posting's text has changed since."""
    comp_max_usd_year: Decimal | None
    comp_rate_date: date | None


@dataclass(frozen=True)
class PostingSkill:
    """A skill that a posting names."""

    skill: str
    slug: str
    category: str
    stance: Stance
    evidence: Evidence
    source: ValueSource


@dataclass(frozen=True)
class SkillCount:
    """How many open postings name a skill."""

    skill: str
    slug: str
    category: str
    postings: int


_DETAIL = text(f"{SELECT_POSTINGS} WHERE p.id = :id")


def get_posting(session: Session, posting_id: int) -> PostingDetail | None:
    """Return a posting with its text, or None."""
    row = session.execute(_DETAIL, {"id": posting_id}).mappings().one_or_none()
    if row is None:
        return None
    content = select(Posting.text, Posting.fields).where(Posting.id == posting_id)
    text_, fields = session.execute(content).one()
    stated = AtsFields.model_validate(fields) if fields is not None else None
    return PostingDetail(read_posting(row), text_, stated)


def get_extraction(session: Session, posting_id: int) -> ExtractionRow | None:
    """Return the extraction of a posting, or None."""
    statement = (
        select(StoredExtraction, Posting.text_checksum)
        .options(defer(StoredExtraction.search))
        .join(Posting, Posting.id == StoredExtraction.job_posting_id)
        .where(StoredExtraction.job_posting_id == posting_id)
    )
    found = session.execute(statement).one_or_none()
    if found is None:
        return None
    stored, text_checksum = found
    return ExtractionRow(
        job_posting_id=posting_id,
        result=ExtractionResult(
            extraction=Extraction.model_validate(stored.fields),
            extractor=stored.extractor,
            model=stored.model,
            prompt_version=stored.prompt_version,
            tokens_in=stored.tokens_in,
            tokens_out=stored.tokens_out,
            duration_ms=stored.duration_ms,
            cached=stored.cached,
            confidence=stored.confidence,
            triage=stored.triage,
            failure=stored.failure,
            refused=stored.refused,
            left_out=tuple(LeftOut.model_validate(part) for part in stored.left_out),
        ),
        extracted_at=stored.extracted_at,
        outdated=stored.text_checksum != text_checksum,
        comp_max_usd_year=stored.comp_max_usd_year,
        comp_rate_date=stored.comp_rate_date,
    )


def posting_skills(session: Session, posting_id: int) -> list[PostingSkill]:
    """Return the skills a posting names, in the order of their names."""
    statement = (
        select(
            Skill.name,
            Skill.slug,
            Skill.category,
            JobSkill.stance,
            JobSkill.evidence,
            JobSkill.source,
        )
        .join(Skill, Skill.id == JobSkill.skill_id)
        .where(JobSkill.job_posting_id == posting_id)
        .order_by(func.lower(Skill.name), Skill.id)
    )
    return [
        PostingSkill(
            row.name,
            row.slug,
            row.category,
            Stance(row.stance),
            Evidence.model_validate(row.evidence),
            ValueSource(row.source),
        )
        for row in session.execute(statement)
    ]


def top_skills(session: Session, limit: int) -> list[SkillCount]:
    """Return the technologies and skills that most open postings name."""
    count = func.count().label("postings")
    statement = (
        select(Skill.name.label("skill"), Skill.slug, Skill.category, count)
        .join(JobSkill, JobSkill.skill_id == Skill.id)
        .join(Posting, Posting.id == JobSkill.job_posting_id)
        .where(Posting.closed_at.is_(None))
        .group_by(Skill.id)
        .order_by(count.desc(), Skill.slug)
        .limit(limit)
    )
    return [SkillCount(**row) for row in session.execute(statement).mappings()]


def posting_payload(session: Session, posting_id: int) -> Mapping[str, Any] | None:
    """Return the posting's own part of its board's answer; None if nothing was fetched."""
    return session.scalar(select(Posting.payload).where(Posting.id == posting_id))


def get_raw_response(session: Session, raw_response_id: int) -> RawResponse | None:
    """Return an answer as it came, byte for byte; None if there is no such.

    Raises:
        RawResponseDamaged: the stored body is not the one whose checksum is stored.

    """
    stored = session.get(StoredResponse, raw_response_id)
    if stored is None:
        return None
    try:
        body = zstandard.ZstdDecompressor().decompress(stored.body)
    except zstandard.ZstdError as error:
        raise RawResponseDamaged(id=raw_response_id) from error
    if hashlib.sha256(body).hexdigest() != stored.checksum:
        raise RawResponseDamaged(id=raw_response_id)
    return RawResponse(
        url=stored.url,
        fetched_at=stored.fetched_at,
        http_status=stored.http_status,
        body=body,
        content_type=stored.content_type,
        etag=stored.etag,
        last_modified=stored.last_modified,
    )
