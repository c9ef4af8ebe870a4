"""How an extraction came about, what models answered and what they cost, and replays."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE extractions
    ADD COLUMN cached     boolean NOT NULL DEFAULT false,
    ADD COLUMN confidence real,
    ADD COLUMN triage     text,
    ADD COLUMN failure    text,
    ADD COLUMN refused    jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN left_out   jsonb NOT NULL DEFAULT '[]';
-- So far a value was dropped where its evidence did not hold.
UPDATE extractions SET refused = jsonb_build_object('no_evidence', dropped) WHERE dropped > 0;

CREATE TABLE model_answers (
    key        text PRIMARY KEY,
    content    text NOT NULL,
    model      text NOT NULL,
    tokens_in  bigint NOT NULL,
    tokens_out bigint NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE model_usage (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id     bigint REFERENCES runs (id) ON DELETE CASCADE,
    ats        text NOT NULL,
    model      text NOT NULL,
    calls      bigint NOT NULL,
    cache_hits bigint NOT NULL,
    tokens_in  bigint NOT NULL,
    tokens_out bigint NOT NULL,
    seconds    double precision NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX model_usage_account_idx
    ON model_usage (coalesce(run_id, 0::bigint), ats, model);

CREATE TABLE replays (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    finished_at    timestamptz,
    extractor      text NOT NULL,
    model          text,
    prompt_version text NOT NULL,
    filters        jsonb NOT NULL,
    after_id       bigint NOT NULL DEFAULT 0,
    postings       bigint NOT NULL DEFAULT 0,
    changes        jsonb NOT NULL DEFAULT '{}'
);
"""


def upgrade() -> None:
    op.execute(STATEMENTS)
