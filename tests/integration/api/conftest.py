"""An app over real servers, and a small world of postings to ask it about."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from openfunnel.settings import Settings
from openfunnel.store.database import Database, open_database
from tests.integration.api.world import World, build_world

Visit = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(scope="module")
def api_settings(
    home: Path, create_database: Callable[[str], str], migrated_template: str
) -> Settings:
    """Settings of an API over a database that the tests of one module share."""
    url = create_database(migrated_template)
    return Settings.load(environ={}, home=home, database_url=url)


@pytest.fixture(scope="module")
def database(api_settings: Settings) -> Iterator[Database]:
    with open_database(api_settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def world(database: Database) -> World:
    return build_world(database)


@pytest.fixture
def visit(api_settings: Settings) -> Visit:
    """Open a client of an app that is started for it; keyword arguments change its settings."""

    @asynccontextmanager
    async def visiting(**changes: object) -> AsyncIterator[httpx.AsyncClient]:
        app = create_app(api_settings.model_copy(update=changes))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://api") as client,
        ):
            yield client

    return visiting


@pytest.fixture
async def client(visit: Visit) -> AsyncIterator[httpx.AsyncClient]:
    async with visit() as opened:
        yield opened
