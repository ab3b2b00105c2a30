"""Raw items: as they came, imported by hand, from archives, and reconciled with the providers."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from channels.base import HostUnavailableError
from server.api.context import CONTEXT, answer, number, operator, refused
from server.api.describe import Media, describes
from server.protocol import Archived, BoxLedger, Imported
from server.rawitems import RawItems

routes = web.RouteTableDef()

BYTES = Media("application/octet-stream")
ITEM_MAX = 100 * 1024 * 1024
REQUEST_MAX = ITEM_MAX + 1024 * 1024
ITEMS_MAX = 500
STALLED_S = 60.0


def _raw_items(request: web.Request) -> RawItems:
    found = request.app[CONTEXT].raw_items
    if found is None:
        raise refused(503, "unavailable", "the server has not started yet")
    return found


@routes.get("/v1/journal/{item}/raw")
@describes(
    "A raw item as it came. One that was too big is fetched from its provider.",
    codes=("illegal_state",),
    answer=BYTES,
)
async def raw(request: web.Request) -> web.Response:
    operator(request, "read")
    data = await _raw_items(request).whole(number(request, "item"))
    return web.Response(body=data, content_type=BYTES.content_type)


@routes.post("/v1/journal/{item}/import")
@describes(
    "Take an item of the quarantine in after all: too big, unparseable, a mail of our own that came back.",
    "write",
    codes=("illegal_state",),
    answer=Imported,
)
async def import_by_hand(request: web.Request) -> web.Response:
    operator(request, "write")
    return answer(await _raw_items(request).import_by_hand(number(request, "item")))


@routes.get("/v1/channels/{channel}/ledger")
@describes(
    "Everything that the provider of a channel keeps, against what was taken.",
    codes=("illegal_state",),
    answer=list[BoxLedger],
)
async def ledger(request: web.Request) -> web.Response:
    operator(request, "read")
    found = await _raw_items(request).ledger(request.match_info["channel"])
    return answer(msgspec.convert(msgspec.to_builtins(found), list[BoxLedger]))


@routes.post("/v1/channels/{channel}/archive")
@describes(
    "Bring in history: items one after another, each behind a line with its length in bytes.",
    "administer",
    body=BYTES,
    codes=("illegal_state",),
    answer=Archived,
)
async def archive(request: web.Request) -> web.Response:
    """What is here already stays as it is, so that a request may be repeated. What is new is parsed after
    the answer; it reopens nothing, tells nobody, and nobody waits for an answer to it."""
    operator(request, "administer")
    items = await _items(request)
    try:
        return answer(await _raw_items(request).take_archive(request.match_info["channel"], items))
    except HostUnavailableError as error:
        raise refused(503, "unavailable", str(error), "send the same again later") from error


async def _items(request: web.Request) -> list[bytes]:
    """Raises ApiError."""
    if (request.content_length or 0) > REQUEST_MAX:
        raise refused(413, "too_large", f"the body is larger than {REQUEST_MAX} bytes")
    items: list[bytes] = []
    heard = 0
    try:
        while True:
            async with asyncio.timeout(STALLED_S):
                line = await request.content.readline()
            if not line:
                return items
            if not line.endswith(b"\n") or not line[:-1].isdigit() or len(line) > 12:
                raise refused(400, "bad_request", f"item {len(items) + 1} does not begin with its length")
            heard += len(line) + int(line)
            if int(line) > ITEM_MAX or heard > REQUEST_MAX or len(items) >= ITEMS_MAX:
                raise refused(
                    413, "too_large", f"at most {ITEMS_MAX} items and {REQUEST_MAX} bytes a request"
                )
            async with asyncio.timeout(STALLED_S):
                items.append(await request.content.readexactly(int(line)))
    except (asyncio.IncompleteReadError, ValueError) as error:
        raise refused(400, "bad_request", f"item {len(items) + 1} breaks off") from error
    except TimeoutError as error:
        raise refused(400, "bad_request", "the body stalls") from error
