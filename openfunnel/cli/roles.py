"""Commands that run a role: api, extract, reap, sandbox, and all of them at once."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from openfunnel.cli.crew import Crew, crawler, python, role
from openfunnel.cli.ports import check_port
from openfunnel.settings import PROJECT_ROOT, Settings

if TYPE_CHECKING:
    from openfunnel.queue.leases import LeaseQueue

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")]

REAP_SECONDS = 10.0


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (up, api, extract, reap, sandbox):
        app.command()(command)


def prepare(settings: Settings) -> None:
    """Make sure that PostgreSQL and Redis answer and that the schema is there.

    Raises:
        SetupError: they do not; the message says what to do.
    """
    from openfunnel.queue.connection import connect
    from openfunnel.store.database import open_database

    async def reach_redis() -> None:
        await (await connect(settings)).aclose()

    open_database(settings).close()
    asyncio.run(reach_redis())


def up(
    crawlers: Annotated[int, typer.Option(min=0, help="Crawler processes for each source.")] = 1,
    extractors: Annotated[int, typer.Option(min=0, help="Extraction workers.")] = 1,
    host: Host = "127.0.0.1",
    port: Port = 8000,
) -> None:
    """Run everything on this machine: crawlers, extractors, reaper, scheduler and API."""
    from openfunnel.sources import SOURCES

    settings = Settings.load()
    check_port(host, port)
    prepare(settings)
    asyncio.run(check_extractor(settings))
    with Crew(settings) as crew:
        for number in range(1, crawlers + 1):
            for source in SOURCES:
                crew.start(f"crawler-{source}-{number}", crawler(source))
        for number in range(1, extractors + 1):
            crew.start(f"extractor-{number}", role("extract"))
        crew.start("reaper", role("reap"))
        crew.start("scheduler", role("schedule"))
        crew.start("api", role("api", "--host", host, "--port", str(port)))
        typer.echo(f"{len(crew.members)} processes run; their logs are in {crew.logs}")
        typer.echo(f"API: http://{host}:{port}/docs (Ctrl-C stops everything)")
        for _ in crew.until_stopped():
            crew.tend()
        typer.echo("Stopping")


def api(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve search and analytics over HTTP."""
    prepare(Settings.load())
    check_port(host, port)
    arguments = ["--host", host, "--port", str(port), "--no-access-log", "--log-level", "warning"]
    os.chdir(PROJECT_ROOT)
    os.execv(sys.executable, python("-m", "uvicorn", "api.app:app", *arguments))  # noqa: S606


def extract(
    concurrency: Annotated[int, typer.Option(min=1, help="Postings in work at a time.")] = 4,
    drain: Annotated[bool, typer.Option(help="Exit when nothing is left to extract.")] = False,
) -> None:
    """Turn the text of fetched postings into fields."""
    asyncio.run(_extract(Settings.load(), concurrency, drain))


async def check_extractor(settings: Settings) -> None:
    """Raise what every extractor would: a model is asked for and not there."""
    from openfunnel.extraction.router import choose
    from openfunnel.extraction.usage import Meter

    choice = await choose(settings, None, Meter(), slots=1)
    typer.echo(choice.reason)
    await choice.extractor.close()


async def _extract(settings: Settings, concurrency: int, drain: bool) -> None:
    from openfunnel.collector import relax
    from openfunnel.extraction.pace import Pace
    from openfunnel.extraction.router import choose
    from openfunnel.extraction.usage import Meter
    from openfunnel.extraction.worker import Worker
    from openfunnel.queue.connection import connect
    from openfunnel.queue.presence import PresenceBoard
    from openfunnel.queue.redis_leases import RedisLeaseQueue
    from openfunnel.store.database import open_database

    database = open_database(settings)
    redis = await connect(settings)
    meter = Meter()
    choice = await choose(settings, database, meter, slots=concurrency)
    typer.echo(choice.reason, err=True)
    relax()
    queue = RedisLeaseQueue(redis, "extract")
    worker = Worker(
        queue,
        database,
        choice.extractor,
        PresenceBoard(redis),
        lease_seconds=settings.lease_seconds,
        concurrency=concurrency,
        meter=meter,
        pace=Pace.of(settings),
    )
    ended = asyncio.Event()
    shown = asyncio.create_task(_show_drain(queue, ended)) if drain else None
    try:
        await worker.run(stop_event(), drain=drain)
    finally:
        ended.set()
        if shown:
            await shown
        await choice.extractor.close()
        await redis.aclose()
        database.close()


