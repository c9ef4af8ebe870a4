"""All tables of the first version."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE companies (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name    text NOT NULL,
    folded  text NOT NULL UNIQUE,
    domain  text
);

CREATE TABLE boards (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ats             text NOT NULL,
    region          text NOT NULL,
    token           text NOT NULL,
    company_id      bigint REFERENCES companies (id),
    status          text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'not_found')),
    queued_at       timestamptz,
    requeues        smallint NOT NULL DEFAULT 0,
    last_fetched_at timestamptz,
    posting_count   integer,
    failure         text,
    failure_detail  text,
    failed_at       timestamptz,
    first_seen_at   timestamptz NOT NULL,
    UNIQUE (ats, region, token)
);
CREATE INDEX boards_lower_token_idx ON boards (lower(token));
CREATE INDEX boards_queued_at_idx ON boards (queued_at) WHERE queued_at IS NOT NULL;

CREATE TABLE runs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    trace_id    text NOT NULL,
    kind        text NOT NULL,
    created_at  timestamptz NOT NULL,
    board_count integer NOT NULL,
    job_count   integer NOT NULL
);

CREATE TABLE run_boards (
    run_id      bigint REFERENCES runs (id) ON DELETE CASCADE,
    board_id    bigint REFERENCES boards (id) ON DELETE CASCADE,
    finished_at timestamptz,
    failure     text,
    PRIMARY KEY (run_id, board_id)
);
CREATE INDEX run_boards_waiting_idx ON run_boards (board_id) WHERE finished_at IS NULL;

CREATE TABLE raw_responses (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    board_id      bigint NOT NULL REFERENCES boards (id),
    run_id        bigint REFERENCES runs (id) ON DELETE SET NULL,
    url           text NOT NULL,
    fetched_at    timestamptz NOT NULL,
    http_status   integer NOT NULL,
    content_type  text,
    etag          text,
    last_modified text,
    checksum      text NOT NULL,
    body_bytes    bigint NOT NULL,
    body          bytea NOT NULL,
    failure       text
);
-- zstd has compressed it already.
ALTER TABLE raw_responses ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX raw_responses_board_id_fetched_at_idx ON raw_responses (board_id, fetched_at);

CREATE TABLE job_postings (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    board_id           bigint NOT NULL REFERENCES boards (id),
    company_id         bigint REFERENCES companies (id),
    raw_response_id    bigint REFERENCES raw_responses (id),
    external_id        text NOT NULL,
    status             text NOT NULL
                       CHECK (status IN ('discovered', 'fetched', 'extracted', 'failed')),
    canonical_url      text NOT NULL,
    canonical_url_hash text NOT NULL UNIQUE,
    public_url         text,
    apply_url          text,
    title              text,
    text               text,
    text_checksum      text,
    checksum           text,
    fields             jsonb,
    payload            jsonb,
    posted_at          timestamptz,
    updated_at         timestamptz,
    first_seen_at      timestamptz NOT NULL,
    fetched_at         timestamptz,
    listed_at          timestamptz NOT NULL,
    closed_at          timestamptz,
    failure            text,
    -- Only an address may be without content.
    CHECK (status IN ('discovered', 'failed')
           OR num_nulls(title, text, text_checksum, checksum, fields, payload, fetched_at) = 0)
);
CREATE INDEX job_postings_board_id_external_id_idx ON job_postings (board_id, external_id);
CREATE INDEX job_postings_waiting_idx ON job_postings (status, id)
    WHERE status IN ('discovered', 'fetched');
CREATE INDEX job_postings_listed_at_idx ON job_postings (listed_at, id);
CREATE INDEX job_postings_first_seen_at_idx ON job_postings (first_seen_at, id);
CREATE INDEX job_postings_company_id_idx ON job_postings (company_id, listed_at, id);
-- What happened lately: a few pages large, and nearly free to keep.
CREATE INDEX job_postings_fetched_at_idx ON job_postings USING brin (fetched_at);

CREATE TABLE extractions (
    job_posting_id       bigint PRIMARY KEY REFERENCES job_postings (id) ON DELETE CASCADE,
    extractor            text NOT NULL,
    model                text,
    prompt_version       text NOT NULL,
    tokens_in            bigint NOT NULL,
    tokens_out           bigint NOT NULL,
    duration_ms          bigint NOT NULL,
    dropped              integer NOT NULL,
    fence                bigint NOT NULL,
    extracted_at         timestamptz NOT NULL,
    text_checksum        text NOT NULL,
    role_function        text NOT NULL,
    seniority            text NOT NULL,
    employment_type      text,
    workplace            text,
    years_experience_min smallint,
    comp_min             numeric,
    comp_max             numeric,
    comp_currency        text,
    comp_period          text,
    comp_ote             boolean,
    comp_max_usd_year    numeric,
    comp_rate_date       date,
    place_keys           text[] NOT NULL,
    skill_ids            integer[] NOT NULL,
    search               tsvector NOT NULL,
    fields               jsonb NOT NULL
);
-- Rechecks read it far more often than it is written; compressed, they take three times as long.
ALTER TABLE extractions ALTER COLUMN search SET STORAGE EXTERNAL;
CREATE INDEX extractions_place_keys_idx ON extractions USING gin (place_keys);
CREATE INDEX extractions_skill_ids_idx ON extractions USING gin (skill_ids);
CREATE INDEX extractions_search_idx ON extractions USING gin (search);
CREATE INDEX extractions_comp_idx
    ON extractions (coalesce(comp_max_usd_year, 0::numeric), job_posting_id);
CREATE INDEX extractions_role_function_seniority_idx ON extractions (role_function, seniority);
CREATE INDEX extractions_extracted_at_idx ON extractions USING brin (extracted_at);

CREATE TABLE skills (
    id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug     text NOT NULL UNIQUE,
    name     text NOT NULL,
    category text NOT NULL
);

CREATE TABLE skill_aliases (
    alias    text,
    skill_id integer REFERENCES skills (id) ON DELETE CASCADE,
    PRIMARY KEY (alias, skill_id)
);

CREATE TABLE job_skills (
    job_posting_id bigint REFERENCES job_postings (id) ON DELETE CASCADE,
    skill_id       integer REFERENCES skills (id),
    stance         text NOT NULL,
    evidence       jsonb NOT NULL,
    source         text NOT NULL,
    PRIMARY KEY (job_posting_id, skill_id)
);
CREATE INDEX job_skills_skill_id_idx ON job_skills (skill_id);

CREATE TABLE dead_letters (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind            text NOT NULL,
    key             text NOT NULL,
    reason          text NOT NULL,
    attempts        integer NOT NULL,
    last_error      text NOT NULL,
    raw_response_id bigint REFERENCES raw_responses (id) ON DELETE SET NULL,
    payload         jsonb NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE INDEX dead_letters_kind_key_idx ON dead_letters (kind, left(key, 200));
"""


def upgrade() -> None:
    op.execute(TABLES)
