"""Replays of stored postings: which postings, how far a replay came, and what it changed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from openfunnel.errors import InvalidQuery
from openfunnel.normalize.text import fold
from openfunnel.records import PostingStatus, RoleFunction
from openfunnel.store.encoding import to_json

_VERSION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){0,9}")


@dataclass(frozen=True)
class ReplayFilter:
    """Which postings to extract again; of those whose text is stored, all that match.

    Raises:
        InvalidQuery: `prompt_version` is not numbers with dots between them, or `max_confidence`
            is not between 0 and 1.

    """

    ats: str | None = None
    company_name: str | None = None
    """The employer's name or the board's token, in any case."""
    status: PostingStatus = PostingStatus.EXTRACTED
    """Those that wait are the workers' business unless asked for."""
    extractor: str | None = None
    """Who made the extraction there is: `rules`, `ollama` or `openai`."""
    prompt_version: str | None = None
    """Extracted with an earlier version of prompt or rules than this one."""
    role_function: RoleFunction | None = None
    max_confidence: float | None = None
    """Inclusive; extractions without a confidence do not match."""
    failure: bool = False
    """Only those for which the rules stepped in because no model's answer could be used."""

    def __post_init__(self) -> None:
        """See to it that there is something to compare with."""
        if self.prompt_version is not None and not _VERSION.fullmatch(self.prompt_version):
            raise InvalidQuery(field="prompt_version", problem="numbers and dots are expected")
        if self.max_confidence is not None and not 0 <= self.max_confidence <= 1:
            raise InvalidQuery(field="max_confidence", problem="0 to 1 is expected")


@dataclass(frozen=True)
class ReplayRow:
    """A replay as it stands."""

    id: int
    created_at: datetime
    finished_at: datetime | None
    extractor: str
    model: str | None
    prompt_version: str
    after_id: int
    """The last posting that is done; 0 before the first."""
    postings: int
    """How many are done."""
    changes: Mapping[str, Any]
    """What it changed so far, as `advance_replay` was told."""


# One at a time: of two that begin the same replay, the second finds the first one's.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('openfunnel replay'))")

_COLUMNS = """
    id, created_at, finished_at, extractor, model, prompt_version, after_id, postings, changes
"""

_FIND = text(f"""
    SELECT {_COLUMNS} FROM replays
    WHERE finished_at IS NULL AND extractor = :extractor
      AND model IS NOT DISTINCT FROM CAST(:model AS text)
      AND prompt_version = :prompt_version AND filters = CAST(:filters AS jsonb)
    ORDER BY id DESC LIMIT 1
""")  # noqa: S608 - names of columns, no values

_BEGIN = text(f"""
    INSERT INTO replays (created_at, updated_at, extractor, model, prompt_version, filters)
    VALUES (:now, :now, :extractor, :model, :prompt_version, CAST(:filters AS jsonb))
    RETURNING {_COLUMNS}
""")  # noqa: S608

_ADVANCE = text("""
    UPDATE replays SET after_id = :after_id, postings = :postings, updated_at = :now,
                       changes = CAST(:changes AS jsonb)
    WHERE id = :id AND finished_at IS NULL AND after_id <= :after_id
""")

_FINISH = text("""
    UPDATE replays SET finished_at = :now, updated_at = :now WHERE id = :id AND finished_at IS NULL
""")

_PAGE = """
    SELECT p.id FROM job_postings p
    LEFT JOIN extractions e ON e.job_posting_id = p.id
    WHERE p.id > :after_id AND p.text_checksum IS NOT NULL AND {conditions}
    ORDER BY p.id LIMIT :limit
"""

_CONDITIONS = {
    "ats": "p.board_id = ANY(ARRAY(SELECT id FROM boards WHERE ats = :ats))",
    "company_name": """(
        p.company_id = ANY(ARRAY(SELECT id FROM companies WHERE folded = :folded))
        OR p.board_id = ANY(ARRAY(SELECT id FROM boards WHERE lower(token) = lower(:company_name))))
    """,
    "status": "p.status = :status",
    "extractor": "e.extractor = :extractor",
    "prompt_version": r"""
        CASE WHEN e.prompt_version ~ '^\d+(\.\d+)*$'
             THEN CAST(string_to_array(e.prompt_version, '.') AS numeric[])
                  < CAST(string_to_array(:prompt_version, '.') AS numeric[]) END
    """,
    "role_function": "e.role_function = :role_function",
    # A confidence is stored in single precision, in which 0.7 is not what it is in double.
    "max_confidence": "e.confidence <= CAST(:max_confidence AS real)",
    "failure": "e.failure IS NOT NULL",
}


def begin_replay(
    session: Session,
    extractor: str,
    model: str | None,
    prompt_version: str,
    filters: ReplayFilter,
    now: datetime,
    limit: int | None = None,
) -> ReplayRow:
    """Begin a replay of at most `limit` postings, or continue the unfinished one of the same five.

    One that goes on has an `after_id` beyond 0, and says what it did so far.
    """
    values = {
        "extractor": extractor,
        "model": model,
        "prompt_version": prompt_version,
        "filters": to_json(_given(filters) | ({"limit": limit} if limit else {})),
        "now": now,
    }
    session.execute(_LOCK)
    row = session.execute(_FIND, values).one_or_none() or session.execute(_BEGIN, values).one()
    return ReplayRow(*row)


def advance_replay(
    session: Session,
    replay_id: int,
    after_id: int,
    postings: int,
    changes: Mapping[str, Any],
    now: datetime,
) -> None:
    """Record how far a replay came: all postings up to `after_id`, which were `postings` in all.

    `changes` is what they changed, in all. Belongs into the transaction that stores the
    extractions: whatever dies, none is counted twice. A replay never goes back.
    """
    values = {
        "id": replay_id,
        "after_id": after_id,
        "postings": postings,
        "changes": to_json(changes),
        "now": now,
    }
    session.execute(_ADVANCE, values)


def finish_replay(session: Session, replay_id: int, now: datetime) -> None:
    """Record that a replay is through: the next one of its kind begins anew."""
    session.execute(_FINISH, {"id": replay_id, "now": now})


def postings_to_replay(
    session: Session, filters: ReplayFilter, after_id: int, limit: int
) -> list[int]:
    """Return the ids of postings that match, beyond `after_id` and in order; one page of them."""
    given = _given(filters)
    conditions = " AND ".join(_CONDITIONS[name] for name in given)
    values = {**given, "after_id": after_id, "limit": limit}
    if filters.company_name is not None:
        values["folded"] = fold(filters.company_name)
    return list(session.scalars(text(_PAGE.format(conditions=conditions)), values))


def _given(filters: ReplayFilter) -> dict[str, Any]:
    values = {field.name: getattr(filters, field.name) for field in fields(filters)}
    return {
        name: value for name, value in values.items() if value is not None and value is not False
    }
