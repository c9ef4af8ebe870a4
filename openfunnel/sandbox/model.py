"""The sandbox's model: the rules, in the shape in which a language model is asked to answer."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from openfunnel.extraction import rules
from openfunnel.extraction.prompt import posting_in
from openfunnel.normalize.location import parse_places
from openfunnel.records import Extraction, PostingText, SkillMention

MODEL = "openfunnel-sandbox"
"""What it calls itself in every answer."""

BYTES_PER_TOKEN = 4
KNOWN_ANSWERS = 1_024
"""As many prompts are remembered with what was answered, so that benchmarks repeat them cheaply."""

NO_POSTING = "This is the sandbox of OpenFunnel: it answers about postings alone."

COMMON_WORDS = {
    "en": "the and of to you with our will",
    "de": "der die und das mit wir für sie",
    "fr": "le les et des vous nous avec pour",
    "es": "el los y las con para que del",
    "nl": "het een en van wij met voor je",
    "pt": "o os e dos com para uma você",
}
"""By language, in ISO 639-1: enough to tell apart what the boards of the corpus are written in."""

_PLACE = re.compile(
    r"\b(?:based|located|locations?|offices?)(?: in|:)\s+([^\n.;]{2,60})", re.IGNORECASE
)
_WORD = re.compile(r"\w+")
_TRIAGE_CHARACTERS = 5_000


@dataclass(frozen=True)
class Reply:
    """What the model says to one chat; counts are None where the server keeps them to itself."""

    content: str
    prompt_tokens: int | None
    answer_tokens: int | None
    ending: Literal["stop", "length"] | None = "stop"
    """None: broken off."""
    nanoseconds: int = 0
    """From the end of waiting to the end of the answer."""
    thinking: str | None = None

    @property
    def facts(self) -> dict[str, Any] | None:
        """The object that was asked for; None where the chat was about something else."""
        if self.content == NO_POSTING:
            return None
        facts: dict[str, Any] = json.loads(self.content)
        return facts


def reply(messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any] | None = None) -> Reply:
    """Answer a chat; about a posting it is the JSON that `schema` asks for.

    Of the schema its properties, `maxItems` and `maxLength` are looked at. Where a property is
    unknown, or there is no schema, all facts of a posting are stated.
    """
    first = next((one["content"] for one in messages if one.get("role") == "user"), "")
    content = _answer(first, json.dumps(schema or {}))
    prompt_tokens = sum(count_tokens(message["content"]) for message in messages)
    return Reply(content, prompt_tokens, count_tokens(content))


def count_tokens(text: str) -> int:
    """Return how many tokens the sandbox takes a text for."""
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


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


@lru_cache(KNOWN_ANSWERS)
def _answer(message: str, schema: str) -> str:
    posting = _posting(message)
    if posting is None:
        return NO_POSTING
    facts = answer_of(rules.extract(posting))
    asked = _properties(json.loads(schema))
    if not facts.keys() >= asked.keys():
        known = facts | _triage(posting)
        if known.keys() >= asked.keys():
            facts = known
        else:
            asked = {}
    told = {name: _within(facts[name], of) for name, of in asked.items()} or facts
    return json.dumps(told, ensure_ascii=False)


def _posting(message: str) -> PostingText | None:
    """Return the posting in a message, fenced, or bare as triage shows the opening of one."""
    try:
        if message.startswith("{"):
            shown = json.loads(message)
            return PostingText(title=shown["title"], text=shown["text"])
        return posting_in(message)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _properties(schema: Any) -> dict[str, Any]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}


def _within(value: Any, schema: Any) -> Any:
    """Return a value without what exceeds the schema's bounds, which a grammar would not let by."""
    if not isinstance(schema, dict):
        return value
    if isinstance(value, str):
        return value[: schema.get("maxLength")]
    if isinstance(value, list):
        return [_within(one, schema.get("items")) for one in value[: schema.get("maxItems")]]
    if isinstance(value, dict):
        of = _properties(schema)
        return {name: _within(one, of.get(name)) for name, one in value.items()}
    return value


def _stated(mention: SkillMention) -> dict[str, str]:
    return {
        "evidence": mention.evidence.text,
        "name": mention.name,
        "stance": mention.stance,
    }


def _triage(posting: PostingText) -> dict[str, str | None]:
    """Return what a model is asked about a posting that may not be worth a whole answer."""
    text = posting.text[:_TRIAGE_CHARACTERS]
    places = [place for named in _PLACE.findall(text) for place in parse_places(named, None).places]
    words = _WORD.findall(text.lower())
    common = {
        language: sum(words.count(word) for word in known.split())
        for language, known in COMMON_WORDS.items()
    }
    return {
        "country": next((place.country for place in places if place.country), None),
        "language": max(common, key=lambda language: common[language]),
    }
