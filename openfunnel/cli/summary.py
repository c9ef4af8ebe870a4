"""What the demo ends with: the result, a question answered, and what to try next."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from rich.console import Console
from rich.table import Table

from openfunnel.normalize.location import query_keys
from openfunnel.records import PostingStatus, RoleFunction
from openfunnel.store import queries, search
from openfunnel.store.database import Database
from openfunnel.store.progress import RunProgress, activity

TOP_SKILLS = 5
QUESTION = "Who hires data engineers in New York, paying over 180,000 USD?"
ASKED = search.PostingFilters(
    q="data engineer",
    role_function=(RoleFunction.DATA,),
    place_keys=query_keys("New York") or (),
    min_comp_usd_year=Decimal(180_000),
)


@dataclass(frozen=True)
class Result:
    """A finished run."""

    progress: RunProgress
    seconds: float
    since: datetime
    """When it began."""
    extractor: str
    """Who extracted, in words."""


def print_summary(console: Console, database: Database, result: Result, port: int | None) -> None:
    """Print the summary of a finished run; `port` is the API's, if it stays up."""
    progress = result.progress
    with database.begin() as session:
        skills = queries.top_skills(session, TOP_SKILLS)
        anew = activity(session, result.since).extracted
        rows = search.search_postings(session, ASKED, search.PostingSort.COMP, 3)
    extracted = progress.postings[PostingStatus.EXTRACTED]
    console.print(
        f"\n[bold]{progress.boards.done} boards crawled, {anew} postings extracted "
        f"in {result.seconds:.0f} s[/bold], {result.extractor}"
        + (f"; {extracted - anew} were there already" if extracted > anew else "")
    )
    named = ", ".join(f"{one.skill} {one.postings}" for one in skills)
    console.print(f"Most asked for: {named}", soft_wrap=True)
    console.print(f"\n[bold]{QUESTION}[/bold]")
    console.print(_answer(rows) if rows else "Nobody in this sandbox.")
    if port is not None:
        console.print(_ASK.format(api=f"http://127.0.0.1:{port}"), soft_wrap=True)
    console.print(_NEXT, soft_wrap=True)


def _answer(rows: list[search.PostingRow]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, max_width=22)
    table.add_column(no_wrap=True, max_width=30)
    table.add_column(no_wrap=True)
    for row in rows:
        pay = row.compensation
        stated = f"{pay.min:,.0f}-{pay.max:,.0f} {pay.currency} a {pay.period}" if pay else ""
        table.add_row(row.company_name or row.board.token, row.title or "", stated)
    return table


_ASK = """
[bold]Ask it yourself[/bold]   (docs: {api}/docs)
  curl '{api}/job_postings?location=NYC&min_comp=200000&seniority=staff'
  curl '{api}/job_postings?skill=python&workplace=remote&sort=-comp&limit=5'
  curl -X POST '{api}/run/all'"""

_NEXT = """
[bold]Next[/bold]
  the funnel, live:            .venv/bin/openfunnel status --watch
  a real board, on its own:    export OPENFUNNEL_HOME=~/openfunnel
                               .venv/bin/openfunnel crawl greenhouse:stripe --wait
                               .venv/bin/openfunnel extract --drain
  with a model, by Ollama:     OPENFUNNEL_EXTRACTOR=ollama make demo"""
