"""The operator API as an aiohttp application: who asks, and what goes wrong."""

from __future__ import annotations

import socket

import structlog
from aiohttp import web

from server.api import (
    audit,
    backup,
    cards,
    channels,
    codes,
    contacts,
    conversations,
    customers,
    deadlines,
    erasing,
    events,
    exchange,
    files,
    health,
    hello,
    identity,
    mentions,
    merging,
    metrics,
    next_best,
    openapi,
    operators,
    outreach,
    overview,
    raw_items,
    replies,
    saved_views,
    search,
    sharing,
    spam,
    templates,
    tokens,
    webhooks,
)
from server.api import messages as one_message
from server.api.bearer import BEARERS, Bearers
from server.api.context import (
    BEARER,
    CONTEXT,
    OPERATOR,
    ApiError,
    Context,
    Handler,
    error_answer,
    refused,
)
from server.api.socket import peer_uid
from server.cases.outreach import HeldError
from server.cases.refused import RefusedError
from server.cases.replying import StaleError
from server.cases.variables import MissingError
from server.lifecycle import IllegalMoveError, TakenError
from server.people.asking import KnownError
from server.protocol import PROTOCOL, ErrorBody, OperatorInfo
from server.public.answers import add_headers
from server.store import messages
from server.store import operators as accounts
from server.store.conversations import NotFoundError
from server.store.errors import StoreUnavailableError
from server.store.operators import OperatorExistsError

log = structlog.get_logger(__name__)

BODY_MAX = 1024 * 1024


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every failure as an ErrorAnswer that says what is wrong and what to do next."""
    try:
        return await handler(request)
    except ApiError as error:
        return error_answer(error)
    except TakenError as error:
        return error_answer(await _taken(request, error))
    except StaleError as error:
        return error_answer(await _stale(request, error))
    except HeldError as error:
        return error_answer(_held(error))
    except MissingError as error:
        return error_answer(_unfilled(error))
    except NotFoundError as error:
        return error_answer(refused(404, "not_found", str(error)))
    except KnownError as error:
        return error_answer(refused(409, "known", str(error), error.hint))
    except (RefusedError, IllegalMoveError) as error:
        return error_answer(refused(409, "illegal_state", str(error), error.hint))
    except OperatorExistsError as error:
        return error_answer(refused(409, "illegal_state", str(error), "choose another"))
    except StoreUnavailableError as error:
        return error_answer(refused(503, "unavailable", str(error), error.hint))
    except (OverflowError, UnicodeEncodeError):
        return error_answer(refused(400, "bad_request", "a number is too large, or a text is none"))
    except web.HTTPRequestEntityTooLarge:
        return error_answer(refused(413, "too_large", f"the body is larger than {BODY_MAX} bytes"))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        if isinstance(error, web.HTTPMethodNotAllowed):
            allowed = ",".join(sorted(error.allowed_methods))
            body = ErrorBody(code="bad_request", message=f"{error.method} is not one of {allowed}")
            return error_answer(ApiError(405, body, {"Allow": allowed}))
        code = "not_found" if error.status == 404 else "bad_request"
        return error_answer(refused(error.status, code, error.reason))
    except Exception:
        log.exception("operator request failed", method=request.method, path=request.path)
        return error_answer(
            refused(
                500, "unavailable", "the server has a defect", "its log says more; the change was not made"
            )
        )


async def _taken(request: web.Request, error: TakenError) -> ApiError:
    context = request.app[CONTEXT]
    holder_id = error.holder_id
    holder = (
        None if holder_id is None else await context.database.read(lambda tx: accounts.by_id(tx, holder_id))
    )
    name = holder.name if holder else ""
    message = f"{name} has this conversation" if name else "nobody has this conversation any more"
    return ApiError(409, ErrorBody(code="taken", message=message, holder=name, hint="look again"))


async def _stale(request: web.Request, error: StaleError) -> ApiError:
    context = request.app[CONTEXT]
    found = await context.database.read(lambda tx: messages.many(tx, error.news))
    news = [context.marks.message(found[message_id]) for message_id in error.news if message_id in found]
    body = ErrorBody(
        code="stale",
        message=str(error),
        hint="read what is new, then send again",
        news=news,
        seq=error.seq,
    )
    return ApiError(409, body)


def _held(error: HeldError) -> ApiError:
    blocks = any(one.blocks for one in error.obstacles)
    hint = "this may not be sent" if blocks else "read why; if it is right all the same, say so in `despite`"
    return ApiError(409, ErrorBody(code="held", message=str(error), hint=hint, obstacles=error.obstacles))


def _unfilled(error: MissingError) -> ApiError:
    names = ", ".join(f"{{{name}}}" for name in error.names)
    body = ErrorBody(
        code="missing",
        message=f"not filled in: {names}",
        hint="write in what belongs there; put a space behind the brace where braces are meant",
        missing=error.names,
    )
    return ApiError(409, body)


def _by_socket(request: web.Request) -> bool:
    """True for the Unix socket, False for TCP. Raises ApiError where nobody is there any more."""
    own = request.transport.get_extra_info("socket") if request.transport is not None else None
    if own is None:
        raise refused(401, "unauthenticated", "the peer is gone")
    return bool(own.family == socket.AF_UNIX)


async def _by_account(request: web.Request) -> OperatorInfo:
    """The kernel says which local account is at the other end; no operator, no entry. Raises ApiError."""
    try:
        uid = peer_uid(request.transport)
    except OSError as error:
        raise refused(401, "unauthenticated", "the peer's account is unknown") from error
    operator = await request.app[CONTEXT].database.read(lambda tx: accounts.by_uid(tx, uid))
    if operator is None or operator.disabled:
        raise refused(
            401,
            "unauthenticated",
            f"the local account with uid {uid} is not an operator here",
            "an administrator runs: omni operators add LOGIN --uid UID",
        )
    return operator


@web.middleware
async def who(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Who asks: by the socket the local account, by TCP the token. The transport decides, nothing else."""
    if "Origin" in request.headers:
        # Consoles and programs send none: it is a page in a browser, led here by somebody.
        raise refused(403, "forbidden", "this is no address for browsers")
    local = _by_socket(request)
    # The socket's modes say who may come as far as the health routes; a port says nothing.
    if not (local and request.path in health.OPEN):
        if local:
            request[OPERATOR] = await _by_account(request)
        else:
            bearer = request[BEARER] = await request.app[BEARERS].signed_in(request)
            request[OPERATOR] = bearer.operator
        _same_protocol(request)
    return await handler(request)


