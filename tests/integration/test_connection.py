"""The connection to Redis."""

import pytest

from openfunnel.errors import RedisUnavailable
from openfunnel.queue.connection import connect
from openfunnel.settings import Settings


async def test_without_a_url_the_embedded_server_answers(settings: Settings) -> None:
    client = await connect(settings)
    assert await client.ping()
    await client.aclose()


@pytest.mark.parametrize(
    "url",
    [
        "redis://:secret@127.0.0.1:1/0",
        "unix:///nonexistent/redis.sock",
        "redis://:secret@127.0.0.1:1/0?db=nonsense",
        "http://:secret@localhost",
        "redis://:secret@localhost:port",
        "nonsense",
    ],
)
async def test_a_redis_that_is_not_there_is_one_clear_error(url: str) -> None:
    settings = Settings.load(environ={}, redis_url=url)

    with pytest.raises(RedisUnavailable, match="correct REDIS_URL") as raised:
        await connect(settings)

    assert "secret" not in str(raised.value)
