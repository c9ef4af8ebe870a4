"""What the worker writes: an extraction, whole or not at all."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from openfunnel.normalize import skills as taxonomy
from openfunnel.normalize.compensation import yearly
from openfunnel.normalize.location import place_keys
from openfunnel.normalize.money import to_usd
from openfunnel.normalize.text import fold
from openfunnel.records import (
    Compensation,
    Extraction,
    ExtractionResult,
    SkillMention,
    Stance,
)
from openfunnel.store.encoding import storable_text, to_json

REMOTE = "remote"
"""The place key of postings whose workplace is remote."""
LONGEST_KEY = 300

# One lock a posting, taken before all else: whoever waited for it sees the other's skills below.
_LOCK = text("""
    WITH posting AS MATERIALIZED (
        SELECT id FROM job_postings WHERE id = :job_posting_id FOR NO KEY UPDATE
    )
    SELECT s.slug, s.id, s.name, s.category
    FROM posting LEFT JOIN skills s ON s.slug = ANY(CAST(:slugs AS text[]))
""")

# The vector: title A, company and skills B, text C. `english` rather than `simple`, because people
# ask for "engineers" and mean "engineer"; words of other languages go through the same stemmer on
# both sides and still meet. A tsvector holds 1 MB and 16,383 positions, and refuses more with an
# error: of the text, the first 100,000 characters (as many words) stay well below both.
_SAVE = text("""
    WITH saved AS (
        INSERT INTO extractions AS known (
            job_posting_id, extractor, model, prompt_version, tokens_in, tokens_out, duration_ms,
            dropped, fence, extracted_at, text_checksum, role_function, seniority,
            employment_type, workplace, years_experience_min, comp_min, comp_max, comp_currency,
            comp_period, comp_ote, comp_max_usd_year, comp_rate_date, place_keys, skill_ids,
            fields, search)
        SELECT
            p.id, :extractor, :model, :prompt_version, :tokens_in, :tokens_out, :duration_ms,
            :dropped, :fence, :now, :text_checksum, :role_function, :seniority,
            :employment_type, :workplace, :years_experience_min, :comp_min, :comp_max,
            :comp_currency, :comp_period, :comp_ote, :comp_max_usd_year, :comp_rate_date,
            CAST(:place_keys AS text[]), CAST(:skill_ids AS integer[]), CAST(:fields AS jsonb),
            setweight(to_tsvector('english', p.title), 'A')
            || setweight(to_tsvector('english', concat_ws(' ', c.name, b.token)), 'B')
            || setweight(to_tsvector('english', left(:skill_names, 20000)), 'B')
            || setweight(to_tsvector('english', left(p.text, 100000)), 'C')
        FROM job_postings p
        JOIN boards b ON b.id = p.board_id
        LEFT JOIN companies c ON c.id = p.company_id
        WHERE p.id = :job_posting_id
        ON CONFLICT (job_posting_id) DO UPDATE SET
            extractor = excluded.extractor, model = excluded.model,
            prompt_version = excluded.prompt_version,
            tokens_in = excluded.tokens_in, tokens_out = excluded.tokens_out,
            duration_ms = excluded.duration_ms, dropped = excluded.dropped,
            fence = excluded.fence, extracted_at = excluded.extracted_at,
            text_checksum = excluded.text_checksum,
            role_function = excluded.role_function, seniority = excluded.seniority,
            employment_type = excluded.employment_type, workplace = excluded.workplace,
            years_experience_min = excluded.years_experience_min,
            comp_min = excluded.comp_min, comp_max = excluded.comp_max,
            comp_currency = excluded.comp_currency, comp_period = excluded.comp_period,
            comp_ote = excluded.comp_ote, comp_max_usd_year = excluded.comp_max_usd_year,
            comp_rate_date = excluded.comp_rate_date,
            place_keys = excluded.place_keys, skill_ids = excluded.skill_ids,
            fields = excluded.fields, search = excluded.search
        WHERE known.fence <= excluded.fence
        RETURNING job_posting_id
    ), dropped AS (
        DELETE FROM job_skills USING saved
        WHERE job_skills.job_posting_id = saved.job_posting_id
          AND skill_id <> ALL(CAST(:skill_ids AS integer[]))
    ), named AS (
        INSERT INTO job_skills (job_posting_id, skill_id, stance, evidence, source)
        SELECT saved.job_posting_id, skill_id, stance, evidence, source
        FROM saved, jsonb_to_recordset(CAST(:mentions AS jsonb))
            AS mention (skill_id integer, stance text, evidence jsonb, source text)
        ON CONFLICT (job_posting_id, skill_id) DO UPDATE SET
            stance = excluded.stance, evidence = excluded.evidence, source = excluded.source
    ), posting AS (
        UPDATE job_postings SET status = 'extracted', failure = NULL
        FROM saved WHERE id = saved.job_posting_id AND text_checksum = :text_checksum
    )
    SELECT job_posting_id FROM saved
