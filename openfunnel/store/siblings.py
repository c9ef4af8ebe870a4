"""Texts of one board beside each other: what repeats over them is boilerplate."""

from sqlalchemy import text
from sqlalchemy.orm import Session

CHARACTERS = 20_000
"""What is read of a text; nearly all are shorter."""

_TEXTS = text(
    """
    WITH siblings AS (
        SELECT min(id) AS id, row_number() OVER (ORDER BY title) AS place, count(*) OVER () AS size
        FROM job_postings
        WHERE board_id = :board AND closed_at IS NULL AND text IS NOT NULL
        GROUP BY title
    )
    SELECT left(posting.text, :characters)
    FROM siblings JOIN job_postings AS posting ON posting.id = siblings.id
    WHERE (place - 1) % ((size + :limit - 1) / :limit) = 0
    ORDER BY place
    """
)


def board_texts(session: Session, board_id: int, limit: int) -> list[str]:
    """Return the texts of at most `limit` open postings of a board, spread over their titles.

    Of postings of one title there is one: a job offered in five cities has one text, whose lines
    would all seem to repeat.
    """
    values = {"board": board_id, "characters": CHARACTERS, "limit": limit}
    return list(session.scalars(_TEXTS, values))
