"""What flows between the layers: frozen pydantic models and the enums they share.

A record is data without behaviour beyond its own validation. Field meanings follow the labelling
guidelines of extraction (see `docs/fields.md`).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

T = TypeVar("T")

ShortText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Record(BaseModel):
    """Base of all records: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- enums --------------------------------------------------------------------------------------


class PostingStatus(StrEnum):
    """Where a posting is on its way; `closed_at` is kept beside it."""

    DISCOVERED = "discovered"
    """Its address is known, its text is not fetched yet."""
    FETCHED = "fetched"
    """Raw answer and text are stored; it waits for extraction."""
    EXTRACTED = "extracted"
    """Its fields are stored."""
    FAILED = "failed"
    """It ended as a dead letter, which holds the reason."""


class RoleFunction(StrEnum):
    """Function of the person hired, not of the team served."""

    ENGINEERING = "engineering"
    DATA = "data"
    SECURITY = "security"
    IT = "it"
    PRODUCT = "product"
    DESIGN = "design"
    RESEARCH = "research"
    MARKETING = "marketing"
    SALES = "sales"
    CUSTOMER_SUCCESS = "customer_success"
    SUPPORT = "support"
    OPERATIONS = "operations"
    FINANCE = "finance"
    LEGAL = "legal"
    PEOPLE = "people"
    ADMINISTRATION = "administration"
    HEALTHCARE = "healthcare"
    EDUCATION = "education"
    MANUFACTURING = "manufacturing"
    RETAIL = "retail"
    OTHER = "other"


class Seniority(StrEnum):
    """Level of the position, from the title's marker or the text's words."""

    INTERN = "intern"
    JUNIOR = "junior"
    MID = "mid"
    SENIOR = "senior"
    STAFF = "staff"
    PRINCIPAL = "principal"
    LEAD = "lead"
    MANAGER = "manager"
    DIRECTOR = "director"
    VP = "vp"
    EXECUTIVE = "executive"


class EmploymentType(StrEnum):
    """Kind of contract, only where it is stated."""

    FULL_TIME = "full_time"
    PART_TIME = "part_time"
    CONTRACT = "contract"
    INTERNSHIP = "internship"
    TEMPORARY = "temporary"


class Workplace(StrEnum):
    """Where the work is done, only where it is stated."""

    REMOTE = "remote"
    HYBRID = "hybrid"
    ONSITE = "onsite"


class PayPeriod(StrEnum):
    """What a stated amount of pay is for."""

    YEAR = "year"
    MONTH = "month"
    WEEK = "week"
    DAY = "day"
    HOUR = "hour"


class Stance(StrEnum):
    """How a posting relates to a technology or skill; the strongest first."""

    REQUIRED = "required"
    PREFERRED = "preferred"
    USED = "used"
    MIGRATING_FROM = "migrating_from"
    MENTIONED = "mentioned"


class InitiativeType(StrEnum):
    """What the employer states to be doing now or next."""

    EXPANSION = "expansion"
    NEW_PRODUCT = "new_product"
    MIGRATION = "migration"
    SCALING = "scaling"
    COMPLIANCE = "compliance"
    AI_ADOPTION = "ai_adoption"
    RESTRUCTURING = "restructuring"
    FUNDING = "funding"


class ValueSource(StrEnum):
    """Who said so."""

    ATS = "ats"
    """A structured field of the applicant-tracking system."""
    RULES = "rules"
    """The deterministic extractor, from title or text."""
    LLM = "llm"
    """A language model, from title or text."""


# --- from board to posting ----------------------------------------------------------------------


class BoardRef(Record):
    """Identity of a board: `region` is empty save where an ATS has several API hosts (`eu`)."""

    ats: ShortText
    token: ShortText
    region: str = ""

    def __str__(self) -> str:
        return ":".join(part for part in (self.ats, self.region, self.token) if part)


class Place(Record):
    """A place a job is offered in; all parts but one may be unknown."""

    city: str | None = None
    """English name."""
    region: str | None = None
    """State or province (`California`), or a group of countries (`EMEA`)."""
    country: CountryCode | None = None
    """ISO 3166-1 alpha-2."""


