"""The connection to Redis: the only place that opens one for the core."""

import asyncio

from redis.asyncio import Redis
from redis.exceptions import RedisError

from openfunnel.errors import RedisUnavailable, redact_url
from openfunnel.services import ensure_redis
from openfunnel.settings import Settings

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
"""A server that stalls longer is taken to be away; nothing that is asked of it takes so long."""


async def connect(settings: Settings) -> Redis:
    """Return a client of the server that answers; starts the embedded one if it is wanted.

    Answers are bytes: what other programs put into Redis need not be text.

    Raises:
        RedisUnavailable: nothing answers at REDIS_URL, or it wants another password.
        ServiceNotInstalled, ServiceStartFailed: the embedded server is wanted and cannot be had.
    """
    url = await asyncio.to_thread(ensure_redis, settings)
    try:
        client = Redis.from_url(
            url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=ANSWER_SECONDS
        )
    except (ValueError, TypeError) as error:
        raise RedisUnavailable(url=redact_url(url), detail=str(error)) from None
    try:
        await asyncio.wait_for(client.ping(), CONNECT_SECONDS)
    except (
        RedisError,
        OSError,
        TypeError,
    ) as error:  # an unknown parameter shows here, as TypeError
        await client.aclose()
        detail = str(error) or type(error).__name__
        raise RedisUnavailable(url=redact_url(url), detail=detail) from None
    return client
