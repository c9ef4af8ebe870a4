"""Greenhouse: one request brings a whole board with its texts.

Content is HTML escaped as entities. An entry without a job behind it (`internal_job_id` is null) is
a prospect post, a talent pool. Metadata of type `user` names employees of the employer: it is left
out of everything this module returns. https://developers.greenhouse.io/job-board.html
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from openfunnel.normalize.markup import html_to_text, unescape
from openfunnel.normalize.text import fold, one_line
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
from openfunnel.sources.pay import guess_period, pay_range, widest
from openfunnel.sources.payload import Entry, FieldError
from openfunnel.sources.source import Source
from openfunnel.sources.stream import AnswerStream

_HOSTS = (
    "job-boards.greenhouse.io",
    "boards.greenhouse.io",
    "job-boards.eu.greenhouse.io",
    "boards.eu.greenhouse.io",
)
FORMS = UrlForms(
    public=(
        UrlForm(_HOSTS, "/embed/job_app", {"for": "token", "token": "posting_id"}),
        UrlForm(_HOSTS, "/embed/job_app", {"for": "token"}),
        UrlForm(_HOSTS, "/embed/job_board", {"for": "token"}),
        UrlForm(_HOSTS, "/embed/job_board/js", {"for": "token"}),
        UrlForm(_HOSTS, "/{token}/jobs/{posting_id}"),
        UrlForm(_HOSTS, "/{token}/jobs"),
        UrlForm(_HOSTS, "/{token}"),
    ),
    api_paths=("/{token}", "/{token}/jobs", "/{token}/jobs/{posting_id}"),
    canonical={"": "https://job-boards.greenhouse.io/{token}/jobs/{posting_id}"},
    board_pattern=r"(?!embed$)[A-Za-z0-9_][A-Za-z0-9_.\-]{0,99}",
    posting_pattern=r"[0-9]{1,20}",
    posting_parameter="gh_jid",
    token_has_case=False,
)

_IGNORED = frozenset(
    (
        "ai_disclaimer",
        "ai_opt_out_request_url",
        "application_deadline",
        "compliance",
        "data_compliance",
        "demographic_questions",
        "education",
        "employment",
        "include_ai_disclaimer",
        "location_questions",
        "questions",
        "requisition_id",
    )
)
_COMMITMENT = re.compile(
    r"(?:employment|employee|worker|contract|time|employee time|commitment)"
    r"(?: type| status)?(?: \(.*\)| english)?:?"
)
_WORKPLACE = re.compile(r".*\b(?:remote|work ?place|location type|work type|work model)\b.*")
_WORKPLACE_WORDS = re.compile(r"remote|hybrid|on-?\s?site|on-location|office|in.person")
_CONTAINERS = (dict, list)
_PERIODS = {
    PayPeriod.HOUR: re.compile(r"\bhour"),
    PayPeriod.MONTH: re.compile(r"\bmonth"),
    PayPeriod.YEAR: re.compile(r"\bannual|\byear|\bper annum"),
}


def parse_board(body: bytes, board: BoardRef) -> Iterator[BoardContent]:
    """Read the answer of the list request page by page: `{"jobs": [...], "meta": {"total": 2}}`.

    Raises:
        TruncatedAnswer: it ends early, or holds fewer jobs than it says.
        UnparsableAnswer: it is no JSON, or holds more jobs than it says.
        ChangedSchema: it has no list of jobs, or none of its entries is a job.
    """
    answer = AnswerStream(body, board)
    pages = Pages(answer, "jobs[]", board, read_posting)
    rest = yield from pages.full_within("jobs")
    try:
        stated = _total(rest)
    except FieldError as error:
        raise answer.changed(str(error)) from None
    yield pages.last(stated)


def parse_posting(body: bytes, board: BoardRef) -> Iterator[BoardContent]:
    """Read the answer of a single posting's request: a job, with the form to apply.

    Raises:
        TruncatedAnswer: it ends early.
        UnparsableAnswer: it is no JSON.
        ChangedSchema: it is no object.
    """
    return read_single(body, "job", board, read_posting)


def read_posting(job: Entry, board: BoardRef) -> JobPosting | None:
    """Read and close one job; None for a prospect post."""
    job_id = job.number("id")
    if not isinstance(job_id, int) or job_id <= 0:
        raise FieldError("it has no usable id")
    is_prospect = job.is_null("internal_job_id")
    title = job.line("title")
    location = job.entry("location")
    commitment, workplace = _metadata(job)
    departments, offices = _departments(job), _offices(job)
    language = (job.line("language") or "")[:2].lower()
    compensation = _compensation(job)
    text = html_to_text(unescape(job.text("content") or ""))
    posted_at, updated_at = job.time("first_published"), job.time("updated_at")
    company_name, public_url = job.line("company_name"), job.text("absolute_url")
    location_name = location.line("name") if location else None
    if location:
        location.close()
    job.close(_IGNORED)
    if is_prospect:
        return None
    if title is None:
        raise FieldError("it has no title")
    return JobPosting(
        board=board,
        external_id=str(job_id),
        title=title,
        company_name=company_name,
        canonical_url=FORMS.canonical_url(board.region, board.token, str(job_id)),
        public_url=clean_link(public_url),
        text=text,
        fields=AtsFields(
            locations=(location_name,) if location_name else (),
            offices=offices,
            departments=departments,
            commitment=commitment,
            workplace=workplace,
            compensation=compensation,
            language=language if re.fullmatch("[a-z]{2}", language) else None,
        ),
        posted_at=posted_at,
        updated_at=updated_at,
        payload=_without_users(job.raw),
    )


def _total(answer: Entry) -> int | None:
    """Read and close what stands around the jobs; return how many of them there are."""
    meta = answer.entry("meta")
    answer.close()
    if meta is None:
        return None
    total = meta.number("total")
    meta.close()
    if isinstance(total, float):
        raise FieldError("meta.total is no whole number")
    return total


def _departments(job: Entry) -> tuple[str, ...]:
    names = []
    for department in job.entries("departments"):
        names.append(department.line("name"))
        department.close(("id", "child_ids", "parent_id"))
    return tuple(dict.fromkeys(name for name in names if name))


def _offices(job: Entry) -> tuple[str, ...]:
    """Return where the offices are: their location, else their name."""
    places = []
    for office in job.entries("offices"):
        name, location = office.line("name"), office.line("location")
        places.append(location or name)
        office.close(("id", "child_ids", "parent_id"))
    return tuple(dict.fromkeys(place for place in places if place))


def _metadata(job: Entry) -> tuple[str | None, str | None]:
    """Return commitment and workplace, as far as the employer's own fields state them."""
    commitments: list[str] = []
    workplaces: list[str] = []
    for item in job.entries("metadata"):
        name, value_type, value = item.line("name"), item.line("value_type"), item.any("value")
        item.close(("id",))
        name = fold(name or "")
        if _is_user(value_type):
            continue
        if _COMMITMENT.fullmatch(name):
            commitments += _stated(value)
        elif _WORKPLACE.fullmatch(name):
            if value is True and "remote" in name:
                workplaces.append("Remote")
            workplaces += [text for text in _stated(value) if _WORKPLACE_WORDS.search(fold(text))]
    return ", ".join(dict.fromkeys(commitments)) or None, ", ".join(workplaces) or None


