"""How the work is done, from the sentences of a posting's text."""

import re

from openfunnel.normalize.lines import LONGEST_LINE, read_once
from openfunnel.normalize.statements import Statement, first_statement
from openfunnel.normalize.text import holds_any
from openfunnel.records import Workplace

_LONGEST_TEXT = 400_000

_NUMBER = r"(?:\d|one|two|three|four|five|all)"
_DAYS = (
    rf"(?:{_NUMBER}(?:\s?(?:-|–|to|or)\s?{_NUMBER})?(?:\s?\(\d\))?\+?\s+(?:full\s+)?(?:days?"
    rf"|times?)"
    r"|\b[1-4]\s?x\b)"
)
_WEEKLY = r"(?:a|per|/|each|every|of\s+the)\s*week"
_OFFICE = (
    r"(?:in|at|from|into|out\s+of)[\s-](?:the|our|an|your|one\s+of\s+our)?\s*(?:\w+\s+){0,2}?office"
)
_SHARE = r"\b(?<!\d)[1-9]\d\s?%"
_DIAS_OFICINA = (
    r"(?:[1-4]|un|uno|uma?|dos|dois|duas|tr[eê]s|cuatro|quatro)\s+d[ií]as?\s+"
    r"(?:(?:por|a\s+la|a|na|cada)\s+semana\s+)?(?:en\s+(?:la\s+|nuestra\s+)?oficina"
    r"|n[oa]s?\s+(?:nosso\s+)?escrit[óo]rio)"
)
"""Days in the office in Spanish and Portuguese."""
_ROLE = r"(?:role|position|job|opportunity|vacancy|internship)"
_IS = r"(?:is|will\s+be|can\s+be|may\s+be)\s+(?:an?\s+)?(?:fully\s+|primarily\s+|100\s?%\s+)?"

