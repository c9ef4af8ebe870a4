"""Postings that were given up and are worth another try."""

from sqlalchemy import ColumnElement, and_, or_, update
from sqlalchemy.orm import Session

from openfunnel.records import PostingStatus
from openfunnel.store.models import Posting


def await_extraction(session: Session, posting_id: int) -> bool:
    """Let a posting with a text wait for extraction; False where there is nothing to extract."""
    failed = and_(Posting.status == PostingStatus.FAILED, Posting.text.is_not(None))
    waits = or_(failed, Posting.status == PostingStatus.FETCHED)
    return _set_back(session, PostingStatus.FETCHED, Posting.id == posting_id, waits)


def await_fetch(session: Session, board_id: int, external_id: str) -> bool:
    """Let a posting wait to be fetched whose address led nowhere; False where it did not fail."""
    which = and_(Posting.board_id == board_id, Posting.external_id == external_id)
    failed = and_(Posting.status == PostingStatus.FAILED, Posting.text.is_(None))
    return _set_back(session, PostingStatus.DISCOVERED, which, failed)


def _set_back(session: Session, state: PostingStatus, *which: ColumnElement[bool]) -> bool:
    changed = update(Posting).where(*which).values(status=state.value, failure=None)
    return session.scalar(changed.returning(Posting.id)) is not None
