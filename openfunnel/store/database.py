"""The way to PostgreSQL: one pool per process, one transaction per `begin`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from openfunnel.errors import DatabaseUnavailable, InvalidSetting, SchemaOutdated, redact_url
from openfunnel.services import ensure_postgres
from openfunnel.settings import Settings
from openfunnel.store import schema
from openfunnel.store.encoding import adapt

if TYPE_CHECKING:
    from sqlalchemy.pool import ConnectionPoolEntry

CONNECT_SECONDS = 4
CONNECTIONS = 16
"""Upper bound per process; threads beyond it wait."""
IDLE_SECONDS = 1.0
"""A connection that was used this lately is taken to be there."""


class Database:
    """A pool of connections to the PostgreSQL at `url`, any URL or key-value string of libpq."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            parameters = conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            # Its own words quote the whole of it, password included.
            problem = "it is neither a URL nor key=value words as libpq reads them"
            raise InvalidSetting(name="DATABASE_URL", problem=problem) from error
        self._engine = create_engine(
            "postgresql+psycopg://",
            connect_args={
                "connect_timeout": CONNECT_SECONDS,
                "application_name": "openfunnel",
                **parameters,
                "client_encoding": "utf8",
                # No prepared statements: they break behind PgBouncer, and a search is planned
                # better for its own values.
                "prepare_threshold": None,
            },
            pool_size=CONNECTIONS,
            max_overflow=0,
        )
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "checkin", _note_use)
        event.listen(self._engine, "checkout", _ping_idle)
        self._sessions = sessionmaker(self._engine, expire_on_commit=False)
        self._single = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """One transaction: committed at exit, rolled back if the block raises.

        Raises:
            DatabaseUnavailable: the server does not answer, or went away meanwhile.

        """
        with self._named_outages(), self._sessions.begin() as session:
            yield session

    @contextmanager
    def autocommit(self) -> Iterator[Session]:
        """Each statement is a transaction by itself, which saves two trips to the server.

        Raises:
            DatabaseUnavailable: the server does not answer, or went away meanwhile.

        """
        with self._named_outages(), self._single.connect() as connection:
            yield Session(connection)

    def ping(self) -> None:
        """Ask the server for a sign of life.

        Raises:
            DatabaseUnavailable: there is none.

        """
        with self.begin() as session:
            session.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close the pool's connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _named_outages(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            if _is_disconnect(error):
                raise self._unavailable(error.orig) from error
            raise

    def _unavailable(self, error: BaseException | None) -> DatabaseUnavailable:
        detail = next(iter(str(error).strip().splitlines()), "no reason given")
        return DatabaseUnavailable(url=redact_url(self.url), detail=detail)


def open_database(settings: Settings) -> Database:
    """Connect to the database of `settings`, starting the embedded one if it is meant, and see to
    its schema: an empty database and the embedded one are brought to the newest revision.

    Raises:
        DatabaseUnavailable: the server does not answer.
        SchemaOutdated: the database at DATABASE_URL needs `openfunnel migrate`.

    """
    database = Database(ensure_postgres(settings))
    try:
        with database.begin() as session:
            found = schema.found_revision(session.connection())
            if found is None or (found != schema.HEAD and settings.database_url is None):
                schema.upgrade(session.connection())
            elif found != schema.HEAD:
                raise SchemaOutdated(found=found, needed=schema.HEAD)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(connection: "psycopg.Connection[Any]", _record: object) -> None:
    adapt(connection)
    connection.execute("SET TIME ZONE 'UTC'")
    connection.commit()


def _note_use(_connection: object, record: "ConnectionPoolEntry") -> None:
    record.info["used_at"] = time.monotonic()


def _ping_idle(
    connection: "psycopg.Connection[Any]", record: "ConnectionPoolEntry", _proxy: object
) -> None:
    """See whether a connection that was not used for a while is still one.

    The pool's own `pool_pre_ping` asks every time: for a crawler, a tenth of all it asks.
    """
    if time.monotonic() - record.info.get("used_at", 0.0) < IDLE_SECONDS:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.OperationalError as error:
        raise DisconnectionError from error


def _is_disconnect(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    # Without a code the failure is libpq's own; 57P: the server shuts down or is starting;
    # 53300: too many clients; 28/3D: no such user, password or database; 40: a deadlock was broken.
    # Whoever repeats what an outage ended repeats what a deadlock ended.
    return state is None or state.startswith(("08", "57P", "53300", "28", "3D", "40"))
