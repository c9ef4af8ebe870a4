"""`openfunnel eval`: how well an extractor reads postings that a person has labelled."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from openfunnel.normalize.text import one_line
from openfunnel.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from openfunnel.evaluation.comparison import Miss
    from openfunnel.evaluation.gold import GoldSet
    from openfunnel.evaluation.predictions import Prediction
    from openfunnel.evaluation.report import Figures, Report

AT_ONCE = 4
"""Postings in work: what a model's server with four slots keeps busy with."""
PIPED_WIDTH = 110
"""Columns of the tables where no terminal says how wide it is."""

_HEADINGS = {
    "role_function": "role",
    "seniority": "level",
    "employment_type": "type",
    "workplace": "place",
    "years_experience_min": "years",
    "compensation": "pay",
    "locations": "where",
    "technologies": "tech",
    "skills_by_overlap": "skills",
    "initiatives": "init.",
}
"""Of the table by board, which is to fit a terminal; of skills it shows the overlap alone."""


class ExtractorName(StrEnum):
    """What may be evaluated."""

    AUTO = "auto"
    RULES = "rules"
    OLLAMA = "ollama"
    OPENAI = "openai"


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("eval")(evaluate)


def evaluate(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="A gold set: labels.json and postings.json.",
        ),
    ],
    extractor: Annotated[
        ExtractorName | None, typer.Option(help="In place of OPENFUNNEL_EXTRACTOR.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    errors: Annotated[bool, typer.Option(help="List every miss with its words.")] = False,
    predictions: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write what was found here, in the form of labels.json."),
    ] = None,
) -> None:
    """Measure an extractor against a gold set: precision, recall and F1 of each field."""
    from openfunnel.evaluation.gold import read_gold

    if predictions and not predictions.parent.is_dir():
        raise typer.BadParameter(f"{predictions.parent} is no folder", param_hint="--predictions")
    settings = Settings.load(extractor=extractor.value) if extractor else Settings.load()
    report, found = asyncio.run(_evaluate(settings, read_gold(folder)))
    if predictions:
        _write(predictions, found)
    if as_json:
        typer.echo(report.model_dump_json(indent=2, exclude=None if errors else {"misses"}))
        return
    _print(report)
    if errors:
        for line in _misses(report):
            typer.echo(line)


async def _evaluate(settings: Settings, gold: "GoldSet") -> tuple["Report", Sequence["Prediction"]]:
    from openfunnel.evaluation.predictions import predict
    from openfunnel.evaluation.report import make_report
    from openfunnel.extraction.contract import label
    from openfunnel.extraction.router import choose
    from openfunnel.extraction.usage import Meter

    choice = await choose(settings, None, Meter(), slots=AT_ONCE)
    typer.echo(choice.reason, err=True)
    extractor = choice.extractor
    try:
        with _progress(len(gold.postings)) as show:
            found, failed = await predict(gold.postings, extractor, at_once=AT_ONCE, show=show)
    finally:
        await extractor.close()
    return make_report(label(extractor), found, (*gold.missing, *failed)), found


@contextmanager
def _progress(total: int) -> Iterator["Callable[[], None]"]:
    """Show on a terminal how many postings are done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = TextColumn("extracting"), BarColumn(), MofNCompleteColumn()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


def _write(file: Path, predictions: Sequence["Prediction"]) -> None:
    from openfunnel.evaluation.labels import as_json

    labels = [as_json(one.label) for one in predictions]
    file.write_text(json.dumps(labels, indent=1, ensure_ascii=False) + "\n", "utf-8")


# --- for people ---------------------------------------------------------------------------------


def _print(report: "Report") -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPED_WIDTH)
    overall, missing = report.overall, report.missing
    said_by = ", ".join(f"{count} by {name}" for name, count in report.said_by.items())
    console.print(Text(f"{overall.postings} labelled postings read: {said_by or 'by nobody'}"))
    if missing:
        reasons = Counter(one_line(one.reason) for one in missing).most_common()
        shown = "; ".join(f"{count}: {reason}" for reason, count in reasons)
        console.print(Text(f"{len(missing)} missing, in no figure below ({shown})"))
    console.print(_fields(overall), _boards(report))
    matched = overall.fields["technologies"].matched
    console.print(
        f"\nStance: right on {_figure(overall.stance_accuracy)} of {matched} technologies in both. "
        f"Evidence: {_figure(overall.evidence_verbatim)} of it stands verbatim in the posting."
    )


def _fields(figures: "Figures") -> Table:
    table = Table(title="\nBy field", title_justify="left", box=None, pad_edge=False)
    table.add_column("field")
    for heading in ("accuracy", "precision", "recall", "F1", "labelled", "found", "in both"):
        table.add_column(heading, justify="right")
    for name, field in figures.fields.items():
        table.add_row(
            name,
            *map(_figure, (field.accuracy, field.precision, field.recall, field.f1)),
            *map(str, (field.wanted, field.found, field.matched)),
        )
    return table


def _boards(report: "Report") -> Table:
    title = "\nBy board: accuracy, of lists F1"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 0, 0, 1))
    table.add_column("board", overflow="fold")
    for heading in ("n", *_HEADINGS.values(), "stance"):
        table.add_column(heading, justify="right", no_wrap=True)
    for board, figures in report.boards.items():
        fields = (figures.fields[name] for name in _HEADINGS)
        headline = (one.f1 if one.accuracy is None else one.accuracy for one in fields)
        cells = (_short(one) for one in (*headline, figures.stance_accuracy))
        table.add_row(Text(one_line(board)), str(figures.postings), *cells)
    return table


def _misses(report: "Report") -> Iterator[str]:
    for one in report.missing:
        yield f"\n{one_line(one.id)}: missing, {one_line(one.reason)}"
    for posting in report.misses:
        yield f"\n{one_line(posting.id)} ({posting.title})"
        for miss in posting.misses:
            quote = f' — "{text}"' if (text := one_line(miss.text)) else ""
            yield f"  {miss.field}: {one_line(_difference(miss))}{quote}"


def _difference(miss: "Miss") -> str:
    if miss.wanted is None:
        return f"{miss.found} is too much"
    if miss.found is None:
        return f"{miss.wanted} is missing"
    return f"{miss.found}, should be {miss.wanted}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
