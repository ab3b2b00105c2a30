"""The event stream: one WebSocket per console."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
import structlog
from aiohttp import WSMsgType, web

from server.api.context import BEARER, CONTEXT, Context, operator, refused
from server.api.describe import describes
from server.hub import Subscription, encode
from server.protocol import HEARTBEAT_S, PROTOCOL, Envelope, Subscribe, Whereabouts
from server.store import operators as accounts
from server.store import tokens
from server.store.tokens import TokenRefusedError
from server.store.transaction import Snapshot

log = structlog.get_logger(__name__)

routes = web.RouteTableDef()

FIRST_FRAME_S = 10.0
MESSAGE_MAX = 64 * 1024


@routes.get("/v1/events")
@describes("The event stream: a WebSocket with JSON text frames.", "look", answer=None)
async def stream(request: web.Request) -> web.StreamResponse:
    me = operator(request, "look")
    context = request.app[CONTEXT]
    socket = web.WebSocketResponse(max_msg_size=MESSAGE_MAX, compress=False, heartbeat=30.0)
    if not socket.can_prepare(request).ok:
        raise refused(400, "bad_request", "this route is a WebSocket", "ask for the upgrade (RFC 6455)")
    await socket.prepare(request)
    wanted = await _first_frame(socket)
    if wanted is None:
        return socket
    subscription = context.hub.subscribe(me, request.get(BEARER))
    listening = asyncio.create_task(_listen(socket, context, subscription))
    try:
        await _look_again(context, subscription)
        await _catch_up(socket, context, subscription, wanted.resume)
        await _forward(socket, context, subscription)
    except ConnectionError:
        log.debug("console went away", operator=me.login)
    except _EndedError:
        await _say(socket, Envelope(type="bye", seq=subscription.sent, text=subscription.closed))
    finally:
        listening.cancel()
        context.hub.unsubscribe(subscription, context.clock.now())
        with contextlib.suppress(ConnectionError):
            await socket.close()
    return socket


class _EndedError(Exception):
    """The server ends the stream; `subscription.closed` says why."""


async def _look_again(context: Context, subscription: Subscription) -> None:
    """Whoever was shut out between his request and the hub's knowing of him was missed by its `end_…`."""
    bearer = subscription.bearer

    def may(tx: Snapshot) -> bool:
        if bearer is None:
            now = accounts.by_id(tx, subscription.operator.id)
            return now is not None and not now.disabled
        try:
            tokens.still(tx, bearer.token_id)
        except TokenRefusedError:
            return False
        return True

    if not await context.database.read(may):
        subscription.end("this account or token is not accepted any more")
        raise _EndedError


async def _first_frame(socket: web.WebSocketResponse) -> Subscribe | None:
    try:
        message = await socket.receive(timeout=FIRST_FRAME_S)
        if message.type is not WSMsgType.TEXT:
            raise ValueError("the first frame is not text")
        wanted = msgspec.json.decode(message.data, type=Subscribe)
    except (TimeoutError, ValueError, msgspec.MsgspecError) as error:
        await _say(socket, Envelope(type="bye", text=f"the first frame must be a Subscribe: {error}"))
        return None
    if wanted.protocol != PROTOCOL:
        text = f"this server speaks protocol {PROTOCOL}: update the console and start it again"
        await _say(socket, Envelope(type="bye", text=text))
        return None
    return wanted


async def _say(socket: web.WebSocketResponse, envelope: Envelope) -> None:
    with contextlib.suppress(ConnectionError):
        await socket.send_str(encode(envelope).decode())


async def _catch_up(
    socket: web.WebSocketResponse, context: Context, subscription: Subscription, resume: int | None
) -> None:
    """Welcome or reset, then what the client missed, up to where its queue begins."""
    start = subscription.examined
    if resume is None or resume == start:
        await _say(socket, Envelope(type="welcome", seq=start, text=context.notice(subscription.operator)))
        return

    async def send(seq: int, frame: bytes) -> None:
        if subscription.closed:
            raise _EndedError
        await socket.send_str(frame.decode())
        subscription.sent = seq

    await _say(socket, Envelope(type="welcome", seq=start, text=context.notice(subscription.operator)))
    if not await context.hub.replay(subscription.operator, resume, start, send):
        await _say(socket, Envelope(type="reset", seq=start))


async def _forward(socket: web.WebSocketResponse, context: Context, subscription: Subscription) -> None:
    """Send what the queue gets, and a sign of life in between, until either side ends it."""
    context.hub.introduce(subscription)
    clock = asyncio.get_running_loop().time
    beaten = clock()
    while not socket.closed:
        for seq, frame in subscription.take():
            if subscription.closed:
                break  # what is left can be read on a resume, by whoever may
            await socket.send_str(frame.decode())
            subscription.sent = max(subscription.sent, seq)
        if subscription.cut_off:
            text = f"this console reads too slowly; resume from {subscription.sent}"
            await _say(socket, Envelope(type="bye", seq=subscription.sent, text=text))
            return
        if subscription.closed:
            await _say(socket, Envelope(type="bye", seq=subscription.sent, text=subscription.closed))
            return
        for frame in subscription.take_passing():
            await socket.send_str(frame.decode())
        silent = not await subscription.wait(HEARTBEAT_S)
        # What passes by says nothing of the log: a resume needs to know how far that was examined.
        if silent or (subscription.is_empty and clock() - beaten >= HEARTBEAT_S):
            beaten = clock()
            beat = Envelope(type="heartbeat", seq=subscription.examined, at=context.clock.now())
            await socket.send_str(encode(beat).decode())


async def _listen(socket: web.WebSocketResponse, context: Context, subscription: Subscription) -> None:
    """After its first frame a client says only what is on its screen; reading is also how pongs and the end
    are noticed."""
    async for message in socket:
        if message.type is not WSMsgType.TEXT:
            continue
        try:
            wanted = msgspec.json.decode(message.data, type=Whereabouts)
        except msgspec.MsgspecError as error:
            log.debug("a console's frame was not understood", reason=str(error))
            continue
        context.hub.attend(subscription, wanted, context.clock.now())
    subscription.end("the console closed the stream")
