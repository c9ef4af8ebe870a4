"""Signs that a place in a text is worth showing to a model: known facts, and what may be new ones.

What the rules have found is to be read once more by somebody who understands it; what they cannot
find, names nobody has listed and plans nobody has a pattern for, is what a model is there for.
"""

import re
from collections.abc import Iterable, Iterator
from enum import IntEnum, auto
from functools import cache, lru_cache

import ahocorasick

from openfunnel.extraction.sections import Line
from openfunnel.normalize import skills as taxonomy
from openfunnel.normalize.lines import read_once
from openfunnel.records import Evidence, Extraction


class Sign(IntEnum):
    """What makes a place worth showing; numbers, because these are hashed quickly."""

    STATED = auto()
    """The rules have found something here."""
    TECHNOLOGY = auto()
    """What the taxonomy knows, though the rules may have refused it here."""
    ABOUT_TO = auto()
    """Words for what an employer is doing or about to do."""
    NAME = auto()
    """What is written like a product's name, or stands where one is expected."""
    SKILL = auto()
    """A skill that the rules have found."""
    CAPITAL = auto()
    """A capital where a sentence has none: a name, perhaps."""


Found = tuple[Sign, int, int]
"""A sign, and the positions where it starts and ends."""

_NOW = r"\b(?:is|are|['’]re|as we|continu\w+ to|keeps?|rapidly|fast|quickly|our)[ -]+(?:\w+ )?"
_USING = r"(?:using|use of|adopt\w*|leverag\w+|integrat\w+|embed\w*|appl(?:y|ies|ying))"
_AI_TOOL = r"[ -](?:tools?|powered|driven|native|first|assist\w*|adopt\w*|invest\w*|enabled)"
_ABOUT_TO = {
    "grow": rf"{_NOW}grow|\bgrowing (?:\w+ ){{0,2}}(?:team|company|organi[sz]ation|demand|rapidly"
    r"|fast|quickly)|hyper-?growth|\d[x×%] growth",
    "emerging": r"\bemerging (?:market|product|business|categor)",
    "scal": rf"{_NOW}scal(?:e|ing)\b|\bscal(?:e|ing) (?:rapidly|fast|quickly|up\b|our\b"
    r"|the (?:team|company|organi[sz]ation))",
    " new": r" new(?:ly[ -]\w+)? (?:\w+ )?(?:market|office|product|region|countr|vertical|industr"
    r"|team|group|categor)|newly",
    "ai": rf"\b(?:{_USING} (?:\w+ )?ai\b|ai{_AI_TOOL}|gen(?:erative )?ai\b)",
    "llm": rf"\b(?:{_USING} (?:\w+ )?llms?\b|llm{_AI_TOOL})",
    "expan": r"expansion|\bexpand(?:ing|s)?\b",
    "migrat": r"\bmigrat",
    "replac": r"\breplac(?:e|ing)\b",
    "acqui": r"\b(?:acquisitions|acquired)\b",
    "raised": r"\braised\b",
    "series": r"\bseries [a-h]\b",
    "ipo": r"\bipo\b",
    "soc": r"\bsoc ?2\b",
    "iso": r"\biso ?\d",
    "readiness": r"(?:audit|regulatory|soc|sox) readiness",
    "zero": r"\bzero[ -]to",
    "0 to": r"\b0 to 1\b",
    "lanc": r"\blanc(?:er|ement)",
} | dict.fromkeys(
    (
        *(" launch", "moderni", "replatform", "transformation", "restructur", "reorgani"),
        *("first hire", "from scratch", "from the ground up", "0-to-1", "funding round", "copilot"),
        *("croissance", "wachs", "crecimiento", "crescimento"),
    ),
    "",
)
"""Words for what an employer is about to do: by a stem that is quick to look for, what else has to
stand around it."""
_REACH = 40
"""Characters on either side of a stem in which that is looked for."""

