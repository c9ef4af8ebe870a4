"""Commands that put boards on the frontier."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from openfunnel.cli.crew import Crew, crawler
from openfunnel.errors import AddressRefused
from openfunnel.settings import Settings

if TYPE_CHECKING:
    from openfunnel.intake import Intake, Queued
    from openfunnel.store.database import Database

IDLE_SECONDS = 3


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(crawl)
    app.command()(seed)


def crawl(
    targets: Annotated[
        list[str] | None,
        typer.Argument(help="Boards (greenhouse:stripe, lever:plaid) or their addresses."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file with a target a line.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every active board of the store.")] = False,
    due: Annotated[bool, typer.Option("--due", help="The boards whose next crawl is due.")] = False,
    wait: Annotated[bool, typer.Option(help="Crawl here until they are done.")] = False,
) -> None:
    """Put boards on the frontier."""
    lines = list(targets or [])
    if file is not None:
        lines += _lines(file)
    if not (lines or every or due):
        raise typer.BadParameter("name at least one board, or --all or --due")
    settings = Settings.load()
    queued, refused = asyncio.run(_crawl(settings, lines, every, due))
    for line in refused:
        typer.echo(f"openfunnel: {line}", err=True)
    postings = f", {len(queued.posting_ids)} postings" if queued.posting_ids else ""
    typer.echo(f"Queued: {len(queued.board_ids)} boards{postings}")
    done = watch(settings, queued) if wait else True
    sys.exit(0 if done and not refused else 1)


def seed(
    ats: Annotated[str | None, typer.Option(help="Only boards of this source.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many boards.")] = None,
) -> None:
    """Put the shipped list of known boards into the store and on the frontier."""
    queued = asyncio.run(_seed(Settings.load(), ats, limit))
    typer.echo(f"Queued: {len(queued.board_ids)} boards; `openfunnel up` crawls them")


def watch(settings: Settings, queued: "Queued") -> bool:
    """Crawl until this is done, under a progress bar; False if a part of it is not."""
    from openfunnel.store.boards import board_progress, failed_boards
    from openfunnel.store.database import open_database
    from openfunnel.store.queries import unfetched_postings

    columns = TextColumn("crawling"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with open_database(settings) as database, Crew(settings) as crew:
        with Progress(*columns) as bar:
            task = bar.add_task("", total=len(queued.board_ids) + len(queued.posting_ids))
            for source in sorted(queued.sources):
                crew.start(f"crawl-{source}", crawler(source, "-a", f"idle={IDLE_SECONDS}"))
            for _ in crew.until_stopped():
                with database.begin() as session:
                    boards = board_progress(session, queued.board_ids)
                    missing = unfetched_postings(session, queued.posting_ids)
                fetched = len(queued.posting_ids) - len(missing)
                bar.update(task, completed=boards.done + boards.failed + fetched)
                # A posting that was known before says nothing; the crawlers end when all is done.
                if not crew.alive() or not (boards.pending or queued.posting_ids):
                    break
        with database.begin() as session:
            failed = failed_boards(session, queued.board_ids)
            missing = unfetched_postings(session, queued.posting_ids)
            pending = board_progress(session, queued.board_ids).pending
        for board in failed:
            typer.echo(f"{board.ref}: {board.failure} ({board.detail})", err=True)
        for posting in missing:
            typer.echo(f"{posting.canonical_url}: {posting.failure or 'not fetched'}", err=True)
        if pending:
            typer.echo(f"{pending} boards are not done; the logs are in {crew.logs}", err=True)
    return not (failed or missing or pending)


def _lines(file: Path) -> list[str]:
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is not UTF-8 text") from None
    return [stripped for line in text.splitlines() if (stripped := line.strip())]


@asynccontextmanager
async def _intake(settings: Settings) -> "AsyncIterator[tuple[Intake, Database]]":
    from openfunnel.intake import Intake
    from openfunnel.queue.connection import connect
    from openfunnel.queue.start_lists import StartLists
    from openfunnel.store.database import open_database

    database = open_database(settings)
    redis = await connect(settings)
    try:
        yield Intake(database, StartLists(redis), settings), database
    finally:
        await redis.aclose()
        database.close()


async def _crawl(
    settings: Settings, lines: Sequence[str], every: bool, due: bool
) -> "tuple[Queued, list[AddressRefused]]":
    from openfunnel.clock import utc_now
    from openfunnel.intake import Queued
    from openfunnel.scheduling import queue_due
    from openfunnel.sources.addresses import locate

    addresses, refused = [], []
    for line in lines:
        try:
            addresses.append(locate(line, settings))
        except AddressRefused as error:
            refused.append(error)
    async with _intake(settings) as (intake, database):
        if every:
            addresses += await intake.active()
        queued = await intake.queue(list(dict.fromkeys(addresses)))
        if due:
            more = await queue_due(database, intake, utc_now())
            boards = queued.board_ids + more.board_ids
            queued = Queued(boards, queued.posting_ids, queued.sources | more.sources)
        return queued, refused


async def _seed(settings: Settings, ats: str | None, limit: int | None) -> "Queued":
    from openfunnel.sources import SOURCES
    from openfunnel.sources.starter import starter_boards

    if ats is not None and ats not in SOURCES:
        raise typer.BadParameter(f"no source {ats}; there are {', '.join(SOURCES)}")
    boards = [board for board in starter_boards() if ats in (None, board.ref.ats)][:limit]
    async with _intake(settings) as (intake, _):
        return await intake.seed(boards)
