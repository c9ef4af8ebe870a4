"""Errors become HTTP here, once: every one is answered as problem details (RFC 9457)."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from openfunnel.errors import DatabaseUnavailable, InvalidQuery, NotFound, RedisUnavailable

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

DATABASE_DOWN = "database: PostgreSQL does not answer; the API's log says why."
REDIS_DOWN = "redis: Redis does not answer; the API's log says why."


class FieldProblem(BaseModel):
    """What is wrong with one field of the request."""

    field: str = Field(description="Name of the parameter.", examples=["limit"])
    detail: str = Field(examples=["Input should be less than or equal to 200"])


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = Field(default="about:blank", description="`about:blank`: the title says it all.")
    title: str = Field(description="The HTTP status in words.", examples=["Unprocessable Content"])
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(
        description="What is wrong with this request, for a person to read.",
        examples=["limit: Input should be less than or equal to 200"],
    )
    errors: list[FieldProblem] = Field(
        default=[], description="The fields at fault, where there are any."
    )


def respond(
    status: int,
    detail: str,
    errors: Sequence[FieldProblem] = (),
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Return problem details as a response."""
    problem = Problem(
        title=HTTPStatus(status).phrase, status=status, detail=detail, errors=list(errors)
    )
    return JSONResponse(problem.model_dump(), status, headers, media_type=MEDIA_TYPE)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI entries of a route that answers with these problems."""
    return {
        status: {
            "description": _MEANING[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def schemas() -> dict[str, Any]:
    """Return the OpenAPI components that `responses` refers to."""
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**problem.pop("$defs"), "Problem": problem}


_MEANING = {
    401: "No API key, or an unknown one.",
    403: "The API key may read, but this asks for an admin key.",
    404: "There is nothing under this id.",
    422: "A parameter is unknown or its value is not usable; `errors` names it.",
    503: "PostgreSQL or Redis does not answer; `detail` says which.",
}


def install(app: FastAPI) -> None:
    """Make `app` answer every error as problem details."""
    handlers: dict[type[Exception], Any] = {
        RequestValidationError: _invalid_request,
        InvalidQuery: _invalid_query,
        NotFound: _not_found,
        HTTPException: _http_error,
        DatabaseUnavailable: _database_down,
        OperationalError: _database_down,
        InterfaceError: _database_down,
        PoolTimeout: _database_down,
        RedisUnavailable: _redis_down,
        RedisError: _redis_down,
        Exception: _unexpected,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _invalid_request(_request: Request, error: RequestValidationError) -> JSONResponse:
    errors = [
        FieldProblem(field=_field(item["loc"]), detail=_wording(item)) for item in error.errors()
    ]
    return _unprocessable(errors)


async def _invalid_query(_request: Request, error: InvalidQuery) -> JSONResponse:
    return _unprocessable([FieldProblem(field=str(error.field), detail=str(error.problem))])


def _unprocessable(errors: Sequence[FieldProblem]) -> JSONResponse:
    detail = "; ".join(f"{error.field}: {error.detail}" for error in errors)
    return respond(422, detail, errors)


def _field(location: Sequence[int | str]) -> str:
    """Return the parameter's name: what follows `query` or `path`, before any index."""
    return str(location[1] if len(location) > 1 else location[0])


def _wording(item: dict[str, Any]) -> str:
    if item["type"] == "extra_forbidden":
        return "This parameter is not known here"
    return str(item["msg"]).removeprefix("Value error, ")


async def _not_found(_request: Request, error: NotFound) -> JSONResponse:
    return respond(404, str(error))


async def _http_error(_request: Request, error: HTTPException) -> JSONResponse:
    headers = dict(error.headers) if error.headers else None
    return respond(error.status_code, str(error.detail), headers=headers)


async def _database_down(_request: Request, error: Exception) -> JSONResponse:
    log.error("%s", error)
    return respond(503, DATABASE_DOWN)


async def _redis_down(_request: Request, error: Exception) -> JSONResponse:
    log.error("%s", error)
    return respond(503, REDIS_DOWN)


async def _unexpected(_request: Request, _error: Exception) -> JSONResponse:
    return respond(500, "Something unexpected happened; the log of the API has the traceback.")
