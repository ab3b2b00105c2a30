"""The public application: webhooks, the routes that channels bring, and nothing of the operator API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

from channels.base import Channel, Host, Route
from server.public.answers import add_headers, refuse
from server.public.confirm import PATH as CONFIRM
from server.public.confirm import Confirming
from server.public.counters import Counters
from server.public.guard import Guard
from server.public.hooks import Hooks
from server.public.limits import Buckets, Clock, Places, retry_after
from server.public.proxies import Proxies, group
from server.settings import PublicSettings

GUARD = web.AppKey("guard", Guard)
STREAM_RETRY_S = 10.0


def create_public_app(
    settings: PublicSettings,
    channels: Mapping[str, Channel],
    hosts: Mapping[str, Host],
    counters: Counters,
    *,
    clock: Clock = time.monotonic,
    trouble: Callable[[], str] = lambda: "",
    ready: Callable[[], bool] = lambda: True,
    confirming: Confirming | None = None,
) -> web.Application:
    """Serve it with `server.public.listen.PublicServer`, which also guards the connections.

    `request.remote` of every handler is the visitor's address, also behind a trusted proxy. `trouble`
    tells why nothing can be accepted now ("" where all is well); /healthz answers by it, and /readyz by
    `ready` as well.
    """
    limits = settings.limits
    proxies = Proxies(settings.trusted_proxies)
    guard = Guard(limits, proxies, counters)
    remembered = limits.addresses_remembered
    by_visitor = Buckets(limits.requests_per_second, limits.request_burst, clock, remembered)
    by_provider = Buckets(limits.hooks_per_second, limits.hook_burst, clock, remembered)
    hooks = Hooks(
        channels,
        hosts,
        counters,
        Buckets(limits.hooks_per_second, limits.hook_burst, clock),
        limits.hook_body_bytes,
    )
    streams = Streams(Places(limits.streams_per_address, limits.streams))

    async def healthz(request: web.Request) -> web.Response:
        if trouble():
            return refuse(503, "unavailable")
        return web.json_response({"status": "ok"})

    async def readyz(request: web.Request) -> web.Response:
        if trouble() or not ready():
            return refuse(503, "unavailable")
        return web.json_response({"status": "ready"})

    app = web.Application(
        middlewares=[
            guard.middleware,
            last_resort(counters),
            visitor(proxies),
            paced(by_visitor, by_provider, counters),
        ]
    )
    app[GUARD] = guard
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(streams.end)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    _mount(app, "POST", "/hooks/{channel_id}", hooks.take, limits.hook_body_bytes, counters)
    if confirming is not None:
        _mount(app, "GET", CONFIRM, confirming.look, 0, counters)
        _mount(app, "POST", CONFIRM, confirming.press, 1024, counters)
    for channel_id, channel in channels.items():
        for route in channel.routes():
            _mount(
                app,
                route.method,
                f"/{channel.spec.kind}/{channel_id}{route.path}",
                _seldom(route, streams.counted(route) if route.streams else _sized(route), clock, remembered),
                route.body_max,
                counters,
            )
    return app


# --- routes ---------------------------------------------------------------------------------------


def _mount(
    app: web.Application, method: str, path: str, handler: Handler, body_max: int, counters: Counters
) -> None:
    """Add a route whose body is judged by its announced length before a byte of it is read."""

    def too_large(request: web.Request) -> bool:
        if (request.content_length or 0) <= body_max:
            return False
        counters.add("too_large", request.match_info.get("channel_id", ""))
        return True

    async def expected(request: web.Request) -> web.StreamResponse | None:
        """Expect: 100-continue (RFC 9110, 10.1.1): the client asks before it sends the body."""
        if request.headers.get("Expect", "").lower() != "100-continue":
            return refuse(417, "expectation_failed")
        if too_large(request):
            return refuse(413, "too_large")
        if request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return None

    async def judged(request: web.Request) -> web.StreamResponse:
        if too_large(request):
            return refuse(413, "too_large")
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            # A signature covers the bytes as sent, and a small zip may be a large bomb.
            return refuse(415, "encoding")
        return await handler(request)

    app.router.add_route(method, path, judged, expect_handler=expected)


def _sized(route: Route) -> Handler:
    """A channel's own route: its body must say its length, so that `body_max` holds however it is read."""

    async def sized(request: web.Request) -> web.StreamResponse:
        if request.body_exists and request.content_length is None:
            return refuse(411, "length_required")
        return await route.handler(_as_large_as(request, route))

    return sized


