"""One leader among many processes: who holds an advisory lock of PostgreSQL leads.

The lock belongs to a connection and is gone with it, so a leader that dies is followed at once and
nobody has to find out whether it still lives. Needs a connection to the server itself: behind a
pooler that shares connections between transactions, everybody would lead.
"""

from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import psycopg

from openfunnel.errors import DatabaseUnavailable, redact_url
from openfunnel.store.database import CONNECT_SECONDS

VANISHED_SECONDS = 30
"""A leader whose machine is cut off without a word has lost its connection after this."""

# Held already, it is not taken once more: it would have to be given back as often.
_TAKE = """
    SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
                   AND pid = pg_backend_pid() AND objid = hashtext(%(name)s)::oid)
        OR pg_try_advisory_lock(0, hashtext(%(name)s))
"""


class Leadership:
    """The lead in whatever is called `name`, asked for by one process at a time."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._connection: psycopg.Connection[Any] | None = None

    def take(self) -> bool:
        """Whether this process leads: it keeps the lead it has, and takes one that is free.

        Raises:
            DatabaseUnavailable: the server does not answer; the lead is lost.
        """
        try:
            if self._connection is None or self._connection.closed:
                self._connection = self._connect()
            row = self._connection.execute(_TAKE, {"name": self._name}).fetchone()
        except psycopg.Error as error:
            self.close()
            detail = next(iter(str(error).strip().splitlines()), "no reason given")
            raise DatabaseUnavailable(url=redact_url(self._url), detail=detail) from error
        return row is not None and bool(row[0])

    def close(self) -> None:
        """Give up the lead, for others to take at once."""
        if self._connection is None:
            return
        with suppress(psycopg.Error):  # a connection that broke has lost the lead by that
            # The server notices the end of a connection only after a moment.
            self._connection.execute("SELECT pg_advisory_unlock_all()")
        self._connection.close()
        self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _connect(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(
            self._url,
            autocommit=True,  # an open transaction would hold back the clean-up of old rows
            connect_timeout=CONNECT_SECONDS,
            application_name=f"openfunnel {self._name}",
        )
        # The server finds out about a connection that ended without a word; no-op on a socket.
        connection.execute(
            "SELECT set_config('tcp_keepalives_idle', %(s)s, false),"
            " set_config('tcp_keepalives_interval', '5', false),"
            " set_config('tcp_keepalives_count', '3', false)",
            {"s": str(VANISHED_SECONDS // 2)},
        )
        return connection
