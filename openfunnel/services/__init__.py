"""Embedded PostgreSQL and Redis, for a machine where nothing but Python is installed.

Both live under `settings.home`, are shared by all processes that name that folder, are started by
the first that needs them, and outlive it, until `stop`. They listen on Unix sockets only a process
of the same user can open, so neither takes a port nor needs a password. Where DATABASE_URL or
REDIS_URL is set, that server is used and nothing is started.

The check that a server runs costs a file and a socket, no import: every command makes it.
"""

from openfunnel.services import embedded_postgres, embedded_redis
from openfunnel.services.folders import only_process
from openfunnel.settings import Settings


def ensure_postgres(settings: Settings) -> str:
    """Return the URL of the database, starting the embedded server if it is wanted and down.

    Raises:
        ServiceNotInstalled: there is no embedded server for this machine.
        ServiceStartFailed: it did not start; the message names its log.
    """
    if settings.database_url is not None:
        return settings.database_url
    folder = settings.home / "postgres"
    if not embedded_postgres.answers(folder):
        with only_process(settings.home, "postgres"):
            if not embedded_postgres.answers(folder):
                embedded_postgres.start(folder)
    return embedded_postgres.url(folder)


def ensure_redis(settings: Settings) -> str:
    """Return the URL of Redis, starting the embedded server if it is wanted and down.

    Raises:
        ServiceNotInstalled: there is no `redis-server` on this machine.
        ServiceStartFailed: it did not start; the message names its log.
    """
    if settings.redis_url is not None:
        return settings.redis_url
    folder = settings.home / "redis"
    if not embedded_redis.answers(folder):
        with only_process(settings.home, "redis"):
            if not embedded_redis.answers(folder):
                embedded_redis.start(folder)
    return embedded_redis.url(folder)


def running(settings: Settings) -> bool:
    """Whether one of the embedded servers of this folder runs."""
    return embedded_postgres.answers(settings.home / "postgres") or embedded_redis.answers(
        settings.home / "redis"
    )


def stop(settings: Settings) -> tuple[str, ...]:
    """Shut the embedded servers of this folder down cleanly; return the names of those stopped."""
    if not settings.home.is_dir():
        return ()
    stopped = []
    with only_process(settings.home, "postgres"):
        if embedded_postgres.stop(settings.home / "postgres"):
            stopped.append("PostgreSQL")
    with only_process(settings.home, "redis"):
        if embedded_redis.stop(settings.home / "redis"):
            stopped.append("Redis")
    return tuple(stopped)
