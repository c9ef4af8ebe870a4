"""The `openfunnel` command.

Each command imports what it needs when it runs, so that `--help` answers at once. Exit codes: 0
done, 1 failed (one line on stderr), 2 usage.
"""

import logging
import sys
from typing import Annotated

import typer

from openfunnel.cli import (
    cost,
    crawling,
    demo,
    dlq,
    replay,
    roles,
    schedule,
    services,
    skills,
    status,
)
from openfunnel.cli import eval as evaluation
from openfunnel.errors import OpenFunnelError

app = typer.Typer(
    name="openfunnel",
    help="Public job boards, turned into go-to-market intelligence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in (
    *(demo, roles, schedule, crawling, status, replay, cost, evaluation),
    *(skills, dlq, services),
):
    module.register(app)


@app.callback()
def options(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log what happens, not only trouble.")
    ] = False,
) -> None:
    """Set up logging for the command that follows."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for client in ("httpx", "httpx2"):  # they tell each request's URL, with any login in it
        logging.getLogger(client).setLevel(logging.WARNING)


def main() -> None:
    """Run the command line; every failure that has a name is one line and exit code 1."""
    try:
        app()
    except OpenFunnelError as error:
        typer.echo(f"openfunnel: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
