"""Questions to the operator API in one line: method, path, body; the answer as a wire type."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from server.protocol import ErrorAnswer, ErrorBody
from tests.fakes.running_server import OLGA, Running

T = TypeVar("T")


async def ask(run: Running, kind: type[T], method: str, path: str, uid: int | None = OLGA, **body: Any) -> T:
    """The answer, which must be 200."""
    raw = msgspec.json.encode(body) if body else None
    status, data = await run.ask(method, path, raw, uid=uid)
    assert status == 200, (status, data)
    return msgspec.json.decode(data, type=kind)


async def refused(
    run: Running, status: int, method: str, path: str, uid: int | None = OLGA, **body: Any
) -> ErrorBody:
    """What the server said no with."""
    raw = msgspec.json.encode(body) if body else None
    got, data = await run.ask(method, path, raw, uid=uid)
    assert got == status, (got, data)
    return msgspec.json.decode(data, type=ErrorAnswer).error
