"""Who speaks through TCP: the token in the Authorization header says it, and nothing else does.

Whatever is wrong with a token, the answer is the same 401; the reason is for the server's own log.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

import structlog
from aiohttp import web

from server.api.context import CONTEXT, ApiError, refused
from server.api.listen import DOOR
from server.protocol import ErrorBody
from server.public.limits import Buckets, Clock, retry_after
from server.store import tokens
from server.store.errors import StoreUnavailableError
from server.store.tokens import Bearer, TokenRefusedError

log = structlog.get_logger(__name__)


class Bearers:
    """What is remembered of tokens in use: their pace, and the minute in which they were seen last."""

    def __init__(self, rate: float, burst: float, clock: Clock = time.monotonic) -> None:
        self._pace = Buckets(rate, burst, clock)
        self._warnings = Buckets(0.1, 5, clock)  # lines of the log per address
        self._minutes: dict[int, int] = {}
        self._noting: set[asyncio.Task[None]] = set()

    async def signed_in(self, request: web.Request) -> Bearer:
        """Raises ApiError: 401 without a reason, 403 for who comes past the proxy, 429 for who hurries."""
        door = request.app[DOOR]
        if not door.lets_in(request):
            raise refused(403, "forbidden", "this address is served through its proxy only")
        try:
            bearer = await self._bearer(request)
        except TokenRefusedError as error:
            address = door.address(request)
            if not self._warnings.take(address):
                log.warning("token refused", reason=str(error), address=address)
            raise _unauthenticated() from error
        if wait := self._pace.take(str(bearer.token_id)):
            raise ApiError(
                429,
                ErrorBody(code="limited", message="too many requests with this token", hint="wait a moment"),
                {"Retry-After": retry_after(wait)},
            )
        self._note_use(request, bearer)
        return bearer

    async def _bearer(self, request: web.Request) -> Bearer:
        given = request.headers.getall("Authorization", [])
        if len(given) != 1:
            raise TokenRefusedError("no token" if not given else "more than one Authorization header")
        scheme, _, written = given[0].partition(" ")
        if scheme.lower() != "bearer":
            raise TokenRefusedError("not a bearer token")
        return await request.app[CONTEXT].database.read(lambda tx: tokens.bearer(tx, written.strip()))

    def _note_use(self, request: web.Request, bearer: Bearer) -> None:
        """At most one small write a minute for each token, and nobody waits for it."""
        context = request.app[CONTEXT]
        minute = context.clock.now() // tokens.MINUTE_MS
        stored = -1 if bearer.last_used_at is None else bearer.last_used_at // tokens.MINUTE_MS
        if max(stored, self._minutes.get(bearer.token_id, -1)) >= minute:
            return
        self._minutes[bearer.token_id] = minute
        task = asyncio.create_task(self._noted(request.app, bearer.token_id), name="token used")
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def _noted(self, app: web.Application, token_id: int) -> None:
        # On a full disk the API still answers what can be read; the next minute notes it again.
        with contextlib.suppress(StoreUnavailableError):
            await app[CONTEXT].database.write(lambda tx: tokens.note_use(tx, token_id))

    async def end(self, app: web.Application) -> None:
        await asyncio.gather(*self._noting)


BEARERS: web.AppKey[Bearers] = web.AppKey("bearers", Bearers)


def _unauthenticated() -> ApiError:
    return ApiError(
        401,
        ErrorBody(
            code="unauthenticated",
            message="this needs a token that is valid here",
            hint="send Authorization: Bearer TOKEN; an administrator makes one: omni operators token LOGIN",
        ),
        {"WWW-Authenticate": "Bearer"},
    )
