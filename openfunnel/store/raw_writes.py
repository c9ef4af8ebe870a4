"""Raw answers: kept byte for byte, and each only once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import zstandard
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from openfunnel.records import RawResponse
from openfunnel.store.encoding import storable_time
from openfunnel.store.models import StoredResponse

ZSTD_LEVEL = 3

_NO_RUN = 2**63
"""No id is as great, but start entries may name any number."""

# All bodies are one parameter, from which each is cut: the driver would write an array of bytes as
# text, at twice the size.
_SAVE = text("""
    WITH answers AS (
        SELECT * FROM unnest(
            CAST(:numbers AS integer[]), CAST(:board_ids AS bigint[]), CAST(:run_ids AS bigint[]),
            CAST(:urls AS text[]), CAST(:times AS timestamptz[]), CAST(:statuses AS integer[]),
            CAST(:types AS text[]), CAST(:etags AS text[]), CAST(:modified AS text[]),
            CAST(:checksums AS text[]), CAST(:sizes AS bigint[]), CAST(:failures AS text[]),
            CAST(:begins AS integer[]), CAST(:lengths AS integer[])
        ) AS answers (number, board_id, run_id, url, fetched_at, http_status, content_type, etag,
                      last_modified, checksum, body_bytes, failure, begins, length)
    ), known AS (
        SELECT number, min(raw.id) AS id
        FROM answers JOIN raw_responses AS raw USING (board_id, checksum, http_status)
        GROUP BY number
    ), added AS (
        INSERT INTO raw_responses (board_id, run_id, url, fetched_at, http_status, content_type,
                                   etag, last_modified, checksum, body_bytes, failure, body)
        SELECT board_id,
               (SELECT id FROM runs WHERE id = run_id),
               url, fetched_at, http_status, content_type,
               etag, last_modified, checksum, body_bytes, failure,
               substring(CAST(:bodies AS bytea) FROM begins FOR length)
        FROM answers WHERE number NOT IN (SELECT number FROM known)
        RETURNING id, board_id, checksum, http_status
    )
    SELECT number, id FROM known
    UNION ALL
    SELECT number, added.id FROM answers JOIN added USING (board_id, checksum, http_status)
""")


@dataclass(frozen=True)
class Received:
    """An answer of a board, to be stored."""

    board_id: int
    raw: RawResponse
    run_id: int | None = None
    failure: str | None = None
    """Why it could not be used."""


def save_raw_responses(session: Session, answers: Sequence[Received]) -> list[int]:
    """Store answers byte for byte, zstd-compressed; return their ids. An unknown run is dropped.

    A body that a board has sent before under the same status is not stored again: the id is that of
    the first one.
    """
    if not answers:
        return []
    keys = [
        (answer.board_id, hashlib.sha256(answer.raw.body).hexdigest(), answer.raw.http_status)
        for answer in answers
    ]
    first = {key: number for number, key in reversed(list(enumerate(keys)))}
    numbers = sorted(first.values())
    new = [answers[number] for number in numbers]
    compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
    bodies = [compressor.compress(answer.raw.body) for answer in new]
    lengths = [len(body) for body in bodies]
    values = {
        "numbers": numbers,
        "board_ids": [answer.board_id for answer in new],
        "run_ids": [answer.run_id if (answer.run_id or 0) < _NO_RUN else None for answer in new],
        "urls": [answer.raw.url for answer in new],
        "times": [storable_time(answer.raw.fetched_at) for answer in new],
        "statuses": [answer.raw.http_status for answer in new],
        "types": [answer.raw.content_type for answer in new],
        "etags": [answer.raw.etag for answer in new],
        "modified": [answer.raw.last_modified for answer in new],
        "checksums": [keys[number][1] for number in numbers],
        "sizes": [len(answer.raw.body) for answer in new],
        "failures": [answer.failure for answer in new],
        "begins": [
            end - length + 1 for end, length in zip(accumulate(lengths), lengths, strict=True)
        ],
        "lengths": lengths,
        "bodies": b"".join(bodies),
    }
    ids = {row.number: row.id for row in session.execute(_SAVE, values)}
    return [ids[first[key]] for key in keys]


def mark_unusable(session: Session, raw_response_id: int, failure: str) -> None:
    """Name why a stored answer could not be used: it shows only once it is read."""
    stored = update(StoredResponse).where(StoredResponse.id == raw_response_id)
    session.execute(stored.values(failure=failure))
