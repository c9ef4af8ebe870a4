"""What the sandbox serves: boards and their answers, whoever made them."""

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

from openfunnel.records import BoardRef

Entry = Mapping[str, Any]
"""One posting in its ATS's own shape."""


@dataclass(frozen=True)
class BoardAnswer:
    """The whole answer to a board's list request; kept compressed, as it usually travels."""

    ref: BoardRef
    gzipped: bytes
    etag: str
    """Weak entity tag, of the body before compression."""
    modified: datetime | None = None
    """When it last became another; None: nobody knows."""

    @property
    def body(self) -> bytes:
        """The answer byte for byte after content decoding."""
        return gzip.decompress(self.gzipped)


class World(Protocol):
    """Boards that can be asked for; both makers are cheap to create and answer lazily."""

    def boards(self) -> Sequence[BoardRef]:
        """Every board, in a fixed order."""

    def answer(self, ref: BoardRef) -> BoardAnswer | None:
        """Whole answer of a board with full text, or None where there is no such board."""


def pack(ref: BoardRef, body: bytes, modified: datetime | None = None) -> BoardAnswer:
    """Make the answer of `body`; equal bodies give equal answers."""
    gzipped = gzip.compress(body, compresslevel=1, mtime=0)
    return BoardAnswer(ref, gzipped, entity_tag(body), modified)


def entity_tag(body: bytes) -> str:
    """Weak ETag of a body, header value with its quotes."""
    return f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'


@lru_cache(maxsize=8)
def entries(answer: BoardAnswer) -> tuple[Entry, ...]:
    """Parse an answer's postings, prospects included, for requests of less than a whole board."""
    content = json.loads(answer.body)
    return tuple(content["jobs"] if isinstance(content, dict) else content)
