"""Boards as state machines, the former versions of postings, and failures by name."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE boards
    DROP COLUMN requeues,
    ADD COLUMN fence           bigint NOT NULL DEFAULT 0,
    ADD COLUMN etag            text,
    ADD COLUMN last_modified   text,
    ADD COLUMN checksum        text,
    ADD COLUMN raw_response_id bigint REFERENCES raw_responses (id) ON DELETE SET NULL,
    ADD COLUMN changed_at      timestamptz,
    ADD COLUMN crawl_seconds   integer NOT NULL DEFAULT 86400,
    ADD COLUMN due_at          timestamptz,
    ADD COLUMN failures        smallint NOT NULL DEFAULT 0,
    ADD COLUMN missing_since   timestamptz,
    ADD COLUMN empty_fetches   smallint NOT NULL DEFAULT 0,
    ADD COLUMN empty_at        timestamptz;
UPDATE boards SET due_at = coalesce(last_fetched_at, now()) + interval '1 day';
ALTER TABLE boards ALTER COLUMN due_at SET NOT NULL;
CREATE INDEX boards_due_at_idx ON boards (due_at) WHERE status = 'active' AND queued_at IS NULL;

CREATE TABLE board_failures (
    board_id bigint REFERENCES boards (id) ON DELETE CASCADE,
    failure  text,
    times    integer NOT NULL,
    last_at  timestamptz NOT NULL,
    PRIMARY KEY (board_id, failure)
);

CREATE TABLE posting_versions (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_posting_id bigint NOT NULL REFERENCES job_postings (id) ON DELETE CASCADE,
    replaced_at    timestamptz NOT NULL,
    title          text NOT NULL,
    locations      jsonb NOT NULL,
    compensation   jsonb,
    text_checksum  text NOT NULL,
    closed_at      timestamptz
);
CREATE INDEX posting_versions_job_posting_id_idx ON posting_versions (job_posting_id, replaced_at);

-- An answer that is stored already is found by these.
CREATE INDEX raw_responses_board_id_checksum_idx ON raw_responses (board_id, checksum);
"""


def upgrade() -> None:
    op.execute(STATEMENTS)