class Compensation(Record):
    """Stated base pay for one period; a single figure is both `min` and `max`."""

    min: Annotated[Decimal, Field(gt=0, le=Decimal("1e12"))]
    max: Annotated[Decimal, Field(gt=0, le=Decimal("1e12"))]
    currency: CurrencyCode
    period: PayPeriod
    ote: bool = False
    """True where only on-target earnings are stated."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"pay from {self.min} to {self.max} is upside down")
        return self


REMOTE_ALLOWED = "Remote allowed"
"""In `AtsFields.workplace`: a mark of the ATS that hybrid jobs have as well."""


class AtsFields(Record):
    """What an ATS states about a posting beside title and text, in its own words."""

    locations: tuple[str, ...] = ()
    offices: tuple[str, ...] = ()
    """Offices of the opening: they give the city where `locations` says only `Hybrid`."""
    departments: tuple[str, ...] = ()
    commitment: str | None = None
    """`Full-time`, `CDI`, ..."""
    workplace: str | None = None
    country: CountryCode | None = None
    compensation: Compensation | None = None
    language: str | None = None
    """ISO 639-1 code of the text, where the ATS names it."""


class JobPosting(Record):
    """A posting as its source parser gives it."""

    board: BoardRef
    external_id: ShortText
    title: ShortText
    company_name: str | None
    """The employer's name where the payload has one."""
    canonical_url: str
    public_url: str | None = None
    """The page the ATS links to, perhaps on the employer's own domain."""
    apply_url: str | None = None
    text: str
    """Plain text: one block a line, list items behind `- `."""
    fields: AtsFields = AtsFields()
    posted_at: datetime | None = None
    updated_at: datetime | None = None
    payload: Mapping[str, Any]
    """The posting's part of the answer, without metadata of type `user`."""


class BoardContent(Record):
    """What a source parser makes of an answer, or of one page of a long one."""

    postings: tuple[JobPosting, ...]
    prospects: int = 0
    """Entries left out: talent pools, and what the board itself does not list."""
    broken: tuple[str, ...] = ()
    """One reason for each entry that could not be read."""
    unknown_fields: Mapping[str, int] = Field(default_factory=dict)
    """Fields the parser neither uses nor ignores by name, with how often they came."""
    entries: int = 0
    """Entries read for this page, of all kinds."""
    stated: int | None = None
    """Entries the whole answer says it holds, where the ATS says so."""


class RawResponse(Record):
    """An answer of a board, byte for byte after content decoding."""

    url: str
    fetched_at: datetime
    http_status: int
    body: bytes = Field(repr=False)
    """Too large for the logs that show an item."""
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None


class DeadLetter(Record):
    """Work given up on, with all that is needed to look into it and to try again."""

    kind: Literal["crawl", "extract", "entry"]
    key: str
    """The board (and posting), the posting's id, or the start entry."""
    reason: str
    attempts: int = 0
    last_error: str = ""
    raw_response_id: int | None = None
    payload: Mapping[str, Any] = Field(default_factory=dict)


# --- extraction ---------------------------------------------------------------------------------


class Evidence(Record):
    """A verbatim span of a posting; `start` and `end` count characters of its stored text.

    Both are None where the span stands in the title.
    """

    text: str
    start: int | None = None
    end: int | None = None


class Sourced(Record, Generic[T]):
    """A value, who said it, and where."""

    value: T
    source: ValueSource
    evidence: Evidence | None = None


class SkillMention(Record):
    """A technology or skill that a posting names, with its evidence."""

    name: ShortText
    """Canonical name."""
    slug: ShortText
    category: ShortText
    """`language`, `database`, ... for technologies, `skill` for skills."""
    stance: Stance
    evidence: Evidence
    source: ValueSource


class Initiative(Record):
    """Something the employer states to be doing, with its evidence."""

    type: InitiativeType
    evidence: Evidence
    source: ValueSource


class Origin(Record):
    """Where a posting comes from; what a model costs is counted by it."""

    ats: str
    board_id: int
    """In the store: its other postings tell what is boilerplate."""
    run_id: int | None = None
    """The run that fetched it, if any did."""


class PostingText(Record):
    """What an extractor is given."""

    title: str
    text: str
    company_name: str | None = None
    fields: AtsFields = AtsFields()
    closed: bool = False
    origin: Origin | None = None
    """None for a posting that no store knows."""


class Extraction(Record):
    """The structured fields of one posting; None means that the posting does not say."""

    role_function: Sourced[RoleFunction]
    seniority: Sourced[Seniority]
    employment_type: Sourced[EmploymentType] | None = None
    workplace: Sourced[Workplace] | None = None
    locations: tuple[Sourced[Place], ...] = ()
    compensation: Sourced[Compensation] | None = None
    years_experience_min: Sourced[Annotated[int, Field(ge=0, le=50)]] | None = None
    technologies: tuple[SkillMention, ...] = ()
    skills: tuple[SkillMention, ...] = ()
    initiatives: tuple[Initiative, ...] = ()
    summary: Sourced[Annotated[str, StringConstraints(max_length=600)]] | None = None


