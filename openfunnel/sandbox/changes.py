"""What becomes of a generated board with time: openings are added, rewritten and filled."""

import json
import random
from collections.abc import Callable
from typing import Any

CHANGING_SHARE = 0.3
"""Share of the boards that another revision of the world finds changed."""
IDENTITY = {
    "greenhouse": ("absolute_url", "id", "internal_job_id", "requisition_id", "first_published"),
    "lever": ("applyUrl", "createdAt", "hostedUrl", "id"),
    "ashby": ("applyUrl", "id", "jobUrl", "publishedAt"),
}
"""What stays of a posting that is rewritten."""

Entry = dict[str, Any]
Draw = Callable[[random.Random, int], bytes]
"""Makes an answer with the one opening of that revision."""


def evolve(ats: str, body: bytes, draw: Draw, seed: str, revision: int) -> tuple[bytes, int]:
    """Take a board's first answer through so many revisions; the last that changed it comes too.

    A revision that changes a board adds one posting, rewrites one, and drops one where it has more
    than two; a board is the same for the same seed and revision, however it got there.
    """
    postings, changed = _read(body), 0
    for number in range(1, revision + 1):
        rng = random.Random(f"{seed}:{number}")  # noqa: S311
        if rng.random() < CHANGING_SHARE:
            _change(ats, rng, postings, [_only(draw(rng, number)) for _ in range(2)])
            changed = number
    return (_write(ats, postings), changed) if changed else (body, 0)


def _change(ats: str, rng: random.Random, postings: list[Entry], fresh: list[Entry]) -> None:
    real = [index for index, one in enumerate(postings) if not _is_prospect(one)]
    rng.shuffle(real)
    added, rewritten = fresh
    if real:
        kept = {name: postings[real[0]][name] for name in IDENTITY[ats]}
        postings[real[0]] = rewritten | kept
    if len(real) > 2:
        del postings[real[1]]
    postings.append(added)


def _only(body: bytes) -> Entry:
    return next(one for one in _read(body) if not _is_prospect(one))


def _is_prospect(entry: Entry) -> bool:
    return entry.get("internal_job_id", 0) is None


def _read(body: bytes) -> list[Entry]:
    content = json.loads(body)
    return list(content["jobs"] if isinstance(content, dict) else content)


def _write(ats: str, postings: list[Entry]) -> bytes:
    beside: dict[str, Entry] = {
        "greenhouse": {"meta": {"total": len(postings)}},
        "ashby": {"apiVersion": "1"},
    }
    content = {"jobs": postings, **beside[ats]} if ats in beside else postings
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
