"""Where the work is done, from the words of an ATS or of a text; never a guess from a city."""

import re

from openfunnel.normalize.lines import lines_with
from openfunnel.records import Workplace

LONGEST_FIELD = 2_000
"""Characters read of an ATS field; what is longer is no field."""

_NUMBER = r"(?:\d|one|two|three|four|five|all)"
_DAYS = (
    rf"{_NUMBER}(?:\s?(?:-|–|to|or)\s?{_NUMBER})?(?:\s?\(\d\))?\+?\s+(?:full\s+)?(?:days?|times?)"
)
_WEEKLY = r"(?:a|per|/|each|every|of\s+the)\s*week"
_OFFICE = r"(?:in|at|from|into)[\s-](?:the|our|an|your|one\s+of\s+our)?\s*(?:\w+\s+){0,2}?office"
_DIAS_OFICINA = (
    r"(?:[1-4]|un|uno|uma?|dos|dois|duas|tr[eê]s|cuatro|quatro)\s+d[ií]as?\s+"
    r"(?:(?:por|a\s+la|a|na|cada)\s+semana\s+)?(?:en\s+(?:la\s+|nuestra\s+)?oficina"
    r"|n[oa]s?\s+(?:nosso\s+)?escrit[óo]rio)"
)
"""Days in the office in Spanish and Portuguese."""
_ROLE = r"(?:role|position|job|opportunity|vacancy|internship)"
_IS = r"(?:is|will\s+be|can\s+be|may\s+be)\s+(?:an?\s+)?(?:fully\s+|primarily\s+|100\s?%\s+)?"

REMOTE_WORDS = re.compile(
    r"\b(?:(?:100\s?%|fully|full|partially)[ -])?remote(?:ly|s)?"
    r"(?:[ -](?:first|friendly|eligible|only|ok|optional|possible|based|position|role|work))?\b"
    r"|\b(?:home[ -]?(?:based|office)|work(?:ing)?[ -]?(?:from|@|at)[ -]?home|wfh|virtual"
    r"|telecommut\w{1,5}|distributed|t[ée]l[ée]travail|remoto|teletrabajo|à distance|zdalnie)\b",
    re.IGNORECASE,
)
HYBRID_WORDS = re.compile(r"\b(?:hybrid\w{0,2}|h[íi]brid[oa])\b", re.IGNORECASE)
ONSITE_WORDS = re.compile(
    r"\b(?:on[ _-]?site|in[ _-]?office|in[ _-]?person|office[ -]based|sur site)\b"
    r"|\bvor ort\b|\bpresencial\b",
    re.IGNORECASE,
)
_NO_REMOTE = re.compile(r"\b(?:no|not|non)[ -]+(?:an?\s)?remote\w*", re.IGNORECASE)
_REMOTE_OR_HYBRID = re.compile(
    r"remote\s*(?:[/,|;]|or)\s*hybrid|hybrid\s*(?:[/,|;]|or)\s*remote", re.IGNORECASE
)

