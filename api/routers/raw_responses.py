"""What the boards answered, as it came."""

import re

from fastapi import APIRouter, Depends, Response

from api import problems
from api.deps import RowId, SessionDep, refuse_parameters, require_admin
from openfunnel.errors import NotFound
from openfunnel.store import queries

router = APIRouter(prefix="/raw_responses", tags=["raw"])

ANY_BYTES = "application/octet-stream"
CONTENT_TYPE = re.compile(r"[!-~]+/[!-~]+( *; *[ -~]+)?")
"""What may be repeated in a header: printable ASCII around a slash."""


@router.get(
    "/{raw_response_id}",
    summary="One stored answer, byte for byte",
    dependencies=[Depends(refuse_parameters), Depends(require_admin)],
    response_class=Response,
    responses={
        200: {
            "description": "The body with the content type it came with.",
            "content": {"*/*": {"schema": {}}},
        },
        **problems.responses(403, 404),
    },
)
def read_raw_response(raw_response_id: RowId, session: SessionDep) -> Response:
    """Answer the body as it was stored, after content decoding.

    It is somebody else's: browsers are told to save it and not to guess what it is.
    """
    raw = queries.get_raw_response(session, raw_response_id)
    if raw is None:
        raise NotFound(kind="raw response", key=raw_response_id)
    stated = raw.content_type or ""
    headers = {
        "Content-Type": stated if CONTENT_TYPE.fullmatch(stated) else ANY_BYTES,
        "Content-Disposition": f'attachment; filename="raw-response-{raw_response_id}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(raw.body, headers=headers)
