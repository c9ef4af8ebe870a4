"""Ports, before anything is started on them."""

import socket

from openfunnel.errors import PortUnavailable


def check_port(host: str, port: int) -> None:
    """Make sure that a server could listen there now; 0 is any free port.

    Raises:
        PortUnavailable: somebody else does, or the host is not this machine's.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        socket.create_server(address, family=family).close()
    except (OSError, UnicodeError) as error:
        detail = getattr(error, "strerror", None) or str(error)
        raise PortUnavailable(host=host, port=port, detail=detail) from None