_HYBRID_TEXT = re.compile(
    rf"\bhybrid[\s-](?:first|work\w{{0,5}}|{_ROLE}|model|schedule|set-?up|environment|policy|mode"
    r"|approach|arrangement|basis|office|format|remote|in-office)\b"
    rf"|\b{_ROLE}\s+{_IS}hybrid\b"
    r"|(?:\(|:\s|–\s|-\s)hybrid\b(?!\s(?:cloud|data|infra\w*|models?|apps?|mobile))"
    rf"|\b{_DAYS}\s+{_WEEKLY}[\s,]+(?:\w+\s+){{0,3}}?{_OFFICE}"
    rf"|\b{_DAYS}\s+{_OFFICE}"
    rf"|\b{_OFFICE}\w*\s+(?:\w+\s+){{0,4}}?{_DAYS}"
    rf"|\b{_DAYS}\s+(?:{_WEEKLY}\s+)?(?:in[\s-]person|on[\s-]?site|remote|from\s+home)\b"
    r"|\b\d\s+jours?\s+(?:de|en)\s+t[ée]l[ée]travail|\bt[ée]l[ée]travail\s+(?:partiel|hybride)"
    r"|\bmix\s+of\s+(?:remote|home|office)"
    r"|\b(?:modelo|modalidade?|esquema|formato|regime|r[ée]gimen|jornada|traba(?:j|lh)o)"
    r"\s+(?:de\s+traba(?:j|lh)o\s+)?h[íi]brid[oa]\b(?!\s+de\s+(?!traba(?:j|lh)o))"
    rf"|\b{_DIAS_OFICINA}\b",
    re.IGNORECASE,
)
_REMOTE_TEXT = re.compile(
    r"\b(?:fully|100\s?%|completely|entirely)[\s-]remote\b"
    r"|\bremote[\s-](?:first|only|friendly|native)\b"
    rf"|\bremote\s+(?:{_ROLE})\b|\b{_ROLE}\s+{_IS}remote\b"
    rf"|\b{_ROLE}\s+{_IS}(?:based|performed|done|located)\s+(?:\w+\s+){{0,2}}?remote(?:ly)?\b"
    r"|\b(?:location|workplace|work\s+type)\s?:\s*(?:\w+[\s,]+){0,3}?remote\b"
    r"|\bremote\s+(?:in|within|across|from)\s+(?:the\s+)?[A-Z]"
    r"|\b(?:work|working)\s+(?:fully\s+)?(?:remotely|from\s+anywhere)\b(?!\s+(?:program|policy|for\s))"
    r"|\bopen\s+to\s+(?:fully\s+)?remote\b"
    r"|\bvollst[äa]ndig\s+remote\b|\b(?:full|100\s?%)\s+t[ée]l[ée]travail\b",
    re.IGNORECASE,
)
_ALWAYS_ONSITE_TEXT = re.compile(
    r"\b(?:fully|100\s?%)[\s-](?:on-?\s?site|in[\s-]office|in[\s-]person)\b"
    rf"|\b(?:five|5|all\s+five)(?:\s?\(5\))?\s+days\s+(?:{_WEEKLY}[\s,]+)?(?:\w+\s+){{0,2}}?"
    rf"(?:{_OFFICE}|on-?\s?site|in[\s-](?:person|office))"
    rf"|\b{_OFFICE}\s+(?:five|5)\s+days\b"
    r"|\b100\s?%\s+(?:sur\s+site|pr[ée]sentiel)\b",
    re.IGNORECASE,
)
_ONSITE_TEXT = re.compile(
    rf"\b(?:on-?\s?site|in[\s-]person|in-office|office-based)\s+{_ROLE}\b"
    rf"|\b{_ROLE}\s+(?:is|will\s+be|requires)\s+(?:an?\s+|fully\s+|regular\s+|primarily\s+|full[\s-]time,?"
    r"\s+){0,3}(?:on-?\s?site|in[\s-]person|in-office|office-based)\b"
    r"|\b(?:work|working)\s+(?:fully\s+)?on-?\s?site\b(?!\s+(?:with|at\s+(?:customers?|clients?)))"
    r"|\b(?:location|workplace|work\s+type)\s?:\s*(?:\w+[\s,]+){0,3}?on-?\s?site\b",
    re.IGNORECASE,
)
_ONSITE_STEMS = ("onsite", "on-site", "on site", "in person", "in-person")
_HYBRID_STEMS = (
    *("hybrid", "day", "time", "travail", "mix"),
    *("híbrid", "hibrid", "oficina", "escrit"),
)
_worth_reading = lines_with(
    (
        *("hybrid", "híbrid", "hibrid", "oficina", "escrit"),
        *("remote", "office", "travail", "anywhere", "from home"),
        *("présentiel", "presentiel", "sur site", *_ONSITE_STEMS),
    )
)
_STATEMENTS: tuple[tuple[Workplace, tuple[str, ...], re.Pattern[str]], ...] = (
    (Workplace.ONSITE, ("fully", "100", "five", "5"), _ALWAYS_ONSITE_TEXT),
    (Workplace.HYBRID, _HYBRID_STEMS, _HYBRID_TEXT),
    (Workplace.ONSITE, ("in-office", "office-based", *_ONSITE_STEMS), _ONSITE_TEXT),
    (Workplace.REMOTE, ("remote", "anywhere", "travail"), _REMOTE_TEXT),
)
"""In the order in which they count, each with the stems of which a line must hold one."""
_LONGEST_TEXT = 400_000
_REFUSED = re.compile(
    r"\b(?:not|no|non|cannot|can't|isn't|never|unable\s+to|without|nicht|pas)\b[^.!?\n]{0,40}$",
    re.IGNORECASE,
)
_REFUSED_AFTER = re.compile(
    r"^[^.!?\n]{0,30}?\b(?:not\s+(?:possible|available|offered|supported|an\s+option)"
    r"|isn't\s+(?:possible|available))",
    re.IGNORECASE,
)
_OTHERS = re.compile(r"^\s*(?:teams?|colleagues?|locations?|customers?|clients?)\b", re.IGNORECASE)


def workplace(words: str) -> Workplace | None:
    """Return the workplace that an ATS field (`OnSite`) or a location (`Remote - US`) names.

    Remote and hybrid side by side as a choice is remote, in any other way hybrid.
    """
    words = words[:LONGEST_FIELD]
    if _NO_REMOTE.search(words):
        return Workplace.HYBRID if HYBRID_WORDS.search(words) else Workplace.ONSITE
    remote = REMOTE_WORDS.search(words) is not None
    if HYBRID_WORDS.search(words):
        return Workplace.REMOTE if _REMOTE_OR_HYBRID.search(words) else Workplace.HYBRID
    if remote:
        return Workplace.REMOTE
    return Workplace.ONSITE if ONSITE_WORDS.search(words) else None


def find_workplace(text: str) -> tuple[Workplace, tuple[int, int]] | None:
    """Return the workplace that the text of a posting states, and the span that says so.

    Office days asked for make it hybrid (five a week: onsite), whatever the employer says of
    itself elsewhere. `not a remote role` is no remote role, and by itself says nothing else.
    """
    lines = list(_worth_reading(text[:_LONGEST_TEXT]))
    for kind, stems, pattern in _STATEMENTS:
        for start, line, folded in lines:
            if not any(stem in folded for stem in stems):
                continue
            for match in pattern.finditer(line):
                if not _is_refused(line, match):
                    return kind, (start + match.start(), start + match.end())
    return None


def _is_refused(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - 60) : match.start()]
    after = text[match.end() : match.end() + 60]
    return (
        _REFUSED.search(before) is not None
        or _REFUSED_AFTER.search(after) is not None
        or _OTHERS.search(after) is not None
    )
