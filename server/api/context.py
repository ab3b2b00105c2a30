"""What every resource of the operator API works with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from server.cases.outreach import Rules as OutreachRules
from server.cases.replying import Outgoing
from server.cases.templating import Site
from server.clock import Clock
from server.hub import Hub
from server.indexer import Indexer
from server.marks import Marks
from server.measures import Measures
from server.operators import Action, authorise
from server.people.card_settings import FieldSettings, SegmentSettings
from server.people.cards import Rules
from server.people.codes import CodeRules
from server.people.erasing import Eraser
from server.protocol import ChannelInfo, ErrorAnswer, ErrorBody, OperatorInfo, Scope
from server.queue.assigning import Desks
from server.queue.timekeeper import Timekeeper
from server.rawitems import RawItems
from server.store.blobs import BlobStore
from server.store.database import Database
from server.store.tokens import Bearer
from server.webhooks.running import Webhooks

T = TypeVar("T")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Context(msgspec.Struct, frozen=True, kw_only=True):
    database: Database
    indexer: Indexer
    blobs: BlobStore
    eraser: Eraser
    hub: Hub
    clock: Clock
    marks: Marks
    outgoing: Outgoing
    codes: CodeRules
    channels: Callable[[], Awaitable[list[ChannelInfo]]]
    webhooks: Webhooks
    site_name: str
    version: str
    trouble: Callable[[], str]
    notice: Callable[[OperatorInfo], str]  # trouble, or what else this operator is shown
    disk_reserve: int = 0  # bytes that nothing but intake may use
    ready: Callable[[], bool] = lambda: True
    timekeeper: Timekeeper
    measures: Measures | None = None
    raw_items: RawItems | None = None
    fields: Mapping[str, FieldSettings] = {}
    segments: Mapping[str, SegmentSettings] = {}
    outreach: OutreachRules = OutreachRules()
    site: Site = Site()
    desks: Desks = Desks()
    country: str = ""  # ISO 3166, of telephone numbers without a country code
    token_rate: int = 20  # requests a second of each token
    token_burst: int = 100

    @property
    def rules(self) -> Rules:
        return Rules(fields=self.fields, country=self.country, channels=frozenset(self.outgoing.offers))


NUMBER_MAX = 2**63 - 1  # of SQLite

CONTEXT: web.AppKey[Context] = web.AppKey("context", Context)
OPERATOR: web.RequestKey[OperatorInfo] = web.RequestKey("operator", OperatorInfo)
BEARER: web.RequestKey[Bearer] = web.RequestKey("bearer", Bearer)  # set where a token said who it is


class ApiError(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status: int, body: ErrorBody, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(body.message)
        self.status = status
        self.body = body
        self.headers = headers


def refused(status: int, code: str, message: str, hint: str = "") -> ApiError:
    # What was asked for may hold bytes that are no text, and the answer speaks of it.
    shown = message.encode("utf-8", "replace").decode()
    return ApiError(status, ErrorBody(code=code, message=shown, hint=hint))


def scope_of(request: web.Request) -> Scope:
    """How far the request may go within its operator's role."""
    bearer = request.get(BEARER)
    return "admin" if bearer is None else bearer.scope


def operator(request: web.Request, action: Action) -> OperatorInfo:
    """Who asks, if he may. Raises ApiError."""
    who = request[OPERATOR]
    scope = scope_of(request)
    if not authorise(who, action, scope=scope):
        if authorise(who, action):
            raise refused(
                403, "forbidden", f"a token of scope {scope} may not do this", "use one of a wider scope"
            )
        raise refused(403, "forbidden", f"the role {who.role} may not do this", "ask an administrator")
    return who


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/json", headers=headers
    )


def error_answer(error: ApiError) -> web.Response:
    return answer(ErrorAnswer(error=error.body), error.status, error.headers)


async def command(request: web.Request, kind: type[T]) -> T:
    """The body as a wire type. Raises ApiError."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise refused(415, "bad_request", "the body is compressed", "send it as it is")
    try:
        raw = await request.read()
    except (ConnectionError, web.RequestPayloadError, HttpProcessingError) as error:
        raise refused(400, "bad_request", "the body broke off, or is not framed as HTTP wants it") from error
    try:
        return msgspec.json.decode(raw or b"{}", type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError, RecursionError) as error:
        raise refused(400, "bad_request", f"the body is not a {kind.__name__}: {error}") from error


def number(request: web.Request, name: str) -> int:
    """A number of the path. Raises ApiError: there is nothing under a name that is not a number."""
    text = request.match_info[name]
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise refused(404, "not_found", f"there is no {name} {text[:40]!r}")
    return int(text)


def limit(request: web.Request, default: int, most: int) -> int:
    text = request.query.get("limit", str(default))
    if not text.isascii() or not text.isdigit() or not 1 <= len(text) <= 6:
        raise refused(400, "bad_request", "limit is not a number")
    return max(1, min(most, int(text)))


def key(request: web.Request, name: str, parts: int, most: int = 0) -> tuple[int, ...] | None:
    """A page key that we gave out earlier: numbers joined by '.', `parts` of them or up to `most`. Behind
    the last there is nothing."""
    text = request.query.get(name)
    if not text:
        return None
    pieces = text.split(".")
    usable = all(p.isascii() and p.isdigit() and len(p) < 20 for p in pieces)
    if not parts <= len(pieces) <= max(parts, most) or not usable:
        raise refused(400, "bad_request", f"{name} is not a key that this server gave out")
    return tuple(min(int(piece), NUMBER_MAX) for piece in pieces)


def shown_key(numbers: tuple[int, ...] | None) -> str | None:
    return None if numbers is None else ".".join(str(value) for value in numbers)
