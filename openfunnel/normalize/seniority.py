"""The level of a position: from the marker in its title, else from the words of its text.

The markers are data: `titles/seniority.tsv`.
"""

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files

from openfunnel.normalize.lines import read_once, split_lines
from openfunnel.normalize.text import holds_any
from openfunnel.normalize.title import REMEMBERED_TITLES, fold_title
from openfunnel.records import Seniority

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

_LEVEL = r"(?P<{}>intern|junior|mid-?level|senior|sr|staff|principal|lead|entry-?level)\b"
_STATED = re.compile(
    r"(?:looking for|seeking|hiring|searching for|recruiting|recherchons|cherchons|suchen|buscamos"
    r"|procuramos|cerchiamo)\s+"
    r"(?:(?!to\b|who\b|that\b|for\b|with\b|in\b|on\b|of\b|at\b|by\b|across\b|as\b)"
    rf"[^\W\d][\w-]*,? ){{0,5}}?{_LEVEL.format('hired')}"
    r"(?! (?:stakeholder|management|leader|team|gen)|,? to\b)"
    rf"|\bas an? {_LEVEL.format('called')}\.? [^,.;:\n]{{3,70}},? you\b"
    rf"|\bthis is an? (?:[\w-]+ )?{_LEVEL.format('meant')}(?:[ -]level)? "
    r"(?!leadership )(?:[\w-]+ ){0,4}?"
    r"(?:role|position|individual contributor)\b"
)
_STATED_LEVELS = {
    "intern": Seniority.INTERN,
    "junior": Seniority.JUNIOR,
    "entrylevel": Seniority.JUNIOR,
    "midlevel": Seniority.MID,
    "senior": Seniority.SENIOR,
    "sr": Seniority.SENIOR,
    "staff": Seniority.STAFF,
    "principal": Seniority.PRINCIPAL,
    "lead": Seniority.LEAD,
}
_NEW_GRADUATES = re.compile(
    r"\b(?:new|recent) (?:college |university )?grad(?:uate)?s?\b"
    r"|\bentry[ -]level (?:[\w-]+ ){0,4}?(?:position|role|opportunity|job)\b"
    r"|\bno (?:prior |previous )?experience (?:is )?(?:required|necessary|needed)"
    r"|\bearly[ -]career\b|\bjeunes? dipl[oô]m[eé]|\bberufseinsteiger"
)
_BEGINNERS = re.compile(r"\b(?:early[ -]careers?|new[ -]grads?|graduates)\b", re.IGNORECASE)
"""What a department is called that hires for them."""
_SENT_ELSEWHERE = re.compile(r"[^.\n]{0,100}\b(?:do not|don['’]t) apply\b")
"""What follows `If you are a new graduate, please do not apply here.`"""
_MANAGER = re.compile(
    r"(?<!product )(?<!account )(?<!program )(?<!programme )(?<!project )(?<!community )"
    r"(?<!customer success )\bmanager\b"
    r"|\bchef(?:fe)? de (?!proje|produi)|\bchef(?:fe)? d'|\bjefe de\b"
)
"""One who may manage people, or anything else."""
_LEADS_PEOPLE = re.compile(
    r"\b(?:lead|leading|manage|managing|supervise|supervising|oversee"
    r"|overseeing)(?:,? (?:and )?\w+){0,3}?"
    r" (?:an? |the |our |your )(?:[\w-]+ ){0,3}?team of (?!driven\b)"
    r"|\byour direct reports\b|\b(?:with|have|has|of|manage|managing|lead|leading) (?:\d+ "
    r"|several )?"
    r"direct reports\b|\b(?:diriger|encadrer|manager|animer|superviser) (?:et \w+ )?(?:une|l['’]"
    r"|votre) ?équipe\b|\bà la tête d['’]une équipe\b|\bpersonalverantwortung\b"
    r"|\bteam(?:s)? (?:zu )?leiten\b"
    r"|\b(?:liderar|dirigir|gestionar) (?:a )?(?:un|el|al|o|um) equip[oe]\b|\bline manag(?:e|ing"
    r"|er of)\b|\bmanaging (?:a team of )?managers\b"
)
_CUES = (
    *("looking for", "seeking", "hiring", "searching for", "recruiting", "cherchons", "suchen"),
    *("buscamos", "procuramos", "cerchiamo", "as a", "this is a"),
)
_LEVELS = ("senior", "lead", "junior", "staff", "principal", "intern", "mid", "entry", "sr")
"""A line needs one of each to state a level, ..."""
_GRADUATES = (
    *("grad", "entry", "early-career", "early career", "diplom", "diplôm", "berufseinsteiger"),
    *("no experience", "no prior experience", "no previous experience"),
)
"""... and one of these to speak of new graduates: quicker to look for than the expressions."""
_Said = tuple[Seniority, tuple[int, int]]


def title_seniority(title: str) -> Seniority | None:
    """Return the level that a marker in `title` names; of alternatives the lower; None without."""
    return _marked_in(fold_title(title))


@lru_cache(REMEMBERED_TITLES)
def _marked_in(title: str) -> Seniority | None:
    folded = _FOR_WHOM.sub("", title)
    for level in _DECISIVE:
        if _words()[level].search(folded):
            return level
    parts = _ALTERNATIVES.split(_NO_LEADER.sub(" ", folded))
    found = [marked for part in parts if (marked := _marker(part)) is not None]
    return min(found, key=_MARKERS.index) if found else None


def is_for_beginners(departments: Iterable[str]) -> bool:
    """Return whether a department hires people at the beginning of their career."""
    return any(_BEGINNERS.search(name) for name in departments)


def stated_manager(title: str, text: str) -> tuple[Seniority, tuple[int, int]] | None:
    """Return where `text` says that the manager whom `title` names manages people; else None.

    A manager of a product, an account, a project or a community is none of people.
    """
    if not _MANAGER.search(fold_title(title)):
        return None
    lowered = text[:_TEXT_CHARACTERS].lower()
    found = _LEADS_PEOPLE.search(lowered) if len(lowered) == len(text[:_TEXT_CHARACTERS]) else None
    return (Seniority.MANAGER, found.span()) if found else None


def stated_seniority(text: str) -> tuple[Seniority, tuple[int, int]] | None:
    """Return the level that `text` states in words (`we are looking for a senior ...`), and where.

    Roles for new graduates are junior. None where it states no level.
    """
    graduates: _Said | None = None
    start = 0
    for line in split_lines(text[:_TEXT_CHARACTERS]):
        stated, is_for_graduates = _stated_in(line)
        if stated is not None:
            level, (low, high) = stated
            said = level, (start + low, start + high)
            if not is_for_graduates:
                return said
            graduates = graduates or said
        start += len(line) + 1
    return graduates


@read_once
def _stated_in(line: str) -> tuple[_Said | None, bool]:
    """Return what `line` says of the level, and whether only that new graduates are welcome."""
    lowered = line.lower()
    if len(lowered) != len(line):  # a character grew: positions would shift
        return None, False
    may_state = holds_any(lowered, _LEVELS) and holds_any(lowered, _CUES)
    found = _STATED.search(lowered) if may_state else None
    if found:
        level = found["hired"] or found["called"] or found["meant"]
        return (_STATED_LEVELS[re.sub(r"\W", "", level)], found.span()), False
    if not holds_any(lowered, _GRADUATES):
        return None, False
    for graduates in _NEW_GRADUATES.finditer(lowered):
        if not _SENT_ELSEWHERE.match(lowered, graduates.end()):
            return (Seniority.JUNIOR, graduates.span()), True
    return None, False


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
