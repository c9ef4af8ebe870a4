"""`openfunnel dlq`: the dead letters, to look into, to try again, and to be done with."""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from openfunnel.cli.terminal import printable
from openfunnel.errors import NotFound, RetryRefused
from openfunnel.settings import Settings

if TYPE_CHECKING:
    from openfunnel.store.database import Database
    from openfunnel.store.dead_letters import StoredLetter

PAGE = 500
LARGEST_ID = 2**63 - 1

dlq = typer.Typer(help="The dead letters: work that was given up on.", no_args_is_help=True)


class Kind(StrEnum):
    """What a dead letter is about."""

    CRAWL = "crawl"
    EXTRACT = "extract"
    ENTRY = "entry"


Ids = Annotated[
    list[int] | None,
    typer.Argument(metavar="ID", min=1, max=LARGEST_ID, help="Numbers of letters."),
]
Every = Annotated[bool, typer.Option("--all", help="All letters, of --kind and --reason if set.")]
OfKind = Annotated[Kind | None, typer.Option(help="Only letters of this kind.")]
OfReason = Annotated[str | None, typer.Option(help="Only letters with this reason.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(dlq, name="dlq")


@dlq.command("list")
def list_letters(
    kind: OfKind = None,
    reason: OfReason = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many letters.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List letters, the oldest first, and count all of them by reason."""
    from openfunnel.store.dead_letters import count_dead_letters, list_dead_letters

    with _database() as database, database.begin() as session:
        letters = list_dead_letters(session, kind, reason, limit)
        counts = count_dead_letters(session)
    if as_json:
        typer.echo(json.dumps([_plain(letter) for letter in letters], indent=2))
        return
    console = Console()
    if letters:
        console.print(_table(letters))
    for one in counts:
        console.print(Text(f"{one.letters} {one.kind}: {printable(one.reason)}"))
    if not counts:
        console.print("No dead letters")


@dlq.command()
def show(
    letter_id: Annotated[
        int, typer.Argument(metavar="ID", min=1, max=LARGEST_ID, help="Its number.")
    ],
) -> None:
    """Show a letter with all it holds, as JSON."""
    from openfunnel.store.dead_letters import get_dead_letter

    with _database() as database, database.begin() as session:
        letter = get_dead_letter(session, letter_id)
    if letter is None:
        raise NotFound(kind="dead letter", key=letter_id)
    typer.echo(json.dumps(_plain(letter), indent=2))


@dlq.command()
def retry(
    ids: Ids = None, every: Every = False, kind: OfKind = None, reason: OfReason = None
) -> None:
    """Put back to work what letters gave up on; they are deleted."""
    choice = _choose(ids, every, kind, reason)
    settings = Settings.load()
    with _database(settings) as database:
        done, failed = asyncio.run(_retry(settings, database, choice.read(database)))
    _conclude(f"Retried: {done}", failed)


@dlq.command()
def drop(
    ids: Ids = None, every: Every = False, kind: OfKind = None, reason: OfReason = None
) -> None:
    """Delete letters; what they gave up on stays as it is."""
    from openfunnel.store.dead_letters import delete_dead_letters, get_dead_letter

    choice = _choose(ids, every, kind, reason)
    with _database() as database:
        chosen = choice.read(database)
        with database.begin() as session:
            missing = [one for one in choice.ids if get_dead_letter(session, one) is None]
            done = delete_dead_letters(session, chosen)
    _conclude(f"Dropped: {done}", [NotFound(kind="dead letter", key=one) for one in missing])


async def _retry(
    settings: Settings, database: "Database", chosen: Sequence[int]
) -> tuple[int, list[NotFound | RetryRefused]]:
    from openfunnel.intake import Intake
    from openfunnel.queue.connection import connect
    from openfunnel.queue.redis_leases import RedisLeaseQueue
    from openfunnel.queue.start_lists import StartLists
    from openfunnel.revival import Revival
    from openfunnel.store.dead_letters import get_dead_letter

    def read(letter_id: int) -> "StoredLetter":
        with database.begin() as session:
            letter = get_dead_letter(session, letter_id)
        if letter is None:
            raise NotFound(kind="dead letter", key=letter_id)
        return letter

    failed: list[NotFound | RetryRefused] = []
    redis = await connect(settings)
    try:
        start_lists = StartLists(redis)
        intake = Intake(database, start_lists, settings)
        revival = Revival(database, intake, start_lists, RedisLeaseQueue(redis, "extract"))
        for letter_id in chosen:
            try:
                await revival.retry(await asyncio.to_thread(read, letter_id))
            except (NotFound, RetryRefused) as error:
                failed.append(error)
    finally:
        await redis.aclose()
    return len(chosen) - len(failed), failed


@dataclass(frozen=True)
class Choice:
    """Which letters are meant."""

    ids: tuple[int, ...]
    """By their numbers; none: all of the kind and reason."""
    kind: Kind | None
    reason: str | None

    def read(self, database: "Database") -> list[int]:
        """Numbers of the letters, as of now: a retry may well write new ones."""
        from openfunnel.store.dead_letters import list_dead_letters

        if self.ids:
            return list(self.ids)
        found: list[int] = []
        with database.begin() as session:
            last = 0
            while page := list_dead_letters(session, self.kind, self.reason, PAGE, last):
                found += [letter.id for letter in page]
                last = found[-1]
        return found


def _choose(
    ids: Sequence[int] | None, every: bool, kind: Kind | None, reason: str | None
) -> Choice:
    if bool(ids) == every:
        raise typer.BadParameter("name letters by their numbers, or --all")
    if ids and (kind or reason):
        raise typer.BadParameter("--kind and --reason go with --all")
    return Choice(tuple(dict.fromkeys(ids or ())), kind, reason)


def _conclude(done: str, failed: Sequence[Exception]) -> None:
    typer.echo(done)
    for error in failed:
        typer.echo(f"openfunnel: {error}", err=True)
    sys.exit(1 if failed else 0)


@contextmanager
def _database(settings: Settings | None = None) -> "Iterator[Database]":
    from openfunnel.store.database import open_database

    with open_database(settings or Settings.load()) as database:
        yield database


def _table(letters: "Sequence[StoredLetter]") -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("id", justify="right", no_wrap=True)
    for heading in ("kind", "key", "reason"):
        table.add_column(heading, overflow="fold")
    table.add_column("tries", justify="right", no_wrap=True)
    table.add_column("since", no_wrap=True)
    table.add_column("last error")
    for letter in letters:
        written = f"{letter.created_at:%Y-%m-%d %H:%M}"
        words = str(letter.id), letter.kind, letter.key, letter.reason, str(letter.attempts)
        # It gives way to the others: a column that must not wrap would take their place.
        error = Text(printable(letter.last_error), no_wrap=True, overflow="ellipsis")
        table.add_row(*(Text(printable(one)) for one in (*words, written)), error)
    return table


def _plain(letter: "StoredLetter") -> Any:
    from pydantic import TypeAdapter

    from openfunnel.store.dead_letters import StoredLetter

    return TypeAdapter(StoredLetter).dump_python(letter, mode="json")
