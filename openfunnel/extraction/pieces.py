"""Divides a text into pieces, and says what each is worth to a model that extracts facts from it.

A piece is a line, or a sentence of a long one. Its worth is that of its section and of the signs in
it. The numbers were fitted by hand, on labelled postings of Greenhouse and Lever boards; the order
among them matters more than they do.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from openfunnel.extraction.boilerplate import Boilerplate
from openfunnel.extraction.sections import Line, Section
from openfunnel.extraction.signs import Sign, find_signs
from openfunnel.normalize.lines import read_once
from openfunnel.records import Extraction, Omission

LINE_CHARACTERS = 160
"""A longer line is cut into sentences."""
PIECE_CHARACTERS = 400
"""A longer sentence is cut between words."""

_OF_SECTION = {
    Section.REQUIRED: 2.0,
    Section.PREFERRED: 2.0,
    Section.DUTIES: 1.0,
    Section.OPENING: 1.0,
    Section.COMPANY: 0.0,
    Section.PROCESS: 0.0,
}
_TOLD_APART = frozenset((Section.REQUIRED, Section.PREFERRED, Section.DUTIES))
_UNDIVIDED = 3.0
"""Of an opening where none of these is known, as in a language whose headings nobody has listed."""
_OF_SIGN = {
    Sign.STATED: 1000.0,  # more than all else together: shown wherever there is room
    Sign.TECHNOLOGY: 5.0,
    Sign.ABOUT_TO: 4.0,
    Sign.NAME: 3.5,
    Sign.SKILL: 0.4,
    Sign.CAPITAL: 0.5,
}
_ALL, _ANYWHERE = frozenset(Sign), frozenset((Sign.STATED,))
_OF_EMPLOYER = _ANYWHERE | {Sign.TECHNOLOGY, Sign.ABOUT_TO}
"""Signs that count where the employer speaks of itself, too."""
_SENTENCE_END = re.compile(r"(?<=[.!?;。！？])(?:\s++(?=[^\Wa-z]|[(\"“'‘])|(?<=[。！？]))")


@dataclass(slots=True)
class Piece:
    """A part of a text; `start` and `end` are its positions."""

    start: int
    end: int
    counting: frozenset[Sign]
    """Signs that add to its worth."""
    worth: float
    """0: it is shown for the sake of another, or not at all."""
    why: Omission
    """Why it is left out, if it is."""
    heading: "Piece | None" = None
    """The one it stands under."""
    shown: bool = False


def divide_by_worth(
    lines: Sequence[Line], company: str | None, stated: Extraction, boilerplate: Boilerplate
) -> list[Piece]:
    """Return the pieces of a text's lines in order; all but white space is in one of them."""
    pieces = list(_divide(lines, boilerplate))
    starts = [piece.start for piece in pieces]
    counted: set[tuple[int, Sign]] = set()
    told = [line for line in lines if not line.is_heading and line.section is not Section.PROCESS]
    for sign, start, end in find_signs(told, company, stated):
        index = max(0, bisect_right(starts, start) - 1)
        while index < len(pieces) and starts[index] < end:
            piece = pieces[index]
            if sign in piece.counting and (index, sign) not in counted:
                piece.worth += _OF_SIGN[sign]
                if sign is not Sign.SKILL:  # a line that names many is dense
                    counted.add((index, sign))
            index += 1
    return pieces


def _divide(lines: Sequence[Line], boilerplate: Boilerplate) -> Iterator[Piece]:
    heading: Piece | None = None
    is_divided = any(line.section in _TOLD_APART for line in lines)
    for line in lines:
        repeats = line.text in boilerplate
        why = Omission.BOILERPLATE if repeats else Omission.SECTION
        if line.is_heading:
            heading = Piece(line.start, line.end, _ANYWHERE, 0.0, why)
            yield heading
            continue
        worth = 0.0 if repeats else _OF_SECTION[line.section]
        if worth and not is_divided:
            worth = _UNDIVIDED
        counting = _ANYWHERE
        if line.section is not Section.PROCESS:
            counting = _ALL if worth else _OF_EMPLOYER
        if len(line.text) <= LINE_CHARACTERS:
            yield Piece(line.start, line.end, counting, worth, why, heading)
            continue
        for start, end in _sentences(line.text):
            yield Piece(line.start + start, line.start + end, counting, worth, why, heading)


@read_once
def _sentences(line: str) -> tuple[tuple[int, int], ...]:
    """Return the spans of a line's sentences."""
    spans = []
    start = 0
    for gap in (*_SENTENCE_END.finditer(line), None):
        end = gap.start() if gap else len(line)
        while end - start > PIECE_CHARACTERS:
            cut = line.rfind(" ", start + 1, start + PIECE_CHARACTERS)
            cut = cut if cut > 0 else start + PIECE_CHARACTERS
            spans.append((start, cut))
            start = cut
        if line[start:end].strip():
            spans.append((start, end))
        start = gap.end() if gap else end
    return tuple(spans)
