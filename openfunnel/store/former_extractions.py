"""What is stored about postings that are to be extracted again."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from openfunnel.records import Extraction
from openfunnel.store.models import StoredExtraction


@dataclass(frozen=True)
class FormerExtraction:
    """An extraction as it is stored now."""

    extraction: Extraction
    extractor: str
    fence: int
    """Under which another one replaces it, unless a worker's comes first."""


def former_extractions(session: Session, posting_ids: Sequence[int]) -> dict[int, FormerExtraction]:
    """Return the extractions of these postings, by posting; those without one are missing."""
    statement = select(
        StoredExtraction.job_posting_id,
        StoredExtraction.fields,
        StoredExtraction.extractor,
        StoredExtraction.fence,
    ).where(StoredExtraction.job_posting_id.in_(posting_ids))
    return {
        row.job_posting_id: FormerExtraction(
            Extraction.model_validate(row.fields), row.extractor, row.fence
        )
        for row in session.execute(statement)
    }
