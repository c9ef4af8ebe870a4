"""What an answer, or its absence, means: each outcome of a request has a name."""

from scrapy.core.downloader.handlers.http11 import TunnelError
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
)
from scrapy.http import Response
from twisted.internet.error import ConnectError, ConnectionClosed

from openfunnel.records import Failure

STATUS_FAILURES = {
    401: Failure.BLOCKED,
    403: Failure.BLOCKED,
    451: Failure.BLOCKED,
    404: Failure.NOT_FOUND,
    410: Failure.NOT_FOUND,
    429: Failure.RATE_LIMITED,
}

EXCEPTION_FAILURES: dict[type[BaseException], tuple[Failure, str]] = {
    DownloadTimeoutError: (Failure.TIMED_OUT, "no answer in time"),
    DownloadConnectionRefusedError: (Failure.UNREACHABLE, "the connection was refused"),
    CannotResolveHostError: (Failure.UNREACHABLE, "the host's name is unknown"),
    IgnoreRequest: (Failure.BLOCKED, "refused by robots.txt"),
}

NETWORK_ERRORS = (
    DownloadFailedError,
    DownloadCancelledError,
    ResponseDataLossError,
    UnsupportedURLSchemeError,
    TunnelError,
    ConnectError,
    ConnectionClosed,
    OSError,
)


def name_response(response: Response) -> tuple[Failure, str] | None:
    """Name what is wrong with an answer before its body is read; None where nothing is."""
    if response.status != 200:
        failure = STATUS_FAILURES.get(response.status, Failure.SERVER_ERROR)
        return failure, f"HTTP {response.status}"
    if "dataloss" in response.flags or "partial" in response.flags:
        return Failure.TRUNCATED, f"the body ended early, after {len(response.body)} bytes"
    return None


def name_exception(error: BaseException) -> tuple[Failure, str] | None:
    """Name what kept an answer from coming; None where it was none of the board's doing."""
    for kind, named in EXCEPTION_FAILURES.items():
        if isinstance(error, kind):
            return named
    if isinstance(error, NETWORK_ERRORS):
        return Failure.UNREACHABLE, f"{type(error).__name__}: {error}"[:300]
    return None
