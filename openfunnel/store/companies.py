"""Employers: one row for all spellings of a name."""

from collections.abc import Iterable

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from openfunnel.normalize.text import fold
from openfunnel.store.encoding import storable_text
from openfunnel.store.models import Board, Company, Posting

LONGEST_NAME = 300


def company_ids(session: Session, names: Iterable[str | None]) -> dict[str | None, int]:
    """Return the id of each name that says something, adding companies nobody has met yet."""
    spellings = {name: _shown(name) for name in set(names) if name is not None}
    wanted = {fold(shown): shown for _, shown in sorted(spellings.items()) if fold(shown)}
    ids = _ids(session, wanted)
    if missing := sorted(wanted.keys() - ids.keys()):
        session.execute(
            insert(Company).on_conflict_do_nothing(),
            [{"folded": folded, "name": wanted[folded]} for folded in missing],
        )
        ids |= _ids(session, missing)
    return {
        name: ids[folded] for name, shown in spellings.items() if (folded := fold(shown)) in ids
    }


def name_board(session: Session, board_id: int, company_id: int) -> None:
    """Tell whose board it is, and give its postings without an employer that one."""
    session.execute(update(Board).where(Board.id == board_id).values(company_id=company_id))
    nameless = (Posting.board_id == board_id, Posting.company_id.is_(None))
    session.execute(update(Posting).where(*nameless).values(company_id=company_id))


def _shown(name: str) -> str:
    return storable_text(name).strip()[:LONGEST_NAME]


def _ids(session: Session, folded: Iterable[str]) -> dict[str, int]:
    known = select(Company.folded, Company.id).where(Company.folded.in_(list(folded)))
    return {row.folded: row.id for row in session.execute(known)}
