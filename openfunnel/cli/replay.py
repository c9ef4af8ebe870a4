"""`openfunnel replay`: extract stored postings again, and show what they say differently."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from openfunnel.cli.eval import ExtractorName
from openfunnel.cli.roles import stop_event
from openfunnel.cli.terminal import printable
from openfunnel.errors import InvalidQuery
from openfunnel.settings import Settings

if TYPE_CHECKING:
    from openfunnel.extraction.replay_journal import Plan
    from openfunnel.extraction.replay_report import ReplayReport
    from openfunnel.store.replays import ReplayFilter

MOST_SHOWN = 12
"""Rows of one field."""
LONGEST_WORD = 40

_FIELDS = (
    "role_function",
    "seniority",
    "employment_type",
    "workplace",
    "locations",
    "compensation",
    "years_experience_min",
    "technologies",
    "skills",
    "stance",
    "initiatives",
    "summary",
)


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(replay)


def replay(
    extractor: Annotated[
        ExtractorName | None, typer.Option(help="Who extracts; else as OPENFUNNEL_EXTRACTOR says.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Only postings of which this is so; repeatable."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many postings.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and store nothing of it.")
    ] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="Begin at the first posting, not where it was stopped.")
    ] = False,
    concurrency: Annotated[int, typer.Option(min=1, help="Postings in work at a time.")] = 4,
) -> None:
    """Extract stored postings again, from their stored text, and show what changes.

    A replay that was stopped goes on with the same command. Models are not asked again what they
    have answered. KEY is one of ats, company_name, status, extractor, prompt_version (older than),
    role_function, max_confidence, failure.
    """
    from openfunnel.extraction.replay_journal import RULES, Plan

    filters = _filters(where or ())
    settings = Settings.load()
    if extractor is not None:
        settings = settings.model_copy(update={"extractor": extractor.value})
    plan = Plan(filters, limit, rules_replace_models=settings.extractor == RULES, dry_run=dry_run)
    report, done = asyncio.run(_replay(settings, plan, anew, concurrency))
    Console().print(render(report))
    if not done:
        again = "nothing of it is stored" if dry_run else "the same command goes on from here"
        typer.echo(f"openfunnel: stopped after {report.postings} postings; {again}", err=True)
    elif dry_run:
        typer.echo("A dry run: nothing of it is stored")
    sys.exit(0 if done and not report.failed else 1)


def render(report: "ReplayReport") -> RenderableType:
    """Lay a replay's report out for a terminal."""
    counts = {
        "the same": report.same,
        "changed": report.changed,
        "new": report.new,
        "kept (only rules were to be had)": report.kept,
        "failed": report.failed,
        "overtaken": report.outrun,
    }
    usual = ("the same", "changed", "failed")
    told = [f"{count:,} {name}" for name, count in counts.items() if count or name in usual]
    return Group(
        *_changes(report),
        *(Text(f"Failed, {count:,}: {printable(reason)}") for reason, count in _failures(report)),
        Text(f"{report.postings:,} postings: {', '.join(told)}"),
        Text(
            f"Models: {report.calls:,} calls, {report.cache_hits:,} answers known, "
            f"{report.tokens_in:,} tokens in, {report.tokens_out:,} out"
        ),
    )


async def _replay(
    settings: Settings, plan: "Plan", anew: bool, concurrency: int
) -> "tuple[ReplayReport, bool]":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from openfunnel.extraction.replay import Replay
    from openfunnel.extraction.router import choose
    from openfunnel.extraction.usage import Meter
    from openfunnel.store.database import open_database

    console = Console(stderr=True)
    columns = TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    meter = Meter()
    with open_database(settings) as database:
        choice = await choose(settings, database, meter, slots=concurrency)
        try:
            typer.echo(choice.reason, err=True)
            replay = Replay(database, choice.extractor, meter, plan, slots=concurrency)
            if begun := await replay.begin(anew):
                typer.echo(
                    f"Going on behind posting {begun.after_id}: {begun.postings} postings are done "
                    f"since {begun.created_at:%Y-%m-%d %H:%M} (--anew begins at the first)",
                    err=True,
                )
            with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
                task = bar.add_task("", total=plan.limit, completed=replay.report.postings)
                done = await replay.run(
                    stop_event(), lambda report: bar.update(task, completed=report.postings)
                )
        finally:
            await choice.extractor.close()
    return replay.report, done


def _filters(conditions: Sequence[str]) -> "ReplayFilter":
    from pydantic import TypeAdapter, ValidationError

    from openfunnel.store.replays import ReplayFilter

    values: dict[str, str] = {}
    for condition in conditions:
        key, equals, value = condition.partition("=")
        if not equals or key not in ReplayFilter.__dataclass_fields__:
            known = ", ".join(ReplayFilter.__dataclass_fields__)
            raise typer.BadParameter(f"{condition!r} is no KEY=VALUE with one of {known}")
        if key in values:
            raise typer.BadParameter(f"{key} is named twice")
        values[key] = value
    try:
        return TypeAdapter(ReplayFilter).validate_python(values)
    except InvalidQuery as error:
        raise typer.BadParameter(str(error)) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise typer.BadParameter(f"{first['loc'][0]}: {first['msg']}") from None


def _changes(report: "ReplayReport") -> Iterator[RenderableType]:
    if not report.changes:
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("field", "before", "after"):
        table.add_column(heading, overflow="fold")
    table.add_column("postings", justify="right", no_wrap=True)
    for field in _FIELDS:
        changes = [one for one in report.changes if one.field == field]
        for one in changes[:MOST_SHOWN]:
            table.add_row(field, _word(one.before), _word(one.after), f"{one.postings:,}")
        others = sum(one.postings for one in changes[MOST_SHOWN:])
        others += report.more_changes.get(field, 0)
        if others:
            table.add_row(field, Text("and other changes", style="dim"), "", f"{others:,}")
    yield table
    yield ""


def _failures(report: "ReplayReport") -> list[tuple[str, int]]:
    return list(report.failures.items())[:MOST_SHOWN]


def _word(value: str | None) -> Text:
    if value is None:
        return Text("-", style="dim")
    short = value if len(value) <= LONGEST_WORD else value[: LONGEST_WORD - 1] + "…"
    return Text(printable(short))
