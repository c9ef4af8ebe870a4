"""What tests share: embedded servers of their own, in a temporary home, stopped at the end.

Nothing of the developer's environment reaches a test, and several test runs may go on at once:
each has its own home.
"""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from redis.asyncio import Redis

from openfunnel import services
from openfunnel.queue.connection import connect
from openfunnel.settings import PROJECT_ROOT, Settings

NAMED = ("DATABASE_URL", "REDIS_URL", "OLLAMA_HOST")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name in NAMED or name.startswith("OPENFUNNEL_"):
                patch.delenv(name)
        yield


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A home whose servers are stopped at the end.

    Not below pytest's folder: each run of pytest closes that to all other users, and where we are
    root, PostgreSQL is one.
    """
    folder = Path(tempfile.mkdtemp(prefix="openfunnel-test-"))
    try:
        yield folder
    finally:
        services.stop(Settings.load(environ={}, home=folder))
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A temporary home of all tests."""
    with temporary_home() as folder:
        yield folder


@pytest.fixture(scope="session")
def settings(home: Path, _no_settings_from_outside: None) -> Settings:
    """Settings of the embedded servers in the temporary home."""
    return Settings.load(environ={}, home=home)


@pytest.fixture(scope="session")
def create_database(settings: Settings) -> Iterator[Callable[[str], str]]:
    """Make a database from a template (`template0` is empty) and return its URL."""
    numbers = count(1)
    url = services.ensure_postgres(settings)
    with psycopg.connect(url, autocommit=True) as connection:

        def create(template: str = "template0") -> str:
            name = f"test_{os.getpid()}_{next(numbers)}"
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            return url.replace("/postgres?", f"/{name}?")

        yield create


@pytest.fixture(scope="session")
def migrated_template(create_database: Callable[[str], str]) -> str:
    """Name of a database with the whole schema and no rows, to be copied."""
    from openfunnel.store.schema import migrate

    url = create_database("template0")
    migrate(url)
    return url.partition("@/")[2].partition("?")[0]


@pytest.fixture
def empty_database_url(create_database: Callable[[str], str]) -> Iterator[str]:
    """URL of a database without any schema, of this test alone."""
    url = create_database("template0")
    yield url
    _drop(url)


@pytest.fixture
def database_url(create_database: Callable[[str], str], migrated_template: str) -> Iterator[str]:
    """URL of a migrated database without rows, of this test alone."""
    url = create_database(migrated_template)
    yield url
    _drop(url)


def _drop(url: str) -> None:
    server, _, rest = url.partition("@/")
    name, _, query = rest.partition("?")
    with psycopg.connect(f"{server}@/postgres?{query}", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    """A client of an empty Redis; what it left behind goes before the next test."""
    client = await connect(settings)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The corpus of recorded boards beside the project; skips where it is absent."""
    folder = PROJECT_ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"no recorded boards at {folder}")
    return folder
