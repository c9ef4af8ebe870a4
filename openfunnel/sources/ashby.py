"""Ashby: one request brings a whole board with its texts, and there is no request for less.

Pay comes in tiers (by place, by level) of components: salary, equity, commission ... The payload
never names the employer. https://developers.ashbyhq.com/docs/public-job-posting-api
"""

import re
from collections.abc import Iterator

from openfunnel.normalize.markup import html_to_text
from openfunnel.normalize.text import fold
from openfunnel.normalize.url import UrlForm, UrlForms, clean_link
from openfunnel.records import (
    REMOTE_ALLOWED,
    AtsFields,
    BoardContent,
    BoardRef,
    Compensation,
    JobPosting,
    PayPeriod,
)
from openfunnel.sources.board import Pages, read_single
from openfunnel.sources.pay import pay_range, widest
from openfunnel.sources.payload import Entry, FieldError
from openfunnel.sources.source import Source
from openfunnel.sources.stream import AnswerStream

_HOSTS = ("jobs.ashbyhq.com",)
FORMS = UrlForms(
    public=tuple(
        UrlForm(_HOSTS, path)
        for path in (
            "/{token}",
            "/{token}/embed",
            "/{token}/{posting_id}",
            "/{token}/{posting_id}/application",
        )
    ),
    api_paths=("/{token}",),
    canonical={"": "https://jobs.ashbyhq.com/{token}/{posting_id}"},
    # Employers name their boards themselves: `Acme Labs` is one, with its space. Reports differ on
    # whether the API minds case, so a name is asked for as it was given.
    board_pattern=r"(?!.{101})[A-Za-z0-9_][A-Za-z0-9_.&\-]*(?: [A-Za-z0-9_.&\-]+)*",
    posting_pattern=r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    posting_parameter="ashby_jid",
)

_SUMMARIES_OF_PAY = (
    "compensationTierSummary",
    "scrapeableCompensationSalarySummary",
    "summaryComponents",
)
_INTERVAL = re.compile(r"1 (YEAR|MONTH|WEEK|DAY|HOUR)")
"""Others (`NONE`, `2 WEEK`) are no pay period that is compared."""
_ON_TARGET = re.compile(r"\bOTE\b|\bon[- ]target\b", re.IGNORECASE)


def parse_board(body: bytes, board: BoardRef) -> Iterator[BoardContent]:
    """Read the answer of the list request page by page: `{"apiVersion": "1", "jobs": [...]}`.

    Raises:
        TruncatedAnswer: it ends early.
        UnparsableAnswer: it is no JSON.
        ChangedSchema: it has no list of jobs, or none of its entries is a job.
    """
    pages = Pages(AnswerStream(body, board), "jobs[]", board, read_posting)
    rest = yield from pages.full_within("jobs")
    rest.close(("apiVersion",))
    yield pages.last()


def parse_posting(body: bytes, board: BoardRef) -> Iterator[BoardContent]:
    """Read one job of a list by itself.

    Raises:
        TruncatedAnswer: it ends early.
        UnparsableAnswer: it is no JSON.
        ChangedSchema: it is no object.
    """
    return read_single(body, "job", board, read_posting)


def read_posting(job: Entry, board: BoardRef) -> JobPosting | None:
    """Read and close one job; None for one that its board does not list."""
    job_id = FORMS.clean_posting_id(job.line("id") or "")
    title = job.line("title")
    is_listed, is_remote = job.any("isListed") is not False, job.any("isRemote") is True
    markup, plain = job.text("descriptionHtml"), job.text("descriptionPlain")
    locations, offices = _places(job)
    departments = [job.line("department"), job.line("team")]
    commitment, workplace = job.line("employmentType"), job.line("workplaceType")
    compensation = _compensation(job)
    posted_at = job.time("publishedAt")
    public_url, apply_url = job.text("jobUrl"), job.text("applyUrl")
    job.close(("shouldDisplayCompensationOnJobPostings",))
    if not is_listed:
        return None
    if job_id is None:
        raise FieldError("it has no usable id")
    if title is None:
        raise FieldError("it has no title")
    return JobPosting(
        board=board,
        external_id=job_id,
        title=title,
        company_name=None,
        canonical_url=FORMS.canonical_url(board.region, board.token, job_id),
        public_url=clean_link(public_url),
        apply_url=clean_link(apply_url),
        text=html_to_text(markup or plain or ""),
        fields=AtsFields(
            locations=locations,
            offices=offices,
            departments=tuple(dict.fromkeys(name for name in departments if name)),
            commitment=commitment,
            workplace=workplace or (REMOTE_ALLOWED if is_remote else None),
            compensation=compensation,
        ),
        posted_at=posted_at,
        payload=job.raw,
    )


def _places(job: Entry) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return where the job is offered, as the board calls it, and the addresses behind that."""
    places = [_place(job)]
    for other in job.entries("secondaryLocations"):
        places.append(_place(other))
        other.close()
    names, addresses = zip(*places, strict=True)
    return tuple(dict.fromkeys(filter(None, names))), tuple(dict.fromkeys(filter(None, addresses)))


def _place(entry: Entry) -> tuple[str | None, str | None]:
    """Return the name of a place, and its address where that goes down to a city.

    Names are the employer's own (`HQ`, `London`); one that is a city's alone, or says `Remote` and
    no more, is completed from the address.
    """
    name, address = entry.line("location"), entry.entry("address")
    if address is None:
        return name, None
    # The documentation's example has no `postalAddress` around those of secondary locations.
    postal = address.entry("postalAddress") or address
    city = postal.line("addressLocality")
    region, country = postal.line("addressRegion"), postal.line("addressCountry")
    postal.close()
    if postal is not address:
        address.close()
    whole = ", ".join(dict.fromkeys(part for part in (city, region, country) if part))
    folded = fold(name or "")
    if not folded or folded == fold(city or ""):
        name = whole or name
    elif country and folded == "remote":
        name = f"{name} ({country})"
    return name, whole if city else None


def _compensation(job: Entry) -> Compensation | None:
    """Return the widest range of the salaries in all tiers; of on-target earnings only for want."""
    pay = job.entry("compensation")
    if pay is None:
        return None
    bands: list[Compensation] = []
    for tier in pay.entries("compensationTiers"):
        words = tier.line("additionalInformation") or ""
        salaries = [_salary(component, words) for component in tier.entries("components")]
        bands += [band for band in salaries if band]
        tier.close(("id", "tierSummary", "title"))
    pay.close(_SUMMARIES_OF_PAY)
    return widest([band for band in bands if not band.ote] or bands)


def _salary(component: Entry, words: str) -> Compensation | None:
    """Read and close a component of pay; None for one that is no salary.

    Nothing but its summary and the `words` beside it tells on-target earnings from base pay.
    """
    kind, summary = component.line("compensationType"), component.line("summary")
    low, high = component.number("minValue"), component.number("maxValue")
    currency, interval = component.line("currencyCode"), component.line("interval")
    component.close(("id",))
    match = _INTERVAL.fullmatch(interval or "")
    if kind != "Salary" or match is None:
        return None
    band = pay_range(low, high, currency, PayPeriod(match[1].lower()))
    if band and _ON_TARGET.search(f"{summary or ''} {words}"):
        return band.model_copy(update={"ote": True})
    return band


SOURCE = Source(
    name="ashby",
    api_bases={"": "https://api.ashbyhq.com/posting-api/job-board"},
    forms=FORMS,
    board_request="/{token}?includeCompensation=true",
    posting_request=None,
    parse_board=parse_board,
    parse_posting=parse_posting,
)
