"""Text: cleaning, folding for comparisons, finding quotes again.

Nothing here raises on any string: what a board or a person feeds in comes out as text that
PostgreSQL can store (no NUL, no lone surrogates).
"""

import re
import unicodedata

JUNK_BUT_NUL = (
    "\x01-\x08\x0b\x0e-\x1b\x7f-\x84\x86-\x9f"  # controls that are not white space
    "\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"  # invisible marks
    "\ud800-\udfff"  # lone surrogates: a pair is one character in Python
    "\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff"  # no characters at all, and marks of annotations
    "\U000e0000-\U000e007f"  # tags: letters that nobody sees
)
_JUNK = re.compile(f"[\x00{JUNK_BUT_NUL}]")
_BULLETS = frozenset("-–—*•·●○▪■◦‣∙⁃►➢✓✔")


def clean_text(text: str) -> str:
    """Return `text` without control characters and empty lines, white space folded in each line."""
    lines = (one_line(line) for line in text.splitlines())
    return "\n".join(_bulleted(line) for line in lines if line)


def one_line(text: str) -> str:
    """Return `text` as one line without control characters, white space folded."""
    if text.isprintable():  # as nearly always: nothing to take out
        return " ".join(text.split())
    return " ".join(_JUNK.sub("", text).split())


def fold(text: str) -> str:
    """Return `text` for comparisons: case folded, accents off, white space folded."""
    if text.isascii():
        return one_line(text).lower()
    # Case folding can bring new combining characters, and decomposing new capitals: hence twice.
    plain = _without_accents(_without_accents(text).casefold()).casefold()
    return one_line(plain.translate(_LETTERS))


def find_verbatim(needle: str, haystack: str) -> tuple[int, int] | None:
    """Return the span of `haystack` that reads `needle` once white space is folded in both.

    The first one counts. None where there is none, or where `needle` is blank.
    """
    words = needle.split()
    if not words:
        return None
    start = haystack.find(needle)
    if start >= 0 and needle == needle.strip():
        return start, start + len(needle)
    match = re.search(r"\s+".join(map(re.escape, words)), haystack)
    return match.span() if match else None


def holds_any(text: str, stems: tuple[str, ...]) -> bool:
    """Return whether one of `stems` stands in `text`: spares most lines a slow search."""
    for stem in stems:  # noqa: SIM110 - twice as quick as `any`, for every line of every text
        if stem in text:
            return True
    return False


def has_bullet(line: str) -> bool:
    """Return whether a clean line starts with the sign of a list item, whichever it is."""
    return line[0] in _BULLETS and line[1:2] == " "


# Letters with a stroke or joined, which Unicode does not decompose.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"})
_ACCENTS = re.compile("[\u0300-\u036f]+")


def _without_accents(text: str) -> str:
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text)))


def _bulleted(line: str) -> str:
    """Return a clean line with `- ` for whatever bullet it starts with."""
    return f"- {line[2:]}" if has_bullet(line) else line
