"""What models answered, by a hash of all that the answer depends on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter

from sqlalchemy import text
from sqlalchemy.orm import Session

from openfunnel.store.encoding import to_array

NOTED = timedelta(days=1)
"""How often the use of an answer is noted; more would be a write for each read."""

# A row that another session notes at this moment is skipped: it is noted, and nobody waits.
_FIND = text("""
    WITH stale AS MATERIALIZED (
        SELECT key FROM model_answers
        WHERE key = ANY(CAST(:keys AS text[])) AND used_at < :noted FOR UPDATE SKIP LOCKED
    ), noting AS (
        UPDATE model_answers SET used_at = :now FROM stale WHERE model_answers.key = stale.key
    )
    SELECT key, content, model FROM model_answers WHERE key = ANY(CAST(:keys AS text[]))
""")

_SAVE = text("""
    INSERT INTO model_answers (key, content, model, used_at)
    SELECT given.*, :now FROM unnest(
        CAST(:keys AS text[]), CAST(:contents AS text[]), CAST(:models AS text[])
    ) AS given
    ON CONFLICT (key) DO UPDATE SET
        content = excluded.content, model = excluded.model, used_at = excluded.used_at
""")

_FORGET = text("""
    DELETE FROM model_answers WHERE key = ANY(ARRAY(
        SELECT key FROM model_answers WHERE used_at < :unused_since
        ORDER BY used_at LIMIT :most FOR UPDATE SKIP LOCKED
    ))
    RETURNING key
""")


@dataclass(frozen=True)
class KnownAnswer:
    """A usable answer."""

    content: str
    """As the model gave it, save for what PostgreSQL cannot hold."""
    model: str


def find_answers(session: Session, keys: Iterable[str], now: datetime) -> dict[str, KnownAnswer]:
    """Return the answers that are stored under any of `keys`, and note that they are of use."""
    values = {"keys": to_array(keys), "now": now, "noted": now - NOTED}
    return {key: KnownAnswer(*answer) for key, *answer in session.execute(_FIND, values)}


def save_answers(session: Session, answers: Mapping[str, KnownAnswer], now: datetime) -> None:
    """Store answers by their keys; one takes the place of another, which nobody can read now."""
    in_order = sorted(
        answers.items(), key=itemgetter(0)
    )  # else two writers of the same keys may block each other
    session.execute(
        _SAVE,
        {
            "keys": to_array(key for key, _ in in_order),
            "contents": to_array(answer.content for _, answer in in_order),
            "models": to_array(answer.model for _, answer in in_order),
            "now": now,
        },
    )


def forget_answers(session: Session, unused_since: datetime, most: int) -> int:
    """Delete at most `most` answers that were last of use before then; return how many."""
    values = {"unused_since": unused_since, "most": most}
    return len(session.execute(_FORGET, values).all())
