"""The public read APIs of Greenhouse, Lever and Ashby, spoken over a `World`."""

import html
import json
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import ValidationError
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from openfunnel.records import BoardRef
from openfunnel.sandbox.world import BoardAnswer, Entry, World, entity_tag, entries

ONLY_WITH_CONTENT = frozenset(("content", "departments", "offices"))
"""What Greenhouse's list leaves out unless asked with `content=true`."""
ONLY_WITH_PAY = frozenset(("pay_input_ranges",))
"""What Greenhouse leaves out unless asked with `pay_transparency=true`."""
ONLY_WITH_COMPENSATION = frozenset(("compensation", "shouldDisplayCompensationOnJobPostings"))
"""What Ashby leaves out unless asked with `includeCompensation=true`."""


def router(world: World) -> APIRouter:
    """Routes below `/greenhouse`, `/lever`, `/lever_eu` and `/ashby`, by the paths of each API."""
    routes = APIRouter()
    _add_greenhouse(routes, world)
    _add_lever(routes, world, prefix="/lever", region="")
    _add_lever(routes, world, prefix="/lever_eu", region="eu")
    _add_ashby(routes, world)
    return routes


def not_found(ats: str) -> Response:
    """404 in the words of `greenhouse`, `lever` or `ashby`."""
    if ats == "greenhouse":
        return JSONResponse({"status": 404, "error": "Job not found"}, 404)
    if ats == "ashby":
        return PlainTextResponse("Not Found", 404)
    return JSONResponse({"ok": False, "error": "Document not found"}, 404)


def _add_greenhouse(routes: APIRouter, world: World) -> None:
    def find(token: str) -> BoardAnswer | None:
        return _find(world, "greenhouse", "", token)

    @routes.get("/greenhouse/v1/boards/{token}")
    def name_board(request: Request, token: str) -> Response:
        if (answer := find(token)) is None:
            return not_found("greenhouse")
        names = [entry["company_name"] for entry in entries(answer) if entry.get("company_name")]
        return _json(request, {"name": names[0] if names else token, "content": ""})

    @routes.get("/greenhouse/v1/boards/{token}/jobs")
    def list_jobs(
        request: Request, token: str, content: bool = False, pay_transparency: bool = False
    ) -> Response:
        if (answer := find(token)) is None:
            return not_found("greenhouse")
        hidden = _hidden(content, pay_transparency)
        if not hidden or not any(hidden & entry.keys() for entry in entries(answer)):
            return _whole(request, answer)
        jobs = [_without(hidden, entry) for entry in entries(answer)]
        return _json(request, {"jobs": jobs, "meta": {"total": len(jobs)}})

    @routes.get("/greenhouse/v1/boards/{token}/jobs/{job_id}")
    def read_job(
        request: Request, token: str, job_id: str, pay_transparency: bool = False
    ) -> Response:
        if (entry := _pick(find(token), job_id)) is None:
            return not_found("greenhouse")
        hidden = _hidden(content=True, pay_transparency=pay_transparency)
        return _json(request, _without(hidden, entry))


def _hidden(content: bool, pay_transparency: bool) -> frozenset[str]:
    names = frozenset[str]() if content else ONLY_WITH_CONTENT
    return names if pay_transparency else names | ONLY_WITH_PAY


def _add_lever(routes: APIRouter, world: World, prefix: str, region: str) -> None:
    def find(site: str) -> BoardAnswer | None:
        return _find(world, "lever", region, site)

    @routes.get(f"{prefix}/v0/postings/{{site}}")
    def list_postings(
        request: Request,
        site: str,
        mode: str = "html",
        skip: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int | None, Query(ge=0)] = None,
    ) -> Response:
        if (answer := find(site)) is None:
            return not_found("lever")
        if mode == "json" and skip == 0 and limit is None:
            return _whole(request, answer)
        page = entries(answer)[skip:][:limit]
        return _json(request, page) if mode == "json" else _page(page)

    @routes.get(f"{prefix}/v0/postings/{{site}}/{{posting_id}}")
    def read_posting(request: Request, site: str, posting_id: str, mode: str = "json") -> Response:
        entry = _pick(find(site), posting_id)
        if entry is None:
            return not_found("lever")
        return _json(request, entry) if mode == "json" else _page((entry,))


def _add_ashby(routes: APIRouter, world: World) -> None:
    @routes.get("/ashby/posting-api/job-board/{board}")
    def list_jobs(
        request: Request,
        board: str,
        with_compensation: Annotated[bool, Query(alias="includeCompensation")] = False,
    ) -> Response:
        if (answer := _find(world, "ashby", "", board)) is None:
            return not_found("ashby")
        if with_compensation:
            return _whole(request, answer)
        jobs = [_without(ONLY_WITH_COMPENSATION, entry) for entry in entries(answer)]
        return _json(request, {"jobs": jobs, "apiVersion": "1"})


def _find(world: World, ats: str, region: str, token: str) -> BoardAnswer | None:
    try:
        ref = BoardRef(ats=ats, region=region, token=token)
    except ValidationError:  # no board can bear such a token
        return None
    return world.answer(ref)


def _pick(answer: BoardAnswer | None, entry_id: str) -> Entry | None:
    found = entries(answer) if answer else ()
    return next((entry for entry in found if str(entry["id"]) == entry_id), None)


def _without(names: frozenset[str], entry: Entry) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}


def _page(postings: tuple[Entry, ...]) -> HTMLResponse:
    titles = "".join(f"<li>{html.escape(str(posting['text']))}</li>" for posting in postings)
    return HTMLResponse(f"<!doctype html><title>Jobs</title><ul>{titles}</ul>")


def _json(request: Request, content: object) -> Response:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    if _is_known(request, tag := entity_tag(body), None):
        return Response(status_code=304, headers={"ETag": tag})
    return Response(body, media_type="application/json", headers={"ETag": tag})


def _whole(request: Request, answer: BoardAnswer) -> Response:
    headers = {"ETag": answer.etag, "Vary": "Accept-Encoding"}
    if answer.modified:
        headers["Last-Modified"] = format_datetime(answer.modified, usegmt=True)
    if _is_known(request, answer.etag, answer.modified):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(answer.gzipped, media_type="application/json", headers=headers)
    return Response(answer.body, media_type="application/json", headers=headers)


def _is_known(request: Request, etag: str, modified: datetime | None) -> bool:
    """Evaluate the request's conditions: a tag counts for more than a date (RFC 9110, 13.2.2)."""
    if (tags := request.headers.get("if-none-match")) is not None:
        return etag in (tag.strip() for tag in tags.split(","))
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
    except (ValueError, OverflowError):
        return False
    # A date in another zone's words, or none, compares with nothing of ours.
    return modified is not None and since.tzinfo is not None and modified <= since
