"""What every source declares: its API hosts, its addresses, and its parsers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from openfunnel.normalize.url import UrlForms
from openfunnel.records import BoardContent, BoardRef

Parse = Callable[[bytes, BoardRef], Iterator[BoardContent]]
"""From an answer's body to its pages."""


@dataclass(frozen=True)
class Source:
    """One applicant-tracking system: a declaration over pure functions, no I/O.

    `parse_board` reads the answer of the list request; `parse_posting` that of a single posting's
    request, or one entry of a list by itself where there is no such request. Both take the body
    (bytes after content decoding) and yield its pages lazily, at least one, of `PAGE_ENTRIES`
    entries at most. Where the answer as a whole cannot be read they raise `UnparsableAnswer`
    (`TruncatedAnswer`, `ChangedSchema`), perhaps after some pages: only who iterates to the end has
    seen a complete answer. A single entry that cannot be read is reported in `BoardContent.broken`
    and does not keep the others out.
    """

    name: str
    """As in `scrapy crawl NAME`, `NAME:start_urls` and `OPENFUNNEL_NAME_URL`."""
    api_bases: Mapping[str, str]
    """Base of the API by region; the main one's region is the empty string."""
    forms: UrlForms
    """The public and API addresses this source is known under."""
    board_request: str
    """Path and query of the list request below the base, with `{token}`."""
    posting_request: str | None
    """Path and query of a single posting's request, with `{token}` and `{posting_id}`; None where
    a board is answered for as a whole only: the address of a posting then stands for its board."""
    parse_board: Parse
    parse_posting: Parse
