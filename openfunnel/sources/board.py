"""From entries to pages of a `BoardContent`: one broken entry never keeps the others out."""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from openfunnel.errors import ChangedSchema, TruncatedAnswer, UnparsableAnswer
from openfunnel.records import BoardContent, BoardRef, Failure, JobPosting
from openfunnel.sources.payload import Entry, FieldError, is_too_deep, kind
from openfunnel.sources.stream import AnswerStream

ReadPosting = Callable[[Entry, BoardRef], JobPosting | None]
"""Reads and closes one entry; None for one that is to be left out. May raise `FieldError`."""

PAGE_ENTRIES = 200
"""Entries of a page: what is parsed, held in memory and stored at a time."""

FEWEST_TELLING = 3
"""So many entries, and not one that can be read: the shape has changed, it is no accident."""

LONGEST_REASON = 300


class Pages:
    """The entries of an answer as they come, page by page.

    `unknown` counts the unknown fields around the entries; they are reported with the last page.
    """

    def __init__(
        self, answer: AnswerStream, path: str, board: BoardRef, read_posting: ReadPosting
    ) -> None:
        self.entries = 0
        """Entries so far."""
        self.unknown: Counter[str] = Counter()
        self._answer = answer
        self._path = path
        self._board = board
        self._read_posting = read_posting
        self._waiting: list[Any] = []
        self._any_readable = False

    def full(self, values: Iterable[Any]) -> Iterator[BoardContent]:
        """Take entries; yield each page that surely is not the last one.

        Raises:
            ChangedSchema: no entry up to the end of a page can be read.
        """
        for value in values:
            if len(self._waiting) == PAGE_ENTRIES:
                yield self._page(Counter(), None)
            self._waiting.append(value)
            self.entries += 1

    def full_within(self, name: str) -> Generator[BoardContent, None, Entry]:
        """Take an answer that is an object with a list of entries; yield pages as `full` does.

        Returns what stands beside the list: it is to be closed, before the last page is asked for.

        Raises:
            TruncatedAnswer: it ends early.
            UnparsableAnswer: it is no JSON.
            ChangedSchema: it is no object, or does not have exactly one list of that name.
        """
        answer = self._answer
        rest: dict[str, Any] = {}
        has_list = False
        for member in answer.members("the answer"):
            if member != name:
                rest[member] = answer.value()
            elif has_list:
                raise answer.changed(f"it has {name} twice")
            else:
                yield from self.full(answer.items(name))
                has_list = True
        answer.end()
        if not has_list:
            raise answer.changed(f"it has no {name}")
        return Entry(rest, "", self.unknown)

    def last(self, stated: int | None = None) -> BoardContent:
        """Return the last page, perhaps an empty one, of an answer that was read to its end.

        Raises:
            TruncatedAnswer: it states more entries than came.
            UnparsableAnswer: it states fewer.
            ChangedSchema: none of several entries can be read.
        """
        if stated is not None and stated != self.entries:
            reason = f"it holds {self.entries} entries and says that there are {stated}"
            is_short = self.entries < stated
            raise (self._answer.truncated if is_short else self._answer.unparsable)(reason)
        return self._page(self.unknown, stated)

    def _page(self, unknown: Counter[str], stated: int | None) -> BoardContent:
        """Read the waiting entries; a posting that comes twice is kept once, as it came last."""
        values, self._waiting = self._waiting, []
        postings: dict[str, JobPosting] = {}
        broken: list[str] = []
        prospects = 0
        for number, value in enumerate(values, self.entries - len(values) + 1):
            try:
                posting = self._read(value, unknown)
            except FieldError as error:
                broken.append(_reason(number, value, str(error)))
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                name = ".".join(map(str, first["loc"]))
                broken.append(_reason(number, value, f"{name}: {first['msg']}"))
            else:
                if posting is None:
                    prospects += 1
                else:
                    postings[posting.external_id] = posting
        self._any_readable = self._any_readable or len(broken) < len(values)
        if not self._any_readable and len(values) >= FEWEST_TELLING:
            reason = f"of {len(values)} entries none can be read, as {broken[0]}"
            raise self._answer.changed(reason)
        return BoardContent(
            postings=tuple(postings.values()),
            prospects=prospects,
            broken=tuple(broken),
            unknown_fields=dict(unknown),
            entries=len(values),
            stated=stated,
        )

    def _read(self, value: Any, unknown: Counter[str]) -> JobPosting | None:
        """Read one entry; the fields of one that turns out broken are not counted as unknown."""
        if is_too_deep(value):
            raise FieldError("it is nested too deeply")
        seen: Counter[str] = Counter()
        posting = self._read_posting(Entry(value, self._path, seen), self._board)
        unknown.update(seen)
        return posting


def read_single(
    body: bytes, path: str, board: BoardRef, read_posting: ReadPosting
) -> Iterator[BoardContent]:
    """Read an answer that is one posting, an object by itself: one page.

    Raises:
        TruncatedAnswer: it ends early.
        UnparsableAnswer: it is no JSON.
        ChangedSchema: it is no object.
    """
    answer = AnswerStream(body, board)
    value = answer.value()
    answer.end()
    if not isinstance(value, dict):
        raise answer.changed(f"the answer is {kind(value)}, not an object")
    pages = Pages(answer, path, board, read_posting)
    yield from pages.full([value])
    yield pages.last()


def merge(pages: Iterable[BoardContent]) -> BoardContent:
    """Return all pages as one, for those who have the memory.

    A posting that comes twice is kept once, as it came last.
    """
    postings: dict[str, JobPosting] = {}
    broken: list[str] = []
    unknown: Counter[str] = Counter()
    prospects = entries = 0
    stated = None
    for page in pages:
        postings |= {posting.external_id: posting for posting in page.postings}
        broken += page.broken
        unknown.update(page.unknown_fields)
        prospects += page.prospects
        entries += page.entries
        stated = page.stated
    return BoardContent(
        postings=tuple(postings.values()),
        prospects=prospects,
        broken=tuple(broken),
        unknown_fields=dict(unknown),
        entries=entries,
        stated=stated,
    )


def name_failure(error: UnparsableAnswer) -> Failure:
    """Return the failure that an error of a parser stands for."""
    if isinstance(error, TruncatedAnswer):
        return Failure.TRUNCATED
    return Failure.CHANGED_SCHEMA if isinstance(error, ChangedSchema) else Failure.UNPARSABLE


def _reason(number: int, value: Any, problem: str) -> str:
    posting_id = value.get("id") if isinstance(value, dict) else None
    name = f"{posting_id!r:.60}" if isinstance(posting_id, str | int) else f"number {number}"
    return f"posting {name}: {problem}"[:LONGEST_REASON]
