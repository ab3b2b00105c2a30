"""Bodies of the fake operator API, in and out, and how it says no."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from aiohttp import web

from server import protocol as wire

T = TypeVar("T")


class RefusalError(Exception):
    """Ends a request with an ErrorAnswer; `more` are further fields of its ErrorBody."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = wire.ErrorBody(code=code, message=message, **more)


def answer(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json", status=status)


def refusal(body: wire.ErrorBody, status: int) -> web.Response:
    return answer(wire.ErrorAnswer(error=body), status)


async def read_body(request: web.Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except msgspec.ValidationError as error:
        raise RefusalError(400, "bad_request", str(error)) from error


async def send_frame(socket: web.WebSocketResponse, envelope: wire.Envelope) -> None:
    if not socket.closed:
        await socket.send_str(msgspec.json.encode(envelope).decode())
