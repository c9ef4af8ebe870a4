"""The tables, as typed SQLAlchemy models; `migrations/` makes them.

Times are UTC. Statements that matter are written as SQL beside the functions that run them; the
models are what Alembic compares the database with, and what small reads and writes use.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Base of the models: how Python types become columns, and how constraints are named."""

    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
            "pk": "%(table_name)s_pkey",
        }
    )
    type_annotation_map = {
        int: BigInteger,
        float: Double,
        str: Text,
        bytes: LargeBinary,
        datetime: DateTime(timezone=True),
        Decimal: Numeric,
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
        list[int]: ARRAY(Integer),
    }


class Company(Base):
    """An employer, known by the folded form of its name."""

    __tablename__ = "companies"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    name: Mapped[str]
    folded: Mapped[str] = mapped_column(unique=True)
    """`name` case-folded, without accents: what makes two spellings one company."""
    domain: Mapped[str | None]


class Board(Base):
    """One board of an ATS, and how its crawl stands."""

    __tablename__ = "boards"
    __table_args__ = (
        UniqueConstraint("ats", "region", "token"),
        Index("boards_lower_token_idx", text("lower(token)")),
        Index("boards_queued_at_idx", "queued_at", postgresql_where=text("queued_at IS NOT NULL")),
        Index(
            "boards_due_at_idx",
            "due_at",
            postgresql_where=text("status = 'active' AND queued_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    ats: Mapped[str]
    region: Mapped[str]
    token: Mapped[str]
    company_id: Mapped[int | None] = mapped_column(ForeignKey("companies.id"))
    status: Mapped[str] = mapped_column(server_default="active")
    """`active` or `not_found`."""
    queued_at: Mapped[datetime | None]
    """When a crawl was asked for that has not ended; None where nothing is."""
    fence: Mapped[int] = mapped_column(server_default="0")
    """Fencing token of the latest lease that wrote here."""
    last_fetched_at: Mapped[datetime | None]
    """Of the last complete fetch, as are the next five."""
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]
    checksum: Mapped[str | None]
    """SHA-256 of the body, in hex; None where the next answer is to be read in any case."""
    raw_response_id: Mapped[int | None] = mapped_column(
        ForeignKey(
            "raw_responses.id",
            name="boards_raw_response_id_fkey",
            ondelete="SET NULL",
            use_alter=True,  # the answers refer to their boards
        )
    )
    posting_count: Mapped[int | None] = mapped_column(Integer)
    changed_at: Mapped[datetime | None]
    """When an answer last differed from the one before."""
    crawl_seconds: Mapped[int] = mapped_column(Integer, server_default="86400")
    """Time between crawls; follows how often the board changes."""
    due_at: Mapped[datetime]
    failure: Mapped[str | None]
    """Name of the last crawl's failure; None after a success."""
    failure_detail: Mapped[str | None]
    failed_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """Crawls that failed in a row."""
    missing_since: Mapped[datetime | None]
    """First of an unbroken row of answers that the board is not known."""
    empty_fetches: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """Empty answers in a row, while postings are open, that nobody believes yet."""
    empty_at: Mapped[datetime | None]
    """The last of them."""
    first_seen_at: Mapped[datetime]


class BoardFailure(Base):
    """How often the crawl of a board failed in one way."""

    __tablename__ = "board_failures"

    board_id: Mapped[int] = mapped_column(
        ForeignKey("boards.id", ondelete="CASCADE"), primary_key=True
    )
    failure: Mapped[str] = mapped_column(primary_key=True)
    times: Mapped[int] = mapped_column(Integer)
    last_at: Mapped[datetime]


class Run(Base):
    """A crawl of many boards, asked for at once."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    trace_id: Mapped[str]
    kind: Mapped[str]
    created_at: Mapped[datetime]
    board_count: Mapped[int] = mapped_column(Integer)
    job_count: Mapped[int] = mapped_column(Integer)
    """Postings known on its boards when it began."""


class RunBoard(Base):
    """A board of a run; `finished_at` is None until it was fetched or given up."""

    __tablename__ = "run_boards"
    __table_args__ = (
        Index("run_boards_waiting_idx", "board_id", postgresql_where=text("finished_at IS NULL")),
    )

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    board_id: Mapped[int] = mapped_column(
        ForeignKey("boards.id", ondelete="CASCADE"), primary_key=True
    )
    finished_at: Mapped[datetime | None]
    failure: Mapped[str | None]


class StoredResponse(Base):
    """An answer of a board; `body` is zstd-compressed, checksum and size are of the plain body."""

    __tablename__ = "raw_responses"
    __table_args__ = (
        Index("raw_responses_board_id_fetched_at_idx", "board_id", "fetched_at"),
        Index("raw_responses_board_id_checksum_idx", "board_id", "checksum"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    board_id: Mapped[int] = mapped_column(ForeignKey("boards.id"))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id", ondelete="SET NULL"))
    url: Mapped[str]
    fetched_at: Mapped[datetime]
    http_status: Mapped[int] = mapped_column(Integer)
    content_type: Mapped[str | None]
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]
    checksum: Mapped[str]
    """SHA-256 of the body, in hex."""
    body_bytes: Mapped[int]
    body: Mapped[bytes]
    failure: Mapped[str | None]
    """Why the answer could not be used; None if it could."""


class Posting(Base):
    """A job posting; one row for each canonical address."""

    __tablename__ = "job_postings"
    __table_args__ = (
        Index("job_postings_board_id_external_id_idx", "board_id", "external_id"),
        Index(
            "job_postings_waiting_idx",
            "status",
            "id",
            postgresql_where=text("status IN ('discovered', 'fetched')"),
        ),
        Index("job_postings_listed_at_idx", "listed_at", "id"),
        Index("job_postings_first_seen_at_idx", "first_seen_at", "id"),
        Index("job_postings_company_id_idx", "company_id", "listed_at", "id"),
        Index("job_postings_fetched_at_idx", "fetched_at", postgresql_using="brin"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    board_id: Mapped[int] = mapped_column(ForeignKey("boards.id"))
    company_id: Mapped[int | None] = mapped_column(ForeignKey("companies.id"))
    raw_response_id: Mapped[int | None] = mapped_column(ForeignKey("raw_responses.id"))
    external_id: Mapped[str]
    status: Mapped[str]
    canonical_url: Mapped[str]
    canonical_url_hash: Mapped[str] = mapped_column(unique=True)
    public_url: Mapped[str | None]
    apply_url: Mapped[str | None]
    title: Mapped[str | None]
    """None until fetched, like `text`."""
    text: Mapped[str | None]
    text_checksum: Mapped[str | None]
    """SHA-256 over title, text and fields: what an extraction depends on."""
    checksum: Mapped[str | None]
    """SHA-256 over the whole posting, payload included: equal means nothing to write."""
    fields: Mapped[dict[str, Any] | None]
    payload: Mapped[dict[str, Any] | None]
    posted_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]
    first_seen_at: Mapped[datetime]
    fetched_at: Mapped[datetime | None]
    """When the content stored here was first seen in an answer."""
    listed_at: Mapped[datetime]
    """`posted_at`, or `first_seen_at` where that is unknown."""
    closed_at: Mapped[datetime | None]
    failure: Mapped[str | None]


class PostingVersion(Base):
    """What a posting said before it changed, or before it was listed again."""

    __tablename__ = "posting_versions"
    __table_args__ = (
        Index("posting_versions_job_posting_id_idx", "job_posting_id", "replaced_at"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    job_posting_id: Mapped[int] = mapped_column(ForeignKey("job_postings.id", ondelete="CASCADE"))
    replaced_at: Mapped[datetime]
    title: Mapped[str]
    locations: Mapped[list[Any]] = mapped_column(JSONB)
    compensation: Mapped[dict[str, Any] | None]
    text_checksum: Mapped[str]
    closed_at: Mapped[datetime | None]
    """When it was closed, where it had been."""


class StoredExtraction(Base):
    """The extraction of a posting: `fields` holds it whole, the columns are what searches use."""

    __tablename__ = "extractions"
    __table_args__ = (
        Index("extractions_place_keys_idx", "place_keys", postgresql_using="gin"),
        Index("extractions_skill_ids_idx", "skill_ids", postgresql_using="gin"),
        Index("extractions_search_idx", "search", postgresql_using="gin"),
        Index(
            "extractions_comp_idx",
            text("COALESCE(comp_max_usd_year, 0::numeric)"),
            "job_posting_id",
        ),
        Index("extractions_role_function_seniority_idx", "role_function", "seniority"),
        Index("extractions_extracted_at_idx", "extracted_at", postgresql_using="brin"),
    )

    job_posting_id: Mapped[int] = mapped_column(
        ForeignKey("job_postings.id", ondelete="CASCADE"), primary_key=True
    )
    extractor: Mapped[str]
    model: Mapped[str | None]
    prompt_version: Mapped[str]
    tokens_in: Mapped[int]
    tokens_out: Mapped[int]
    duration_ms: Mapped[int]
    dropped: Mapped[int] = mapped_column(Integer)
    """All that is in `refused`."""
    cached: Mapped[bool] = mapped_column(server_default="false")
    confidence: Mapped[float | None] = mapped_column(REAL)
    triage: Mapped[str | None]
    failure: Mapped[str | None]
    refused: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """How many values of the model's answer, by reason."""
    left_out: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")
    """The parts of the text that the model did not see."""
    fence: Mapped[int]
    """Fencing token of the lease it was made under; only a later one replaces it."""
    extracted_at: Mapped[datetime]
    text_checksum: Mapped[str]
    """Of the posting as it was extracted; differs once the posting has changed since."""
    role_function: Mapped[str]
    seniority: Mapped[str]
    employment_type: Mapped[str | None]
    workplace: Mapped[str | None]
    years_experience_min: Mapped[int | None] = mapped_column(SmallInteger)
    comp_min: Mapped[Decimal | None]
    comp_max: Mapped[Decimal | None]
    comp_currency: Mapped[str | None]
    comp_period: Mapped[str | None]
    comp_ote: Mapped[bool | None]
    comp_max_usd_year: Mapped[Decimal | None]
    comp_rate_date: Mapped[date | None]
    """Day of the exchange rate behind `comp_max_usd_year`."""
    place_keys: Mapped[list[str]]
    skill_ids: Mapped[list[int]]
    """The posting's `job_skills`, once more, where a search can use them."""
    search: Mapped[str] = mapped_column(TSVECTOR)
    fields: Mapped[dict[str, Any]]


class Skill(Base):
    """A technology or skill."""

    __tablename__ = "skills"

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    category: Mapped[str]


class SkillAlias(Base):
    """A folded name that finds a skill; its own name and slug are among them."""

    __tablename__ = "skill_aliases"

    alias: Mapped[str] = mapped_column(primary_key=True)
    skill_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("skills.id", ondelete="CASCADE"), primary_key=True
    )


class JobSkill(Base):
    """A posting names a skill."""

    __tablename__ = "job_skills"
    __table_args__ = (Index("job_skills_skill_id_idx", "skill_id"),)

    job_posting_id: Mapped[int] = mapped_column(
        ForeignKey("job_postings.id", ondelete="CASCADE"), primary_key=True
    )
    skill_id: Mapped[int] = mapped_column(Integer, ForeignKey("skills.id"), primary_key=True)
    stance: Mapped[str]
    evidence: Mapped[dict[str, Any]]
    source: Mapped[str]


class StoredAnswer(Base):
    """An answer of a model, so that the same is never asked twice."""

    __tablename__ = "model_answers"
    __table_args__ = (Index("model_answers_used_at_idx", "used_at"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    """Hash of all that the answer depends on."""
    content: Mapped[str]
    """As the model gave it: each use reads and verifies it anew."""
    model: Mapped[str]
    used_at: Mapped[datetime]
    """The last time, to the day."""


class StoredUse(Base):
    """What one model did for the postings of one run and ATS; one row for each of these."""

    __tablename__ = "model_usage"
    __table_args__ = (
        Index(
            "model_usage_account_idx",
            text("COALESCE(run_id, 0::bigint)"),
            "ats",
            "model",
            unique=True,
        ),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    """None for postings that no run fetched."""
    ats: Mapped[str]
    model: Mapped[str]
    calls: Mapped[int]
    cache_hits: Mapped[int]
    tokens_in: Mapped[int]
    tokens_out: Mapped[int]
    seconds: Mapped[float]
    updated_at: Mapped[datetime]


class StoredReplay(Base):
    """A replay of stored postings, and how far it came."""

    __tablename__ = "replays"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    extractor: Mapped[str]
    model: Mapped[str | None]
    prompt_version: Mapped[str]
    filters: Mapped[dict[str, Any]]
    after_id: Mapped[int] = mapped_column(server_default="0")
    """The last posting that is done."""
    postings: Mapped[int] = mapped_column(server_default="0")
    changes: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """What it changed so far, as the replay itself counts it."""


class StoredDeadLetter(Base):
    """Work given up on."""

    __tablename__ = "dead_letters"
    __table_args__ = (Index("dead_letters_kind_key_idx", "kind", text("left(key, 200)")),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    kind: Mapped[str]
    key: Mapped[str]
    reason: Mapped[str]
    attempts: Mapped[int] = mapped_column(Integer)
    last_error: Mapped[str]
    raw_response_id: Mapped[int | None] = mapped_column(
        ForeignKey("raw_responses.id", ondelete="SET NULL")
    )
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
