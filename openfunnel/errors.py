"""The error tree: the docstring of each class is the line a user reads.

Messages are format strings over the keyword arguments of the constructor, which stay readable as
attributes. A command prints the message on stderr and exits with 1; the API answers it as problem
details. Nothing here carries a secret: URLs go through `redact_url` first.
"""

import re

_LOGIN = re.compile(r"(?<=//)([^/?#@:]*):[^/?#]+@")
_PARAMETER = re.compile(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", re.IGNORECASE)


def redact_url(url: str) -> str:
    """Return a URL, or libpq's `key=value` words, with passwords replaced by `***`.

    Reads malformed ones too: those are the ones that end up in messages.
    """
    return _PARAMETER.sub(r"\1***", _LOGIN.sub(r"\1:***@", url))


class OpenFunnelError(Exception):
    """Something went wrong: {detail}."""

    def __init__(self, **details: object) -> None:
        self.details = details
        super().__init__(" ".join((type(self).__doc__ or "").split()).format(**details))

    def __getattr__(self, name: str) -> object:
        try:
            return self.__dict__["details"][name]
        except KeyError:
            raise AttributeError(name) from None

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.details))


def _rebuild(kind: type[OpenFunnelError], details: dict[str, object]) -> OpenFunnelError:
    return kind(**details)


# --- set-up -------------------------------------------------------------------------------------


class SetupError(OpenFunnelError):
    """The set-up is not usable: {detail}."""


class InvalidSetting(SetupError):
    """{name}: {problem}. Correct the environment variable {name}."""


class InvalidTaxonomy(SetupError):
    """The taxonomy's file {path} cannot be read: {problem}."""


class UnfitEntry(OpenFunnelError):
    """The taxonomy does not take {name}: {problem}."""


class ServiceNotInstalled(SetupError):
    """No {service} for this machine: {remedy}."""


class ServiceStartFailed(SetupError):
    """The embedded {service} did not start: {detail}. Its log is {log}."""


class DatabaseUnavailable(SetupError):
    """PostgreSQL does not answer at {url} ({detail}). Start it, or correct DATABASE_URL; without
    DATABASE_URL an embedded server is used.
    """


class RedisUnavailable(SetupError):
    """Redis does not answer at {url} ({detail}). Start it, or correct REDIS_URL; without REDIS_URL
    an embedded server is used.
    """


class UnsupportedScrapy(SetupError):
    """The frontier does not know its way about in Scrapy {version}. Install what requirements.txt
    names, or set OPENFUNNEL_FRONTIER=stock.
    """


class SchemaOutdated(SetupError):
    """The database is at schema {found}, this version needs {needed}. Run `openfunnel migrate`."""


class InvalidFaults(SetupError):
    """Fault {entry!r} makes no sense: {problem}."""


class InvalidReplay(SetupError):
    """{folder} holds no recorded boards. They are expected as <ats>/<token>.json.gz."""


class DemoRefused(SetupError):
    """The store holds {count} boards that are not the demo's. Run the demo with a folder of its
    own: OPENFUNNEL_HOME=/tmp/openfunnel-demo.
    """


class DemoFailed(OpenFunnelError):
    """The demo failed: {detail}."""


class PortUnavailable(SetupError):
    """Cannot listen on {host}:{port} ({detail}). Is an earlier one still up? Else name another
    port (--port; `make demo PORT=8001`).
    """


# --- addresses and sources ----------------------------------------------------------------------


class AddressRefused(OpenFunnelError):
    """Start entry {entry!r} refused: {reason}."""


class UnparsableAnswer(OpenFunnelError):
    """The answer of {ats} board {token} cannot be read: {reason}."""


class TruncatedAnswer(UnparsableAnswer):
    """The answer of {ats} board {token} ends early: {reason}."""


class ChangedSchema(UnparsableAnswer):
    """The answer of {ats} board {token} is not what {ats} documents: {reason}."""


# --- extraction ---------------------------------------------------------------------------------


class ExtractionFailed(OpenFunnelError):
    """The extraction failed: {reason}."""


class ModelAnswerInvalid(ExtractionFailed):
    """{model} gave no usable answer: {reason}."""


class ModelBusy(OpenFunnelError):
    """{model} at {host} is busy or away: {reason}. The posting waits and no attempt is counted."""


class ModelUnavailable(SetupError):
    """{host} does not serve the model {model}: {reason}. {remedy}."""


class InvalidGoldSet(OpenFunnelError):
    """{file} cannot be used: {problem}."""


# --- queries ------------------------------------------------------------------------------------


class NotFound(OpenFunnelError):
    """There is no {kind} {key}."""


class RetryRefused(OpenFunnelError):
    """Dead letter {id} cannot be retried: {reason}."""


class InvalidQuery(OpenFunnelError):
    """{field}: {problem}."""


class RawResponseDamaged(OpenFunnelError):
    """The stored body of raw response {id} does not match its checksum."""
