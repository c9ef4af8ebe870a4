"""The dead letters: what is left of work that was given up."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from openfunnel.records import DeadLetter
from openfunnel.store.models import StoredDeadLetter


@dataclass(frozen=True)
class StoredLetter:
    """A dead letter as it is stored; see `openfunnel.records.DeadLetter` for its parts."""

    id: int
    kind: str
    key: str
    reason: str
    attempts: int
    last_error: str
    raw_response_id: int | None
    payload: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True)
class LetterCount:
    """How many letters of a kind have the same reason."""

    kind: str
    reason: str
    letters: int


def save_dead_letter(session: Session, letter: DeadLetter, now: datetime) -> int:
    """Store a dead letter and return its id."""
    added = insert(StoredDeadLetter).values(
        **letter.model_dump(exclude={"payload"}), payload=dict(letter.payload), created_at=now
    )
    return session.execute(added.returning(StoredDeadLetter.id)).scalar_one()


def has_dead_letter(session: Session, letter: DeadLetter) -> bool:
    """Whether the same was said of the same before: a broken posting is met at every crawl."""
    same = (
        StoredDeadLetter.kind == letter.kind,
        func.left(StoredDeadLetter.key, 200) == letter.key[:200],
        StoredDeadLetter.reason == letter.reason,
        StoredDeadLetter.last_error == letter.last_error,
    )
    return session.scalar(select(StoredDeadLetter.id).where(*same).limit(1)) is not None


def list_dead_letters(
    session: Session,
    kind: str | None = None,
    reason: str | None = None,
    limit: int = 100,
    after: int = 0,
) -> list[StoredLetter]:
    """Return the letters with an id beyond `after`, oldest first, of one kind or reason if asked.

    The last id of a page is the `after` of the next one.
    """
    wanted = {StoredDeadLetter.kind: kind, StoredDeadLetter.reason: reason}
    conditions = [column == value for column, value in wanted.items() if value is not None]
    statement = (
        select(StoredDeadLetter)
        .where(StoredDeadLetter.id > after, *conditions)
        .order_by(StoredDeadLetter.id)
        .limit(limit)
    )
    return [_read(letter) for letter in session.scalars(statement)]


def get_dead_letter(session: Session, letter_id: int) -> StoredLetter | None:
    """Return a letter, or None if there is none (any more)."""
    letter = session.get(StoredDeadLetter, letter_id)
    return None if letter is None else _read(letter)


def delete_dead_letters(session: Session, letter_ids: Collection[int]) -> int:
    """Delete letters; return how many of them there were."""
    deleted = delete(StoredDeadLetter).where(StoredDeadLetter.id.in_(letter_ids))
    return len(session.scalars(deleted.returning(StoredDeadLetter.id)).all())


def count_dead_letters(session: Session) -> Sequence[LetterCount]:
    """Count the letters by kind and reason, the most frequent of each kind first."""
    letters = func.count().label("letters")
    statement = (
        select(StoredDeadLetter.kind, StoredDeadLetter.reason, letters)
        .group_by(StoredDeadLetter.kind, StoredDeadLetter.reason)
        .order_by(StoredDeadLetter.kind, letters.desc(), StoredDeadLetter.reason)
    )
    return [LetterCount(**row) for row in session.execute(statement).mappings()]


def _read(letter: StoredDeadLetter) -> StoredLetter:
    columns = StoredDeadLetter.__table__.columns.keys()
    return StoredLetter(**{name: getattr(letter, name) for name in columns})
