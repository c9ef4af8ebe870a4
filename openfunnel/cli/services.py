"""Commands for the servers and the schema."""

import typer

from openfunnel.settings import Settings

services = typer.Typer(
    help="The embedded PostgreSQL and Redis of OPENFUNNEL_HOME.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(services, name="services")
    app.command()(migrate)


@services.command()
def start() -> None:
    """Start what no URL is set for, and print where it listens."""
    env()


@services.command()
def stop() -> None:
    """Stop the embedded servers; their data stays."""
    from openfunnel.services import stop as stop_servers

    stopped = stop_servers(Settings.load())
    typer.echo(f"Stopped: {', '.join(stopped)}" if stopped else "Nothing was running")


@services.command()
def env() -> None:
    """Print DATABASE_URL and REDIS_URL: `export $(openfunnel services env)`."""
    from openfunnel.services import ensure_postgres, ensure_redis

    settings = Settings.load()
    typer.echo(f"DATABASE_URL={ensure_postgres(settings)}")
    typer.echo(f"REDIS_URL={ensure_redis(settings)}")


def migrate() -> None:
    """Bring the database's schema to this version."""
    from openfunnel.services import ensure_postgres
    from openfunnel.store.schema import migrate as migrate_schema

    typer.echo(f"The schema is at {migrate_schema(ensure_postgres(Settings.load()))}")
