"""The event stream of one visitor: what he missed, then what comes, until he goes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec
from aiohttp import web

from channels.base import Host, HostUnavailableError, ThreadMessage, ThreadView

HEARTBEAT_S = 15.0
RETRY_MS = 3000
PAGE = 100


def message_body(found: ThreadMessage) -> dict[str, object]:
    """A message on the wire. `client_id` lets the widget know its own message again."""
    body: dict[str, object] = {
        "seq": found.seq,
        "mine": found.mine,
        "author": found.author,
        "text": found.text,
        "at": found.at,
        "files": [msgspec.to_builtins(file) for file in found.files],
    }
    if found.mine and found.remote_id:
        body["client_id"] = found.remote_id.rpartition(":")[2]
    return body


def frame(event: str, body: object, seq: int | None = None) -> bytes:
    """One server-sent event. JSON holds no raw line ends, so one data line is enough."""
    number = b"" if seq is None else b"id: %d\n" % seq
    return number + b"event: " + event.encode() + b"\ndata: " + msgspec.json.encode(body) + b"\n\n"


class EventStream:
    """Serves one connection; `close()` ends it from outside."""

    def __init__(self, host: Host, visitor: str, after: int) -> None:
        self._host = host
        self._visitor = visitor
        self._after = after
        self._closing = asyncio.Event()
        self._shown: dict[str, object] | None = None

    def close(self) -> None:
        self._closing.set()

    async def serve(self, request: web.Request, headers: Mapping[str, str]) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                **headers,
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
                "X-Content-Type-Options": "nosniff",
            }
        )
        # The watch begins before the first read, so that nothing falls between the two.
        watch = self._host.watch(self._visitor)
        closing = asyncio.create_task(self._closing.wait())
        changed: asyncio.Task[None] | None = None
        try:
            await response.prepare(request)
            await response.write(b"retry: %d\n\n" % RETRY_MS)
            while not self._closing.is_set():
                if changed is None:
                    changed = asyncio.create_task(watch.changed())
                # Also after a silent heartbeat: the thread is the truth, a wake-up only a hint.
                if not await self._catch_up(response):
                    await response.write(b": still here\n\n")
                await asyncio.wait({changed, closing}, timeout=HEARTBEAT_S, return_when="FIRST_COMPLETED")
                if changed.done():
                    changed.result()
                    changed = None
        except (ConnectionError, HostUnavailableError):
            # The visitor went away, or the server cannot read now: he comes again with his last seq.
            return response
        finally:
            watch.close()
            closing.cancel()
            if changed is not None:
                changed.cancel()
            await asyncio.gather(closing, *([changed] if changed else []), return_exceptions=True)
        return response

    async def _catch_up(self, response: web.StreamResponse) -> bool:
        """Write everything that is new; False when there was nothing."""
        wrote = False
        while True:
            view: ThreadView = await self._host.thread(self._visitor, self._after, PAGE)
            for found in view.messages:
                await response.write(frame("message", message_body(found), found.seq))
                self._after = found.seq
                wrote = True
            if not (view.more and view.messages):
                break
        shown: dict[str, object] = {
            "state": view.state,
            "operator": view.operator,
            "opens_at": self._host.opens_at(),
        }
        if shown != self._shown:
            # It also says that everything older was sent: the widget stops waiting for history.
            await response.write(frame("state", shown))
            self._shown = shown
            wrote = True
        return wrote
