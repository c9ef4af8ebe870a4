"""`openfunnel schedule`: the role that puts due boards onto the frontier."""

import asyncio
from typing import Annotated

import typer

from openfunnel.cli.roles import stop_event
from openfunnel.settings import Settings

SCHEDULE_SECONDS = 10.0


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(schedule)


def schedule(
    once: Annotated[bool, typer.Option(help="Take one turn and exit.")] = False,
) -> None:
    """Put boards on the frontier when they are due; of several schedulers one is at work."""
    asyncio.run(_schedule(Settings.load(), once))


async def _schedule(settings: Settings, once: bool) -> None:
    from openfunnel.intake import Intake
    from openfunnel.queue.connection import connect
    from openfunnel.queue.presence import PresenceBoard
    from openfunnel.queue.start_lists import StartLists
    from openfunnel.scheduling import ROLE, Scheduler
    from openfunnel.store.database import open_database
    from openfunnel.store.leadership import Leadership

    database = open_database(settings)
    redis = await connect(settings)
    intake = Intake(database, StartLists(redis), settings)
    try:
        with Leadership(database.url, ROLE) as leadership:
            scheduler = Scheduler(database, intake, PresenceBoard(redis), leadership)
            if not once:
                await scheduler.run(stop_event(), SCHEDULE_SECONDS)
            elif (queued := await scheduler.turn()) is None:
                typer.echo("Another scheduler is at work; nothing was queued")
            else:
                typer.echo(f"Queued: {queued} boards")
    finally:
        await redis.aclose()
        database.close()