def _same_protocol(request: web.Request) -> None:
    """A program that names no protocol takes what comes. Raises ApiError."""
    asked = request.headers.get("Omni-Protocol", str(PROTOCOL))
    if asked != str(PROTOCOL):
        raise refused(
            426,
            "version",
            f"this server speaks protocol {PROTOCOL}, the console {asked[:10]}",
            "update the older of the two and start the console again",
        )


async def _name_protocol(request: web.BaseRequest, response: web.StreamResponse) -> None:
    response.headers["Omni-Protocol"] = str(PROTOCOL)


def create_operator_app(context: Context) -> web.Application:
    app = web.Application(middlewares=[errors, who], client_max_size=BODY_MAX)
    app[CONTEXT] = context
    app[BEARERS] = bearers = Bearers(context.token_rate, context.token_burst)
    app.on_response_prepare.extend([add_headers, _name_protocol])
    app.on_shutdown.append(bearers.end)
    app[backup.MAKING] = making = backup.Making()
    app.on_shutdown.append(making.end)
    for resource in (
        hello,
        audit,
        identity,
        codes,
        conversations,
        replies,
        mentions,
        one_message,
        customers,
        deadlines,
        next_best,
        cards,
        exchange,
        merging,
        erasing,
        contacts,
        outreach,
        sharing,
        overview,
        spam,
        saved_views,
        search,
        channels,
        webhooks,
        operators,
        templates,
        tokens,
        files,
        events,
        backup,
        health,
        metrics,
        raw_items,
        openapi,
    ):
        app.add_routes(resource.routes)
    return app
