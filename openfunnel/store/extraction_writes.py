"""What the worker writes: extractions, a batch of them in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError
from sqlalchemy import text
from sqlalchemy.orm import Session

from openfunnel.normalize.compensation import yearly
from openfunnel.normalize.location import place_keys
from openfunnel.normalize.money import to_usd
from openfunnel.records import (
    Compensation,
    Extraction,
    ExtractionResult,
    LeftOut,
    SkillMention,
    Stance,
)
from openfunnel.store.encoding import storable_text, to_array, to_json
from openfunnel.store.skill_writes import LONGEST_KEY, KnownSkill, skill_ids

REMOTE = "remote"
"""The place key of postings whose workplace is remote."""

_LEFT_OUT = TypeAdapter(tuple[LeftOut, ...])
_STRENGTH = {stance: rank for rank, stance in enumerate(Stance)}

# One lock a posting, taken before all else, in the order in which a crawl writes a board's
# postings: whoever waited for it sees the other's skills below.
_LOCK = text("""
    WITH locked AS MATERIALIZED (
        SELECT id FROM job_postings WHERE id = ANY(CAST(:posting_ids AS bigint[]))
        ORDER BY canonical_url_hash COLLATE "C" FOR NO KEY UPDATE
    )
    SELECT s.slug, s.id, s.name, s.category
    FROM (SELECT count(*) AS postings FROM locked) AS found
    LEFT JOIN skills s ON found.postings > 0 AND s.slug = ANY(CAST(:slugs AS text[]))
""")

# What is given of `extractions`: an array a column, with an element for each posting. Arrays cost
# less than JSON, and than a parameter for each value. A column of arrays comes as their literals:
# arrays within an array would all have to be of one length.
_COLUMNS = {
    "job_posting_id": "bigint",
    "extractor": "text",
    "model": "text",
    "prompt_version": "text",
    "tokens_in": "bigint",
    "tokens_out": "bigint",
    "duration_ms": "bigint",
    "dropped": "integer",
    "cached": "boolean",
    "confidence": "real",
    "triage": "text",
    "failure": "text",
    "refused": "jsonb",
    "left_out": "jsonb",
    "fence": "bigint",
    "text_checksum": "text",
    "role_function": "text",
    "seniority": "text",
    "employment_type": "text",
    "workplace": "text",
    "years_experience_min": "smallint",
    "comp_min": "numeric",
    "comp_max": "numeric",
    "comp_currency": "text",
    "comp_period": "text",
    "comp_ote": "boolean",
    "comp_max_usd_year": "numeric",
    "comp_rate_date": "date",
    "fields": "jsonb",
}
_LITERALS = {"place_keys": "text[]", "skill_ids": "integer[]"}
_GIVEN = {**_COLUMNS, **dict.fromkeys(_LITERALS, "text"), "skill_names": "text"}
_MENTIONS = {
    "mentioned_in": "bigint",
    "skill_id": "integer",
    "stance": "text",
    "source": "text",
    "quote": "text",
    "quote_start": "integer",
    "quote_end": "integer",
}


def _arrays(columns: Mapping[str, str]) -> str:
    return ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in columns.items())


_NAMES = ", ".join([*_COLUMNS, *_LITERALS])
_READ = ", ".join(
    [
        *(f"one.{name}" for name in _COLUMNS),
        *(f"CAST(one.{name} AS {kind})" for name, kind in _LITERALS.items()),
    ]
)
_CHANGES = ", ".join(
    f"{name} = excluded.{name}"
    for name in [*_COLUMNS, *_LITERALS, "extracted_at", "search"]
    if name != "job_posting_id"
)

# The vector: title A, company and skills B, text C. `english` rather than `simple`, because people
# ask for "engineers" and mean "engineer"; words of other languages go through the same stemmer on
# both sides and still meet. A tsvector holds 1 MB and 16,383 positions, and refuses more with an
# error: of the text, the first 100,000 characters (as many words) stay well below both.
_SAVE = text(f"""
    WITH given AS MATERIALIZED (
        SELECT * FROM unnest({_arrays(_GIVEN)}) AS one ({", ".join(_GIVEN)})
    ), saved AS (
        INSERT INTO extractions AS known ({_NAMES}, extracted_at, search)
        SELECT {_READ}, :now,
            setweight(to_tsvector('english', p.title), 'A')
            || setweight(to_tsvector('english', concat_ws(' ', c.name, b.token)), 'B')
            || setweight(to_tsvector('english', left(one.skill_names, 20000)), 'B')
            || setweight(to_tsvector('english', left(p.text, 100000)), 'C')
        FROM given one
        JOIN job_postings p ON p.id = one.job_posting_id
        JOIN boards b ON b.id = p.board_id
        LEFT JOIN companies c ON c.id = p.company_id
        ON CONFLICT (job_posting_id) DO UPDATE SET {_CHANGES}
        WHERE known.fence <= excluded.fence
        RETURNING job_posting_id, text_checksum, skill_ids
    ), gone AS (
        DELETE FROM job_skills USING saved
        WHERE job_skills.job_posting_id = saved.job_posting_id
          AND skill_id <> ALL(saved.skill_ids)
    ), named AS (
        INSERT INTO job_skills (job_posting_id, skill_id, stance, evidence, source)
        SELECT mentioned_in, skill_id, stance,
               jsonb_build_object('text', quote, 'start', quote_start, 'end', quote_end), source
        FROM unnest({_arrays(_MENTIONS)}) AS mention ({", ".join(_MENTIONS)})
        JOIN saved ON saved.job_posting_id = mentioned_in
        ON CONFLICT (job_posting_id, skill_id) DO UPDATE SET
            stance = excluded.stance, evidence = excluded.evidence, source = excluded.source
    ), posting AS (
        UPDATE job_postings p SET status = 'extracted', failure = NULL
        FROM saved WHERE p.id = saved.job_posting_id AND p.text_checksum = saved.text_checksum
    )
    SELECT job_posting_id FROM saved