def _stated(value: object) -> list[str]:
    """Return the texts of a selection, of one or of many."""
    values = value if isinstance(value, list) else [value]
    return [line for text in values if isinstance(text, str) if (line := one_line(text))]


def _compensation(job: Entry) -> Compensation | None:
    """Return the widest of the stated ranges. They are in cents, and no field says for how long.

    A period named in title or blurb counts, else the size of the amount (see `guess_period`).
    """
    ranges = []
    for item in job.entries("pay_input_ranges"):
        low, high = (
            Decimal(str(item.number(name) or 0)) / 100 for name in ("min_cents", "max_cents")
        )
        currency = item.line("currency_type")
        words = fold(f"{item.text('title') or ''} {html_to_text(item.text('blurb') or '')}")
        item.close()
        stated = [period for period, pattern in _PERIODS.items() if pattern.search(words)]
        period = stated[0] if len(stated) == 1 else guess_period(high or low)
        if pay := pay_range(low, high, currency, period):
            ranges.append(pay)
    return widest(ranges)


def _is_user(value_type: object) -> bool:
    return isinstance(value_type, str) and "user" in value_type.lower().split("_")


def _without_users(value: Any) -> Any:
    """Return the value without what it says of users, at any depth."""
    if isinstance(value, dict):
        return {
            name: _without_users(item) if isinstance(item, _CONTAINERS) else item
            for name, item in value.items()
            if not _names_user(item)
        }
    return [
        _without_users(item) if isinstance(item, _CONTAINERS) else item
        for item in value
        if not _names_user(item)
    ]


def _names_user(value: object) -> bool:
    return isinstance(value, dict) and _is_user(value.get("value_type"))


SOURCE = Source(
    name="greenhouse",
    api_bases={"": "https://boards-api.greenhouse.io/v1/boards"},
    forms=FORMS,
    board_request="/{token}/jobs?content=true&pay_transparency=true",
    posting_request="/{token}/jobs/{posting_id}?pay_transparency=true",
    parse_board=parse_board,
    parse_posting=parse_posting,
)
