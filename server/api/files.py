"""Files of messages, as bytes. Names are the senders': they go out only as quoted text."""

from __future__ import annotations

import asyncio
import shutil
from urllib.parse import quote

from aiohttp import web

from channels.file_types import UNKNOWN, told
from server.api.context import CONTEXT, Context, answer, number, operator, refused
from server.api.describe import Empty, Media, Query, describes
from server.cases import sharing
from server.dimensions import dimensions
from server.protocol import Upload
from server.store import conversations, files, uploads
from server.store.files import FileRow
from server.store.transaction import Snapshot, Transaction

routes = web.RouteTableDef()

BYTES = Media("application/octet-stream")
UPLOAD_MAX = 25 * 1024 * 1024
NAME_MAX = 200


@routes.get("/v1/files/{file}")
@describes(
    "The bytes of a file. The name in the answer is its sender's: text to show, never a path.",
    "look",
    also={206: BYTES, 304: Empty(), 416: Empty()},
    answer=BYTES,
)
async def file(request: web.Request) -> web.StreamResponse:
    me = operator(request, "look")
    context = request.app[CONTEXT]
    file_id = number(request, "file")

    def find(tx: Snapshot) -> FileRow | None:
        found = files.one(tx, file_id)
        return found if found is not None and sharing.may_see(tx, found.conversation_id, me) else None

    row = await context.database.read(find)
    if row is None or row.sha256 is None:
        raise refused(404, "not_found", f"there is no file {file_id}")
    return web.FileResponse(
        context.blobs.path(row.sha256),
        headers={
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(row.name, safe='')}",
        },
    )


@routes.post("/v1/conversations/{conversation}/files")
@describes(
    "Put a file up, to be sent with a reply in this conversation: the body is its bytes, at most 25 MiB.",
    "write",
    query=(Query("name", str, "Its name, as the customer will see it."),),
    body=BYTES,
    codes=("too_large", "unavailable"),
    answer=Upload,
)
async def put_up(request: web.Request) -> web.Response:
    me = operator(request, "write")
    context = request.app[CONTEXT]
    conversation_id = number(request, "conversation")
    name = _plain(request.query.get("name", ""))
    data = await _bytes(request, context)
    sha256 = await asyncio.to_thread(context.blobs.put, data)
    content_type = told(UNKNOWN, name, data).content_type
    width, height = dimensions(data) or (None, None)

    def note(tx: Transaction) -> Upload:
        conversations.held(tx, conversation_id)
        upload = Upload(
            id=0, name=name, content_type=content_type, size=len(data), width=width, height=height
        )
        return uploads.add(tx, me.id, conversation_id, upload, sha256)

    return answer(await context.database.write(note))


async def _bytes(request: web.Request, context: Context) -> bytes:
    """The body, while there is room for it. Raises ApiError."""
    announced = request.content_length or 0
    free = shutil.disk_usage(context.blobs.path("0" * 64).parents[1]).free
    if free - announced < context.disk_reserve:
        raise refused(503, "unavailable", "the disk is nearly full", "free some of it")
    gathered = bytearray()
    async for chunk in request.content.iter_chunked(64 * 1024):
        gathered += chunk
        if len(gathered) > UPLOAD_MAX:
            raise refused(413, "too_large", f"the file has more than {UPLOAD_MAX} bytes")
    return bytes(gathered)


def _plain(name: str) -> str:
    """The name as customers may see it: one line, nothing invisible, no path."""
    shown = "".join(char for char in name.replace("\\", "/").rpartition("/")[2] if char.isprintable())
    return shown.strip()[:NAME_MAX] or "file"
