"""A system of the company that is told of events, and believes only what is signed.

The signature is checked by code of its own, from the specification: nothing of ours takes part.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, or").decode()


def signature(secret: str, webhook_id: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join([webhook_id.encode(), timestamp.encode(), body])
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class EventReceiver:
    """`answers` are the next statuses; afterwards `status`. It keeps its port while it is down."""

    def __init__(self, secret: str = SECRET) -> None:
        self.secret = secret
        self.taken: list[dict[str, Any]] = []  # bodies that were answered 2xx, repeats too
        self.tries: list[str] = []  # webhook-id of each request
        self.raw: list[bytes] = []
        self.forged = 0
        self.answers: deque[int] = deque()
        self.never: set[str] = set()  # types that are answered 400
        self.status = 204
        self.hold = asyncio.Event()  # cleared: nobody gets an answer
        self.hold.set()
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/omni"

    @property
    def once(self) -> list[dict[str, Any]]:
        """What it knows, having dropped repeats by their id."""
        return list({body["id"]: body for body in reversed(self.taken)}.values())[::-1]

    def types(self) -> list[str]:
        return [str(body["type"]) for body in self.once]

    def seqs(self) -> list[int]:
        return [int(body["data"]["seq"]) for body in self.once if "seq" in body["data"]]

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = request.headers
        expected = signature(self.secret, headers["webhook-id"], headers["webhook-timestamp"], body)
        if expected not in headers["webhook-signature"].split(" "):
            self.forged += 1
            return web.Response(status=401)
        told = json.loads(body)
        assert told["id"] == headers["webhook-id"]
        self.tries.append(told["id"])
        self.raw.append(body)
        await self.hold.wait()
        status = self.answers.popleft() if self.answers else self.status
        if told["type"] in self.never:
            status = 400
        if status < 300:
            self.taken.append(told)
        return web.Response(status=status)

    async def up(self) -> None:
        app = web.Application()
        app.router.add_post("/omni", self.take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def down(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        await self.up()
        try:
            yield
        finally:
            self.hold.set()
            await self.down()
