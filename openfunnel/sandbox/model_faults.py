"""What becomes of a model's answer when something befalls it: pure, and in turn.

Where a fault has several faces, `turn` chooses: how often it has befallen the server before.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from openfunnel.sandbox.faults import FaultKind
from openfunnel.sandbox.model import Reply, count_tokens

T = TypeVar("T")
Facts = dict[str, Any]

INVENTED_NAMES = ("Quantorix", "Zephyrbase", "Velumscript")
"""Of no technology there is."""

WRONG_COUNTS = (0, None, -1, 10**15)

ENDLESS_NAME = "x" * 10_000


def spoil(reply: Reply, fault: FaultKind | None, turn: int) -> Reply:
    """Return the reply as `fault` leaves it; one that is not about a posting has no facts to lose.

    The faults of the connection are none of this module's business.
    """
    half = reply.content[: len(reply.content) // 2]
    match fault:
        case FaultKind.OLLAMA_INVALID:
            return _saying(reply, f"Sure! Here are the facts of this posting: {half}")
        case FaultKind.OLLAMA_SCHEMA:
            return _restating(reply, partial(_violate, _taking_turns(VIOLATIONS, turn)))
        case FaultKind.OLLAMA_EVIDENCE:
            return _restating(reply, invent_evidence)
        case FaultKind.OLLAMA_NONSENSE:
            return _nonsense(reply, turn)
        case FaultKind.OLLAMA_UNDONE:
            return replace(_saying(reply, half + half[-8:] * 30), ending=None)
        case FaultKind.OLLAMA_LENGTH:
            return replace(_saying(reply, half), ending="length")
        case FaultKind.OLLAMA_THINKING:
            return _taking_turns(THOUGHTS, turn)(reply)
        case FaultKind.OLLAMA_COUNTS:
            count = _taking_turns(WRONG_COUNTS, turn)
            return replace(reply, prompt_tokens=count, answer_tokens=count)
    return reply


def _saying(reply: Reply, content: str) -> Reply:
    return replace(reply, content=content, answer_tokens=count_tokens(content))


def _restating(reply: Reply, change: Callable[[Facts], Facts]) -> Reply:
    facts = reply.facts
    return _saying(reply, json.dumps(change(facts), ensure_ascii=False)) if facts else reply


def _taking_turns(choices: tuple[T, ...], turn: int) -> T:
    return choices[turn % len(choices)]


# --- breaking the schema ------------------------------------------------------------------------


def _violate(violation: Callable[[Facts], Facts], facts: Facts) -> Facts:
    """Return facts that break the schema, even where it has nothing that `violation` touches."""
    violated = violation(facts)
    return _numbered(facts) if violated == facts else violated


def _lacking_half(facts: Facts) -> Facts:
    return dict(list(facts.items())[len(facts) // 2 :])


def _numbered(facts: Facts) -> Facts:
    """Every value is a number."""
    return dict.fromkeys(facts, 7)


def _unheard_of(facts: Facts) -> Facts:
    """Every choice falls on something that was not offered."""
    return facts | {
        name: "wizard"
        for name in ("role_function", "seniority", "employment_type", "workplace", "pay_period")
        if name in facts
    }


def _misshapen(facts: Facts) -> Facts:
    """The items of every list are strings, or lack what they must have."""
    return {
        name: ["Python", {"name": "Python"}, *value] if isinstance(value, list) else value
        for name, value in facts.items()
    }


def _listed(facts: Facts) -> Facts:
    """An object is asked for, and it stands in a list of one."""
    return {"answer": [facts]}


VIOLATIONS = (_lacking_half, _numbered, _unheard_of, _misshapen, _listed)


# --- evidence from nowhere ----------------------------------------------------------------------


def invent_evidence(facts: Facts) -> Facts:
    """Return facts whose every evidence is made up; so are the names of the technologies."""
    invented = dict(facts)
    for name, value in facts.items():
        if name.endswith("_evidence"):
            invented[name] = f"as our founders say of {name.removesuffix('_evidence')} every Friday"
        elif isinstance(value, list):
            invented[name] = [_uproot(item, name) for item in value]
    if "technologies" in facts:
        invented["technologies"] += [
            {"evidence": f"nothing runs here without {name}", "name": name, "stance": "required"}
            for name in INVENTED_NAMES
        ]
    return invented


def _uproot(item: Any, kind: str) -> Any:
    if not (isinstance(item, dict) and "evidence" in item):
        return item
    name = item.get("name", "it")
    if kind == "technologies":
        name = f"{name}rix"
    uprooted = {"evidence": f"all of us swear by {name} on rainy Mondays"}
    return item | uprooted | ({"name": name} if "name" in item else {})


# --- nonsense -----------------------------------------------------------------------------------


def _skill(name: str, evidence: str) -> Mapping[str, str]:
    return {"evidence": evidence, "name": name, "stance": "required"}


_QUOTE, _NUMBER = "@quote@", "@number@"
"""Stand for words of the posting, and for digits that no Python number has as JSON."""

_YEARS = {"years_evidence": _QUOTE}
_PAY = {
    "pay_evidence": _QUOTE,
    "pay_min": 1,
    "pay_max": _NUMBER,
    "pay_currency": "USD",
    "pay_period": "year",
    "pay_is_on_target_earnings": False,
}

NONSENSE: tuple[tuple[Mapping[str, Any], str], ...] = (
    (_YEARS | {"years_experience_min": 62997139034615}, ""),
    (_YEARS | {"years_experience_min": -7}, ""),
    (_PAY | {"pay_min": _NUMBER}, "18e8393482890949"),
    (_PAY, "1e999"),
    (_PAY | {"pay_min": -5.5}, "1e-400"),
    (_PAY | {"pay_currency": "\0\0\0"}, "2"),
    ({"technologies": [_skill("Py\0thon", "Py\0thon")], "country": "\0", "language": "\0"}, ""),
    ({"technologies": [_skill("\ud800", "\udfff\ud800")], "country": "\ud800"}, ""),
    ({"summary": "\ud83d \0", "initiatives": [{"evidence": "\0", "type": "expansion"}]}, ""),
    ({"technologies": [_skill(ENDLESS_NAME, _QUOTE)], "language": ENDLESS_NAME}, ""),
    ({"summary": ENDLESS_NAME, "skills": [_skill(ENDLESS_NAME, "")]}, ""),
    ({"locations": [{"city": ENDLESS_NAME, "region": "\0", "country": "\ud800"}]}, ""),
)
"""Values for the fields of an answer, and the digits of `_NUMBER` in them."""


def _nonsense(reply: Reply, turn: int) -> Reply:
    facts = reply.facts
    if not facts:
        return reply
    values, number = _taking_turns(NONSENSE, turn)
    told = facts | {name: value for name, value in values.items() if name in facts}
    # Escaped, a lone surrogate is as good as any character on its way to the client.
    content = json.dumps(told).replace(json.dumps(_NUMBER), number)
    return _saying(reply, content.replace(json.dumps(_QUOTE), json.dumps(_quote(facts))))


def _quote(facts: Facts) -> str:
    """Return words of the posting, where any were quoted."""
    mentions = [*facts.get("technologies", ()), *facts.get("skills", ())]
    return str(mentions[0]["evidence"] if mentions else facts.get("summary", ""))


# --- thinking aloud -----------------------------------------------------------------------------

_THOUGHT = 'The user wants JSON such as {"summary": ...}. Is {this} the {"seniority"}? So be it.'


def _thinking_before(reply: Reply) -> Reply:
    return _saying(reply, f"<think>\n{_THOUGHT}\n</think>\n\n{reply.content}")


def _talking_after(reply: Reply) -> Reply:
    return _saying(reply, f"{reply.content}\n\nI hope this helps! {_THOUGHT}")


def _fencing(reply: Reply) -> Reply:
    said = f"Here is the JSON:\n```json\n{reply.content}\n```\nAnything else?"
    return _saying(reply, said)


def _thinking_apart(reply: Reply) -> Reply:
    return replace(reply, thinking=_THOUGHT)


THOUGHTS = (_thinking_before, _talking_after, _fencing, _thinking_apart)
