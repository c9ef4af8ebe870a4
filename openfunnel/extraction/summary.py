"""One sentence that says who is hired to do what, taken from the text or composed."""

import re

from openfunnel.extraction.sections import Line, Section
from openfunnel.extraction.stance import sentence_span
from openfunnel.normalize.lines import read_once
from openfunnel.normalize.text import one_line

MOST_WORDS = 30
MOST_CHARACTERS = 500
_LEAST_WORDS = 7
_HIRES = re.compile(
    r"\b(?:we(?:'|’| a)re (?:looking|hiring|seeking|searching)|is (?:looking|hiring|seeking)"
    r"|you(?:'|’| wi)ll (?:be responsible|lead|own|build|design|work|join|drive|help|manage"
    r"|develop|be)"
    r"|as an? [^,]{3,60}, you|in this role|this role|the role|nous recherchons|tu (?:seras"
    r"|rejoin)|vous (?:serez|rejoin)|wir suchen|als [^,]{3,60} |buscamos|procuramos)",
    re.IGNORECASE,
)


def summarize(lines: list[Line]) -> tuple[str, int, int] | None:
    """Return the first sentence that tells the job, with its span in the text.

    Only a sentence of 7 to 30 words is taken; None where there is none, then `compose` helps.
    """
    for line in lines:
        if line.is_heading or line.section is Section.PROCESS:
            continue
        found = _sentence(line.text)
        if found is not None:
            sentence, low = found
            return sentence, line.start + low, line.start + low + len(sentence)
    return None


def compose(title: str, company_name: str | None) -> str | None:
    """Return `<title> at <company>.`, at most 30 words; None without a title."""
    words = one_line(title).rstrip(" .,")
    if not words:
        return None
    company = one_line(company_name or "")
    at = f" at {company}" if company else ""
    return " ".join(f"{words}{at}".split()[:MOST_WORDS])[:MOST_CHARACTERS].rstrip(" .,") + "."


@read_once
def _sentence(line: str) -> tuple[str, int] | None:
    """Return the line's first sentence that tells the job, and where it begins."""
    match = _HIRES.search(line)
    if match is None:
        return None
    low, high = sentence_span(line, match.start(), match.end())
    sentence = line[low:high].removeprefix("- ").strip()
    return (sentence, line.index(sentence, low)) if _is_fit(sentence) else None


def _is_fit(sentence: str) -> bool:
    return (
        _LEAST_WORDS <= len(sentence.split()) <= MOST_WORDS
        and len(sentence) <= MOST_CHARACTERS
        and sentence.endswith((".", "!"))
        and one_line(sentence) == sentence
    )
