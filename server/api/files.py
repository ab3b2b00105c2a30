"""Files of messages, as bytes. Names are the senders': they go out only as quoted text."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from server.api.context import CONTEXT, number, operator, refused
from server.api.describe import Empty, Media, describes
from server.store import files

routes = web.RouteTableDef()

BYTES = Media("application/octet-stream")


@routes.get("/v1/files/{file}")
@describes(
    "The bytes of a file. The name in the answer is its sender's: text to show, never a path.",
    also={206: BYTES, 304: Empty(), 416: Empty()},
    answer=BYTES,
)
async def file(request: web.Request) -> web.StreamResponse:
    operator(request, "read")
    context = request.app[CONTEXT]
    file_id = number(request, "file")
    row = await context.database.read(lambda tx: files.one(tx, file_id))
    if row is None or row.sha256 is None:
        raise refused(404, "not_found", f"there is no file {file_id}")
    return web.FileResponse(
        context.blobs.path(row.sha256),
        headers={
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(row.name, safe='')}",
        },
    )
