"""Technologies and skills: one row for each slug, found by any of its names."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from openfunnel.normalize import skills as taxonomy
from openfunnel.normalize.text import fold
from openfunnel.records import SkillMention
from openfunnel.store.encoding import storable_text, to_json

LONGEST_KEY = 300
"""Characters of a name by which something is found."""

# In slug order, in which all workers take their locks.
_WRITE_SKILLS = text("""
    INSERT INTO skills (slug, name, category)
    SELECT slug, name, category
    FROM json_to_recordset(CAST(:skills AS json)) AS skill (slug text, name text, category text)
    ORDER BY slug COLLATE "C"
    ON CONFLICT (slug) DO UPDATE SET name = excluded.name, category = excluded.category
    RETURNING slug, id
""")

_WRITE_ALIASES = text("""
    INSERT INTO skill_aliases (alias, skill_id)
    SELECT alias, skill_id
    FROM json_to_recordset(CAST(:aliases AS json)) AS alias (alias text, skill_id integer)
    ON CONFLICT DO NOTHING
""")


class KnownSkill(NamedTuple):
    """A skill as it is stored."""

    slug: str
    id: int
    name: str
    category: str


def skill_ids(
    session: Session, mentions: Mapping[str, SkillMention], known: Iterable[KnownSkill]
) -> dict[str, int]:
    """Return the ids of skills by slug, adding and renaming those that are not `known` as named.

    Nothing else is written: rows that all workers use stay unlocked.
    """
    stored = {skill.slug: skill for skill in known}
    ids = {slug: skill.id for slug, skill in stored.items()}
    named = {
        slug: (storable_text(mention.name), storable_text(mention.category))
        for slug, mention in mentions.items()
    }
    fresh = [
        {"slug": slug, "name": name, "category": category}
        for slug, (name, category) in named.items()
        if (skill := stored.get(slug)) is None or (skill.name, skill.category) != (name, category)
    ]
    if fresh:
        written = session.execute(_WRITE_SKILLS, {"skills": to_json(fresh)}).all()
        ids |= {row.slug: row.id for row in written}
        aliases = [
            {"skill_id": row.id, "alias": alias}
            for row in written
            for alias in _aliases(mentions[row.slug])
        ]
        session.execute(_WRITE_ALIASES, {"aliases": to_json(aliases)})
    return ids


def _aliases(mention: SkillMention) -> list[str]:
    names = {mention.slug, mention.name, *taxonomy.aliases(mention.slug)}
    folded = {storable_text(fold(name))[:LONGEST_KEY] for name in names}
    return sorted(folded - {""})
