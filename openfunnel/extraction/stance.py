"""Tells how a line of a posting relates to what it names: asked for, welcome, used, or else.

The words of the sentence come first, then the section it stands in.
"""

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache

from openfunnel.extraction.sections import Section
from openfunnel.normalize.text import holds_any
from openfunnel.records import Stance

STRENGTH = {stance: rank for rank, stance in enumerate(Stance)}
"""Of several mentions of a name, the one of the lowest rank counts."""

_AHEAD = re.compile(
    r"nice[ -]to[ -]haves?\b|\bbonus(?: points)?\b|\bideally\b|\bpreferably\b"
    r"|\bpreferred\b(?=[^.;]{0,30}:)|\bid[ée]alement\b|\bidealerweise\b|\bidealmente\b"
    r"|\bwe also welcome\b|\bpreference (?:for|to)\b|\bextra points\b|\bplus if\b",
    re.IGNORECASE,
)
"""Words that make welcome what comes after them."""
_AHEAD_STEMS = ("nice", "bonus", "ideal", "idéal", "prefer", "welcome", "extra points", "plus if")
_BEHIND = re.compile(
    r"\bpreferred\b|\bpreferable\b|\bdesirable\b|\bdesired\b|\badvantageous\b|\bbeneficial\b"
    r"|\bhelpful\b|\bnot required\b|\bnot essential\b|\bis a bonus\b|\bnice to have\b"
    r"|\b(?:an?|big|huge|strong|definite|real|added|serious) (?:plus|advantage|bonus|asset|\+)"
    r"|\bplus\s*[.!)]?\s*$|\bwould be (?:great|nice)\b"
    r"|\bun (?:vrai |gros )?(?:plus|atout)\b|\bappr[ée]ci[ée]|\bsouhait[ée]|\bvon vorteil\b"
    r"|\bwünschenswert|\bdeseable|\bse valora|\bdesej[áa]vel|\bdiferencial|\bgradit",
    re.IGNORECASE,
)
"""Words that make welcome what comes before them."""
_BEHIND_STEMS = (
    *("prefer", "desir", "advantag", "beneficial", "helpful", "not required", "not essential"),
    *("bonus", "nice to have", "plus", "asset", " +", "would be", "atout", "appréci", "appreci"),
    *("souhait", "vorteil", "wünschenswert", "deseable", "valora", "desej", "diferencial"),
    "gradit",
)
_REQUIRED = re.compile(
    r"\b(?<!not )required?\b|\bmust(?:[ -]have)?\b|\bexperience (?:with|in|using|of|working"
    r"|building|developing)|\bexperienced (?:in|with)|\bproficien|\bfluen|\bexpertise\b"
    r"|\bexpert in\b"
    r"|\bknowledge of\b|\bfamiliar|\bunderstanding of\b|\bskilled in\b|\bbackground in\b"
    r"|\bhands[ -]on\b|\bcomfortable (?:with|in|using|working)|\byears\b|\byou (?:have|know|are"
    r"|bring)\b|\byou(?:'|’)(?:ve|re)\b|\bstrong\b|\bsolid\b|\bproven\b|\bability to\b"
    r"|\bdegree in\b|\bexp[ée]rience (?:en|avec|sur|dans|de)|\bma[îi]tris|\bconnaissances?\b"
    r"|\bbonnes? connaissance|\bcourant\b|\bcompétences?\b|\btu as\b|\bvous avez\b"
    r"|\berfahrung|\bkenntnisse|\bfließend|\bsicher(?:er)? umgang|\bexperiencia (?:en|con)"
    r"|\bconocimiento|\bdominio\b|\bexperiência (?:em|com)|\bconhecimento",
)
_DEMANDED = re.compile(
    r"(?<!not )\b(?:is|are|mastery|knowledge|experience|skills|proficiency|certification)"
    r" required\b|\bmust[ -]have\b|\bis a must\b|\bproficient (?:in|with|using)\b"
    r"|\bproficiency (?:in|with)\b",
    re.IGNORECASE,
)
"""Words that ask for what they stand beside, even among the duties."""
_OPENS_DEMAND = re.compile(
    r"(?:- )?(?:at least |minimum (?:of )?|over )?\d+\+? ?(?:(?:-|–|to) ?\d+\+? ?)?(?:years?|yrs)\b"
    r"|- (?:\d+\+? )?(?:(?:a|an|and|or|the|some|any|proven|solid|strong|deep|good|great|excellent"
    r"|extensive|prior"
    r"|previous|hands[ -]on|working|demonstrated|in[ -]depth|practical|basic|advanced|professional"
    r"|relevant|significant|direct|real[ -]world|thorough|clear|sound|expert|demonstrable),? ){0,4}"
    r"(?:experience|understanding|knowledge|proficiency|expertise|familiarity|command|background"
    r"|track record|fluency|ability)\b"
    r"|- (?:highly )?(?:experienced|proficient|fluent|skilled|familiar|comfortable) (?:in|with)\b",
    re.IGNORECASE,
)
"""How lines begin that ask for something, whatever they are headed."""
_OF_STACK = re.compile(
    r"(?:- |## )?(?:(?:our|the|current|main|core|primary"
    r"|full) )*(?:\w+ ){0,2}stack\b[^:.]{0,30}[:–—]",
    re.IGNORECASE,
)
"""How lines begin that list what a team works with."""
_USED = re.compile(
    r"\bwe use\b|\bwe(?:'|’)re using\b|\bour (?:\w+ ){0,3}stack\b|\btech(?:nical"
    r"|nology)? stack\b|\bbuilt (?:with|on|in|using)\b|\bpowered by\b|\byou(?:'|’)ll\b"
    r"|\byou will\b|\bour (?:back|front)[ -]?end\b|\brun(?:s|ning)? on\b|\bhosted on\b"
    r"|\bwe work with\b|\busing\b|\butiliz|\bnotre stack\b|\bnous utilisons\b|\bwir (?:nutzen"
    r"|arbeiten mit|setzen)\b",
)
_CLOSES = re.compile(r"\s*\)[\s.;]*")
_MIGRATING_FROM = re.compile(
    r"\b(?:migrat(?:e|es|ing|ion)|mov(?:e|es|ing)|transition(?:s|ing)?"
    r"|switch(?:ing)?) (?:\w+ ){0,4}?(?:away )?(?:from|off(?: of)?)\s+(?:the |our )?(?:legacy )?$"
    r"|\b(?:replac(?:e|es|ing)|sunset(?:ting)?|phas(?:e|ing) out|deprecat(?:e|es|ing)"
    r"|moderniz(?:e|es|ing)|modernis(?:e|es|ing)) (?:our |the |a )?(?:\w+ ){0,1}$",
    re.IGNORECASE,
)
_LEAVING = ("from ", " off", "replac", "sunset", "phas", "deprecat", "moderni")
"""Stems of the words that say so, quicker to look for."""
_ABBREVIATIONS = (
    *("e.g.", "i.e.", "incl.", "vs.", "No.", "Inc.", "Ltd."),
    *("Sr.", "Jr.", "Dr.", "Mr.", "Mrs.", "Ms.", "St."),
)
"""Words whose stop ends no sentence."""
_SENTENCE_END = re.compile(  # the stop that is looked for comes first: twice as quick
    r"[.!?;]"
    + "".join(rf"(?<!\b{re.escape(word)})" for word in _ABBREVIATIONS)
    + r"\s+(?=[A-ZÀ-Þ(])"
)
_BEFORE_CHARACTERS = 80
_SENTENCE_CHARACTERS = 500
"""How far on either side of a name a sentence is read; keeps the time linear."""


