"""What an answer, or its absence, means: each outcome of a request has a name."""

from typing import ClassVar

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

LONGEST_DETAIL = 300


class Refusal(IgnoreRequest):
    """Something we do not do; `failure` is its name, the message says what and why."""

    failure: ClassVar[Failure]


class RobotsRefused(Refusal):
    """The host's robots.txt keeps us away."""

    failure = Failure.ROBOTS


class RobotsUnreachable(Refusal):
    """Nobody knows what the host's robots.txt says, so for now nothing is asked."""

    failure = Failure.UNREACHABLE


class RedirectRefused(Refusal):
    """A redirect that is not followed."""

    failure = Failure.REDIRECT


class AnswerTooLarge(Refusal):
    """A body that would be larger than the limit once decompressed."""

    failure = Failure.TOO_LARGE


class AnswerGarbled(Refusal):
    """A body that is not of the content encoding it claims."""

    failure = Failure.UNPARSABLE


STATUS_FAILURES = {
    401: Failure.BLOCKED,
    403: Failure.BLOCKED,
    451: Failure.BLOCKED,
    404: Failure.NOT_FOUND,
    410: Failure.NOT_FOUND,
    413: Failure.TOO_LARGE,
    429: Failure.RATE_LIMITED,
    # What is left of a redirect that leads nowhere on the web: no Location, or that of a file.
    **dict.fromkeys((300, 301, 302, 303, 305, 306, 307, 308), Failure.REDIRECT),
}

EXCEPTION_FAILURES: dict[type[BaseException], tuple[Failure, str]] = {
    DownloadTimeoutError: (Failure.TIMED_OUT, "no answer in time"),
    DownloadConnectionRefusedError: (Failure.UNREACHABLE, "the connection was refused"),
    CannotResolveHostError: (Failure.UNREACHABLE, "the host's name is unknown"),
    # Scrapy cancels a download of its own accord for one reason only: DOWNLOAD_MAXSIZE.
    DownloadCancelledError: (Failure.TOO_LARGE, "the body is larger than the limit"),
    ResponseDataLossError: (Failure.TRUNCATED, "the body ended early"),
}

NETWORK_ERRORS = (
    DownloadFailedError,
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
    if isinstance(error, Refusal):
        return error.failure, str(error)[:LONGEST_DETAIL]
    if isinstance(error, IgnoreRequest):  # a middleware that an operator added
        return Failure.BLOCKED, f"refused here: {error}"[:LONGEST_DETAIL]
    for kind, named in EXCEPTION_FAILURES.items():
        if isinstance(error, kind):
            return named
    if isinstance(error, NETWORK_ERRORS):
        return Failure.UNREACHABLE, f"{type(error).__name__}: {error}"[:LONGEST_DETAIL]
    return None