_CAPITALISED = re.compile(r"[ (/][A-Z][\w.+#]{0,40}")
_INTRODUCTIONS = frozenset(
    re.findall(
        r"\S+",
        "using with via in like as on of know from to e.g. tools including and or mit avec en com",
    )
)
"""Words after which a capital is a name more often than not."""
_ORDINARY = frozenset(
    re.findall(
        r"\S+",
        "account accounts ai amer america apac api apis asia ceo cfo coo cto customer data design "
        "emea engineer engineering engineers english eu europe executive executives finance gtm "
        "head hr i it kpi kpis lead legal manager managers marketing ml operations ops our "
        "partnerships people product products risk roi sales science security strategy success "
        "support the uk us usa we you adobe amazon apache google microsoft",
    )
)
"""What has capitals and tells nothing: functions, regions, and makers of too much."""
_BEFORE = 12
"""Characters before a capital that are looked at."""


def find_signs(lines: Iterable[Line], company: str | None, stated: Extraction) -> Iterator[Found]:
    """Return the signs in a text of `company`, of which the rules say what is `stated`."""
    yield from _stated(stated)
    own = frozenset(company.lower().split() if company else ())
    for line in lines:
        for sign, word, begin, end in _read(line.text):
            if word not in own:
                yield sign, line.start + begin, line.start + end


@read_once
def _read(line: str) -> tuple[tuple[Sign, str, int, int], ...]:
    """Return the signs in a line, each with the word in small letters if it is one of a name."""
    return *_capitals(line), *_about_to(line)


def _stated(stated: Extraction) -> Iterator[Found]:
    facts = (
        stated.seniority,
        stated.employment_type,
        stated.workplace,
        stated.compensation,
        stated.years_experience_min,
        stated.summary,
    )
    certain: Iterable[Evidence | None] = (
        *(mention.evidence for mention in stated.technologies),
        *(initiative.evidence for initiative in stated.initiatives),
        *(fact.evidence for fact in facts if fact),
    )
    skills = (mention.evidence for mention in stated.skills)
    for sign, evidences in ((Sign.STATED, certain), (Sign.SKILL, skills)):
        for evidence in evidences:
            if evidence and evidence.start is not None and evidence.end is not None:
                yield sign, evidence.start, evidence.end


def _capitals(line: str) -> Iterator[tuple[Sign, str, int, int]]:
    """Return capitals inside sentences, but for those of ordinary words."""
    for found in _CAPITALISED.finditer(line):
        mark, word = found[0][0], found[0][1:].rstrip(".")
        folded = word.lower()
        if folded in _ORDINARY:
            continue
        sign = Sign.CAPITAL
        if _is_technology(word):
            sign = Sign.TECHNOLOGY
        elif mark != " ":
            sign = Sign.NAME
        else:
            before = line[max(0, found.start() - _BEFORE) : found.start()]
            if not before.strip() or before[-1] in ".!?:;-#":  # as any sentence begins
                continue
            if _is_spelt_as_name(word) or _introduces(before):
                sign = Sign.NAME
        yield sign, folded, found.start() + 1, found.end()


def _is_spelt_as_name(word: str) -> bool:
    """Whether a word with a capital has more of them, digits or dots: GraphQL, S3, Node.js."""
    return len(word) > 1 and not word.isupper() and not word[1:].islower()


def _introduces(before: str) -> bool:
    """Whether words lead up to a name, or to another of a list."""
    return before.endswith(",") or before.rsplit(None, 1)[-1].lower() in _INTRODUCTIONS


@lru_cache(maxsize=4096)
def _is_technology(word: str) -> bool:
    entry = taxonomy.resolve(word)
    return entry is not None and not entry.is_skill


def _about_to(line: str) -> Iterator[tuple[Sign, str, int, int]]:
    # Lowering may move positions in a few scripts, by little: then a neighbour is shown.
    lowered = line.lower()
    for last, (length, words) in _stems().iter(lowered):
        start, end = last - length + 1, last + 1
        if words is None or words.search(lowered, max(0, start - _REACH), end + _REACH):
            yield Sign.ABOUT_TO, "", start, end


@cache
def _stems() -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for stem, words in _ABOUT_TO.items():
        pattern = re.compile(words) if words else None
        automaton.add_word(stem, (len(stem), pattern))
    automaton.make_automaton()
    return automaton
