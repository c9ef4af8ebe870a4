"""Every reading route, asked with what its OpenAPI allows and forbids, keeps to its contract."""

import threading
from collections.abc import Iterator

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from api.app import create_app
from openfunnel.settings import Settings

from .world import World

KEY = "a-key"
EXAMPLES = 40
"""Requests a route and mode."""

app = create_app()
schema = schemathesis.openapi.from_dict(app.openapi())
OPERATIONS = {
    operation.label: operation
    for operation in (result.ok() for result in schema.get_all_operations())
    if operation.method.upper() == "GET"
}

# What no schema can say is refused all the same: a cursor of another search, a currency without a
# rate, control characters. The documents say 422 for each of them.
UNCHECKED = ["positive_data_acceptance"]


@pytest.fixture(scope="module")
def address(api_settings: Settings, world: World) -> Iterator[str]:
    """Base address of the app behind a real server."""
    guarded = api_settings.model_copy(update={"admin_keys": frozenset({KEY})})
    config = uvicorn.Config(create_app(guarded), port=0, log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        thread.join(0.02)
    (listener,) = server.servers[0].sockets
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize(
    ("label", "mode"),
    [
        (label, mode)
        for label in OPERATIONS
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or "/health" not in label  # nothing to get wrong there
    ],
)
def test_a_route_keeps_to_its_contract(address: str, label: str, mode: GenerationMode) -> None:
    @hypothesis_settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(
            base_url=address, headers={"X-API-Key": KEY}, excluded_checks=excluded
        )

    excluded = CHECKS.get_by_names(UNCHECKED)
    ask()
