"""Text: HTML to lines, cleaning, folding for comparisons, finding quotes again.

Nothing here raises on any string: what a board or a person feeds in comes out as text that
PostgreSQL can store (no NUL, no lone surrogates).
"""

import html
import re
import unicodedata
from dataclasses import dataclass, field

HEADING_CHARS = 120
"""A bold or heading line longer than this is a paragraph with emphasis, not a heading."""

_JUNK = re.compile(
    "[\x00-\x08\x0b\x0e-\x1b\x7f-\x84\x86-\x9f"  # controls that are not white space
    "\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"  # invisible marks
    "\ud800-\udfff]"  # lone surrogates: a pair is one character in Python
)
_NUMBER_BEYOND_UNICODE = re.compile(r"&#(?:[0-9]{9,}|[xX][0-9a-fA-F]{9,});?")
_BULLET = re.compile(r"[-–—*•·●○▪■◦‣∙⁃►➢✓✔]\s+(?=\S)")
_RAW_TAG = re.compile(r"<[/!]?[a-zA-Z]")

# Every alternative ends at its delimiter or at the end of the text, and never backtracks: the scan
# is linear in the length of whatever comes. (A DOM parser, tried first, takes 22 s for 100,000
# nested divs and 34 s for one tag with 100,000 attributes.)
_TOKEN = re.compile(
    r"""
      <!--.*?(?:-->|\Z)
    | <(?P<unseen>script|style|title|noscript|template|iframe|svg)\b.*?
        (?:</(?P=unseen)\b[^>]*(?:>|\Z)|\Z)
    | <(?P<close>/?)(?P<name>[a-z][a-z0-9]*)
        (?P<attributes>(?:[^>=]++|=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?)*+)(?:>|\Z)
    | <[!?/][^>]*(?:>|\Z)
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_FONT_WEIGHT = re.compile(r"font-weight\s*:\s*([a-z]+|\d{3})", re.IGNORECASE)

_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_BLOCKS = _HEADINGS | frozenset(
    re.findall(
        r"\w+",
        "address article aside blockquote body br center dd details div dl dt fieldset figcaption "
        "figure footer form header hr html legend li main nav ol option p pre section select "
        "summary table tbody tfoot thead tr ul",
    )
)
_LISTS = frozenset(("ul", "ol", "dl", "table"))
_WEIGHED = frozenset(("b", "strong", "span", "div", "p", "th", "td"))
"""Elements followed from opening to closing, for their weight of type."""
_REACH = 32
"""How many open elements a closing tag looks back over for its own."""


def html_to_text(markup: str) -> str:
    """Return the text of an HTML fragment: a block a line, without empty lines.

    List items start with `- `, headings and blocks that are wholly bold (but no sentence) with
    `## `; white space is folded, entities are decoded. Text without any tag keeps its own lines.
    """
    if not _RAW_TAG.search(markup):
        return clean_text(unescape_entities(markup))
    lines = _Lines()
    position = 0
    for token in _TOKEN.finditer(markup):
        if token.start() > position:
            lines.add(markup[position : token.start()])
        position = token.end()
        if name := token["name"]:
            lines.tag(name.lower(), bool(token["close"]), token["attributes"])
    lines.add(markup[position:])
    lines.end()
    return "\n".join(lines.done)


def unescape(content: str) -> str:
    """Return the HTML of entity-escaped `content` (as Greenhouse sends it).

    Content that holds a real tag was not escaped, and is returned as it is.
    """
    return content if _RAW_TAG.search(content) else unescape_entities(content)


def unescape_entities(text: str) -> str:
    """Decode entities once; a reference beyond Unicode, however many digits it has, is left out."""
    if "&" not in text:
        return text
    return html.unescape(_NUMBER_BEYOND_UNICODE.sub("", text))


def clean_text(text: str) -> str:
    """Return `text` without control characters and empty lines, white space folded in each line."""
    lines = (one_line(line) for line in text.splitlines())
    return "\n".join(_bulleted(line) for line in lines if line)


def one_line(text: str) -> str:
    """Return `text` as one line without control characters, white space folded."""
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


# Letters with a stroke or joined, which Unicode does not decompose.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"})
_ACCENTS = re.compile("[\u0300-\u036f]+")


def _without_accents(text: str) -> str:
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text)))


def _bulleted(line: str) -> str:
    """Return `line` with `- ` for whatever bullet it starts with."""
    match = _BULLET.match(line)
    return f"- {line[match.end() :]}" if match else line


@dataclass
class _Lines:
    """The lines of a document as its tags and texts go by."""

    done: list[str] = field(default_factory=list)
    _pieces: list[str] = field(default_factory=list)
    _open: list[tuple[str, bool]] = field(default_factory=list)
    """Open elements that may carry weight, with whether text in them is bold."""
    _plain: bool = False
    """Whether the current line has words that are not bold."""
    _bold: bool = False
    """Whether it has words that are."""
    _heading: bool = False
    _item: bool = False
    """Whether a list item has begun and none of its text is out yet."""
    _preformatted: bool = False

    def add(self, text: str) -> None:
        """Take in text between two tags."""
        text = unescape_entities(text)
        if self._preformatted:
            *lines, text = text.split("\n")
            for line in lines:
                self._add_piece(line)
                self.end()
        self._add_piece(text)

    def tag(self, name: str, closing: bool, attributes: str) -> None:
        """Take in an opening or closing tag."""
        if name in _BLOCKS:
            self.end()
            if name in _HEADINGS:
                self._heading = not closing
            elif name in _LISTS:
                self._heading = False
            elif name == "li":
                self._item, self._heading = not closing, False
            elif name == "pre":
                self._preformatted = not closing
        elif name in ("td", "th"):
            self._pieces.append(" ")
        if name in _WEIGHED:
            self._weigh(name, closing, attributes)

    def end(self) -> None:
        """End the current line, if it has any text."""
        line = one_line("".join(self._pieces))
        if line:
            self.done.append(self._marked(line))
            self._item = False
        self._pieces, self._plain, self._bold = [], False, False

    def _marked(self, line: str) -> str:
        """Return `line` with the sign of an item or a heading, as is due."""
        bullet = _BULLET.match(line)
        if self._item or bullet:
            return f"- {line[bullet.end() if bullet else 0 :]}"
        wholly_bold = self._bold and not self._plain
        is_sentence = line.endswith((".", "。"))
        if len(line) <= HEADING_CHARS and (self._heading or (wholly_bold and not is_sentence)):
            return f"## {line}"
        return line

    def _add_piece(self, text: str) -> None:
        self._pieces.append(text)
        if any(map(str.isalnum, text)):
            if self._open and self._open[-1][1]:
                self._bold = True
            else:
                self._plain = True

    def _weigh(self, name: str, closing: bool, attributes: str) -> None:
        if not closing:
            bold = bool(self._open and self._open[-1][1]) or name in ("b", "strong", "th")
            if match := _FONT_WEIGHT.search(attributes):
                weight = match[1].lower()
                bold = weight in ("bold", "bolder") or (weight.isdigit() and int(weight) >= 600)
            self._open.append((name, bold))
            return
        for index in range(len(self._open) - 1, max(-1, len(self._open) - _REACH), -1):
            if self._open[index][0] == name:
                del self._open[index]
                return