class Omission(StrEnum):
    """Why a part of a text is not shown to a model."""

    BOILERPLATE = "boilerplate"
    """It stands in other postings of the board, too."""
    SECTION = "section"
    """Its section tells nothing that is asked for: benefits, how to apply, equal opportunity."""
    BUDGET = "budget"
    """More valuable parts took all the room."""


class LeftOut(Record):
    """A part of the stored text that a model did not see; positions in characters."""

    start: int
    end: int
    why: Omission


class ExtractionResult(Record):
    """An extraction and how it came about."""

    extraction: Extraction
    extractor: str
    """`rules`, `ollama` or `openai`."""
    model: str | None = None
    """The model that answered; None for rules."""
    prompt_version: str
    """Version of the prompt, or of the rules."""
    tokens_in: int = 0
    """Of all calls that asked for its fields; 0 where the answer was known. What triage asked is
    counted in the usage of models alone."""
    tokens_out: int = 0
    duration_ms: int = 0
    cached: bool = False
    """Whether the model's answer was known already: the same text was asked about before."""
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    """Computed, never the model's own word; None for rules."""
    triage: str | None = None
    """Why no model was asked although there is one: `closed`, `too_short`, ..."""
    failure: str | None = None
    """Why the models' answers could not be used, where the rules stepped in."""
    refused: Mapping[str, int] = Field(default_factory=dict)
    """Values of the model's answer that were refused, by reason: `no_evidence`, ..."""
    left_out: tuple[LeftOut, ...] = ()
    """What the model did not see, in the order of the text."""

    @property
    def dropped(self) -> int:
        """Values refused, for whatever reason."""
        return sum(self.refused.values())


# --- what the crawl hands to the store ----------------------------------------------------------


class Failure(StrEnum):
    """Why a board or posting could not be fetched."""

    NOT_FOUND = "not_found"
    """The ATS does not know the board or posting."""
    BLOCKED = "blocked"
    """Refused: 401, 403 or 451."""
    ROBOTS = "refused_by_robots"
    """The host's robots.txt asks robots to stay away from it."""
    RATE_LIMITED = "rate_limited"
    """429 until the attempts were used up."""
    SERVER_ERROR = "server_error"
    """5xx, or another status that nobody expects, until the attempts were used up."""
    UNREACHABLE = "unreachable"
    """No connection, or it broke."""
    TIMED_OUT = "timed_out"
    """No answer in time."""
    TOO_LARGE = "too_large"
    """The body is larger than anybody's board (after decompression)."""
    TRUNCATED = "truncated"
    """The body ended early, or holds fewer entries than it says."""
    UNPARSABLE = "unparsable"
    """The body is not of the format the ATS documents."""
    CHANGED_SCHEMA = "changed_schema"
    """The format is right, but nothing in it is where the ATS documents it."""
    REDIRECT = "redirect_refused"
    """It redirects to an address that is nobody's business, such as one of a private network."""
    LOST = "lost"
    """Crawler after crawler ended before it had an outcome."""

    @property
    def may_pass(self) -> bool:
        """Whether the same request may well succeed a little later.

        Not after a changed schema: the answer was whole, and says what its server means to say.
        """
        return self in _PASSING


_PASSING = frozenset(
    (
        Failure.RATE_LIMITED,
        Failure.SERVER_ERROR,
        Failure.UNREACHABLE,
        Failure.TIMED_OUT,
        Failure.TRUNCATED,
        Failure.UNPARSABLE,
    )
)


@dataclass
class BoardAnswer:
    """The outcome of one request, on its way through the item pipelines.

    Each pipeline fills in what the next one needs, and who ran the request learns the rest.
    """

    board: BoardRef
    posting_id: str | None
    """Its id, where a single posting was asked for."""
    run_id: int | None
    at: datetime
    """When it came, or when it was clear that none would come."""
    lease: str = ""
    """Key of the lease it was fetched under; empty without one."""
    fence: int = 0
    """Fencing token of that lease."""
    raw: RawResponse | None = None
    """None where no answer came."""
    checksum: str | None = None
    """SHA-256 of the last complete answer when this one was asked for, in hex."""
    unchanged: bool = False
    """True where the answer is that one still, by validator or checksum."""
    failure: Failure | None = None
    detail: str = ""
    attempts: int = 1
    last: bool = True
    """False where a failure that may pass is no end: the request goes out again."""

    board_id: int | None = field(default=None)
    raw_response_id: int | None = field(default=None)
    awaiting: tuple[int, ...] = field(default=())
    """Ids of the postings that wait for extraction now."""
    postings: int = field(default=0)
    prospects: int = field(default=0)
    unknown_fields: Counter[str] = field(default_factory=Counter)

    @property
    def final(self) -> bool:
        """Whether this is the outcome of the request, and not a failure before another attempt."""
        return self.last or self.failure is None or not self.failure.may_pass
