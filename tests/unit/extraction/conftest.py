"""A model server that all tests of a module share, as new for each."""

from collections.abc import Iterator

import pytest

from tests.unit.extraction.model_server import (
    ModelServer,
    address_of_nobody,
    running_model_server,
)


@pytest.fixture(scope="package")
def running() -> Iterator[ModelServer]:
    with running_model_server() as server:
        yield server


@pytest.fixture
def server(running: ModelServer) -> ModelServer:
    """A model server that has been told nothing."""
    running.forget()
    return running


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where no server is."""
    with address_of_nobody() as url:
        yield url