def _seldom(route: Route, handler: Handler, clock: Clock, remembered: int) -> Handler:
    """Hold one address to `per_minute` requests of this route."""
    if not route.per_minute:
        return handler
    buckets = Buckets(route.per_minute / 60, route.per_minute, clock, remembered)

    async def seldom(request: web.Request) -> web.StreamResponse:
        if wait := buckets.take(group(request.remote or "")):
            return refuse(429, "limited", {"Retry-After": retry_after(wait)})
        return await handler(request)

    return seldom


def _as_large_as(request: web.Request, route: Route) -> web.Request:
    # clone() keeps neither the one nor the other by itself
    return request.clone(client_max_size=route.body_max, remote=request.remote or "")


class Streams:
    """Event streams: long-lived, counted apart, and ended when the server stops."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._tasks: set[asyncio.Task[object]] = set()

    def counted(self, route: Route) -> Handler:
        async def stream(request: web.Request) -> web.StreamResponse:
            who = group(request.remote or "")
            if not self._places.enter(who):
                return refuse(429, "limited", {"Retry-After": retry_after(STREAM_RETRY_S)})
            task = asyncio.current_task()
            if task is not None:
                self._tasks.add(task)
            try:
                return await route.handler(_as_large_as(request, route))
            finally:
                if task is not None:
                    self._tasks.discard(task)
                self._places.leave(who)

        return stream

    async def end(self, app: web.Application) -> None:
        for task in tuple(self._tasks):
            task.cancel()


# --- middlewares ----------------------------------------------------------------------------------


def last_resort(counters: Counters) -> Middleware:
    """Whatever goes wrong below: a generic answer outside, the whole story in the log."""
    log = structlog.get_logger("server.public")

    @web.middleware
    async def caught(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPRequestEntityTooLarge:
            counters.add("too_large", request.match_info.get("channel_id", ""))
            return refuse(413, "too_large")
        except web.HTTPException as error:
            if request.match_info.http_exception is not error:
                raise  # a channel's own answer
            allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
            return refuse(error.status, "method_not_allowed" if allow else "not_found", allow)
        except (web.RequestPayloadError, HttpProcessingError):
            return refuse(400, "bad_request")
        except Exception as error:
            if isinstance(error, ConnectionError) and request.transport is None:
                return refuse(400, "gone")  # the visitor went away, or the guard closed: nobody hears it
            counters.add("failed")
            log.exception("request failed", method=request.method, route=_route(request))
            return refuse(500, "internal")

    return caught


def visitor(proxies: Proxies) -> Middleware:
    """Make `request.remote` the visitor's address."""

    @web.middleware
    async def seen(request: web.Request, handler: Handler) -> web.StreamResponse:
        address = proxies.visitor(request.remote or "", request.headers.getall("X-Forwarded-For", []))
        return await handler(request.clone(remote=address))

    return seen


def paced(by_visitor: Buckets, by_provider: Buckets, counters: Counters) -> Middleware:
    """So many requests a second per address, whatever they ask for."""

    @web.middleware
    async def limited(request: web.Request, handler: Handler) -> web.StreamResponse:
        buckets = by_provider if request.path.startswith("/hooks/") else by_visitor
        if wait := buckets.take(group(request.remote or "")):
            counters.add("limited")
            return refuse(429, "limited", {"Retry-After": retry_after(wait)})
        return await handler(request)

    return limited


def _route(request: web.Request) -> str:
    """The pattern, never the path: a path may hold what somebody typed."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""
