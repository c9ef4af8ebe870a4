"""What models answered, by a hash of all that the answer depends on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from sqlalchemy import text
from sqlalchemy.orm import Session

from openfunnel.store.encoding import to_array

_FIND = text("""
    SELECT key, content, model, tokens_in, tokens_out FROM model_answers
    WHERE key = ANY(CAST(:keys AS text[]))
""")

_SAVE = text("""
    INSERT INTO model_answers (key, content, model, tokens_in, tokens_out, created_at)
    SELECT given.*, :now FROM unnest(
        CAST(:keys AS text[]), CAST(:contents AS text[]), CAST(:models AS text[]),
        CAST(:tokens_in AS bigint[]), CAST(:tokens_out AS bigint[])
    ) AS given
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


def find_answers(session: Session, keys: Iterable[str]) -> dict[str, AnswerRow]:
    """Return the answers that are stored under any of `keys`."""
    rows = session.execute(_FIND, {"keys": to_array(keys)})
    return {key: AnswerRow(*answer) for key, *answer in rows}


def save_answers(session: Session, answers: Mapping[str, AnswerRow], now: datetime) -> None:
    """Store answers by their keys; where one is stored already, that one stays."""
    in_order = sorted(
        answers.items(), key=itemgetter(0)
    )  # else two writers of the same keys may block each other
    session.execute(
        _SAVE,
        {
            "keys": to_array(key for key, _ in in_order),
            "contents": to_array(answer.content for _, answer in in_order),
            "models": to_array(answer.model for _, answer in in_order),
            "tokens_in": to_array(answer.tokens_in for _, answer in in_order),
            "tokens_out": to_array(answer.tokens_out for _, answer in in_order),
            "now": now,
        },
    )