async def _show_drain(queue: "LeaseQueue", ended: asyncio.Event) -> None:
    """Show how much is left, on a terminal, until the worker has ended."""
    from redis.exceptions import RedisError
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from openfunnel.extraction.outages import pause_for

    console = Console(stderr=True)
    columns = TextColumn("extracting"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        total, task = 0, bar.add_task("", total=None)
        while not ended.is_set():
            try:
                left = (await queue.depth()).unfinished
            except RedisError:
                left = total  # the worker says that Redis is away, and waits for it
            total = max(total, left)
            bar.update(task, total=total or None, completed=total - left)
            await pause_for(0.5, ended)


def reap(
    once: Annotated[bool, typer.Option(help="Take one turn and exit.")] = False,
) -> None:
    """Bring back what crashed workers held, and what Redis has lost."""
    asyncio.run(_reap(Settings.load(), once))


async def _reap(settings: Settings, once: bool) -> None:
    from openfunnel.extraction.reaper import Reaper
    from openfunnel.intake import Intake
    from openfunnel.lost_requests import LostRequests
    from openfunnel.queue.connection import connect
    from openfunnel.queue.presence import PresenceBoard
    from openfunnel.queue.redis_leases import RedisLeaseQueue
    from openfunnel.queue.start_lists import StartLists
    from openfunnel.store.database import open_database

    database = open_database(settings)
    redis = await connect(settings)
    intake = Intake(database, StartLists(redis), settings)
    reaper = Reaper(
        RedisLeaseQueue(redis, "extract"),
        database,
        LostRequests(database, redis, intake, settings),
        PresenceBoard(redis),
    )
    try:
        if once:
            report = await reaper.turn()
            typer.echo(
                f"{report.returned} leases returned, {report.dead} dead letters, "
                f"{report.pushed} postings and {report.boards} boards queued again"
            )
        else:
            await reaper.run(stop_event(), REAP_SECONDS)
    finally:
        await redis.aclose()
        database.close()


def sandbox(
    replay: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Serve <ats>/<token>.json.gz of a folder."),
    ] = None,
    boards: Annotated[int, typer.Option(min=1, help="Boards to invent.")] = 40,
    postings: Annotated[int, typer.Option(min=1, help="Postings on them, in all.")] = 1500,
    faults: Annotated[
        str, typer.Option(help="What goes wrong, such as 429:0.1,cut@TOKEN; see the README.")
    ] = "",
    robots: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Serve it as robots.txt.")
    ] = None,
    revision: Annotated[
        int, typer.Option(min=0, help="How often the invented boards have changed since.")
    ] = 0,
    host: Host = "127.0.0.1",
    port: Port = 9000,
    port_file: Annotated[
        Path | None, typer.Option(help="Write the port here once it listens (for --port 0).")
    ] = None,
) -> None:
    """Play the outside world: job boards and a model server, with faults on demand."""
    from openfunnel.sandbox import ollama
    from openfunnel.sandbox.boards import GeneratedWorld
    from openfunnel.sandbox.environment import sandbox_variables
    from openfunnel.sandbox.faults import parse_faults
    from openfunnel.sandbox.replay import ReplayWorld
    from openfunnel.sandbox.serve import serve
    from openfunnel.sandbox.world import World

    settings = Settings.load()
    if replay is None:
        world: World = GeneratedWorld(boards, postings, revision=revision)
    else:
        world = ReplayWorld(replay)
    wrong = parse_faults(faults)
    if port:
        for name, value in sandbox_variables(f"http://{host}:{port}").items():
            typer.echo(f"{name}={value}")
    asked = (settings.model, settings.model_large, settings.triage_model)
    models = (ollama.MODEL, *filter(None, asked))  # it stands in for whatever model is asked for
    model_server = ollama.router(wrong, models=models)
    rules = robots.read_text("utf-8", "replace") if robots else None
    serve(host, port, world, wrong, model_server, robots=rules, port_file=port_file)


def stop_event() -> asyncio.Event:
    """Return an event that SIGTERM and Ctrl-C set."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, event.set)
    return event
