"""Whether the API can do its work. Open to all, for load balancers and `curl`."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from typing import Literal

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel

from api import problems
from api.deps import ConnectionsDep, refuse_parameters
from api.probes import ping_database, ping_redis
from openfunnel.errors import SetupError

log = logging.getLogger(__name__)

router = APIRouter(
    tags=["health"],
    dependencies=[Depends(refuse_parameters)],
    responses=problems.responses(422, 503),
)


class ServerHealth(BaseModel):
    """One server answers."""

    status: Literal["ok"] = "ok"


class Health(ServerHealth):
    """All servers answer."""

    database: Literal["ok"] = "ok"
    redis: Literal["ok"] = "ok"


@router.get("/health", summary="PostgreSQL and Redis")
async def read_health(opened: ConnectionsDep) -> Health:
    """Answer 200 when PostgreSQL and Redis both do, else 503 naming what is down."""
    await _probe(
        {
            problems.DATABASE_DOWN: ping_database(opened),
            problems.REDIS_DOWN: ping_redis(opened),
        }
    )
    return Health()


@router.get("/health/db", summary="PostgreSQL")
async def read_database_health(opened: ConnectionsDep) -> ServerHealth:
    """Answer 200 when PostgreSQL does, else 503."""
    await _probe({problems.DATABASE_DOWN: ping_database(opened)})
    return ServerHealth()


@router.get("/health/redis", summary="Redis")
async def read_redis_health(opened: ConnectionsDep) -> ServerHealth:
    """Answer 200 when Redis does, else 503."""
    await _probe({problems.REDIS_DOWN: ping_redis(opened)})
    return ServerHealth()


async def _probe(pings: Mapping[str, Awaitable[None]]) -> None:
    """Await all pings at once, and answer 503 with the complaint of each that fails."""
    outcomes = await asyncio.gather(*pings.values(), return_exceptions=True)
    complaints = []
    for complaint, outcome in zip(pings, outcomes, strict=True):
        if isinstance(outcome, SetupError):
            log.error("%s", outcome)
            complaints.append(complaint)
        elif outcome is not None:
            raise outcome
    if complaints:
        raise HTTPException(503, " ".join(complaints))
