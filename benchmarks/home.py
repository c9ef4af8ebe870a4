"""Servers of a benchmark's own: a temporary home, and nothing of the developer's settings."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from openfunnel import services
from openfunnel.sandbox.environment import sandbox_variables
from openfunnel.settings import Settings


@contextmanager
def temporary_home() -> Iterator[Settings]:
    """Settings whose servers start when they are needed, and are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="openfunnel-bench-"))
    settings = Settings.load(environ={}, home=folder, host_rate=0.0, extractor="rules")
    try:
        yield settings
    finally:
        services.stop(settings)
        shutil.rmtree(folder)


def environment(settings: Settings, sandbox: str) -> dict[str, str]:
    """Variables for child processes: these settings' servers, and the sandbox for the world."""
    return {
        **sandbox_variables(sandbox),
        "DATABASE_URL": services.ensure_postgres(settings),
        "REDIS_URL": services.ensure_redis(settings),
        "OPENFUNNEL_HOME": str(settings.home),
        "OPENFUNNEL_HOST_RATE": str(settings.host_rate),
        "OPENFUNNEL_EXTRACTOR": settings.extractor,
    }
