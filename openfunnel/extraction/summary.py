"""One sentence that says who is hired to do what, taken from the text or composed."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice

from openfunnel.extraction.sections import Line, Section
from openfunnel.extraction.stance import sentence_span
from openfunnel.normalize.lines import read_once
from openfunnel.normalize.text import holds_any, one_line

MOST_WORDS = 30
MOST_CHARACTERS = 500
_LEAST_WORDS = 7
_MOST_TRIED = 5
"""Sentences of a line that are tried."""
_READ = (Section.OPENING, Section.COMPANY, Section.DUTIES)

_HIRES = re.compile(
    r"\b(?:we(?:'|’| a)re|(?<!who )is) (?:(?!not)\w+ )?(?:looking|hiring|seeking|searching"
    r"|recruiting)\b(?! (?:forward|to|manager|team|process))"
    r"|\bas (?:an?|the|our|(?-i:(?=[A-Z]))) ?[^,.;:–—]{3,80},? you\b"
    r"|\bnous (?:re)?cherchons\b|\bnous recrutons\b"
    r"|\ben tant que [^,.;]{3,80},? (?:tu|vous|ta|votre)\b"
    r"|\bwir suchen\b|\bals [^,.;]{3,60} (?:bist|wirst|übernimmst|verantwortest|arbeitest) du\b"
    r"|\bbuscamos\b|\bestamos (?:buscando|contratando)\b|\bprocuramos\b|\bcerchiamo\b",
    re.IGNORECASE,
)
"""Says who is hired."""
_HIRING = (
    *("looking", "hiring", "seeking", "searching", "recruit", "cherch", "suchen", "buscamos"),
    *("estamos", "procuramos", "cerchiamo", "en tant que", "als "),
)
"""One of these, or `as` and `you`, is in every line that does: quicker to look for."""
_DOES = re.compile(
    r"\byou(?:'|’| wi)ll (?!need|love|find|get|receive|see|enjoy|thrive|report|have|learn|do this"
    r"|be (?:based|expected|asked|reporting|eligible|surrounded|given|joining|working from|part"
    r"|able|a key))\w+"
    r"|(?:^|(?<=[.!] ))(?:this|the) (?:role|position) (?!requires|offers|reports|may|can|pays"
    r"|is (?:one of|not))\w+"
    r"|\bis responsible for\b|\bta mission (?:est|sera|consiste)\b"
    r"|\b(?:tu (?:seras|rejoin)|vous (?:serez|rejoin))\w*",
    re.IGNORECASE,
)
"""Says what the person does, where nothing says who is hired."""
_DOING = (
    *("you'll", "you’ll", "you will", "role", "position", "is responsible for"),
    *("ta mission", "tu seras", "tu rejoin", "vous serez", "vous rejoin"),
)
"""One of these is in every line that does."""
_BEGINS = re.compile(r"(?:you|your|in this|this|the|as|ta|tu|vous)\b", re.IGNORECASE)
"""How a sentence begins that needs none before it."""
_TITLE_WORD = re.compile(r"[^\W\d_]{4,}")
_OF_HIRING = re.compile(
    r"\b(?:someone|people|individuals?|builders|self-starters?) (?:who|whose|with|that)\b"
    r"|\bcandidates?\b|\bpart of a\b|\bminimum\b|\bmeets?\b|\bqualifications?\b"
    r"|\bthe following\b|\bto apply\b|\bapply (?:on|via|for|through|now|here)\b"
    r"|\byour application\b|\breferr|\binterview|\bplease\b|\bvisa\b"
    r"|\bsalary\b|\bpay range\b|\bequal opportunit|\bavant tout\b",
    re.IGNORECASE,
)
_OF_PLACE = re.compile(
    r"\b(?:remote|hybrid|on-?\s?site|in-person|offices?|based|located|relocat\w+|travel|open to"
    r"|days (?:a|per) week)\b",
    re.IGNORECASE,
)


def summarize(lines: list[Line], title: str) -> tuple[str, int, int] | None:
    """Return the sentence that tells the job best, with its span in the text.

    That is the first one that says who is hired, those with a word of `title` before others, else
    the first one that says what the person does. Only a sentence of 7 to 30 words is taken; None
    where there is none, then `compose` helps.
    """
    told = [line for line in lines if line.section in _READ and not line.is_heading]
    named = _words(title)
    first = None
    for hires in _spans(told, _hires):
        if not named.isdisjoint(_words(hires[0])):
            return hires
        first = first or hires
    return first or next(_spans(told, _does), None)


def compose(title: str, company_name: str | None) -> str | None:
    """Return `<title> at <company>.`, at most 30 words; None without a title."""
    words = one_line(title).rstrip(" .,")
    if not words:
        return None
    company = one_line(company_name or "")
    at = f" at {company}" if company else ""
    return " ".join(f"{words}{at}".split()[:MOST_WORDS])[:MOST_CHARACTERS].rstrip(" .,") + "."


def _spans(
    lines: list[Line], read: Callable[[str], tuple[str, int] | None]
) -> Iterator[tuple[str, int, int]]:
    """Yield what `read` takes from each line, with its span in the text."""
    for line in lines:
        found = read(line.text)
        if found is not None:
            sentence, low = found
            yield sentence, line.start + low, line.start + low + len(sentence)


@lru_cache(256)
def _words(sentence: str) -> frozenset[str]:
    return frozenset(_TITLE_WORD.findall(sentence.casefold()))


@read_once
def _hires(line: str) -> tuple[str, int] | None:
    """Return the line's first sentence that says who is hired, and where it begins."""
    folded = line.casefold()
    likely = holds_any(folded, _HIRING) or ("as " in folded and "you" in folded)
    return _sentence(line, _HIRES) if likely else None


@read_once
def _does(line: str) -> tuple[str, int] | None:
    """Return the line's first sentence that says what the person does, and where it begins."""
    found = _sentence(line, _DOES) if holds_any(line.casefold(), _DOING) else None
    if found is None or _OF_PLACE.search(found[0]) or not _BEGINS.match(found[0]):
        return None
    return found


def _sentence(line: str, tells: re.Pattern[str]) -> tuple[str, int] | None:
    for match in islice(tells.finditer(line), _MOST_TRIED):
        low, high = sentence_span(line, match.start(), match.end())
        sentence = line[low:high].removeprefix("- ").strip()
        if _is_fit(sentence):
            return sentence, line.index(sentence, low)
    return None


def _is_fit(sentence: str) -> bool:
    return (
        _LEAST_WORDS <= len(sentence.split()) <= MOST_WORDS
        and len(sentence) <= MOST_CHARACTERS
        and sentence.endswith((".", "!"))
        and one_line(sentence) == sentence
        and not _OF_HIRING.search(sentence)
    )
