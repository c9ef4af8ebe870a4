"""The schema of the database: which revision it is at, and bringing it to the newest.

Alembic runs programmatically, without an ini file, and is imported only when there is something
to migrate. `alembic_version` has a name of its own here, so that the tables can share a database.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, text

from openfunnel.errors import SchemaOutdated

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0004"
"""The newest revision; they are numbered, so that newer ones compare greater."""
VERSION_TABLE = "openfunnel_revision"
MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('openfunnel migration'))")
_EXISTS = text("SELECT to_regclass(:table) IS NOT NULL")


def found_revision(connection: Connection) -> str | None:
    """Revision the database is at; None where it has no schema yet."""
    if not connection.scalar(_EXISTS, {"table": VERSION_TABLE}):
        return None
    found: str | None = connection.scalar(
        text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - a constant
    )
    return found


def migrate(url: str) -> str | None:
    """Bring the database at `url` to `HEAD`; return the revision it was at before.

    Any number of processes may do so at once: they take turns under an advisory lock. All happens
    in one transaction, so that a failed migration leaves nothing behind.

    Raises:
        SchemaOutdated: the database is newer than this version of the program.
        DatabaseUnavailable: it does not answer.

    """
    from openfunnel.store.database import Database

    database = Database(url)
    try:
        with database.begin() as session:
            return upgrade(session.connection())
    finally:
        database.close()


def upgrade(connection: Connection) -> str | None:
    """As `migrate`, within the transaction of `connection`."""
    connection.execute(_LOCK)
    found = found_revision(connection)
    if found is not None and found > HEAD:
        raise SchemaOutdated(found=found, needed=HEAD)
    if found != HEAD:
        from alembic import command

        command.upgrade(alembic_config(connection), HEAD)
    return found


def alembic_config(connection: Connection | Engine | None = None) -> "Config":
    """Alembic's configuration; `connection` is the one `migrations/env.py` works on."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
