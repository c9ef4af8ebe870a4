"""Names that models gave to technologies and skills, and that the taxonomy does not know."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from openfunnel.normalize import taxonomy

_CANDIDATES = text("""
    WITH named AS (
        SELECT skill_id, count(*) AS postings, min(job_posting_id) AS example_id
        FROM job_skills
        WHERE source = 'llm'
        GROUP BY skill_id
    )
    SELECT skills.name, skills.slug, skills.category, named.postings, named.example_id,
           job_skills.evidence ->> 'text' AS evidence
    FROM named
    JOIN skills ON skills.id = named.skill_id
    JOIN job_skills ON job_skills.skill_id = named.skill_id
                   AND job_skills.job_posting_id = named.example_id
    WHERE skills.slug NOT IN (SELECT unnest(CAST(:known AS text[])))
    ORDER BY named.postings DESC, skills.slug COLLATE "C"
    LIMIT :limit
""")


@dataclass(frozen=True)
class Candidate:
    """A name that the taxonomy may want."""

    name: str
    slug: str
    category: str
    """`skill`, or `other` for a technology of whatever kind."""
    postings: int
    """How many postings name it."""
    example_id: int
    """The first of them."""
    evidence: str
    """Where that one does."""


def list_candidates(session: Session, limit: int) -> list[Candidate]:
    """Return the names that most postings have, the most frequent first.

    What has become known since it was stored is none, under whichever of its names.
    """
    known = sorted(
        {
            taxonomy.slug_of(spelling)
            for entry in taxonomy.entries()
            for spelling in (entry.name, *(alias.text for alias in entry.aliases))
        }
    )
    found = session.execute(_CANDIDATES, {"known": known, "limit": limit})
    return [Candidate(*row) for row in found]
