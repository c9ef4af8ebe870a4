"""`openfunnel skills`: the taxonomy, what models would add to it, and what you add."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from openfunnel.cli.terminal import printable
from openfunnel.settings import Settings

if TYPE_CHECKING:
    from openfunnel.store.candidates import Candidate

skills = typer.Typer(
    help="The taxonomy of technologies and skills, and names it does not have.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(skills, name="skills")


@skills.command()
def candidates(
    limit: Annotated[int, typer.Option(min=1, help="At most so many names.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List names that models found and the taxonomy does not know, the most frequent first."""
    from openfunnel.store.candidates import list_candidates
    from openfunnel.store.database import open_database

    settings = Settings.load()
    _include(settings)
    with open_database(settings) as database, database.begin() as session:
        found = list_candidates(session, limit)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=2))
    elif found:
        Console().print(_table(found))
    else:
        typer.echo("No candidates")


@skills.command()
def add(
    name: Annotated[str, typer.Argument(help="Its name, as people write it.")],
    category: Annotated[str, typer.Option(help="`skill`, or a category of technologies.")],
    alias: Annotated[list[str] | None, typer.Option(help="Another spelling.")] = None,
) -> None:
    """Make a name known, beside the taxonomy's own: a line of a file in OPENFUNNEL_HOME.

    Processes read it when they start; `openfunnel replay` applies it to what is stored.
    """
    from openfunnel.normalize.taxonomy import additions

    folder = _include(Settings.load())
    file = additions.add(folder, name, category, alias or ())
    typer.echo(f"Added to {file}")


def _include(settings: Settings) -> Path:
    from openfunnel.normalize import taxonomy

    taxonomy.include(settings.taxonomy_folder)
    return settings.taxonomy_folder


def _table(found: "list[Candidate]") -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("postings", justify="right")
    for heading in ("name", "category", "evidence"):
        table.add_column(heading, overflow="fold")
    for one in found:
        words = (str(one.postings), one.name, one.category, one.evidence)
        table.add_row(*(Text(printable(word)) for word in words))
    return table
