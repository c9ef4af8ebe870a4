"""`openfunnel demo`: the whole pipeline on this machine, against invented boards."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.live import Live

from openfunnel.cli.crew import Crew, crawler, role
from openfunnel.cli.ports import check_port
from openfunnel.cli.roles import check_extractor
from openfunnel.clock import utc_now
from openfunnel.errors import DemoFailed, DemoRefused
from openfunnel.records import PostingStatus
from openfunnel.settings import Settings

if TYPE_CHECKING:
    from openfunnel.intake import RunStarted
    from openfunnel.sources.starter import StarterBoard
    from openfunnel.store.database import Database
    from openfunnel.store.progress import RunProgress

HOST = "127.0.0.1"
READY_SECONDS = 30.0
STUCK_SECONDS = 120.0
"""Without any progress for so long, something was lost."""


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Exit after the summary.")] = False,
    boards: Annotated[int, typer.Option(min=1, help="Boards to invent.")] = 40,
    postings: Annotated[int, typer.Option(min=1, help="Postings on them, in all.")] = 1500,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the API.")] = 8000,
) -> None:
    """Show the whole pipeline at work: invented boards, crawled, extracted and served."""
    from openfunnel import services
    from openfunnel.cli.summary import Result, print_summary
    from openfunnel.sandbox.boards import GeneratedWorld
    from openfunnel.sources.starter import StarterBoard
    from openfunnel.store.database import open_database

    console = Console(highlight=False, soft_wrap=True)
    settings = Settings.load()
    check_port(HOST, port)
    if _chosen(settings):
        asyncio.run(check_extractor(settings))
    world = GeneratedWorld(boards, postings)
    starters = [StarterBoard(world.company_name(ref), ref) for ref in world.boards()]
    with ExitStack() as stack:
        if not services.running(settings):
            stack.callback(services.stop, settings)
        database = open_database(settings)
        stack.callback(database.close)
        services.ensure_redis(settings)
        console.print(f"PostgreSQL and Redis are up; their data is in {settings.home}")
        _check_store(database, starters)

        begun = time.monotonic()
        crew = stack.enter_context(Crew(settings))
        base = _start_sandbox(crew, boards, postings)
        console.print(f"A sandbox plays {boards} job boards with {postings} postings at {base}")
        crew.environment = _environment(settings, base)
        for source in sorted({starter.ref.ats for starter in starters}):
            crew.start(f"crawler-{source}", crawler(source))
        crew.start("extractor", role("extract"))
        crew.start("reaper", role("reap"))
        crew.start("api", role("api", "--host", HOST, "--port", str(port)))
        console.print(f"Two crawlers, an extractor, a reaper and the API start; logs: {crew.logs}")

        run = asyncio.run(_start_run(settings, starters, database))
        console.print(f"Run {run.run_id}: every board is on the frontier")
        since = utc_now()
        progress = _watch(database, run.run_id, crew, console)
        seconds = time.monotonic() - begun
        _await_api(f"http://{HOST}:{port}/health")
        result = Result(progress, seconds, since, _extractor(settings))
        print_summary(console, database, result, None if once else port)
        if lost := postings - progress.postings[PostingStatus.EXTRACTED]:
            raise DemoFailed(detail=f"{lost} postings of {postings} were lost; see {crew.logs}")
        if not once:
            console.print("\nEverything keeps running; Ctrl-C stops it.")
            for _ in crew.until_stopped():
                crew.tend()
        console.print("Stopping what was started")


def _check_store(database: "Database", starters: "Sequence[StarterBoard]") -> None:
    from openfunnel.store.boards import active_boards

    with database.begin() as session:
        known = {board.ref for board in active_boards(session)}
    if others := known - {starter.ref for starter in starters}:
        raise DemoRefused(count=len(others))


def _extractor(settings: Settings) -> str:
    """Who extracted, as the workers said when they signed in."""
    from openfunnel.cli.status import read

    named = {worker.detail for worker in read(settings).workers if worker.role == "extractor"}
    return "extracted by " + (", ".join(sorted(named)) or "nobody who is still there")


def _chosen(settings: Settings) -> bool:
    """Whether somebody said who is to extract."""
    return "extractor" in settings.model_fields_set


def _environment(settings: Settings, base: str) -> dict[str, str]:
    from openfunnel.sandbox.environment import sandbox_variables

    environment = sandbox_variables(base)
    del environment["OLLAMA_HOST"]  # a model, if one is wanted, is a real one
    if not _chosen(settings):
        environment["OPENFUNNEL_EXTRACTOR"] = "rules"  # minutes, not the hours of a laptop's model
    if "host_rate" not in settings.model_fields_set:
        environment["OPENFUNNEL_HOST_RATE"] = "0"  # the host is this machine
    return environment


def _start_sandbox(crew: Crew, boards: int, postings: int) -> str:
    """Start the sandbox on a free port and return its base address."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        sizes = ["--boards", str(boards), "--postings", str(postings)]
        sandbox = role("sandbox", *sizes, "--port", "0", "--port-file", str(port_file))
        member = crew.start("sandbox", sandbox)
        deadline = time.monotonic() + READY_SECONDS
        while not port_file.exists():
            if member.process.poll() is not None or time.monotonic() > deadline:
                raise DemoFailed(detail=f"the sandbox did not start; see {crew.logs}/sandbox.log")
            time.sleep(0.05)
        return f"http://{HOST}:{port_file.read_text('ascii')}"


async def _start_run(
    settings: Settings, starters: "Sequence[StarterBoard]", database: "Database"
) -> "RunStarted":
    from openfunnel.intake import Intake
    from openfunnel.queue.connection import connect
    from openfunnel.queue.start_lists import StartLists

    redis = await connect(settings)
    try:
        intake = Intake(database, StartLists(redis), settings)
        await intake.introduce(starters)
        return await intake.start_run()
    finally:
        await redis.aclose()


def _watch(database: "Database", run_id: int, crew: Crew, console: Console) -> "RunProgress":
    """Show the run until it is finished; Ctrl-C ends the demo."""
    from openfunnel.cli.status import render_progress
    from openfunnel.store.progress import run_progress

    before: RunProgress | None = None
    seen: RunProgress | None = None
    moved_at = begun = time.monotonic()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        for _ in crew.until_stopped():
            crew.tend()
            with database.begin() as session:
                progress = run_progress(session, run_id)
            assert progress is not None
            if progress != seen:
                seen, moved_at = progress, time.monotonic()
            before = before or progress
            shown = render_progress(progress, before, time.monotonic() - begun)
            live.update(shown, refresh=True)
            if progress.finished:
                return progress
            if time.monotonic() - moved_at > STUCK_SECONDS:
                raise DemoFailed(detail=f"nothing moves any more; see {crew.logs}")
    raise KeyboardInterrupt


def _await_api(url: str) -> None:
    import httpx  # 10 MB, which no other command needs

    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.TransportError:
            pass
        if time.monotonic() > deadline:
            raise DemoFailed(detail=f"the API does not answer at {url}")
        time.sleep(0.1)
