"""Lever: one request brings a whole site with its texts, as a bare list.

`description` is opening and body together; `lists` hold half of a posting or more, and stand in no
plain-text field. Sites of the EU live on a host of their own. The payload never names the employer.
https://github.com/lever/postings-api
"""

import re
from collections.abc import Iterator

from openfunnel.normalize.markup import html_to_text, unescape_entities
from openfunnel.normalize.text import one_line
from openfunnel.normalize.url import UrlForm, UrlForms, clean_link
from openfunnel.records import (
    AtsFields,
    BoardContent,
    BoardRef,
    Compensation,
    JobPosting,
    PayPeriod,
)
from openfunnel.sources.board import Pages, read_single
from openfunnel.sources.pay import pay_range
from openfunnel.sources.payload import Entry, FieldError
from openfunnel.sources.source import Source
from openfunnel.sources.stream import AnswerStream

FORMS = UrlForms(
    public=tuple(
        UrlForm((host,), path, region=region)
        for host, region in (("jobs.lever.co", ""), ("jobs.eu.lever.co", "eu"))
        for path in ("/{token}", "/{token}/{posting_id}", "/{token}/{posting_id}/apply")
    ),
    api_paths=("/{token}", "/{token}/{posting_id}"),
    canonical={
        "": "https://jobs.lever.co/{token}/{posting_id}",
        "eu": "https://jobs.eu.lever.co/{token}/{posting_id}",
    },
    board_pattern=r"[A-Za-z0-9_][A-Za-z0-9_.&+~\-]{0,99}",
    posting_pattern=r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
)

_IGNORED = frozenset(
    (
        "additionalPlain",
        "descriptionBodyPlain",
        "descriptionPlain",
        "openingPlain",
        "salaryDescriptionPlain",
    )
)
_INTERVAL = re.compile(r"(?:per|1)-(year|month|week|day|hour)(?:-(?:salary|wage))?")
"""Others (`one-time`, `bi-weekly-salary`) are no pay period that is compared."""


def parse_board(body: bytes, board: BoardRef) -> Iterator[BoardContent]:
    """Read the answer of the list request page by page: `[{"id": "...", "text": "...", ...}]`.

    Raises:
        TruncatedAnswer: it ends early.
        UnparsableAnswer: it is no JSON.
        ChangedSchema: it is no list, or none of its entries is a posting.
    """
    answer = AnswerStream(body, board)
    pages = Pages(answer, "[]", board, read_posting)
    yield from pages.full(answer.items("the answer"))
    answer.end()
    yield pages.last()


def parse_posting(body: bytes, board: BoardRef) -> Iterator[BoardContent]:
    """Read the answer of a single posting's request: the same object, alone.

    Raises:
        TruncatedAnswer: it ends early.
        UnparsableAnswer: it is no JSON.
        ChangedSchema: it is no object.
    """
    return read_single(body, "posting", board, read_posting)


def read_posting(posting: Entry, board: BoardRef) -> JobPosting:
    """Read and close one posting."""
    posting_id = FORMS.clean_posting_id(posting.line("id") or "")
    title = posting.line("text")
    text = _text(posting)
    locations, departments, commitment = _categories(posting)
    country = (posting.line("country") or "").upper()
    workplace = posting.line("workplaceType")
    compensation = _compensation(posting)
    public_url, apply_url = posting.text("hostedUrl"), posting.text("applyUrl")
    posted_at, updated_at = posting.epoch_ms("createdAt"), posting.epoch_ms("updatedAt")
    posting.close(_IGNORED)
    if posting_id is None:
        raise FieldError("it has no usable id")
    if title is None:
        raise FieldError("it has no title")
    return JobPosting(
        board=board,
        external_id=posting_id,
        title=title,
        company_name=None,
        canonical_url=FORMS.canonical_url(board.region, board.token, posting_id),
        public_url=clean_link(public_url),
        apply_url=clean_link(apply_url),
        text=text,
        fields=AtsFields(
            locations=locations,
            departments=departments,
            commitment=commitment,
            workplace=None if workplace == "unspecified" else workplace,
            country=country if re.fullmatch("[A-Z]{2}", country) else None,
            compensation=compensation,
        ),
        posted_at=posted_at,
        updated_at=updated_at,
        payload=posting.raw,
    )


def _text(posting: Entry) -> str:
    """Return the whole text: description, lists under their headings, closing, words on pay."""
    opening, body = posting.text("opening"), posting.text("descriptionBody")
    description = posting.text("description")
    parts = [html_to_text(description or f"<div>{opening or ''}</div><div>{body or ''}</div>")]
    for item in posting.entries("lists"):
        heading = one_line(unescape_entities(item.text("text") or ""))
        parts += [f"## {heading}" if heading else "", html_to_text(item.text("content") or "")]
        item.close()
    parts.append(html_to_text(posting.text("additional") or ""))
    parts.append(html_to_text(posting.text("salaryDescription") or ""))
    return "\n".join(part for part in parts if part)


def _categories(posting: Entry) -> tuple[tuple[str, ...], tuple[str, ...], str | None]:
    """Return locations, departments (the team among them) and commitment."""
    categories = posting.entry("categories")
    if categories is None:
        return (), (), None
    locations = [categories.line("location"), *categories.lines("allLocations")]
    departments = [categories.line("department"), categories.line("team")]
    commitment = categories.line("commitment")
    categories.close(("level",))
    return (
        tuple(dict.fromkeys(name for name in locations if name)),
        tuple(dict.fromkeys(name for name in departments if name)),
        commitment,
    )


def _compensation(posting: Entry) -> Compensation | None:
    salary = posting.entry("salaryRange")
    if salary is None:
        return None
    low, high = salary.number("min"), salary.number("max")
    currency, interval = salary.line("currency"), salary.line("interval")
    salary.close()
    match = _INTERVAL.fullmatch((interval or "").lower())
    return pay_range(low, high, currency, PayPeriod(match[1]) if match else None)


SOURCE = Source(
    name="lever",
    api_bases={
        "": "https://api.lever.co/v0/postings",
        "eu": "https://api.eu.lever.co/v0/postings",
    },
    forms=FORMS,
    board_request="/{token}?mode=json",
    posting_request="/{token}/{posting_id}?mode=json",
    parse_board=parse_board,
    parse_posting=parse_posting,
)
