"""The sandbox's model: the rules, in the shape in which a language model is asked to answer."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from openfunnel.extraction import rules
from openfunnel.extraction.prompt import posting_in
from openfunnel.records import Extraction, PostingText, SkillMention


def answer(messages: Sequence[Mapping[str, str]]) -> str:
    """Say what the model says to a chat; about a posting it is the JSON that was asked for."""
    posting = _posting(messages)
    if posting is None:
        return "This is the sandbox of OpenFunnel: it answers about postings alone."
    return json.dumps(answer_of(rules.extract(posting)), ensure_ascii=False)


def answer_of(extraction: Extraction) -> dict[str, Any]:
    """Return an extraction in the schema that a model is asked to answer in."""
    pay, years = extraction.compensation, extraction.years_experience_min
    return {
        "summary": extraction.summary.value if extraction.summary else "Nothing is summarised.",
        "role_function": extraction.role_function.value,
        "seniority": extraction.seniority.value,
        "employment_type": extraction.employment_type and extraction.employment_type.value,
        "workplace": extraction.workplace and extraction.workplace.value,
        "locations": [place.value.model_dump() for place in extraction.locations],
        "pay_evidence": pay.evidence.text if pay and pay.evidence else None,
        "pay_min": float(pay.value.min) if pay else None,
        "pay_max": float(pay.value.max) if pay else None,
        "pay_currency": pay.value.currency if pay else None,
        "pay_period": pay.value.period if pay else None,
        "pay_is_on_target_earnings": pay.value.ote if pay else None,
        "years_evidence": years.evidence.text if years and years.evidence else None,
        "years_experience_min": years.value if years else None,
        "technologies": [_stated(mention) for mention in extraction.technologies],
        "skills": [_stated(mention) for mention in extraction.skills],
        "initiatives": [
            {"evidence": one.evidence.text, "type": one.type} for one in extraction.initiatives
        ],
    }


def _stated(mention: SkillMention) -> dict[str, str]:
    return {
        "evidence": mention.evidence.text,
        "name": mention.name,
        "stance": mention.stance,
    }


def _posting(messages: Sequence[Mapping[str, str]]) -> PostingText | None:
    for message in messages:
        if message.get("role") != "user":
            continue
        try:
            posting = posting_in(message["content"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        if posting:
            return posting
    return None
