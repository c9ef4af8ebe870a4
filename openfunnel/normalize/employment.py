"""Kind of contract, from the words of an ATS or of a text; permanence (`CDI`) says nothing."""

import re

from openfunnel.normalize.lines import LONGEST_LINE, read_once
from openfunnel.normalize.statements import Statement, first_statement
from openfunnel.normalize.text import holds_any
from openfunnel.records import EmploymentType

_LONGEST_FIELD = 500
_LONGEST_TEXT = 400_000
_STEMS = (
    *("time", "intern", "stage", "contract", "freelance", "term", "temporary", "seasonal"),
    *("vollzeit", "praktik", "werkstud", "ftc", "type"),
)
"""A line without one of these, case folded, states no kind of contract."""

_FIELD_WORDS: tuple[tuple[EmploymentType, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (
            EmploymentType.PART_TIME,
            r"\bpart[ _-]?time|\bparttime|\bteilzeit|\btemps[ -]partiel|\bwerkstudent|"
            r"\bworking student|\bmini-?job|\bmedia jornada|\btiempo parcial"
            r"|\bdeeltijd|\btempo parziale",
        ),
        (
            EmploymentType.INTERNSHIP,
            r"\bintern(?:s|ship|ships)?\b|\bstage\b(?!\s*\d)|\bstagiaire|\bstagista"
            r"|\bpraktik(?:um|ant)|"
            r"\bpr[áa]cticas|\bbecari[oa]|\bco-?op\b|\bestagi[áo]|\bwerkstage|\btirocinio",
        ),
        (
            EmploymentType.CONTRACT,
            r"\bcontract(?:or|ors|ual)?\b|\bfixed[ -]?(?:time|term)|\bftc\b|\bcdd\b|\bfreelanc|"
            r"\bbefristet|\bindependent\b|\bconsultancy\b|\bb2b\b|\bc2c\b|\bcorp[ -]to[ -]corp\b",
        ),
        (
            EmploymentType.TEMPORARY,
            r"\btemp(?:orary)?\b|\bseasonal\b|\bint[ée]rim|\baushilfe|\btempor(?:al|aire"
            r"|[áa]rio)\b|\bcasual\b",
        ),
        (
            EmploymentType.FULL_TIME,
            r"\bfull[ _-]?time|\bvollzeit|\btemps[ -](?:plein|complet)|\btiempo completo|"
            r"\bjornada completa|\btempo (?:pieno|integral)|\bvoltijd|\bheltid|\bfte\b",
        ),
    )
)
_ASIDE = re.compile(r"[(\[]([^()\[\]]{3,30})[)\]]|\s[-–—|]\s([^-–—|]{3,30})$")
_TO_BUSINESSES = re.compile(r"\bB2B\b", re.IGNORECASE)
"""In a title it tells whom is sold to, not how the seller is paid."""
_PERMANENT_CONTRACT = re.compile(
    r"\b(?:permanent|unlimited|unbefristet\w*|open[ -]ended)(?:\s+\w+)?\s*contract\w*"
    r"|\bunbefristet\w*",
    re.IGNORECASE,
)

