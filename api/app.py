"""The app: `uvicorn api.app:app`. Nothing is connected before it starts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI

from api import problems
from api.deps import Connections, require_reader
from api.parameters import load_tables
from api.routers import extractions, health, job_postings, raw_responses, runs
from api.startup import StartupFailureInOneLine
from openfunnel.intake import Intake
from openfunnel.queue.connection import connect
from openfunnel.queue.redis_leases import RedisLeaseQueue
from openfunnel.queue.start_lists import StartLists
from openfunnel.settings import Settings
from openfunnel.store.database import open_database

DESCRIPTION = """\
Public job boards, turned into go-to-market intelligence: who hires for what, where, at which pay,
using which technologies, since when.

Every extracted value carries its source (`ats`, `rules` or `llm`) and the words it was read from.
Errors are problem details (RFC 9457). Times are UTC.
"""

TAGS = [
    {"name": "postings", "description": "Postings, their extracted fields and their skills."},
    {"name": "raw", "description": "What the boards answered, as it came."},
    {"name": "runs", "description": "Crawls of every board, and how far they are."},
    {"name": "health", "description": "Whether the API can do its work. Never asks for a key."},
]


class Api(FastAPI):
    """FastAPI, with problem details among the components of its OpenAPI document."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        document = super().openapi()
        document["components"]["schemas"].update(problems.schemas())
        return document


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the app; without `settings` it reads the environment when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loaded = settings or Settings.load()
        database = await asyncio.to_thread(open_database, loaded)
        try:
            redis = await connect(loaded)
            try:
                intake = Intake(database, StartLists(redis), loaded)
                extract_queue = RedisLeaseQueue(redis, "extract")
                app.state.connections = Connections(loaded, database, redis, intake, extract_queue)
                # The first search would wait a second for the tables of places and rates.
                warming = asyncio.create_task(asyncio.to_thread(load_tables))
                yield
                await warming
            finally:
                await redis.aclose()
        finally:
            await asyncio.to_thread(database.close)

    app = Api(
        title="OpenFunnel",
        version="0.1.0",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        lifespan=lifespan,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.add_middleware(StartupFailureInOneLine)
    problems.install(app)
    app.include_router(health.router)
    for area in (runs, job_postings, extractions, raw_responses):
        app.include_router(
            area.router,
            dependencies=[Depends(require_reader)],
            responses=problems.responses(401, 422, 503),
        )
    return app


app = create_app()
