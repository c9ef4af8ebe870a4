"""What the routes are handed: the connections of the process, and who is asking."""

import hmac
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, get_origin

from fastapi import Depends, HTTPException, Path, Query, Request, Security
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, ConfigDict
from redis.asyncio import Redis
from sqlalchemy.orm import Session

from openfunnel.errors import InvalidQuery
from openfunnel.intake import Intake
from openfunnel.queue.leases import LeaseQueue
from openfunnel.settings import Settings
from openfunnel.store.database import Database


@dataclass(frozen=True)
class Connections:
    """What the process opened at its start."""

    settings: Settings
    database: Database
    redis: Redis
    intake: Intake
    extract_queue: LeaseQueue


def connections(request: Request) -> Connections:
    """Return what the lifespan of the app opened."""
    opened: Connections = request.app.state.connections
    return opened


ConnectionsDep = Annotated[Connections, Depends(connections)]


def session(opened: ConnectionsDep) -> Iterator[Session]:
    """Yield a session in one transaction, which ends before the answer is sent."""
    with opened.database.begin() as transaction:
        yield transaction


SessionDep = Annotated[Session, Depends(session, scope="function")]

RowId = Annotated[int, Path(ge=1, le=2**63 - 1, description="Numeric id.", examples=[1])]


# --- parameters ---------------------------------------------------------------------------------


class NoParameters(BaseModel):
    """The query of a route that takes none."""

    model_config = ConfigDict(extra="forbid")


def refuse_parameters(query: Annotated[NoParameters, Query()]) -> None:
    """Answer 422 to any query parameter, so that a filter in the wrong place is noticed."""


def refuse_repetition(query: type[BaseModel]) -> Callable[[Request], None]:
    """Return a dependency that answers 422 to a repeated parameter that `query` takes once."""
    fields = query.model_fields.items()
    single = [name for name, field in fields if get_origin(field.annotation) is not tuple]

    def refuse(request: Request) -> None:
        counts = Counter(name for name, _ in request.query_params.multi_items())
        for name in single:
            if counts[name] > 1:
                raise InvalidQuery(field=name, problem="This parameter is taken once")

    return refuse


# --- who is asking ------------------------------------------------------------------------------

_key_header = APIKeyHeader(
    name="X-API-Key",
    auto_error=False,
    description="Asked for where keys are configured: an API key reads, an admin key does it all.",
)
KeyDep = Annotated[str | None, Security(_key_header)]


def require_reader(opened: ConnectionsDep, key: KeyDep) -> None:
    """Let any known key pass; everybody, where no keys are configured."""
    settings = opened.settings
    _require(key, settings.api_keys | settings.admin_keys)


def require_admin(opened: ConnectionsDep, key: KeyDep) -> None:
    """Let admin keys pass; everybody, where no keys are configured."""
    settings = opened.settings
    _require(key, settings.api_keys | settings.admin_keys)
    if settings.api_keys and not _is_one_of(key or "", settings.admin_keys):
        raise HTTPException(403, "This asks for an admin key (OPENFUNNEL_ADMIN_KEYS).")


def _require(key: str | None, accepted: frozenset[str]) -> None:
    if accepted and not _is_one_of(key or "", accepted):
        detail = "Unknown API key." if key else "Send an API key in the header X-API-Key."
        raise HTTPException(401, detail, headers={"WWW-Authenticate": "ApiKey"})


def _is_one_of(key: str, accepted: Iterable[str]) -> bool:
    """Compare with every key, each in constant time. Headers arrive decoded as Latin-1."""
    sent = key.encode("latin-1", "replace")
    return sum(hmac.compare_digest(sent, known.encode()) for known in accepted) > 0
