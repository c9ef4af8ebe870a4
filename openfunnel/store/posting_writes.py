"""What the crawl writes about postings: pages of a board, addresses, and ends."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select, text, update
from sqlalchemy.orm import Session

from openfunnel.normalize.url import url_hash
from openfunnel.records import JobPosting, PostingStatus
from openfunnel.store.claims import Claim
from openfunnel.store.companies import company_ids, name_boards
from openfunnel.store.encoding import storable_text, storable_time, to_array, to_json
from openfunnel.store.models import Posting

_KNOWN = text("""
    SELECT canonical_url_hash, id, status, text_checksum, checksum, closed_at
    FROM job_postings WHERE canonical_url_hash = ANY(CAST(:hashes AS text[]))
""")

_KEEP_FORMER = text("""
    INSERT INTO posting_versions (
        job_posting_id, replaced_at, title, locations, compensation, text_checksum, closed_at)
    SELECT id, replaced_at, title, fields -> 'locations', nullif(fields -> 'compensation', 'null'),
           text_checksum, closed_at
    FROM job_postings JOIN unnest(CAST(:ids AS bigint[]), CAST(:times AS timestamptz[]))
        AS replaced (id, replaced_at) USING (id)
""")

# Arrays cost less than JSON, which would be read twice, and than a parameter for each value, whose
# names the driver would look for in a long statement.
_COLUMNS = {
    "board_id": "bigint",
    "raw_response_id": "bigint",
    "fetched_at": "timestamptz",
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
        {_NAMES}, status, first_seen_at, listed_at)
    SELECT {_NAMES}, 'fetched', fetched_at, coalesce(posted_at, fetched_at)
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
    RETURNING canonical_url_hash, id, status
""")  # noqa: S608 - names of columns, no values

_DISCOVER = text("""
    INSERT INTO job_postings (board_id, company_id, external_id, status, canonical_url,
                              canonical_url_hash, first_seen_at, listed_at)
    SELECT id, company_id, :external_id, 'discovered', :canonical_url, :hash, :now, :now
    FROM boards WHERE id = :board_id
    ON CONFLICT (canonical_url_hash) DO NOTHING
""")

_CLOSE_MISSING = text("""
    UPDATE job_postings SET closed_at = seen.at
    FROM unnest(CAST(:board_ids AS bigint[]), CAST(:times AS timestamptz[])) AS seen (board_id, at)
    WHERE job_postings.board_id = seen.board_id AND closed_at IS NULL
      AND NOT EXISTS (
          SELECT FROM unnest(CAST(:listed_on AS bigint[]), CAST(:listed AS text[]))
              AS listed (board_id, external_id)
          WHERE (listed.board_id, listed.external_id)
              = (job_postings.board_id, job_postings.external_id))
    RETURNING job_postings.board_id
""")

ROWS_AT_ONCE = 50
"""Rows of one statement: the way to the server holds several copies of each."""


@dataclass(frozen=True)
class Page:
    """Postings of a board, as an answer of it lists them."""

    board: Claim
    raw_response_id: int
    postings: Sequence[JobPosting]
    at: datetime


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


@dataclass(frozen=True)
class Listing:
    """All that a completely fetched board lists."""

    board_id: int
    external_ids: Collection[str]
    at: datetime


def save_pages(session: Session, pages: Sequence[Page]) -> list[SavedPostings]:
    """Store pages of different boards; of postings with the same address the last one counts.

    What is stored already, word for word, is not written. A posting whose title, text or fields
    changed returns to `fetched`, one that was closed is open again; of both the former version is
    kept.
    """
    rows, addresses = _rows(session, pages)
    known = {row.canonical_url_hash: row for row in session.execute(_KNOWN, {"hashes": list(rows)})}
    fetched = {key: row for key, row in known.items() if row.text_checksum is not None}
    changed = {
        key for key, row in fetched.items() if row.text_checksum != rows[key]["text_checksum"]
    }
    reopened = {key for key, row in fetched.items() if row.closed_at is not None}
    if former := changed | reopened:
        values = {
            "ids": [known[key].id for key in former],
            "times": [rows[key]["fetched_at"] for key in former],
        }
        session.execute(_KEEP_FORMER, values)

    same = {
        key
        for key, row in fetched.items()
        if row.checksum == rows[key]["checksum"] and key not in reopened
    }
    fresh = [rows[key] for key in sorted(rows.keys() - same)]  # locked in the same order by all
    states = {key: known[key] for key in same} | _upsert(session, fresh)
    return [
        SavedPostings(
            awaiting=tuple(
                sorted(
                    states[key].id
                    for key in page & states.keys()
                    if states[key].status == PostingStatus.FETCHED
                )
            ),
            new=len(page - fetched.keys()),
            changed=len(page & changed),
            unchanged=len(page & fetched.keys()) - len(page & changed),
            reopened=len(page & reopened),
        )
        for page in addresses
    ]


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


def close_unlisted(session: Session, listings: Sequence[Listing]) -> Counter[int]:
    """Close the postings that boards no longer list; return how many by the id of the board."""
    listed = [(one.board_id, external_id) for one in listings for external_id in one.external_ids]
    values = {
        "board_ids": [one.board_id for one in listings],
        "times": [one.at for one in listings],
        "listed_on": to_array(board_id for board_id, _ in listed),
        "listed": to_array(external_id for _, external_id in listed),
    }
    return Counter(session.scalars(_CLOSE_MISSING, values))


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


def _rows(
    session: Session, pages: Sequence[Page]
) -> tuple[dict[str, dict[str, Any]], list[set[str]]]:
    """The row of each posting by the hash of its address, and these hashes by page.

    Boards whose employer shows only now are named on the way.
    """
    companies = company_ids(
        session, {posting.company_name for page in pages for posting in page.postings}
    )
    named: dict[int, int] = {}
    rows: dict[str, dict[str, Any]] = {}
    addresses = []
    for page in pages:
        keys = set()
        for posting in page.postings:
            company_id = companies.get(posting.company_name, page.board.company_id)
            if page.board.company_id is None and posting.company_name in companies:
                named.setdefault(page.board.board_id, companies[posting.company_name])
            row = _row(page, posting, company_id)
            key = row["canonical_url_hash"]
            if key in rows:  # whose it is was settled by the first that listed it
                row |= {name: rows[key][name] for name in ("board_id", "external_id")}
            rows[key] = row
            keys.add(key)
        addresses.append(keys)
    if named:
        name_boards(session, named)
    return rows, addresses


def _upsert(session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Write rows; return id and status of those that were written, by the hash of the address."""
    states: dict[str, Any] = {}
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        values = {name: to_array(row[name] for row in part) for name in _COLUMNS}
        states |= {row.canonical_url_hash: row for row in session.execute(_UPSERT, values)}
    return states


def _row(page: Page, posting: JobPosting, company_id: int | None) -> dict[str, Any]:
    fields, payload = to_json(posting.fields.model_dump(mode="json")), to_json(posting.payload)
    title, text_ = storable_text(posting.title), storable_text(posting.text)
    posted_at, updated_at = storable_time(posting.posted_at), storable_time(posting.updated_at)
    text_checksum = _checksum(title, text_, fields)
    return {
        "board_id": page.board.board_id,
        "raw_response_id": page.raw_response_id,
        "fetched_at": page.at,
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
