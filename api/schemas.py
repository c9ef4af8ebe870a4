"""What the routes answer with. Amounts are JSON numbers, times ISO 8601 in UTC."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
)

from openfunnel.records import (
    EmploymentType,
    Evidence,
    Extraction,
    Initiative,
    InitiativeType,
    Omission,
    PayPeriod,
    Place,
    PostingStatus,
    RoleFunction,
    Seniority,
    SkillMention,
    Stance,
    ValueSource,
    Workplace,
)
from openfunnel.store import progress, queries
from openfunnel.store.usage import UsageRow

T = TypeVar("T")

Amount = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]


class Answer(BaseModel):
    """Base of all answers: made from the store's rows by their attributes."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Pay(Answer):
    """Pay as it is stated, and the top of it per year in US dollars."""

    min: Amount = Field(examples=[180000])
    max: Amount = Field(examples=[220000])
    currency: str = Field(description="ISO 4217.", examples=["USD"])
    period: PayPeriod
    ote: bool = Field(description="True where only on-target earnings are stated.")


class ListedPay(Pay):
    """Pay in lists, with what `min_comp` and `sort=-comp` compare."""

    max_usd_year: Amount | None = Field(
        description="Top of the range per year in US dollars.", examples=[220000]
    )
    rate_date: date | None = Field(description="Day of the exchange rate.")


class FromSource(Answer, Generic[T]):
    """A value, who said it, and the words it was read from."""

    value: T
    source: ValueSource
    evidence: Evidence | None = Field(
        description="A verbatim span; `start` and `end` count characters of the posting's `text`, "
        "and are null where the span stands in its title."
    )


class NamedSkill(Answer):
    """A technology or skill, and how the posting relates to it."""

    name: str = Field(examples=["PostgreSQL"])
    slug: str = Field(examples=["postgresql"])
    category: str = Field(examples=["database"])
    stance: Stance


class Fields(Answer):
    """The extracted fields; null (or an empty list) means that the posting does not say."""

    role_function: FromSource[RoleFunction]
    seniority: FromSource[Seniority]
    employment_type: FromSource[EmploymentType] | None
    workplace: FromSource[Workplace] | None
    locations: list[FromSource[Place]]
    compensation: FromSource[Pay] | None
    years_experience_min: FromSource[int] | None
    technologies: list[FromSource[NamedSkill]]
    skills: list[FromSource[NamedSkill]]
    initiatives: list[FromSource[InitiativeType]]
    summary: FromSource[str] | None

    @classmethod
    def of(cls, extraction: Extraction) -> Self:
        """Make the answer of a stored extraction: every field a value with source and evidence."""
        values: dict[str, Any] = {name: getattr(extraction, name) for name in cls.model_fields}
        for name in ("technologies", "skills"):
            values[name] = [_sourced(mention, mention) for mention in values[name]]
        values["initiatives"] = [_sourced(one.type, one) for one in extraction.initiatives]
        return cls.model_validate(values)


class UnseenPart(Answer):
    """A part of a posting's text that the model was not shown."""

    start: int
    end: int
    why: Omission


class ExtractionAnswer(Answer):
    """The structured fields of one posting, and how they came about."""

    job_posting_id: int
    extractor: str = Field(
        description="What ran: `rules` (no model at all), `ollama` or `openai`.",
        examples=["rules"],
    )
    model: str | None = Field(description="The model that answered; null for rules.")
    prompt_version: str = Field(description="Version of the prompt, or of the rules.")
    tokens_in: int = Field(
        description=(
            "Of all calls that asked for its fields; 0 where the answer was known. What triage "
            "asked is counted in `GET /runs/{run_id}` alone."
        )
    )
    tokens_out: int
    duration_ms: int
    cached: bool = Field(description="True where a model had answered the same question before.")
    confidence: float | None = Field(
        description="How far model, rules and board agree, and how much of the evidence was found: "
        "0 to 1, computed, never the model's own word; null for rules."
    )
    triage: str | None = Field(
        description="Why no model was asked although there is one.", examples=["too_short"]
    )
    failure: str | None = Field(
        description="Why no model's answer could be used, where the rules stepped in."
    )
    dropped: int = Field(
        description="Values refused: their evidence was not found, or they were out of bounds."
    )
    refused: dict[str, int] = Field(
        description="The same by reason.", examples=[{"no_evidence": 2}]
    )
    left_out: list[UnseenPart] = Field(
        description="What the model was not shown of the text; `start` and `end` count characters "
        "of the posting's `text`."
    )
    extracted_at: datetime
    outdated: bool = Field(
        description="True where the posting has changed since; a new extraction is on its way."
    )
    fields: Fields

    @classmethod
    def of(cls, row: queries.ExtractionRow) -> Self:
        """Make the answer of a stored extraction."""
        return cls.model_validate(
            {
                **row.result.model_dump(exclude={"extraction"}),
                "dropped": row.result.dropped,
                "job_posting_id": row.job_posting_id,
                "extracted_at": row.extracted_at,
                "outdated": row.outdated,
                "fields": Fields.of(row.result.extraction),
            }
        )


