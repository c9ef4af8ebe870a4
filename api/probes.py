"""Do the servers behind the API answer? Asked with little patience."""

import asyncio

from redis.exceptions import RedisError

from api.deps import Connections
from openfunnel.errors import DatabaseUnavailable, RedisUnavailable, redact_url

PATIENCE_SECONDS = 2.0
"""A server that has not answered a ping by then counts as down."""


async def ping_database(opened: Connections) -> None:
    """Ask PostgreSQL for a sign of life.

    Raises:
        DatabaseUnavailable: there is none within `PATIENCE_SECONDS`.
    """
    try:
        await asyncio.wait_for(asyncio.to_thread(opened.database.ping), PATIENCE_SECONDS)
    except TimeoutError:
        url = redact_url(opened.database.url)
        detail = f"no answer within {PATIENCE_SECONDS:g} s"
        raise DatabaseUnavailable(url=url, detail=detail) from None


async def ping_redis(opened: Connections) -> None:
    """Ask Redis for a sign of life.

    Raises:
        RedisUnavailable: there is none within `PATIENCE_SECONDS`.
    """
    try:
        await asyncio.wait_for(opened.redis.ping(), PATIENCE_SECONDS)
    except (RedisError, OSError) as error:  # TimeoutError is an OSError
        url = redact_url(opened.settings.redis_url or "the embedded server")
        detail = str(error) or f"no answer within {PATIENCE_SECONDS:g} s"
        raise RedisUnavailable(url=url, detail=detail) from None
