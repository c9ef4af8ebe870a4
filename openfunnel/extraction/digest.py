"""What a model is shown of a posting: the pieces worth their tokens, verbatim and in their order.

Pieces are taken by worth for their length until the budget is used up, or none is left that is
worth its length; of equal ones the earlier comes first. A heading comes with the first piece shown
below it. Where the rules have found something the text is shown, whatever its section; of company,
benefits and small print, and of what repeats over a board, little else is. Evidence is looked for
in the whole text all the same.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

from openfunnel.extraction.boilerplate import Boilerplate
from openfunnel.extraction.pieces import Piece, divide_by_worth
from openfunnel.extraction.prompt import TEXT_BYTES, shown_bytes
from openfunnel.extraction.rules import TEXT_CHARACTERS
from openfunnel.extraction.sections import Line
from openfunnel.records import Extraction, LeftOut, Omission, PostingText

PIECE_CHARACTERS = 44
"""Added to the length of a piece when it is compared with others: a short one is not much use."""
LEAST_DENSITY = 0.017
"""Worth for a character below which a piece is not shown though there is room. One such bar for all
postings finds more than one budget for all: texts differ in how much they have to tell."""
FILLED_SHARE = 0.2
"""Up to this share of the budget pieces are shown whatever their density: texts of a language whose
headings and skills nobody knows have no dense ones."""


@dataclass(frozen=True)
class Digest:
    """What is shown of a posting's text, and what is not."""

    text: str
    left_out: tuple[LeftOut, ...]


def digest(
    posting: PostingText,
    lines: Sequence[Line],
    stated: Extraction,
    boilerplate: Boilerplate,
    estimate: Callable[[str], int],
    most_tokens: int,
) -> Digest:
    """Return what a model is shown of `posting`, at most `most_tokens` by `estimate`.

    `lines` are those of its text, as far as the rules read it; `stated` is what they find there.
    """
    text = posting.text[:TEXT_CHARACTERS]
    pieces = divide_by_worth(lines, posting.company_name, stated, boilerplate)
    _choose(pieces, text, estimate, most_tokens)
    shown = "\n".join(text[start:end] for start, end in _spans(pieces, text))
    left_out = list(_left_out(pieces))
    if len(posting.text) > len(text):
        rest = LeftOut(start=len(text), end=len(posting.text), why=Omission.BUDGET)
        left_out.append(rest)
    return Digest(shown, tuple(left_out))


def _choose(
    pieces: list[Piece], text: str, estimate: Callable[[str], int], most_tokens: int
) -> None:
    """Mark the pieces that are shown."""
    tokens, size = most_tokens, TEXT_BYTES
    filled = most_tokens * (1 - FILLED_SHARE)
    ranked = [(_density(piece), piece) for piece in pieces if piece.worth]
    ranked.sort(key=itemgetter(0), reverse=True)
    for density, piece in ranked:
        if tokens < filled and density < LEAST_DENSITY:
            piece.why = Omission.BUDGET
            continue
        heading = piece.heading if piece.heading and not piece.heading.shown else None
        new = [text[one.start : one.end] for one in (heading, piece) if one]
        tokens_left = tokens - sum(estimate(one) + 1 for one in new)  # a line break, and rounding
        size_left = size - sum(shown_bytes(one) + 2 for one in new)
        if tokens_left < 0 or size_left < 0:
            piece.why = Omission.BUDGET
            continue
        tokens, size = tokens_left, size_left
        piece.shown = True
        if heading:
            heading.shown = True


def _density(piece: Piece) -> float:
    return piece.worth / (piece.end - piece.start + PIECE_CHARACTERS)


def _spans(pieces: list[Piece], text: str) -> list[tuple[int, int]]:
    """Return the spans that are shown, as one where nothing but space is between two."""
    spans: list[tuple[int, int]] = []
    for piece in pieces:
        if not piece.shown:
            continue
        if spans and not text[spans[-1][1] : piece.start].strip():
            spans[-1] = spans[-1][0], piece.end
        else:
            spans.append((piece.start, piece.end))
    return spans


def _left_out(pieces: list[Piece]) -> Iterator[LeftOut]:
    """Return what is between the spans, neighbours of one reason as one."""
    run: list[Piece] = []
    for piece in pieces:
        if run and (piece.shown or piece.why is not run[0].why):
            yield LeftOut(start=run[0].start, end=run[-1].end, why=run[0].why)
            run = []
        if not piece.shown:
            run.append(piece)
    if run:
        yield LeftOut(start=run[0].start, end=run[-1].end, why=run[0].why)
