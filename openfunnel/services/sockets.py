"""Unix sockets, asked without any client library: cheap enough for every command to do."""

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

START_SECONDS: Final = 60
"""How long a server may take to start, stop or answer; longer only while Redis loads its data."""


def exchange(endpoint: Path, request: bytes) -> bytes | None:
    """Send `request` and return the first line of the answer; None where nobody listens."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(START_SECONDS)
            connection.connect(str(endpoint))
            if not request:
                return b""
            connection.sendall(request)
            return connection.recv(1024).split(b"\r\n", 1)[0]
    except OSError:
        return None


def becomes_true(condition: Callable[[], bool], seconds: float = START_SECONDS) -> bool:
    """Wait for `condition`; False if it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
