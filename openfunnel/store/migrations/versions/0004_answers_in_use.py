"""Models' answers are kept for as long as they are of use."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = """
ALTER TABLE model_answers
    DROP COLUMN tokens_in,
    DROP COLUMN tokens_out;
ALTER TABLE model_answers RENAME COLUMN created_at TO used_at;
CREATE INDEX model_answers_used_at_idx ON model_answers (used_at);
"""


def upgrade() -> None:
    op.execute(STATEMENTS)
