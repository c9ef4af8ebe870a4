"""What the crawl writes about postings: pages of a board, addresses, and ends."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select, text, update
from sqlalchemy.orm import Session

from openfunnel.normalize.url import url_hash
from openfunnel.records import JobPosting, PostingStatus
from openfunnel.store.claims import Claim
from openfunnel.store.companies import company_ids, name_board
from openfunnel.store.encoding import storable_text, storable_time, to_array, to_json
from openfunnel.store.models import Posting

_KNOWN = text("""
    SELECT canonical_url_hash, id, status, text_checksum, checksum, closed_at
    FROM job_postings WHERE canonical_url_hash = ANY(CAST(:hashes AS text[]))
""")

_KEEP_FORMER = text("""
    INSERT INTO posting_versions (
        job_posting_id, replaced_at, title, locations, compensation, text_checksum, closed_at)
    SELECT id, :now, title, fields -> 'locations', nullif(fields -> 'compensation', 'null'),
           text_checksum, closed_at
    FROM job_postings WHERE id = ANY(CAST(:ids AS bigint[]))
""")

# Arrays cost less than JSON, which would be read twice, and than a parameter for each value, whose
# names the driver would look for in a long statement.
_COLUMNS = {
    "company_id": "bigint",
    "external_id": "text",
    "canonical_url": "text",
    "canonical_url_hash": "text",
    "public_url": "text",
    "apply_url": "text",
    "title": "text",
    "text": "text",
    "text_checksum": "text",
    "checksum": "text",
    "fields": "jsonb",
    "payload": "jsonb",
    "posted_at": "timestamptz",
    "updated_at": "timestamptz",
}
_NAMES = ", ".join(_COLUMNS)
_ARRAYS = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _COLUMNS.items())
_UPSERT = text(f"""
    INSERT INTO job_postings AS known (
        board_id, raw_response_id, fetched_at, {_NAMES}, status, first_seen_at, listed_at)
    SELECT :board_id, :raw_response_id, :now, {_NAMES}, 'fetched', :now, coalesce(posted_at, :now)
    FROM unnest({_ARRAYS}) AS page ({_NAMES})
    ON CONFLICT (canonical_url_hash) DO UPDATE SET
        company_id = coalesce(excluded.company_id, known.company_id),
        raw_response_id = excluded.raw_response_id,
        public_url = excluded.public_url,
        apply_url = excluded.apply_url,
        title = excluded.title,
        text = excluded.text,
        text_checksum = excluded.text_checksum,
        checksum = excluded.checksum,
        fields = excluded.fields,
        payload = excluded.payload,
        posted_at = excluded.posted_at,
        updated_at = excluded.updated_at,
        fetched_at = excluded.fetched_at,
        listed_at = coalesce(excluded.posted_at, known.first_seen_at),
        closed_at = NULL,
        -- Only what an extraction depends on sends a posting back.
        status = CASE WHEN known.text_checksum = excluded.text_checksum
                      THEN known.status ELSE 'fetched' END,
        failure = CASE WHEN known.text_checksum = excluded.text_checksum
                       THEN known.failure END
    WHERE known.checksum IS DISTINCT FROM excluded.checksum OR known.closed_at IS NOT NULL
    RETURNING id, status
""")  # noqa: S608 - names of columns, no values

_DISCOVER = text("""
    INSERT INTO job_postings (board_id, company_id, external_id, status, canonical_url,
                              canonical_url_hash, first_seen_at, listed_at)
    SELECT id, company_id, :external_id, 'discovered', :canonical_url, :hash, :now, :now
    FROM boards WHERE id = :board_id
    ON CONFLICT (canonical_url_hash) DO NOTHING
""")

_CLOSE_MISSING = text("""
    UPDATE job_postings SET closed_at = :now
    WHERE board_id = :board_id AND closed_at IS NULL
      AND external_id <> ALL(CAST(:external_ids AS text[]))
