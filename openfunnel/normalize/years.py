"""Years of experience asked for, as the labelling guidelines count them.

The lower end of a range counts (`5-7 years`: 5), a part of the whole does not (`8+ years, 3 of
them in sales`: 8), alternatives by degree give the smallest, and what is only preferred is left
out, as is the age of the employer.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from openfunnel.normalize.lines import read_once, split_lines
from openfunnel.normalize.text import holds_any

_MOST_YEARS = 25
_LONGEST_TEXT = 400_000
_LONGEST_LINE = 2_000
_MOST_IN_LINE = 20

_WORDS = {
    word: number
    for number, words in enumerate(
        (
            "zero",
            "one ein eine einem un une uno",
            "two zwei deux dos due",
            "three drei trois tres tre",
            "four vier quatre cuatro",
            "five fünf cinq cinco",
            "six sechs seis",
            "seven sieben sept siete",
            "eight acht huit ocho",
            "nine neun neuf nueve",
            "ten zehn dix diez",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
        )
    )
    for word in words.split()
}
_NUMBER = rf"(?:\d{{1,2}}(?:[.,]5)?|(?:{'|'.join(sorted(_WORDS, key=len, reverse=True))})\b)"
_YEARS = re.compile(
    rf"(?<![\w$€£.,/-])(?P<low>{_NUMBER})(?:\s?\(\d{{1,2}}\+?\))?\s?\+?"
    rf"(?:\s?(?:-|–|—|to|bis|à|a|or|and|et|und|y"
    rf"|/)\s?(?P<high>{_NUMBER})(?:\s?\(\d{{1,2}}\))?\s?\+?)?"
    r"(?:\s(?:or\s+more|plus|full|solid|oder\s+mehr))?[\s-]{0,3}(?:years?|yrs?\.?|yoe|jahren?"
    r"|ans?|ann[ée]es?"
    r"|años|anni|anos|jaar|lata|lat|år)(?:'|’|´)?(?![\w])",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?]\s")
_PART_END = re.compile(r"[.!?;]\s")
_CLAUSE_END = re.compile(r"[,;(]")
_DIGIT = re.compile(r"\d")
_LETTERS = re.compile(r"[^\W\d_]+")
_YEAR_STEMS = ("year", "yr", "yoe", "jahr", "ans", "ann", "año", "anos", "jaar", "lata", "år")
_SHORT_YEAR = re.compile(r"\d\W{0,4}(?:an|lat)\b")
"""A line without one of these, case folded, names no years, and is spared the search for them."""
_EXPERIENCE = re.compile(
    r"experience|experienced|expertise|erfahrung|exp[ée]rience|experiencia|esperienza"
    r"|experi[êe]ncia"
    r"|ervaring|do[śs]wiadczeni|erfarenhet|track record|background|\byoe\b|\bexp\b",
    re.IGNORECASE,
)
_DOING = re.compile(
    r"^\W{0,3}(?:(?:of|in|as|with)\s+(?:an?\s+)?)?(?:[\w/&-]+\s+){0,3}?"
    r"(?:working|building|developing|managing|leading|designing|writing|selling|in\s+an?|as\s+an?"
    r"|professional|relevant|industry|software|engineering|hands-on|coding|programming|practice"
    r"|sales|marketing|in\s+\w+ing|in\s+(?:sales|finance|product|marketing|customer|software|data"
    r"|tech\w*|accounting|recruit\w*|engineering|design|operations|security|legal|consulting))\b",
    re.IGNORECASE,
)
_NOT_ASKED = re.compile(
    r"\b(?:years?|ans|jahre)\s+(?:old|of\s+age|ago|of\s+(?:history|growth|success\b|operation"
    r"|innovation|service|tenure|existence)|in\s+(?:business|a\s+row|existence|operation))"
    r"|\b(?:last|past|next|previous|coming|first|every|within|for\s+over|over\s+the|founded"
    r"|celebrat\w+|after|letzten|jusqu['’]à|bis\s+zu|hasta|até|dernières|nächsten|depuis|seit|up\s+to|maximum|max\.?|less\s+than|under)\s+"
    r"(?:the\s+)?(?:\w+\s+)?$",
    re.IGNORECASE,
)
_ITEM = re.compile(r"-\s(?:(?:a\s+)?minimum(?:\s+of)?\s|at\s+least\s|over\s)?", re.IGNORECASE)
_IN_A_TRADE = re.compile(r"\s?(?:of|in|as|at)\b", re.IGNORECASE)
"""`- 5+ years in revenue operations`: an item of a list that begins so is a requirement."""
_OF_EMPLOYER = re.compile(
    r"\b(?:we|we've|we’ve|our\s+(?:company|team|firm|founders?|leadership|clients?|customers?)"
    r"|combined|the\s+company|collectively|wir\s+(?:haben|sind|blicken)|nous\s+(?:avons|sommes))\b",
    re.IGNORECASE,
)
_WE_ASK = re.compile(
    r"\bwe(?:'re|’re|\s+are|\s+would|'d|’d)?\s+(?:\w+\s+)?(?:look|seek|need|want|requir|expect"
    r"|ask|hir|like)",
    re.IGNORECASE,
)
_PREFERRED = re.compile(
    r"\b(?:preferred|preferably|prefer|nice[\s-]to[\s-]haves?|bonus|a\s+(?:big\s+|huge\s+"
    r"|strong\s+)?plus"
    r"|ideally|desirable|desired|advantage\w*|von\s+vorteil|wünschenswert|id[ée]alement|un\s+plus"
    r"|would\s+be\s+(?:great|nice)|good\s+to\s+have|pluses|extra\s+credit|beneficial)\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\s[—–-]\s(?=\S+\s\S+\s\S)")
"""`5 years in sales — kettles are a plus`: what is a plus is something else."""
_IN_BRACKETS = re.compile(r"\([^()]{0,160}\)?")
"""`4 years of sales (of kettles is preferred)`: of the sales are four years asked for."""
_PREFERRED_END = re.compile(
    r"\b(?:preferred|plus|bonus|desirable|desired|advantage\w*|nice[\s-]to[\s-]have"
    r"|beneficial)\W*$",
    re.IGNORECASE,
)
_WITH_A_TOOL = re.compile(
    r"^\W{0,3}(?:of\s+)?(?:[\w-]+\s+)?experience\s+(?:working\s+)?(?:with|using"
    r"|writing)\b(?!\s+\d)",
    re.IGNORECASE,
)
_PART_OF_WHOLE = re.compile(
    r"\d[^.!?]*\b(?:including|of\s+which|with\s+at\s+least|of\s+them|dont|davon"
    r"|incl\.?)\s*(?:at\s+least\s+)?$",
    re.IGNORECASE,
)
_DEGREE = re.compile(
    r"\b(?:bachelor|master|ph\.?\s?d|doctora\w+|degree|b\.?sc?\b|m\.?sc?\b|mba|diploma|studium)",
    re.IGNORECASE,
)
_INSTEAD_OF_DEGREE = re.compile(
    r"\b(?:absence\s+of|lieu\s+of|instead\s+of|in\s+place\s+of|without|(?:do|does)\s+not\s+have"
    r"|do(?:es)?n['’]t\s+have|no)\s+(?:an?\s+|any\s+|the\s+)?(?:\w+\s+){0,2}?"
    r"(?:degree|bachelor|master|diploma|qualification)",
    re.IGNORECASE,
)


def parse_years(text: str) -> tuple[int, tuple[int, int]] | None:
    """Return the least years of experience required in `text`, and the span that says so.

    Lines under a heading (`## `) of preferred qualifications are passed over.
    """
    return required_years(_required_lines(text[:_LONGEST_TEXT]))


def required_years(lines: Iterable[tuple[int, str]]) -> tuple[int, tuple[int, int]] | None:
    """Return the least years of experience that `lines`, each with its start, require, and where.

    Lines that say of themselves that they are about a plus are passed over. Of several requirements
    the longest is the overall one, those with a tool (`2 years of experience with SQL`) only where
    there is no other; of alternatives by degree in one line the shortest counts, and what is asked
    for instead of a degree only where nothing else is.
    """
    overall: list[tuple[int, tuple[int, int]]] = []
    without_degree: list[tuple[int, tuple[int, int]]] = []
    with_tools: list[tuple[int, tuple[int, int]]] = []
    for start, line in lines:
        found = _line_years(line)
        if found is not None:
            years, (left, right) = found
            kind = with_tools if _WITH_A_TOOL.match(line[right : right + 80]) else overall
            kind = without_degree if _INSTEAD_OF_DEGREE.search(line, 0, _LONGEST_LINE) else kind
            kind.append((years, (start + left, start + right)))
    return max(overall or with_tools or without_degree, key=lambda found: found[0], default=None)


def _required_lines(text: str) -> Iterator[tuple[int, str]]:
    start, preferred = 0, False
    for line in split_lines(text):
        if line.startswith("## "):
            preferred = _PREFERRED.search(line, 0, _LONGEST_LINE) is not None
        elif not preferred:
            yield start, line
        start += len(line) + 1


@read_once
def _line_years(line: str) -> tuple[int, tuple[int, int]] | None:
    line = line[:_LONGEST_LINE]
    if not _names_years(line.casefold()):
        return None
    named = islice(_YEARS.finditer(line), _MOST_IN_LINE)
    asked = [match for match in named if _is_asked(line, match)]
    if not asked:
        return None
    values = [(_value(match["low"]), match.span()) for match in asked]
    values = [found for found in values if found[0] <= _MOST_YEARS]
    if len(values) > 1 and _DEGREE.search(line):
        return min(values)
    return max(values, key=lambda found: found[0], default=None)


def _names_years(folded: str) -> bool:
    has_digit = _DIGIT.search(folded) is not None
    if holds_any(folded, _YEAR_STEMS):
        return has_digit or not _WORDS.keys().isdisjoint(_LETTERS.findall(folded))
    return (has_digit and _SHORT_YEAR.search(folded) is not None) or "un an" in folded


def _is_asked(line: str, match: re.Match[str]) -> bool:
    before, after = line[: match.start()], line[match.end() :]
    sentence_before = _SENTENCE_END.split(before[-200:])[-1]
    sentence_after = _PART_END.split(after[:160], maxsplit=1)[0]
    near = match.group() + sentence_after[:40]
    if _NOT_ASKED.search(sentence_before[-40:]) or _NOT_ASKED.search(near):
        return False
    if _is_preferred(sentence_before, sentence_after):
        return False
    if _OF_EMPLOYER.search(sentence_before) and not _WE_ASK.search(sentence_before):
        return False
    if _PART_OF_WHOLE.search(sentence_before):
        return False
    return bool(
        (_ITEM.fullmatch(before) and _IN_A_TRADE.match(after))
        or _EXPERIENCE.search(sentence_after[:120])
        or _EXPERIENCE.search(sentence_before[-80:])
        or _DOING.search(sentence_after)
    )


def _is_preferred(before: str, after: str) -> bool:
    """`Ideally 5 years ...` and `5 years ... are a plus`, but not `5 years ..., ideally in ...`."""
    clause_before = _CLAUSE_END.split(before)[-1]
    after = _ASIDE.split(after)[0]
    clause_after = _CLAUSE_END.split(after, maxsplit=1)[0]
    return (
        _PREFERRED.match(before.lstrip(" -•*")) is not None
        or _PREFERRED.search(clause_before) is not None
        or _PREFERRED.search(clause_after) is not None
        or _PREFERRED_END.search(_IN_BRACKETS.sub("", after)[-40:]) is not None
    )


def _value(number: str) -> int:
    return (
        _WORDS[number.casefold()] if not number[0].isdigit() else int(re.split("[.,]", number)[0])
    )
