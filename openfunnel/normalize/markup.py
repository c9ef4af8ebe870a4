"""HTML to text: a block a line, with signs for items and headings.

Nothing here raises on any string, and the time is linear in the length of whatever comes.
"""

import html
import re
from dataclasses import dataclass
from functools import lru_cache

from openfunnel.normalize.text import JUNK_BUT_NUL, clean_text, has_bullet

HEADING_CHARS = 120
"""A bold or heading line longer than this is a paragraph with emphasis, not a heading."""

_JUNK_BETWEEN_NULS = re.compile(f"[{JUNK_BUT_NUL}]")
_NUMBER_BEYOND_UNICODE = re.compile(r"&#(?:[0-9]{9,}|[xX][0-9a-fA-F]{9,});?")
_COMMON_ENTITIES = (
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", '"'),
    ("&#39;", "'"),
    ("&nbsp;", "\xa0"),
)
_WORD = re.compile(r"[^\W_]")
_RAW_TAG = re.compile(r"<[/!]?[a-zA-Z]")

# Every alternative ends at its delimiter or at the end of the text, and never backtracks: the scan
# is linear in the length of whatever comes. (A DOM parser, tried first, takes 22 s for 100,000
# nested divs and 34 s for one tag with 100,000 attributes.)
_UNSEEN = "(?i:script|style|title|noscript|template|iframe|svg)"
_TAG = re.compile(
    rf"""
    (<(?:
        (?:/|(?!{_UNSEEN}\b))[a-zA-Z][^>=]*+
            (?:=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?[^>=]*+)*+(?:>|\Z)
      | !--.*?(?:-->|\Z)
      | (?P<unseen>{_UNSEEN})\b.*?(?:</(?i:(?P=unseen))\b[^>]*(?:>|\Z)|\Z)
      | [!?/][^>]*(?:>|\Z)
    ))
    """,
    re.VERBOSE | re.DOTALL,
)
"""One group more than its own: what `split` returns comes in threes."""
_TAG_NAME = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_LONGEST_TAG_KEPT = 200
"""Characters of a tag whose meaning is remembered: others hold addresses, or whole images."""
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
    parts = _TAG.split(markup.replace("\x00", ""))
    # Between NULs, all texts are decoded and cleaned in one go: there are as many as tags.
    text = unescape_entities("\x00".join(parts[::3]))
    first, *texts = _JUNK_BETWEEN_NULS.sub("", text).split("\x00")
    lines = _Lines()
    lines.add(first)
    for tag, text in zip(parts[1::3], texts, strict=True):
        effect = _known_effect(tag) if len(tag) <= _LONGEST_TAG_KEPT else _effect(tag)
        if effect is not None:
            lines.tag(effect)
        if text:
            lines.add(text)
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
    decoded = text
    for entity, character in _COMMON_ENTITIES:
        decoded = decoded.replace(entity, character)
    if decoded.count("&") == decoded.count("&amp;"):
        return decoded.replace("&amp;", "&")
    return html.unescape(_NUMBER_BEYOND_UNICODE.sub("", text))


@dataclass(frozen=True, slots=True)
class _Effect:
    """What a tag does to the lines; None where it leaves a state as it is."""

    name: str
    closing: bool
    ends_line: bool
    is_cell: bool
    is_weighed: bool
    bold: bool | None
    """Whether it makes what is in it bold, or plain."""
    heading: bool | None
    item: bool | None
    preformatted: bool | None
    sets_state: bool
    """Whether any of these three is to be set."""


def _effect(tag: str) -> _Effect | None:
    """Return what a tag, as it is written, does; None where that is nothing."""
    match = _TAG_NAME.match(tag)
    if match is None:
        return None
    closing, name = bool(match[1]), match[2].lower()
    if name not in _BLOCKS and name not in _WEIGHED:
        return None
    is_list = name in _LISTS or name == "li"
    is_heading = name in _HEADINGS
    return _Effect(
        name=name,
        closing=closing,
        ends_line=name in _BLOCKS,
        is_cell=name in ("td", "th"),
        is_weighed=name in _WEIGHED,
        bold=_weight(name, tag),
        heading=not closing if is_heading else (False if is_list else None),
        item=not closing if name == "li" else None,
        preformatted=not closing if name == "pre" else None,
        sets_state=is_list or is_heading or name == "pre",
    )


