"""The level of a position: from the marker in its title, else from the words of its text.

The markers are data: `titles/seniority.tsv`.
"""

import re
from functools import cache
from importlib.resources import files

from openfunnel.normalize.lookalikes import fold_lookalikes
from openfunnel.normalize.text import fold
from openfunnel.records import Seniority

_TITLE_CHARACTERS = 300
_TEXT_CHARACTERS = 20_000
"""A level is stated early; what follows is about colleagues and customers."""

_DECISIVE = (
    Seniority.INTERN,
    Seniority.VP,
    Seniority.EXECUTIVE,
    Seniority.DIRECTOR,
    Seniority.MANAGER,
)
"""These name the level whatever stands beside them, the first of them first."""
_MARKERS = (
    Seniority.JUNIOR,
    Seniority.MID,
    Seniority.SENIOR,
    Seniority.STAFF,
    Seniority.PRINCIPAL,
    Seniority.LEAD,
)
"""Of several in one phrase the last counts: `Senior Staff Engineer` is staff."""

_NO_LEADER = re.compile(r"\bleads? (?:gen|generation|qualif|management|nurtur)|\bmis[ -]?lead")
_FOR_WHOM = re.compile(
    r"\b(?:to|for) (?:the |our )?(?:ceo|cto|cfo|coo|c-?suite|founders?|vp|president)\b.*"
    r"|\boffice of\b.*"
)
_ALTERNATIVES = re.compile(r"\s*(?:/|\bor\b|\bou\b|\boder\b)\s*")

_STATED = re.compile(
    r"(?:looking for|seeking|hiring|searching for|recruiting|recherchons|suchen|buscamos"
    r"|procuramos|cerchiamo)\s+"
    r"(?:an?|une?|eine?n?|our next|un)?\s*(?:\w+ )?"
    r"(?P<level>intern|junior|mid-?level|senior|staff|principal|entry-?level)\b"
    r"(?! (?:stakeholder|management|leader))"
)
_STATED_LEVELS = {
    "intern": Seniority.INTERN,
    "junior": Seniority.JUNIOR,
    "entrylevel": Seniority.JUNIOR,
    "midlevel": Seniority.MID,
    "senior": Seniority.SENIOR,
    "staff": Seniority.STAFF,
    "principal": Seniority.PRINCIPAL,
}
_NEW_GRADUATES = re.compile(
    r"\b(?:new|recent) (?:college |university )?grad(?:uate)?s?\b"
    r"|\bentry[ -]level (?:position|role|opportunity)"
    r"|\bno (?:prior |previous )?experience (?:is )?(?:required|necessary|needed)"
    r"|\bearly[ -]career\b|\bjeunes? dipl[oô]m[eé]|\bberufseinsteiger"
)
_GRADUATE_STEMS = (
    *("grad", "entry", "early", "diplom", "diplôm", "berufseinsteiger"),
    *("no experience", "no prior experience", "no previous experience"),
)
"""A text without one of these is spared the search for new graduates."""


def title_seniority(title: str) -> Seniority | None:
    """Return the level that a marker in `title` names; of alternatives the lower; None without."""
    folded = _FOR_WHOM.sub("", _folded(title))
    for level in _DECISIVE:
        if _words()[level].search(folded):
            return level
    parts = _ALTERNATIVES.split(_NO_LEADER.sub(" ", folded))
    found = [marked for part in parts if (marked := _marker(part)) is not None]
    return min(found, key=_MARKERS.index) if found else None


def stated_seniority(text: str) -> tuple[Seniority, tuple[int, int]] | None:
    """Return the level that `text` states in words (`we are looking for a senior ...`), and where.

    Roles for new graduates are junior. None where it states no level.
    """
    lowered = text[:_TEXT_CHARACTERS].lower()
    if len(lowered) != len(text[:_TEXT_CHARACTERS]):  # a character grew: positions would shift
        return None
    found = _STATED.search(lowered)
    if found:
        return _STATED_LEVELS[re.sub(r"\W", "", found["level"])], found.span()
    if not any(stem in lowered for stem in _GRADUATE_STEMS):
        return None
    graduates = _NEW_GRADUATES.search(lowered)
    return (Seniority.JUNIOR, graduates.span()) if graduates else None


def _folded(title: str) -> str:
    return fold(fold_lookalikes(title[:_TITLE_CHARACTERS])).replace("’", "'")


def _marker(part: str) -> Seniority | None:
    found = [level for level in _MARKERS if _words()[level].search(part)]
    return found[-1] if found else None


@cache
def _words() -> dict[Seniority, re.Pattern[str]]:
    table = files(__package__) / "titles" / "seniority.tsv"
    patterns: dict[Seniority, list[str]] = {}
    for line in table.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            level, pattern = line.split("\t", 1)
            patterns.setdefault(Seniority(level), []).append(pattern)
    return {level: re.compile("|".join(words)) for level, words in patterns.items()}
