"""Whether the event log is as it was written."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from server.api.context import CONTEXT, answer, operator, refused
from server.api.describe import Query, describes
from server.protocol import AuditVerdict
from server.store import audit

routes = web.RouteTableDef()


@routes.get("/v1/audit")
@describes(
    "Walk the event log's chain from its beginning.",
    "administer",
    query=(
        Query(
            "expect",
            Annotated[str, msgspec.Meta(pattern=f"^({audit.NOTED})?$")],
            "LAST:DIGEST of an earlier answer: finds a log that was rewritten as a whole.",
        ),
    ),
    answer=AuditVerdict,
)
async def verify(request: web.Request) -> web.Response:
    operator(request, "administer")
    text = request.query.get("expect", "")
    expect = audit.noted(text)
    if text and expect is None:
        raise refused(400, "bad_request", "expect is not LAST:DIGEST", "copy it from an earlier answer")
    return answer(await request.app[CONTEXT].database.read(lambda tx: audit.verify(tx, expect)))
