"""What models answered, by a hash of all that the answer depends on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

_FIND = text("""
    SELECT content, model, tokens_in, tokens_out FROM model_answers WHERE key = :key
""")

_SAVE = text("""
    INSERT INTO model_answers (key, content, model, tokens_in, tokens_out, created_at)
    VALUES (:key, :content, :model, :tokens_in, :tokens_out, :now)
    ON CONFLICT (key) DO NOTHING
""")


@dataclass(frozen=True)
class AnswerRow:
    """A stored answer, and what it cost when it was given."""

    content: str
    """As the model gave it, save for what PostgreSQL cannot hold."""
    model: str
    tokens_in: int
    tokens_out: int


def find_answer(session: Session, key: str) -> AnswerRow | None:
    """Return the answer stored under `key`, or None."""
    row = session.execute(_FIND, {"key": key}).one_or_none()
    return None if row is None else AnswerRow(*row)


def save_answer(
    session: Session,
    key: str,
    content: str,
    model: str,
    tokens_in: int,
    tokens_out: int,
    now: datetime,
) -> None:
    """Store an answer; of several under one key the first stays."""
    session.execute(
        _SAVE,
        {
            "key": key,
            "content": content,
            "model": model,
            "tokens_in": tokens_in,
            "tokens_out": tokens_out,
            "now": now,
        },
    )