""")


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


class _KnownSkill(NamedTuple):
    slug: str
    id: int
    name: str
    category: str


def save_extraction(
    session: Session,
    posting_id: int,
    text_checksum: str,
    result: ExtractionResult,
    fence: int,
    now: datetime,
) -> bool:
    """Store an extraction with its skills, made from the text with this checksum.

    Returns False, having stored nothing of it, where the result of a later lease (a greater
    `fence`) is stored already, or the posting is gone. The posting becomes `extracted` only if its
    text is still the one that was extracted; else it keeps waiting for its next extraction.
    """
    extraction = result.extraction
    mentions = _strongest(extraction.technologies + extraction.skills)
    locked = {"job_posting_id": posting_id, "slugs": list(mentions)}
    known = session.execute(_LOCK, locked).all()
    if not known:
        return False
    skill_ids = _skill_ids(session, mentions, [_KnownSkill(*row) for row in known if row.slug])
    values = {
        **result.model_dump(exclude={"extraction"}),
        **_columns(extraction),
        "job_posting_id": posting_id,
        "text_checksum": text_checksum,
        "fence": fence,
        "now": now,
        "fields": to_json(extraction.model_dump(mode="json")),
        "skill_ids": sorted(skill_ids.values()),
        "skill_names": " ".join(mention.name for mention in mentions.values()),
        "mentions": to_json(
            [
                {
                    "skill_id": skill_ids[slug],
                    "stance": mention.stance,
                    "evidence": mention.evidence.model_dump(mode="json"),
                    "source": mention.source,
                }
                for slug, mention in mentions.items()
            ]
        ),
    }
    return session.execute(_SAVE, values).scalar_one_or_none() is not None


def _columns(extraction: Extraction) -> dict[str, Any]:
    workplace = extraction.workplace.value if extraction.workplace else None
    kind, years = extraction.employment_type, extraction.years_experience_min
    keys = {
        key[:LONGEST_KEY]
        for place in extraction.locations
        for key in place_keys(place.value, workplace)
    }
    if workplace == REMOTE:
        keys.add(REMOTE)
    return {
        "role_function": extraction.role_function.value,
        "seniority": extraction.seniority.value,
        "employment_type": kind.value if kind else None,
        "workplace": workplace,
        "years_experience_min": years.value if years else None,
        "place_keys": sorted(keys),
        **_pay_columns(extraction.compensation.value if extraction.compensation else None),
    }


def _pay_columns(pay: Compensation | None) -> dict[str, Any]:
    usd = to_usd(yearly(pay).max, pay.currency) if pay else None
    return {
        "comp_min": pay and pay.min,
        "comp_max": pay and pay.max,
        "comp_currency": pay and pay.currency,
        "comp_period": pay and pay.period.value,
        "comp_ote": pay.ote if pay else None,
        "comp_max_usd_year": usd and usd.amount,
        "comp_rate_date": usd and usd.rate_date,
    }


def _strongest(mentions: Iterable[SkillMention]) -> dict[str, SkillMention]:
    """One mention a slug, the strongest; in slug order, in which all workers take locks."""
    strength = list(Stance)
    by_slug: dict[str, SkillMention] = {}
    for mention in mentions:
        slug = storable_text(mention.slug)
        known = by_slug.get(slug)
        if known is None or strength.index(mention.stance) < strength.index(known.stance):
            by_slug[slug] = mention
    return dict(sorted(by_slug.items()))


def _skill_ids(
    session: Session, mentions: Mapping[str, SkillMention], known: Iterable[_KnownSkill]
) -> dict[str, int]:
    """Ids by slug; only missing and renamed skills are written: common rows stay unlocked."""
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