""")  # noqa: S608 - names of columns, no values


@dataclass(frozen=True)
class FinishedExtraction:
    """What was extracted from the text with this checksum, under the lease of this fence."""

    posting_id: int
    text_checksum: str
    result: ExtractionResult
    fence: int


def save_extractions(
    session: Session, finished: Sequence[FinishedExtraction], now: datetime
) -> set[int]:
    """Store extractions with their skills; return the ids of the postings they were stored for.

    Nothing is stored of one where the result of a later lease (a greater `fence`) is stored
    already, or the posting is gone. A posting becomes `extracted` only if its text is still the
    one that was extracted; else it keeps waiting for its next extraction.

    Batches of several workers never wait for each other in a circle. Where PostgreSQL refuses a
    value (`sqlalchemy.exc.DBAPIError`), the whole transaction is lost: each extraction in a
    transaction of its own stores all but the refused one.
    """
    latest = {one.posting_id: one for one in sorted(finished, key=lambda one: one.fence)}
    named = {posting_id: _strongest(one.result.extraction) for posting_id, one in latest.items()}
    skills = {slug: mention for mentions in named.values() for slug, mention in mentions.items()}
    wanted = {"posting_ids": to_array(latest), "slugs": to_array(skills)}
    known = session.execute(_LOCK, wanted).all()
    ids = skill_ids(session, skills, [KnownSkill(*row) for row in known if row.slug])
    rows = [_row(one, named[one.posting_id], ids) for one in latest.values()]
    values = {name: to_array(row[name] for row in rows) for name in _GIVEN}
    return set(session.execute(_SAVE, {**values, **_mentions(named, ids), "now": now}).scalars())


def _row(
    finished: FinishedExtraction, mentions: Mapping[str, SkillMention], ids: Mapping[str, int]
) -> dict[str, Any]:
    result = finished.result
    return {
        "job_posting_id": finished.posting_id,
        "text_checksum": finished.text_checksum,
        "fence": finished.fence,
        "extractor": result.extractor,
        "model": result.model,
        "prompt_version": result.prompt_version,
        "tokens_in": result.tokens_in,
        "tokens_out": result.tokens_out,
        "duration_ms": result.duration_ms,
        "dropped": result.dropped,
        "cached": result.cached,
        "confidence": result.confidence,
        "triage": result.triage,
        "failure": result.failure,
        "refused": to_json(result.refused),
        "left_out": _LEFT_OUT.dump_json(result.left_out).decode(),
        **_columns(result.extraction),
        "skill_ids": to_array(sorted(ids[slug] for slug in mentions)),
        "skill_names": " ".join(mention.name for mention in mentions.values()),
        "fields": _document(result.extraction),
    }


def _mentions(
    named: Mapping[int, Mapping[str, SkillMention]], ids: Mapping[str, int]
) -> dict[str, str]:
    rows = [
        (posting_id, ids[slug], one.stance, one.source, quote.text, quote.start, quote.end)
        for posting_id, mentions in named.items()
        for slug, one in mentions.items()
        for quote in (one.evidence,)
    ]
    columns = zip(*rows, strict=True) if rows else ((),) * len(_MENTIONS)
    return {name: to_array(column) for name, column in zip(_MENTIONS, columns, strict=True)}


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
        "place_keys": to_array(sorted(keys)),
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


def _strongest(extraction: Extraction) -> dict[str, SkillMention]:
    """One mention a slug, the strongest; in slug order, in which all workers take locks."""
    by_slug: dict[str, SkillMention] = {}
    for mention in extraction.technologies + extraction.skills:
        slug = storable_text(mention.slug)
        known = by_slug.get(slug)
        if known is None or _STRENGTH[mention.stance] < _STRENGTH[known.stance]:
            by_slug[slug] = mention
    return dict(sorted(by_slug.items()))


def _document(extraction: Extraction) -> str:
    """As `to_json`, at a fraction of its cost where there is nothing to mend."""
    try:
        document = extraction.model_dump_json()
    except PydanticSerializationError:  # a lone surrogate
        return to_json(extraction.model_dump(mode="json"))
    return to_json(extraction.model_dump(mode="json")) if "\\u0000" in document else document
