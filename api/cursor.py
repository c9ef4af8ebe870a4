"""Cursors of keyset pagination: opaque to clients, bound to the search they came from.

A cursor is base64url JSON `[sort value, id, digest]`. The digest covers the search and the
position, so that a cursor altered or carried over to another search is told apart. It is a
checksum, not a signature: a position is no secret, and a made-up one only begins a page elsewhere.
"""

import base64
import binascii
import hashlib
import json

from openfunnel.errors import InvalidQuery
from openfunnel.store.search import Position

MAX_LENGTH = 400

LAST_ID = 2**63 - 1


def encode(position: Position, search: str) -> str:
    """Return the cursor that continues `search` (its canonical text) behind `position`."""
    document = json.dumps([*position, _digest(position, search)], separators=(",", ":"))
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def decode(cursor: str, search: str) -> Position:
    """Return the position `cursor` stands for.

    Raises:
        InvalidQuery: it is no cursor, was altered, or belongs to another search.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        value, row_id, digest = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, RecursionError, binascii.Error) as error:
        raise _refusal() from error
    if not isinstance(value, str) or not isinstance(row_id, int) or not 0 < row_id <= LAST_ID:
        raise _refusal()
    position = (value, row_id)
    if digest != _digest(position, search) or cursor != encode(position, search):
        raise _refusal()
    return position


def _digest(position: Position, search: str) -> str:
    return hashlib.sha256(json.dumps([*position, search]).encode()).hexdigest()[:16]


def _refusal() -> InvalidQuery:
    return InvalidQuery(
        field="cursor",
        problem="not a cursor of this search; take next_cursor of its last page, "
        "with the same filters and sort",
    )