class PostingItem(Answer):
    """A posting in a list; what only an extraction can tell is null before it."""

    id: int = Field(examples=[42])
    status: PostingStatus
    title: str | None = Field(examples=["Staff Data Engineer"])
    company_name: str | None = Field(examples=["Stripe"])
    ats: str = Field(validation_alias=AliasPath("board", "ats"), examples=["greenhouse"])
    board_region: str = Field(
        validation_alias=AliasPath("board", "region"),
        description="Empty save where the ATS has several API hosts (`eu`).",
        examples=[""],
    )
    board_token: str = Field(validation_alias=AliasPath("board", "token"), examples=["stripe"])
    external_id: str = Field(description="The posting's id on its board.")
    canonical_url: str = Field(description="The page on the ATS's own host.")
    public_url: str | None = Field(description="The page the board links to.")
    apply_url: str | None
    posted_at: datetime | None = Field(description="Null where the board does not say.")
    updated_at: datetime | None
    first_seen_at: datetime
    closed_at: datetime | None = Field(description="When it was found gone from its board.")
    failure: str | None = Field(description="Why its status is `failed`.")
    raw_response_id: int | None
    role_function: RoleFunction | None
    seniority: Seniority | None
    employment_type: EmploymentType | None
    workplace: Workplace | None
    years_experience_min: int | None
    locations: list[Place]
    compensation: ListedPay | None
    summary: str | None = Field(description="One sentence.")
    extractor: str | None = Field(
        description="What made the extraction: `rules` (no model at all), `ollama` or `openai`.",
        examples=["rules"],
    )


class Postings(BaseModel):
    """A page of postings."""

    items: list[PostingItem]
    next_cursor: str | None = Field(description="`cursor` of the next page; null on the last one.")
    total: int = Field(description="Postings that match.")
    total_is_estimate: bool = Field(
        description="True beyond 10,000 matches, where `total` is the database's estimate."
    )


class StatedFields(Answer):
    """What the ATS states beside title and text, in its own words."""

    locations: list[str]
    offices: list[str]
    departments: list[str]
    commitment: str | None
    workplace: str | None
    country: str | None
    compensation: Pay | None
    language: str | None


class WholePosting(PostingItem):
    """A posting with its text and its extraction."""

    text: str | None = Field(description="Plain text: one block a line, list items behind `- `.")
    stated: StatedFields | None = Field(description="Null until fetched, like `text`.")
    extraction: ExtractionAnswer | None

    @classmethod
    def of(cls, detail: queries.PostingDetail, extraction: queries.ExtractionRow | None) -> Self:
        """Make the answer of a stored posting."""
        return cls.model_validate(
            {
                **asdict(detail.posting),
                "board": detail.posting.board.model_dump(),
                "text": detail.text,
                "stated": detail.fields,
                "extraction": extraction and ExtractionAnswer.of(extraction),
            }
        )


class SkillItem(Answer):
    """A technology or skill that a posting names."""

    skill: str = Field(examples=["PostgreSQL"])
    slug: str = Field(examples=["postgresql"])
    category: str = Field(examples=["database"])
    stance: Stance
    evidence: Evidence
    source: ValueSource


class Skills(BaseModel):
    """The technologies and skills of a posting."""

    items: list[SkillItem]


class RunAnswer(Answer):
    """A run as it began."""

    run_id: int = Field(validation_alias=AliasChoices("run_id", "id"))
    trace_id: str
    board_count: int = Field(description="Boards queued by it.")
    job_count: int = Field(description="Postings known on them when it began.")


class ListedRun(RunAnswer):
    """A run in a list."""

    kind: str = Field(examples=["all"])
    created_at: datetime


class Runs(BaseModel):
    """The latest runs, newest first."""

    items: list[ListedRun]


class BoardProgress(Answer):
    """Boards of a run, by how far they are."""

    done: int
    failed: int
    pending: int


class UsedModel(Answer):
    """What a model was asked for the postings of one source."""

    ats: str = Field(examples=["greenhouse"])
    model: str = Field(examples=["qwen3:4b-instruct"])
    calls: int = Field(description="Requests that it answered, however badly.")
    cache_hits: int = Field(description="Answers that were known, and cost nothing.")
    tokens_in: int
    tokens_out: int
    seconds: float = Field(description="From request to answer, added up over the calls.")


class RunProgress(ListedRun):
    """A run and how far it is."""

    finished: bool = Field(
        description="Every board was fetched or given up, and nothing waits for extraction."
    )
    boards: BoardProgress
    postings: dict[PostingStatus, int] = Field(description="Postings on its boards, per status.")
    models: list[UsedModel] = Field(
        description="What models were asked for the postings it fetched, by source and model."
    )

    @classmethod
    def of(cls, found: progress.RunProgress, uses: Sequence[UsageRow]) -> Self:
        """Make the answer of a run, its progress, and what it made models do."""
        return cls.model_validate(
            {
                **asdict(found.run),
                "finished": found.finished,
                "boards": found.boards,
                "postings": found.postings,
                "models": uses,
            }
        )


def _sourced(value: object, said: SkillMention | Initiative) -> dict[str, object]:
    return {"value": value, "source": said.source, "evidence": said.evidence}