_known_effect = lru_cache(maxsize=4096)(_effect)


def _weight(name: str, attributes: str) -> bool | None:
    """Return whether an element is bold by its style or its name, if either says so."""
    if match := _FONT_WEIGHT.search(attributes):
        weight = match[1].lower()
        return weight in ("bold", "bolder") or (weight.isdigit() and int(weight) >= 600)
    return True if name in ("b", "strong", "th") else None


class _Lines:
    """The lines of a document as its tags and texts go by."""

    __slots__ = (
        "_bold",
        "_heading",
        "_in_bold",
        "_item",
        "_pieces",
        "_plain",
        "_preformatted",
        "_weighed",
        "_weights",
        "done",
    )

    def __init__(self) -> None:
        self.done: list[str] = []
        self._pieces: list[str] = []
        self._weighed: list[str] = []
        """Open elements that may carry weight."""
        self._weights: list[bool] = []
        """Whether text in each of them is bold."""
        self._in_bold = False
        """Whether text in the innermost of them is."""
        self._plain = False
        """Whether the current line has words that are not bold."""
        self._bold = False
        """Whether it has words that are."""
        self._heading = False
        self._item = False
        """Whether a list item has begun and none of its text is out yet."""
        self._preformatted = False

    def add(self, text: str) -> None:
        """Take in text between two tags."""
        if not self._pieces and text.isspace():
            return
        if self._preformatted and "\n" in text:
            self._add_lines(text)
            return
        self._pieces.append(text)
        if self._in_bold:
            self._bold = self._bold or _WORD.search(text) is not None
        elif not self._plain:
            self._plain = _WORD.search(text) is not None

    def tag(self, effect: _Effect) -> None:
        """Take in an opening or closing tag."""
        if effect.ends_line:
            if self._pieces:
                self.end()
            if effect.sets_state:
                self._set_state(effect)
        elif effect.is_cell:
            self._pieces.append(" ")
        if effect.is_weighed:
            if effect.closing:
                self._close(effect.name)
            else:
                if effect.bold is not None:
                    self._in_bold = effect.bold
                self._weighed.append(effect.name)
                self._weights.append(self._in_bold)

    def end(self) -> None:
        """End the current line, if it has any text."""
        line = " ".join("".join(self._pieces).split())
        if line:
            self.done.append(self._marked(line))
            self._item = False
        self._pieces, self._plain, self._bold = [], False, False

    def _marked(self, line: str) -> str:
        """Return `line` with the sign of an item or a heading, as is due."""
        if has_bullet(line):
            return f"- {line[2:]}"
        if self._item:
            return f"- {line}"
        wholly_bold = self._bold and not self._plain
        if len(line) > HEADING_CHARS or not (self._heading or wholly_bold):
            return line
        is_sentence = line.endswith((".", "。"))
        return f"## {line}" if self._heading or not is_sentence else line

    def _add_lines(self, text: str) -> None:
        *lines, rest = text.split("\n")
        for line in lines:
            self.add(line)
            self.end()
        self.add(rest)

    def _set_state(self, effect: _Effect) -> None:
        if effect.heading is not None:
            self._heading = effect.heading
        if effect.item is not None:
            self._item = effect.item
        if effect.preformatted is not None:
            self._preformatted = effect.preformatted

    def _close(self, name: str) -> None:
        """Close the innermost element of that name; what was opened in it stays open."""
        names, weights = self._weighed, self._weights
        if names and names[-1] == name:  # as nearly always
            names.pop()
            weights.pop()
        else:
            for index in range(len(names) - 2, max(-1, len(names) - _REACH), -1):
                if names[index] == name:
                    del names[index], weights[index]
                    break
        self._in_bold = bool(weights) and weights[-1]
