"""The query of `/job_postings`: what each filter takes, and which values it refuses."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
)

from api.cursor import MAX_LENGTH as MAX_CURSOR_LENGTH
from openfunnel.errors import InvalidQuery
from openfunnel.normalize.location import query_keys
from openfunnel.normalize.money import to_usd
from openfunnel.records import EmploymentType, PostingStatus, RoleFunction, Seniority, Workplace
from openfunnel.sources import SOURCES
from openfunnel.store.search import PostingFilters, PostingSort

MANY = 50
"""Values one repeatable filter takes."""

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?", re.I)

_datetime = TypeAdapter(datetime)


def _printable(text: str) -> str:
    if CONTROL.search(text):
        raise ValueError("Input should hold no control characters")
    return text


def _known_ats(name: str) -> str:
    if name not in SOURCES:
        raise ValueError(f"Input should be one of {', '.join(sorted(SOURCES))}")
    return name


def _utc(text: object) -> datetime:
    """Read an ISO date or time; without a zone it is UTC."""
    refusal = "Input should be a date (2025-01-31) or a time (2025-01-31T08:00:00Z)"
    if not isinstance(text, str) or not ISO_TIME.fullmatch(text.strip()):
        raise ValueError(f"{refusal}; in an address, write + as %2B")
    try:
        moment = _datetime.validate_python(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(refusal) from None


Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=300),
    AfterValidator(_printable),
]
Moment = Annotated[
    datetime,
    BeforeValidator(_utc),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}
    ),
]
YearlyPay = Annotated[
    Decimal,
    Field(ge=0, le=Decimal("1e12")),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1e12}),
]
Currency = Annotated[str, StringConstraints(to_upper=True, pattern=r"^[A-Za-z]{3}$")]
AtsName = Annotated[
    str, AfterValidator(_known_ats), WithJsonSchema({"type": "string", "enum": sorted(SOURCES)})
]


class PostingsQuery(BaseModel):
    """Filters narrow down; those that may be repeated match any of their values (`skill`: all)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    q: Words | None = Field(
        default=None,
        description='Full text of the extracted postings: words, `"a phrase"`, `or`, `-without`.',
        examples=['"data platform" -manager'],
    )
    status: tuple[PostingStatus, ...] = Field(
        default=(),
        max_length=MANY,
        description="Repeatable: any of them.",
        examples=[["extracted"]],
    )
    company_name: tuple[Words, ...] = Field(
        default=(),
        max_length=MANY,
        description="Name of the employer, whatever its case and accents. Repeatable: any of them.",
        examples=[["Stripe"]],
    )
    location: tuple[Words, ...] = Field(
        default=(),
        max_length=MANY,
        description="A city, its usual abbreviation, a country, or `remote`. Repeatable: any of "
        "them. A place nobody knows finds nothing.",
        examples=[["NYC"]],
    )
    min_comp: YearlyPay | None = Field(
        default=None,
        description="Least pay per year, in `comp_currency`; compared with the top of the range.",
        examples=[180000],
    )
    comp_currency: Currency = Field(
        default="USD", description="Currency of `min_comp` (ISO 4217).", examples=["USD"]
    )
    include_unknown_comp: bool = Field(
        default=False, description="With `min_comp`: also postings that state no pay."
    )
    seniority: tuple[Seniority, ...] = Field(
        default=(), max_length=MANY, description="Repeatable: any of them."
    )
    role_function: tuple[RoleFunction, ...] = Field(
        default=(), max_length=MANY, description="Repeatable: any of them."
    )
    employment_type: tuple[EmploymentType, ...] = Field(
        default=(), max_length=MANY, description="Repeatable: any of them."
    )
    workplace: tuple[Workplace, ...] = Field(
        default=(), max_length=MANY, description="Repeatable: any of them."
    )
    ats: tuple[AtsName, ...] = Field(
        default=(), max_length=MANY, description="Repeatable: any of them."
    )
    skill: tuple[Words, ...] = Field(
        default=(),
        max_length=MANY,
        description="A technology or skill by its name, slug or alias. Repeatable: all of them.",
        examples=[["python"]],
    )
    posted_after: Moment | None = Field(
        default=None,
        description="Posted then or later (UTC); `first_seen_at` stands in where the board does "
        "not say.",
        examples=["2025-01-31"],
    )
    first_seen_after: Moment | None = Field(
        default=None, description="First seen then or later (UTC).", examples=["2025-01-31"]
    )
    closed: bool = Field(
        default=False,
        description="True: postings gone from their board; false: open ones.",
    )
    sort: PostingSort = Field(
        default=PostingSort.POSTED_AT,
        description="Newest posted, newest seen, or best paid first (pay unknown comes last).",
    )
    limit: int = Field(default=25, ge=1, le=200, description="Items a page.")
    cursor: str | None = Field(
        default=None,
        max_length=MAX_CURSOR_LENGTH,
        description="`next_cursor` of the page before; belongs to one search.",
    )

    def filters(self) -> PostingFilters:
        """Return what the store is asked for: places as keys, pay in US dollars.

        Raises:
            InvalidQuery: there is no rate for the currency.
        """
        return PostingFilters(
            q=self.q,
            status=self.status,
            company_names=self.company_name,
            place_keys=_place_keys(self.location) if self.location else None,
            min_comp_usd_year=self._min_comp_usd(),
            include_unknown_comp=self.include_unknown_comp,
            seniority=self.seniority,
            role_function=self.role_function,
            employment_type=self.employment_type,
            workplace=self.workplace,
            ats=self.ats,
            skills=self.skill,
            posted_after=self.posted_after,
            first_seen_after=self.first_seen_after,
            closed=self.closed,
        )

    def _min_comp_usd(self) -> Decimal | None:
        converted = to_usd(self.min_comp or Decimal(0), self.comp_currency)
        if converted is None:
            problem = f"There is no exchange rate for {self.comp_currency}"
            raise InvalidQuery(field="comp_currency", problem=problem)
        return None if self.min_comp is None else converted.amount

    def canonical(self) -> str:
        """Return the search without its page, equal for equal searches."""
        search = self.model_dump(mode="json", exclude={"limit", "cursor"})
        values = {
            name: sorted(set(value)) if isinstance(value, list) else value
            for name, value in search.items()
        }
        return json.dumps(values, sort_keys=True)


def load_tables() -> None:
    """Read the tables of places and exchange rates that filters are looked up in, once."""
    query_keys("remote")
    to_usd(Decimal(1), "EUR")


def _place_keys(locations: Iterable[str]) -> list[str]:
    """Return the keys that any of these places goes by; a place nobody knows has none."""
    return sorted({key for location in locations for key in query_keys(location) or ()})
