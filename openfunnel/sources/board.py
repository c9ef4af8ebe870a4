"""From entries to a `BoardContent`: one broken entry never keeps the others out."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError

from openfunnel.errors import UnparsableAnswer
from openfunnel.records import BoardContent, BoardRef, JobPosting
from openfunnel.sources.payload import Entry, FieldError, is_too_deep, read_json

ReadPosting = Callable[[Entry, BoardRef], JobPosting | None]
"""Reads and closes one entry; None for a talent-pool entry. May raise `FieldError`."""

LONGEST_REASON = 300


def read_entries(
    values: Iterable[Any],
    path: str,
    board: BoardRef,
    unknown: Counter[str],
    read_posting: ReadPosting,
) -> BoardContent:
    """Read each of `values` with `read_posting`; `path` names them in what is reported.

    The fields of an entry that turns out broken are not counted as unknown; a posting that comes
    twice is kept once, as it came last.
    """
    postings: dict[str, JobPosting] = {}
    broken: list[str] = []
    prospects = 0
    for index, value in enumerate(values):
        seen: Counter[str] = Counter()
        try:
            if is_too_deep(value):
                raise FieldError("it is nested too deeply")
            posting = read_posting(Entry(value, path, seen), board)
        except FieldError as error:
            broken.append(_reason(index, value, str(error)))
            continue
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = ".".join(map(str, first["loc"]))
            broken.append(_reason(index, value, f"{name}: {first['msg']}"))
            continue
        unknown.update(seen)
        if posting is None:
            prospects += 1
        else:
            postings[posting.external_id] = posting
    return BoardContent(
        postings=tuple(postings.values()),
        prospects=prospects,
        broken=tuple(broken),
        unknown_fields=dict(unknown),
    )


def read_single(body: bytes, path: str, board: BoardRef, read_posting: ReadPosting) -> BoardContent:
    """Read an answer that is one posting, an object by itself.

    Raises:
        UnparsableAnswer: it is no JSON object.
    """
    unknown: Counter[str] = Counter()
    try:
        value = Entry(read_json(body), "", unknown).raw
    except FieldError as error:
        raise UnparsableAnswer(ats=board.ats, token=board.token, reason=str(error)) from None
    return read_entries([value], path, board, unknown, read_posting)


def _reason(index: int, value: Any, problem: str) -> str:
    posting_id = value.get("id") if isinstance(value, dict) else None
    name = f"{posting_id!r:.60}" if isinstance(posting_id, str | int) else f"number {index + 1}"
    return f"posting {name}: {problem}"[:LONGEST_REASON]
