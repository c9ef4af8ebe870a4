"""`openfunnel status`: the funnel, for people and for programs."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from openfunnel.cli.crew import stop_event
from openfunnel.records import PostingStatus
from openfunnel.settings import Settings

if TYPE_CHECKING:
    from openfunnel.cli.snapshot import Snapshot
    from openfunnel.store.progress import RunProgress


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(status)


def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    watch: Annotated[bool, typer.Option(help="Keep showing it, until Ctrl-C.")] = False,
) -> None:
    """Show the funnel: boards, postings by status, queues, workers and rates."""
    settings = Settings.load()
    if as_json:
        typer.echo(read(settings).model_dump_json(indent=2))
    elif not watch:
        Console().print(render(read(settings)))
    else:
        stop = stop_event()
        with Live(render(read(settings)), auto_refresh=False) as live:
            while not stop.wait(1.0):
                live.update(render(read(settings)), refresh=True)


def read(settings: Settings) -> "Snapshot":
    """Take one snapshot, on connections of its own."""
    from openfunnel.cli.snapshot import take_snapshot
    from openfunnel.queue.connection import connect
    from openfunnel.store.database import open_database

    async def take() -> "Snapshot":
        redis = await connect(settings)
        try:
            return await take_snapshot(settings, database, redis)
        finally:
            await redis.aclose()

    database = open_database(settings)
    try:
        return asyncio.run(take())
    finally:
        database.close()


def render(snapshot: "Snapshot") -> RenderableType:
    """Lay a snapshot out for a terminal."""
    tables = _funnel(snapshot), _queues(snapshot), *_models(snapshot), *_hosts(snapshot)
    return Group(*tables, _workers(snapshot), *_oddities(snapshot))


def render_progress(
    progress: "RunProgress", before: "RunProgress", seconds: float
) -> RenderableType:
    """Lay a run's progress out as one live table; rates count what came since `before`."""
    table = Table(box=None, pad_edge=False)
    for heading in ("boards", *progress.postings, "postings/s", "seconds"):
        table.add_column(heading, justify="right")
    boards = progress.boards
    extracted = progress.postings[PostingStatus.EXTRACTED]
    extracted -= before.postings[PostingStatus.EXTRACTED]
    table.add_row(
        f"{boards.done + boards.failed}/{boards.done + boards.failed + boards.pending}",
        *(str(count) for count in progress.postings.values()),
        f"{extracted / seconds:.0f}" if seconds else "",
        f"{seconds:.0f}",
    )
    return table


def _funnel(snapshot: "Snapshot") -> RenderableType:
    boards, postings = snapshot.funnel.boards, snapshot.funnel.postings
    table = Table(title="\nPostings", title_justify="left", box=None, pad_edge=False)
    for heading in (*postings, "closed", "fetched/s", "extracted/s"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_row(
        *(str(count) for count in postings.values()),
        str(snapshot.funnel.closed),
        f"{snapshot.fetched_per_second:.1f}",
        f"{snapshot.extracted_per_second:.1f}",
    )
    letters = ", ".join(f"{n} {kind}" for kind, n in snapshot.funnel.dead_letters.items())
    return Group(
        f"Boards: {boards.total}, of which {boards.queued} queued, {boards.failed} failed, "
        f"{boards.not_found} not found",
        table,
        f"\nDead letters: {letters or 'none'}",
        *_failures(snapshot),
    )


def _failures(snapshot: "Snapshot") -> Iterator[str]:
    for ats, times in snapshot.failures.items():
        named = ", ".join(f"{count} {name}" for name, count in times.items())
        yield f"Failed crawls of {ats} so far: {named}"


def _queues(snapshot: "Snapshot") -> Table:
    table = Table(title="\nQueues", title_justify="left", box=None, pad_edge=False)
    table.add_column("queue")
    for heading in ("ready", "delayed", "in flight", "dead", "oldest lease"):
        table.add_column(heading, justify="right")
    queues = {f"crawl {source}": state for source, state in snapshot.crawl.items()}
    for name, state in {**queues, "extraction": snapshot.extraction}.items():
        table.add_row(
            name,
            str(state.ready),
            str(state.delayed),
            str(state.in_flight),
            str(state.dead),
            f"{state.oldest_lease_seconds:.0f} s" if state.in_flight else "",
        )
    return table


def _models(snapshot: "Snapshot") -> Iterator[Table]:
    if not snapshot.models:
        return
    table = Table(title="\nModels", title_justify="left", box=None, pad_edge=False)
    for heading in ("source", "model"):
        table.add_column(heading, overflow="fold")
    for heading in ("calls", "cache hits", "tokens in", "tokens out", "model time"):
        table.add_column(heading, justify="right", no_wrap=True)
    for use in snapshot.models:
        counts = use.calls, use.cache_hits, use.tokens_in, use.tokens_out
        table.add_row(
            escape(use.source),
            escape(use.model),
            *(f"{count:,}" for count in counts),
            f"{use.seconds:,.0f} s",
        )
    yield table


def _hosts(snapshot: "Snapshot") -> Iterator[Table]:
    if not snapshot.hosts:
        return
    table = Table(title="\nHosts in trouble", title_justify="left", box=None, pad_edge=False)
    for heading in ("host", "circuit"):
        table.add_column(heading)
    for heading in ("failures", "blocked", "requests/s", "ceiling"):
        table.add_column(heading, justify="right")
    for host in snapshot.hosts:
        table.add_row(
            escape(host.host),
            host.circuit.replace("_", "-"),
            str(host.failures),
            f"{host.blocked_seconds:.0f} s" if host.blocked_seconds else "",
            "" if host.per_second is None else f"{host.per_second:.2f}",
            f"{host.ceiling:g}" if host.ceiling else "none",
        )
    yield table


def _workers(snapshot: "Snapshot") -> RenderableType:
    if not snapshot.workers:
        return "\nNobody is at work; `openfunnel up` starts everybody."
    table = Table(title="\nAlive", title_justify="left", box=None, pad_edge=False)
    for heading in ("role", "process", "busy", ""):
        table.add_column(heading)
    for worker in snapshot.workers:
        table.add_row(worker.role, worker.name, str(worker.busy), worker.detail)
    return table


def _oddities(snapshot: "Snapshot") -> Iterator[str]:
    for ats, times in snapshot.refused_entries.items():
        yield f"\n{times} start entries of {ats} made no sense: `openfunnel dlq list --kind entry`."
    for path, times in snapshot.unknown_fields.items():
        yield f"\nUnknown field {path}, {times} times: did the API change?"
