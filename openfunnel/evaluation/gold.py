"""Reads a gold set: a folder with `labels.json`, and `postings.json` with the postings' payloads.

`postings.json` is a list of `{id, ats, board, payload}`, where `payload` is the posting as its ATS
gave it; the ids join it to `labels.json`. Payloads go through the parsers of the crawl, so that an
evaluation counts what a parser loses, too.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from openfunnel.errors import InvalidGoldSet, UnparsableAnswer
from openfunnel.evaluation.labels import Label
from openfunnel.records import BoardRef, JobPosting, PostingText, Record, ShortText
from openfunnel.sources import SOURCES
from openfunnel.sources.board import merge
from openfunnel.sources.payload import is_too_deep
from openfunnel.sources.starter import starter_boards


class GoldEntry(BaseModel):
    """An entry of `postings.json`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: ShortText
    ats: ShortText
    board: ShortText
    region: str = ""
    payload: Any = None


@dataclass(frozen=True)
class GoldPosting:
    """A posting as an extractor is given it, and its label, if it has one."""

    id: str
    board: BoardRef
    posting: PostingText
    label: Label | None


class Missing(Record):
    """A posting that is not compared, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class GoldSet:
    """What a folder holds."""

    postings: tuple[GoldPosting, ...]
    """Those that can be read, in the order of the file; some may have no label."""
    missing: tuple[Missing, ...]
    """Labelled ones that cannot, and those nobody has brought a payload of."""


def read_gold(folder: Path) -> GoldSet:
    """Read the gold set in `folder`.

    Raises:
        InvalidGoldSet: a file is not there, or not what it should be. A payload that cannot be read
            is none of that, it is `missing`.
    """
    labels = {label.id: label for label in _read(folder / "labels.json", Label)}
    entries = _read(folder / "postings.json", GoldEntry)
    employers = {board.ref: board.name for board in starter_boards()}
    postings: list[GoldPosting] = []
    missing: list[Missing] = []
    for entry in entries:
        label = labels.pop(entry.id, None)
        found = read_posting(entry)
        if isinstance(found, str):
            if label:
                missing.append(Missing(id=entry.id, reason=found))
            continue
        text = PostingText(
            title=found.title,
            text=found.text,
            company_name=found.company_name or employers.get(found.board),
            fields=found.fields,
        )
        postings.append(GoldPosting(entry.id, found.board, text, label))
    missing += [Missing(id=one, reason="no payload") for one in labels]
    return GoldSet(tuple(postings), tuple(missing))


def read_posting(entry: GoldEntry) -> JobPosting | str:
    """Return the posting of an entry, or why it cannot be read."""
    source = SOURCES.get(entry.ats)
    if entry.payload is None:
        return "no payload"
    if source is None:
        return f"no source reads {entry.ats}"
    if is_too_deep(entry.payload):
        return "it is nested too deeply"
    board = BoardRef(ats=entry.ats, token=entry.board, region=entry.region)
    body = json.dumps(_without_nulls(entry.payload)).encode()
    try:
        content = merge(source.parse_posting(body, board))
    except UnparsableAnswer as error:
        return str(error)
    if content.postings:
        return content.postings[0]
    return content.broken[0] if content.broken else "its parser leaves it out"


def _without_nulls(payload: Any) -> Any:
    """Leave out the fields that are null: to a parser they are absent, with one exception.

    A null is also how an ATS marks talent-pool entries, which a crawl leaves out, while whoever
    labels one wants it read.
    """
    if not isinstance(payload, Mapping):
        return payload
    return {name: value for name, value in payload.items() if value is not None}


_Entry = TypeVar("_Entry", Label, GoldEntry)


def _read(file: Path, kind: type[_Entry]) -> list[_Entry]:
    def refuse(problem: str) -> InvalidGoldSet:
        return InvalidGoldSet(file=file, problem=problem)

    try:
        values = json.loads(file.read_bytes())
        adapter: TypeAdapter[list[_Entry]] = TypeAdapter(list[kind])  # type: ignore[valid-type]
        entries = adapter.validate_python(values)
    except OSError as error:
        raise refuse(error.strerror or "it cannot be read") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise refuse(f"{place}: {first['msg']}" if place else first["msg"]) from None
    except (ValueError, RecursionError) as error:
        raise refuse(f"it is no JSON: {error}") from None
    twice = [one for one, times in Counter(entry.id for entry in entries).items() if times > 1]
    if twice:
        raise refuse(f"{twice[0]} is in it twice")
    return entries
