"""The figures of an evaluation, overall and by board, as a record that prints as JSON."""

from collections import Counter
from collections.abc import Sequence

from openfunnel.evaluation.comparison import EVIDENCE, SETS, SINGLES, STANCE, Miss, compare
from openfunnel.evaluation.gold import Missing
from openfunnel.evaluation.predictions import Prediction
from openfunnel.evaluation.scores import Overlap, Score
from openfunnel.records import Record

DIGITS = 4


class FieldFigures(Record):
    """How well one field is read; None where there is nothing to tell it by."""

    accuracy: float | None
    """Share of postings with the right value, or rightly none; None for lists."""
    precision: float | None
    recall: float | None
    f1: float | None
    wanted: int
    """Values that the labels have."""
    found: int
    matched: int
    """Values in both."""


class Figures(Record):
    """How well some postings are read."""

    postings: int
    fields: dict[str, FieldFigures]
    stance_accuracy: float | None
    """Of the technologies that were found and are in the labels."""
    evidence_verbatim: float | None
    """Of the quotes of technologies, skills and initiatives found."""


class PostingMisses(Record):
    """What was missed in one posting."""

    id: str
    board: str
    title: str
    misses: tuple[Miss, ...]


class Report(Record):
    """What `openfunnel eval` found out."""

    extractor: str
    """As it was asked for: `rules`, or `ollama:MODEL`."""
    version: str
    """Of its prompt, or of the rules."""
    said_by: dict[str, int]
    """Compared postings by who in fact said what they state: a model's extractor leaves some of
    them to the rules."""
    missing: tuple[Missing, ...]
    """Postings that are not compared."""
    overall: Figures
    boards: dict[str, Figures]
    misses: tuple[PostingMisses, ...] = ()


def make_report(
    extractor: str, predictions: Sequence[Prediction], missing: Sequence[Missing]
) -> Report:
    """Compare predictions with the labels of their postings, those without one left out."""
    boards: dict[str, Score] = {}
    misses = []
    labelled = [one for one in predictions if one.gold.label is not None]
    for one in labelled:
        assert one.gold.label is not None
        posting, board = one.gold.posting, str(one.gold.board)
        compared = compare(one.gold.label, one.label, (posting.title, posting.text), one.quotes)
        boards[board] = boards.get(board, Score()) + compared.score
        if compared.misses:
            misses.append(
                PostingMisses(
                    id=one.gold.id, board=board, title=posting.title, misses=compared.misses
                )
            )
    return Report(
        extractor=extractor,
        version=next((one.version for one in predictions if one.said_by == extractor), ""),
        said_by=dict(Counter(one.said_by for one in labelled).most_common()),
        missing=tuple(missing),
        overall=_figures(sum(boards.values(), Score())),
        boards={board: _figures(boards[board]) for board in sorted(boards)},
        misses=tuple(misses),
    )


def _figures(score: Score) -> Figures:
    return Figures(
        postings=score.postings,
        fields={name: _field(score, name) for name in (*SINGLES, *SETS)},
        stance_accuracy=_share(score, STANCE),
        evidence_verbatim=_share(score, EVIDENCE),
    )


def _field(score: Score, name: str) -> FieldFigures:
    overlap = score.overlaps.get(name, Overlap())
    return FieldFigures(
        accuracy=_share(score, name),
        precision=_rounded(overlap.precision),
        recall=_rounded(overlap.recall),
        f1=_rounded(overlap.f1),
        wanted=overlap.wanted,
        found=overlap.found,
        matched=overlap.matched,
    )


def _share(score: Score, name: str) -> float | None:
    return _rounded(score.shares[name].value) if name in score.shares else None


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, DIGITS)