_ROLE_REMOTE = re.compile(
    rf"\b{_ROLE}\s+is\s+based\s+in\s+[^.\n]{{2,60}}?\bor\s+(?:fully\s+)?remote\b|"
    rf"\b{_ROLE}\s+{_IS}remote\b(?!\s*/?\s*(?:or\s+)?hybrid)"
    rf"|\b{_ROLE}\s+{_IS}(?:based|performed|done|worked"
    rf"|located)\s+(?:\w+\s+){{0,2}}?remote(?:ly)?\b"
    rf"|\bthis\s+is\s+an?\s+(?:[\w-]+,?\s+){{0,2}}?remote\s+{_ROLE}\b"
    r"|\b(?:an?|on\s+a)\s+(?:\w+\s+){0,2}?(?:work[\s-]from[\s-]home|home[\s-]working)"
    r"\s+(?:arrangement|basis|set-?up)"
    r"|\bfull(?:y)?\s+remote\s+(?:work\s+)?(?:permitted|allowed|possible)\b"
    r"|\bremote\s+or\s+hybrid\s+(?:work\w*\s+)?(?:options?|possible|available)"
    r"|#li[-_][\w,]*remote",
    re.IGNORECASE,
)
"""Said of this job, and so more than what the employer says of all its jobs."""
_ALWAYS_ONSITE = re.compile(
    r"\b(?:fully|100\s?%)[\s-](?:on-?\s?site|in[\s-]office|in[\s-]person)\b"
    rf"|\b(?:five|5|all\s+five)(?:\s?\(5\))?\s+days\s+(?:{_WEEKLY}[\s,]+)?(?:\w+\s+){{0,2}}?"
    rf"(?:{_OFFICE}|on-?\s?site|in[\s-](?:person|office))"
    rf"|\b{_OFFICE}\s+(?:five|5)\s+days\b"
    r"|\b100\s?%\s+(?:sur\s+site|pr[ée]sentiel)\b",
    re.IGNORECASE,
)
_HYBRID = re.compile(
    rf"\bhybrid[\s-](?:first|work\w{{0,5}}|{_ROLE}|model|schedule|set-?up|environment|policy|mode"
    r"|approach|arrangement|basis|office|format|remote|in-office)\b"
    rf"|\b{_ROLE}\s+{_IS}hybrid\b"
    r"|(?:\(|:\s|–\s|-\s)hybrid\b(?!\s(?:cloud|data|infra\w*|models?|apps?|mobile))"
    r"|^hybrid\s?[:–—(-]"
    rf"|\b{_DAYS}\s+{_WEEKLY}[\s,]+(?:\w+\s+){{0,3}}?{_OFFICE}"
    rf"|\b{_DAYS}\s+{_OFFICE}"
    rf"|\b{_OFFICE}\w*\s+(?:\w+\s+){{0,8}}?{_DAYS}"
    rf"|\b{_DAYS}\s+(?:{_WEEKLY}\s+)?(?:in[\s-]person|on[\s-]?site|remote|from\s+home)\b"
    rf"|{_SHARE}\s+(?:remote|in[\s-]office|home[\s-]?office)\b"
    rf"|{_SHARE}\s+of\s+(?:the|your|their|working)\s+(?:working\s+)?(?:time|week|hours)\s+"
    rf"(?:\w+\s+){{0,6}}?in\s+(?:the|our|your|their)\s+(?:\w+\s+){{0,2}}?office"
    rf"|\b{_OFFICE}s?\s+(?:\w+\s+){{0,4}}?{_SHARE}\s+of\s+(?:the|your|their)\s+time"
    r"|\b\d\s+jours?\s+(?:par\s+semaine\s+)?(?:de|en)\s+t[ée]l[ée]travail"
    r"|\bt[ée]l[ée]travail\s+(?:partiel|hybride|\(?\d\s+jours?)"
    r"|\bmix\s+of\s+(?:remote|home|office)"
    r"|\bhybride[snmr]?\s+arbeit\w*|\b[1-4]\s+tagen?\s+(?:pro\s+woche\s+)?"
    r"(?:im\s+|aus\s+dem\s+)?(?:home\s?-?office|b[üu]ro|mobil\w*|remote)\b"
    r"|\b(?:modelo|modalidade?|esquema|formato|regime|r[ée]gimen|jornada|traba(?:j|lh)o)"
    r"\s+(?:de\s+traba(?:j|lh)o\s+)?h[íi]brid[oa]\b(?!\s+de\s+(?!traba(?:j|lh)o))"
    rf"|\b{_DIAS_OFICINA}\b"
    r"|#li[-_][\w,]*hybrid",
    re.IGNORECASE,
)
_ONSITE = re.compile(
    rf"\b(?:on-?\s?site|in[\s-]person|in-office|office-based)\s+{_ROLE}\b"
    rf"|\b{_ROLE}\s+(?:is|will\s+be|requires)\s+(?:an?\s+|fully\s+|regular\s+|primarily\s+"
    rf"|full[\s-]time,?"
    r"\s+){0,3}(?:on-?\s?site|in[\s-]person|in-office|office-based)\b"
    r"|\b(?:work|working)\s+(?:fully\s+)?on-?\s?site\b(?!\s+(?:with|at\s+(?:customers?|clients?)))"
    r"|\b(?:location|workplace|work\s+type)\s?:\s*(?:\w+[\s,]+){0,3}?on-?\s?site\b"
    r"|\brequires?\s+(?:\w+\s+){0,2}?(?:in[\s-](?:office|person)|on-?\s?site)\s+(?:attendance"
    r"|presence)|^(?:-\s)?(?:fully\s)?on-?\s?site\s+(?:at|in)\s+(?:our|the)\s"
    r"|\bin[\s-]office\s+locations?\b|\bbased\s+in[\s-]office\b"
    r"|\bwe(?:['’]re|\s+are|\s+work)\s+(?:an?\s+)?(?:all\s+|fully\s+)?in[\s-]person\b"
    r"|^(?:##\s)?in-office\s+requirement"
    r"|\b(?:expect|require|ask)\w*\s+(?:[\w-]+\s+){0,4}?to\s+(?:primarily\s+)?work\s+(?:from|in|at)"
    r"\s+(?:the|our|their|your)\s+(?:\w+\s+)?office\b"
    r"|\b(?:able|ability)\s+to\s+work\s+(?:from|in|at|out\s+of)\s+(?:our"
    r"|the)\s+(?:[\w.,]+\s+){0,4}?office\b"
    r"|#li[-_][\w,]*on-?site",
    re.IGNORECASE,
)
_REMOTE = re.compile(
    r"\b(?:fully|full|100\s?%|completely|entirely)[\s-]remote\b"
    r"|\bremote[\s-](?:first|only|friendly|native)\b"
    rf"|\bremote\s+(?:{_ROLE})\b|\b{_ROLE}\s+{_IS}remote\b"
    r"|\b(?:location|workplace|work\s+type)\s?:\s*(?:\w+[\s,]+){0,3}?remote\b"
    r"|\bremote\s+(?:in|within|across|from)\s+(?:the\s+)?[A-Z]"
    r"|^remote(?:$|\s?[(,:–—-]\s?[A-Z])|\bhome[\s-]based\s+(?:role|position|job)\b"
    r"|\b(?:work|working)\s+(?:fully\s+)?(?:remotely|from\s+anywhere)\b(?!\s+(?:program|policy"
    r"|for\s))|\bopen\s+to\s+(?:fully\s+)?remote\b|\bchoose\s+between\s+working\s+from\s+home\b"
    r"|\bvollst[äa]ndig\s+remote\b|\b(?:full|100\s?%)\s+t[ée]l[ée]travail\b"
    r"|\bt[ée]l[ée]travail\s+(?:complet|total|int[ée]gral|[àa]\s+100\s?%)",
    re.IGNORECASE,
)
_STATEMENTS: tuple[tuple[Workplace, tuple[str, ...], re.Pattern[str]], ...] = (
    (Workplace.REMOTE, ("remote", "work from home", "work-from-home", "home work"), _ROLE_REMOTE),
    (Workplace.ONSITE, ("fully", "100", "five", "5"), _ALWAYS_ONSITE),
    (
        Workplace.HYBRID,
        (
            *("hybrid", "híbrid", "hibrid", "oficina", "escrit", "travail", "mix of", "tage"),
            *("day", "time", "%", "1x", "2x", "3x", "4x", " x "),
        ),
        _HYBRID,
    ),
    (
        Workplace.ONSITE,
        (
            *("in-office", "in office", "office-based", "onsite", "on-site", "on site"),
            *("in person", "in-person", "office"),
        ),
        _ONSITE,
    ),
    (Workplace.REMOTE, ("remote", "anywhere", "travail", "home"), _REMOTE),
)
"""In the order in which they count, each with the stems of which a line must hold one."""
_STEMS = (
    *("hybrid", "híbrid", "hibrid", "oficina", "escrit", "remote", "office", "travail"),
    *("anywhere", "from home", "from-home", "home work", "home-work", "home based", "home-based"),
    *("of home", "présentiel", "presentiel", "sur site", "in person", "in-person"),
    *("onsite", "on-site", "on site", "tage ", "tagen "),
)
"""A line without one of these, case folded, states no workplace."""
_REFUSED = re.compile(
    r"\b(?:not|no|non|cannot|can't|isn't|never|unable\s+to|without|nicht|pas|if|whether"
    r"|experienced?|worked)\b[^.!?\n]{0,40}$",
    re.IGNORECASE,
)
_REFUSED_AFTER = re.compile(
    r"^[^.!?\n]{0,30}?\b(?:not\s+(?:possible|available|offered|supported|an\s+option)"
    r"|isn't\s+(?:possible|available))",
    re.IGNORECASE,
)
_OTHERS = re.compile(r"^\s*(?:teams?|colleagues?|locations?|customers?|clients?)\b", re.IGNORECASE)


def find_workplace(text: str) -> tuple[Workplace, tuple[int, int]] | None:
    """Return the workplace that the text of a posting states, and the span that says so.

    What it says of this job counts first; then office days asked for make it hybrid (five a week:
    onsite), whatever the employer says of itself elsewhere. `not a remote role` is no remote role,
    and by itself says nothing else.
    """
    return first_statement(text[:_LONGEST_TEXT], _line_workplace)


@read_once
def _line_workplace(line: str) -> Statement[Workplace] | None:
    folded = line.casefold()
    if not holds_any(folded, _STEMS):
        return None
    line = line[:LONGEST_LINE]
    for rank, (kind, stems, pattern) in enumerate(_STATEMENTS):
        if holds_any(folded, stems):
            for match in pattern.finditer(line):
                if not _is_refused(line, match):
                    return Statement(rank, kind, *match.span())
    return None


def _is_refused(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - 60) : match.start()]
    after = text[match.end() : match.end() + 60]
    return (
        _REFUSED.search(before) is not None
        or _REFUSED_AFTER.search(after) is not None
        or _OTHERS.search(after) is not None
    )