_JOB = r"(?:role|position|job|opportunity|opening|engagement|assignment|vacancy|contract)"
_LABEL = (
    r"(?:employment|job|contract|work|position)\s+(?:type|status|category)|commitment|schedule"
    r"|duration"
)
_TEXT_WORDS: tuple[tuple[EmploymentType, tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (kind, tuple(stems.split()), re.compile(pattern, re.IGNORECASE))
    for kind, stems, pattern in (
        (
            EmploymentType.INTERNSHIP,
            "intern stage praktikums",
            r"\b(?:this|our|the|an?|your|\d{1,2}[\s-](?:week"
            r"|month))(?:\s+[\w-]+){0,2}?\s+internship\b"
            r"|\bstage\s+de\s+(?:fin\s+d|\d)|\bas\s+(?:an?|our)\s+(?:[\w-]+\s+){0,3}?intern\b"
            r"|\bdauer\s+des\s+praktikums|\bthis\s+intern\s+position",
        ),
        (
            EmploymentType.PART_TIME,
            "part werkstudent",
            rf"\bpart[\s-]time[\s,]+(?:[\w-]+[\s,]+){{0,2}}?{_JOB}\b"
            rf"|\b(?:this|the)\s+{_JOB}\s+is\s+(?:an?\s+)?part[\s-]time\b|\bals\s+werkstudent"
            r"|\b(?:seeking|hiring|looking\s+for)\s+(?:an?\s+)?part[\s-]time\b",
        ),
        (
            EmploymentType.CONTRACT,
            "fixed contract ftc freelance",
            rf"\bfixed[\s-]term(?:\s+[\w-]+)?\s+{_JOB}\b"
            rf"|\b{_JOB}\s+is\s+(?:an?\s+)?fixed[\s-]term\b"
            rf"|\b\d{{1,2}}[\s-](?:month|week|year)(?:[\s-]+[\w-]+)?\s+(?:contract|ftc)\b"
            rf"|\bcontract\s+(?:role|position|job|opportunity|basis)\b"
            rf"|\bindependent\s+contractor\s+{_JOB}\b"
            r"|\bfreelance\s+(?:role|position|basis|contract)\b",
        ),
        (
            EmploymentType.TEMPORARY,
            "temporary seasonal",
            rf"\b(?:temporary|seasonal)\s+(?:[\w-]+\s+)?{_JOB}\b"
            rf"|\b(?:this|the)\s+{_JOB}\s+is\s+(?:an?\s+)?(?:temporary|seasonal)\b",
        ),
        (
            EmploymentType.FULL_TIME,
            "full vollzeit",
            rf"\bfull[\s-]time[\s,]+(?:[\w-]+[\s,]+){{0,2}}?{_JOB}\b"
            rf"|\b(?:this|the)\s+{_JOB}\s+is\s+(?:an?\s+)?(?:[\w-]+[\s,]+){{0,2}}?full[\s-]time\b"
            r"|\bfull[\s-]time\s+(?:salaried|employment|hours|on-?\s?site|remote|hybrid"
            r"|permanent)\b|\b(?:hire|join|work|working|seeking|hiring"
            r"|looking\s+for)\s+(?:\w+\s+){0,3}?full[\s-]time\b"
            r"|\bin\s+vollzeit\b|^\W{0,4}full[\s-]time(?=\W*$|\s*[,|/(·•–])",
        ),
    )
)
"""With the stems of which a line must hold one before the pattern is tried."""
_LABELLED = re.compile(
    rf"^\W{{0,6}}(?:{_LABEL})\s*[:\-–]\s*(?P<words>[^\n]{{1,60}})", re.IGNORECASE
)
_OF_BENEFITS = re.compile(
    r"\b(?:benefits?|eligible|eligibility|employees|potential|opportunit\w+|convert\w*|leads?\s+to"
    r"|path\s+to|transition\w*)\b[^.\n]{0,40}$",
    re.IGNORECASE,
)
"""Before what is said of all staff, or of a time to come."""


def employment_type(words: str) -> EmploymentType | None:
    """Return the type that an ATS field such as `Full-time` or `Werkstudent`, or a title, names.

    Part time and internships are named beside `contract`, and all of them beside `full-time`, so
    the more special one is returned. `CDI`, `Permanent` and apprenticeships say nothing: None.
    """
    words = _PERMANENT_CONTRACT.sub(" ", _spaced(words[:_LONGEST_FIELD]))
    return next((kind for kind, pattern in _FIELD_WORDS if pattern.search(words)), None)


def title_employment(title: str) -> EmploymentType | None:
    """Return the type that a title names in brackets or at its end: `Baker (Seasonal)`."""
    title = _TO_BUSINESSES.sub(" ", title[:_LONGEST_FIELD])
    asides = (found[1] or found[2] for found in _ASIDE.finditer(title))
    return next((kind for aside in asides if (kind := employment_type(aside))), None)


def find_employment_type(text: str) -> tuple[EmploymentType, tuple[int, int]] | None:
    """Return the type that the text of a posting states, and the span that says so."""
    return first_statement(text[:_LONGEST_TEXT], _line_type)


@read_once
def _line_type(line: str) -> Statement[EmploymentType] | None:
    """Return what a line states: a label (`Employment type: ...`) before any sentence."""
    folded = line.casefold()
    if not holds_any(folded, _STEMS):
        return None
    line = line[:LONGEST_LINE]
    label = _LABELLED.match(line)
    if label and (kind := employment_type(label["words"])):
        return Statement(0, kind, *label.span())
    for rank, (kind, stems, pattern) in enumerate(_TEXT_WORDS, 1):
        if holds_any(folded, stems):
            for match in pattern.finditer(line):
                if not _OF_BENEFITS.search(line[max(0, match.start() - 80) : match.start()]):
                    return Statement(rank, kind, *match.span())
    return None


def _spaced(words: str) -> str:
    """Return `FullTime` as `Full Time`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", words)
