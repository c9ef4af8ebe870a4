"""Employers: one row for all spellings of a name."""

from collections.abc import Iterable, Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

from openfunnel.normalize.text import fold
from openfunnel.store.encoding import storable_text

LONGEST_NAME = 300

_FIND_OR_ADD = text("""
    WITH known AS (
        SELECT folded, id FROM companies WHERE folded = ANY(CAST(:folded AS text[]))
    ), added AS (
        INSERT INTO companies (folded, name)
        SELECT folded, name
        FROM unnest(CAST(:folded AS text[]), CAST(:names AS text[])) AS wanted (folded, name)
        WHERE folded NOT IN (SELECT folded FROM known)
        ON CONFLICT DO NOTHING
        RETURNING folded, id
    )
    SELECT folded, id FROM known UNION ALL SELECT folded, id FROM added
""")

_NAME_BOARDS = text("""
    WITH named AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:board_ids AS bigint[]), CAST(:company_ids AS bigint[]))
            AS named (board_id, company_id)
    ), board AS (
        UPDATE boards SET company_id = named.company_id FROM named WHERE id = named.board_id
    )
    UPDATE job_postings SET company_id = named.company_id FROM named
    WHERE job_postings.board_id = named.board_id AND job_postings.company_id IS NULL
""")


def company_ids(session: Session, names: Iterable[str | None]) -> dict[str | None, int]:
    """Return the id of each name that says something, adding companies nobody has met yet."""
    spellings = {name: _shown(name) for name in set(names) if name is not None}
    wanted = {fold(shown): shown for _, shown in sorted(spellings.items()) if fold(shown)}
    ids: dict[str, int] = {}
    for _ in range(2):  # a company that somebody else adds at this moment is seen the second time
        if missing := sorted(wanted.keys() - ids.keys()):
            values = {"folded": missing, "names": [wanted[folded] for folded in missing]}
            ids |= {row.folded: row.id for row in session.execute(_FIND_OR_ADD, values)}
    return {
        name: ids[folded] for name, shown in spellings.items() if (folded := fold(shown)) in ids
    }


def name_boards(session: Session, companies: Mapping[int, int]) -> None:
    """Tell whose boards these are (company id by board id).

    Their postings without an employer get that one.
    """
    named = {"board_ids": list(companies), "company_ids": list(companies.values())}
    session.execute(_NAME_BOARDS, named)


def _shown(name: str) -> str:
    return storable_text(name).strip()[:LONGEST_NAME]