""")

ROWS_AT_ONCE = 50
"""Rows of one statement: the way to the server holds several copies of each."""


@dataclass(frozen=True)
class SavedPostings:
    """What became of a board page."""

    awaiting: tuple[int, ...]
    """Ids of its postings that now wait for extraction."""
    new: int
    changed: int
    """Those that an extraction would read differently."""
    unchanged: int
    reopened: int
    """Those of the changed and the unchanged that were closed."""


def save_postings(
    session: Session,
    board: Claim,
    raw_response_id: int,
    postings: Sequence[JobPosting],
    now: datetime,
) -> SavedPostings:
    """Store a board page; of postings with the same address the last one counts.

    What is stored already, word for word, is not written. A posting whose title, text or fields
    changed returns to `fetched`, one that was closed is open again; of both the former version is
    kept.
    """
    companies = company_ids(session, {posting.company_name for posting in postings})
    rows = {}
    for posting in postings:
        row = _row(posting, companies.get(posting.company_name, board.company_id))
        rows[row["canonical_url_hash"]] = row
    if board.company_id is None and companies:
        named = next(one.company_name for one in postings if one.company_name in companies)
        name_board(session, board.board_id, companies[named])

    known = {row.canonical_url_hash: row for row in session.execute(_KNOWN, {"hashes": list(rows)})}
    fetched = {key: row for key, row in known.items() if row.text_checksum is not None}
    changed = [
        row.id for key, row in fetched.items() if row.text_checksum != rows[key]["text_checksum"]
    ]
    reopened = [row.id for row in fetched.values() if row.closed_at is not None]
    if former := sorted({*changed, *reopened}):
        session.execute(_KEEP_FORMER, {"ids": former, "now": now})

    same = {
        key: row
        for key, row in fetched.items()
        if row.checksum == rows[key]["checksum"] and row.closed_at is None
    }
    fresh = [rows[key] for key in sorted(rows.keys() - same.keys())]
    states = {row.id: row.status for row in same.values()}
    common = {"board_id": board.board_id, "raw_response_id": raw_response_id, "now": now}
    for start in range(0, len(fresh), ROWS_AT_ONCE):
        part = fresh[start : start + ROWS_AT_ONCE]
        values = {name: to_array(row[name] for row in part) for name in _COLUMNS}
        states |= {row.id: row.status for row in session.execute(_UPSERT, values | common)}
    return SavedPostings(
        awaiting=tuple(sorted(one for one in states if states[one] == PostingStatus.FETCHED)),
        new=len(rows) - len(fetched),
        changed=len(changed),
        unchanged=len(fetched) - len(changed),
        reopened=len(reopened),
    )


def discover_posting(
    session: Session, board_id: int, canonical_url: str, external_id: str, now: datetime
) -> int:
    """Make the address of a posting known, to be fetched, if it is not; return the posting's id."""
    address = url_hash(canonical_url)
    session.execute(
        _DISCOVER,
        {
            "board_id": board_id,
            "canonical_url": canonical_url,
            "hash": address,
            "external_id": external_id,
            "now": now,
        },
    )
    return session.scalars(select(Posting.id).where(Posting.canonical_url_hash == address)).one()


def close_missing(
    session: Session, board_id: int, external_ids: Sequence[str], now: datetime
) -> int:
    """Close the postings that a completely fetched board no longer lists; return how many."""
    values = {"board_id": board_id, "external_ids": list(external_ids), "now": now}
    return session.execute(_CLOSE_MISSING, values).rowcount  # type: ignore[attr-defined,no-any-return]


def fail_fetched(session: Session, posting_id: int, failure: str) -> bool:
    """Mark a posting as failed that waited for extraction; False where it does not (any more)."""
    return _fail(session, failure, Posting.id == posting_id, PostingStatus.FETCHED)


def fail_discovered(session: Session, board_id: int, external_id: str, failure: str) -> bool:
    """Mark a posting as failed whose address led nowhere; False where it was fetched after all."""
    which = and_(Posting.board_id == board_id, Posting.external_id == external_id)
    return _fail(session, failure, which, PostingStatus.DISCOVERED)


def _fail(session: Session, failure: str, which: ColumnElement[bool], state: PostingStatus) -> bool:
    failed = {"status": PostingStatus.FAILED.value, "failure": failure}
    changed = update(Posting).where(which, Posting.status == state).values(**failed)
    return session.scalar(changed.returning(Posting.id)) is not None


def _row(posting: JobPosting, company_id: int | None) -> dict[str, Any]:
    fields, payload = to_json(posting.fields.model_dump(mode="json")), to_json(posting.payload)
    title, text_ = storable_text(posting.title), storable_text(posting.text)
    posted_at, updated_at = storable_time(posting.posted_at), storable_time(posting.updated_at)
    text_checksum = _checksum(title, text_, fields)
    return {
        "company_id": company_id,
        "external_id": posting.external_id,
        "canonical_url": posting.canonical_url,
        "canonical_url_hash": url_hash(posting.canonical_url),
        "public_url": posting.public_url,
        "apply_url": posting.apply_url,
        "title": title,
        "text": text_,
        "text_checksum": text_checksum,
        "checksum": _checksum(
            text_checksum,
            payload,
            *(storable_text(str(one)) for one in (posting.public_url, posting.apply_url)),
            *(str(one) for one in (company_id, posted_at, updated_at)),
        ),
        "fields": fields,
        "payload": payload,
        "posted_at": posted_at,
        "updated_at": updated_at,
    }


def _checksum(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
