"""`openfunnel cost`: what models will cost for so many postings, and what that rests on."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from openfunnel.settings import Settings

if TYPE_CHECKING:
    from openfunnel.extraction.cost import Assumptions, Projection


MOST = 1_000_000_000_000
"""Of whatever is counted or priced: sums of it stay within what numbers can hold."""


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(cost)


def cost(
    postings: Annotated[int, typer.Option(min=1, max=MOST, help="How many are to be extracted.")],
    price_in: Annotated[
        float | None, typer.Option(min=0, max=MOST, help="Price of a million tokens of prompts.")
    ] = None,
    price_out: Annotated[
        float | None, typer.Option(min=0, max=MOST, help="Price of a million tokens of answers.")
    ] = None,
    tokens_in: Annotated[
        float | None, typer.Option(min=0, max=MOST, help="Assume so many tokens in a prompt.")
    ] = None,
    tokens_out: Annotated[
        float | None, typer.Option(min=0, max=MOST, help="Assume so many tokens in an answer.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, max=MOST, help="Assume that a call takes so long.")
    ] = None,
    calls: Annotated[
        float | None, typer.Option(min=1, max=MOST, help="Assume so many calls for a posting.")
    ] = None,
    cached: Annotated[
        float | None, typer.Option(min=0, max=1, help="Assume this share of answers to be known.")
    ] = None,
    triaged: Annotated[
        float | None, typer.Option(min=0, max=1, help="Assume that triage keeps back this share.")
    ] = None,
    slots: Annotated[
        int | None,
        typer.Option(min=1, max=MOST, help="Assume that so many calls are answered at a time."),
    ] = None,
) -> None:
    """Project tokens, time and money from what models have cost here so far."""
    from openfunnel.extraction.cost import Prices, project

    assumed, basis = _assumptions(Settings.load())
    chosen: dict[str, Any] = {
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "seconds": seconds,
        "calls": calls,
        "cached": cached,
        "triaged": triaged,
        "slots": slots,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    assumed = replace(assumed, **given)
    prices = None
    if price_in is not None or price_out is not None:
        prices = Prices(Decimal(str(price_in or 0)), Decimal(str(price_out or 0)))
    projection = project(postings, assumed, prices)
    tables = _assumed(assumed, frozenset(given)), *_projected(postings, projection)
    Console().print(Group(Text(basis), *tables))


def _assumptions(settings: Settings) -> "tuple[Assumptions, str]":
    """Return the measured averages, else the built-in assumptions, and which of them it is."""
    from openfunnel.extraction.cost import assume, measure
    from openfunnel.store.database import open_database
    from openfunnel.store.progress import model_share
    from openfunnel.store.usage import usage_in_all, usage_of_runs

    with open_database(settings) as database, database.begin() as session:
        uses, of_runs = usage_in_all(session), usage_of_runs(session)
        share = model_share(session)
    measured = measure(uses, of_runs, share)
    if measured is None:
        return assume(settings.prompt_tokens), "Nothing was measured yet; these are assumptions:"
    calls = sum(use.calls for use in uses)
    models = ", ".join(dict.fromkeys(use.model for use in uses if use.calls))
    return measured, f"Measured over {calls:,} calls of {models}:"


def _assumed(assumed: "Assumptions", given: frozenset[str]) -> RenderableType:
    rows = {
        "triaged": ("postings that triage keeps back", f"{assumed.triaged:.1%}"),
        "cached": ("answers that are known", f"{assumed.cached:.1%}"),
        "calls": ("calls for any other posting", f"{assumed.calls:.2f}"),
        "tokens_in": ("tokens in, a call", f"{assumed.tokens_in:,.0f}"),
        "tokens_out": ("tokens out, a call", f"{assumed.tokens_out:,.0f}"),
        "seconds": ("seconds, a call", f"{assumed.seconds:,.2f}"),
        "slots": ("calls at a time", str(assumed.slots)),
    }
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    for name, (meaning, value) in rows.items():
        option = f"--{name.replace('_', '-')}"
        table.add_row(f"  {meaning}", value, f"{option}, as given" if name in given else option)
    return table


def _projected(postings: int, projection: "Projection") -> Iterator[RenderableType]:
    yield f"\n{postings:,} postings take about:"
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("  calls", f"{projection.calls:,.0f}")
    table.add_row("  tokens in", f"{projection.tokens_in:,.0f}")
    table.add_row("  tokens out", f"{projection.tokens_out:,.0f}")
    table.add_row("  model hours", f"{projection.model_hours:,.1f}")
    table.add_row("  hours, all slots at work", f"{projection.hours:,.1f}")
    if projection.money is not None:
        table.add_row("  price", f"{projection.money:,.2f}")
    yield table
