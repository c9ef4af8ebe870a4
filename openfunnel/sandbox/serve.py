"""Runs the sandbox as a server: quiet, ready at once, on a port of its own choice if need be."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import APIRouter

from openfunnel.errors import PortUnavailable
from openfunnel.sandbox.app import create_app
from openfunnel.sandbox.faults import Faults
from openfunnel.sandbox.world import World

LOOPBACK = "127.0.0.1"


def serve(
    host: str,
    port: int,
    world: World,
    faults: Faults | None = None,
    ollama: APIRouter | None = None,
    *,
    robots: str | None = None,
    port_file: Path | None = None,
) -> None:
    """Serve `world` until SIGINT or SIGTERM; the arguments are `create_app`'s.

    Port 0 takes any free one. Once connections are accepted, the port's number is written to
    `port_file`, whole or not at all, for the process that waits for it.

    Raises:
        PortUnavailable: somebody else listens there, or the host is not this machine's.
    """
    server = _server(world, faults, ollama, robots)
    listener = _listen(host, port)
    if port_file:
        _announce(listener, port_file)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn raises it again after it has closed down
        return
    finally:
        listener.close()


@contextmanager
def running(
    world: World,
    faults: Faults | None = None,
    ollama: APIRouter | None = None,
    *,
    robots: str | None = None,
) -> Iterator[str]:
    """Serve `world` from a thread on a free port; gives its base address."""
    server = _server(world, faults, ollama, robots)
    listener = _listen(LOOPBACK, 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox")
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _listen(host: str, port: int) -> socket.socket:
    """Listen before the server runs, so that whoever learns the port can connect at once."""
    listener = None
    try:
        # Named as TCP: asyncio leaves TCP_NODELAY off otherwise, at 40 ms an answer.
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        if listener:
            listener.close()
        detail = getattr(error, "strerror", None) or str(error)
        raise PortUnavailable(host=host, port=port, detail=detail) from error
    return listener


def _announce(listener: socket.socket, port_file: Path) -> None:
    unfinished = port_file.with_name(port_file.name + ".new")
    unfinished.write_text(str(listener.getsockname()[1]), encoding="ascii")
    unfinished.replace(port_file)


def _server(
    world: World, faults: Faults | None, ollama: APIRouter | None, robots: str | None
) -> uvicorn.Server:
    config = uvicorn.Config(
        create_app(world, faults, ollama, robots=robots),
        log_config=None,
        log_level="critical",  # an answer cut off on purpose is no error
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)
