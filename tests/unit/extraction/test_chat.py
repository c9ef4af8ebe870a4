"""What is read of what model servers send."""

from collections.abc import AsyncIterator

from openfunnel.extraction.chat import MOST_BYTES, read_within_bounds

PART = b"x" * 65_536


async def test_a_body_without_end_is_read_to_the_bound() -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += len(PART)
            yield PART

    assert len(await read_within_bounds(endless())) == MOST_BYTES
    assert given <= MOST_BYTES + len(PART)


async def test_a_body_within_bounds_is_whole() -> None:
    async def parts() -> AsyncIterator[bytes]:
        for part in (b"{", b"", b"}"):
            yield part

    assert await read_within_bounds(parts()) == b"{}"