def sentence_span(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of the sentence of the line `text` that holds `start` to `end`."""
    ends, starts = _gaps(text)
    before, behind = bisect_right(starts, start) - 1, bisect_left(ends, end)
    low = starts[before] if before >= 0 else 0
    high = ends[behind] if behind < len(ends) else len(text)
    return max(low, start - _SENTENCE_CHARACTERS), min(high, end + _SENTENCE_CHARACTERS)


def stance_of(
    text: str, section: Section, sentence_at: tuple[int, int], start: int, end: int
) -> Stance:
    """Return the stance of the name at `start` to `end` of the line `text`.

    `sentence_at` is the span of its sentence, as `sentence_span` gives it.
    """
    low, high = sentence_at
    if _speaks_of_leaving(text) and _MIGRATING_FROM.search(
        text[max(low, start - _BEFORE_CHARACTERS) : start]
    ):
        return Stance.MIGRATING_FROM
    if section is Section.PREFERRED:
        return Stance.PREFERRED
    if _is_of_stack(text):
        return Stance.USED
    if section is Section.PROCESS:
        return Stance.MENTIONED
    sentence = text[low:high]
    if section is Section.DUTIES and not _opens_demand(text):
        return Stance.REQUIRED if _is_demanded(sentence) else Stance.USED
    welcome = _cues(sentence).welcomes(start - low, end - low)
    if section is Section.DUTIES:
        return Stance.PREFERRED if welcome else Stance.REQUIRED
    if section is Section.REQUIRED:
        return Stance.PREFERRED if welcome else Stance.REQUIRED
    return _in_prose(text, section, sentence, welcome)


def _in_prose(text: str, section: Section, sentence: str, welcome: bool) -> Stance:
    """Return the stance where the section says nothing: the sentence's own words decide."""
    if welcome:
        return Stance.PREFERRED
    if _is_used(sentence):
        return Stance.USED
    if section is Section.OPENING:
        if _is_asked(sentence):
            return Stance.REQUIRED
        if text.startswith("- "):
            return Stance.USED
    return Stance.MENTIONED


@dataclass(frozen=True, slots=True)
class _Cues:
    """What the words of one sentence say of the names in it."""

    sentence: str
    ahead: tuple[int, ...]
    """Where words stand that make welcome what comes after them."""
    behind: tuple[tuple[int, int], ...]
    """Where words stand that make welcome what comes before them."""

    def welcomes(self, start: int, end: int) -> bool:
        """Return whether the name at `start` to `end` is welcome, not needed."""
        if any(position < start for position in self.ahead):
            return True
        return any(
            position >= end and not self._is_aside(end, position, behind_end)
            for position, behind_end in self.behind
        )

    def _is_aside(self, name_end: int, start: int, end: int) -> bool:
        """Return whether the words at `start` to `end` stand in brackets of their own.

        Brackets at the end that hold nothing else (`Python and Go (preferred)`) are of all before.
        """
        opened = self.sentence.rfind("(", name_end, end)
        if opened < 0 or ")" in self.sentence[opened:end]:
            return False
        is_alone = not self.sentence[opened + 1 : start].strip()
        return not (is_alone and _CLOSES.fullmatch(self.sentence, end))


@lru_cache(maxsize=256)
def _cues(sentence: str) -> _Cues:
    folded = sentence.lower()
    ahead = _AHEAD.finditer(sentence) if holds_any(folded, _AHEAD_STEMS) else ()
    behind = _BEHIND.finditer(sentence) if holds_any(folded, _BEHIND_STEMS) else ()
    return _Cues(
        sentence=sentence,
        ahead=tuple(found.start() for found in ahead),
        behind=tuple(found.span() for found in behind),
    )


@lru_cache(maxsize=256)
def _is_demanded(sentence: str) -> bool:
    folded = sentence.lower()
    likely = "requir" in folded or "must" in folded or "proficien" in folded
    return likely and bool(_DEMANDED.search(sentence))


@lru_cache(maxsize=256)
def _opens_demand(line: str) -> bool:
    return bool(_OPENS_DEMAND.match(line))


@lru_cache(maxsize=256)
def _is_of_stack(line: str) -> bool:
    return bool(_OF_STACK.match(line))


@lru_cache(maxsize=256)
def _is_used(sentence: str) -> bool:
    return bool(_USED.search(sentence.lower()))


@lru_cache(maxsize=256)
def _is_asked(sentence: str) -> bool:
    return bool(_REQUIRED.search(sentence.lower()))


@lru_cache(maxsize=256)
def _speaks_of_leaving(line: str) -> bool:
    """Return whether a name in a line may be one that is being replaced."""
    return holds_any(line.lower(), _LEAVING)


@lru_cache(maxsize=256)
def _gaps(text: str) -> tuple[list[int], list[int]]:
    """Return where sentences of a line end before another, and where the next ones start."""
    found = list(_SENTENCE_END.finditer(text))
    return [stop.start() + 1 for stop in found], [stop.end() for stop in found]
