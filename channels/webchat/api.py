"""The widget's HTTP API, version 1: docs/channels/webchat.md describes it for clients of other kinds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from aiohttp import BodyPartReader, ClientError, web
from yarl import URL

from channels.base import Attachment, Delivery, Host, HostUnavailableError, InboundEvent, Receipt, Route
from channels.webchat import access, identity, incoming, session, stream, upload
from channels.webchat.access import Refused, json_response
from channels.webchat.rate import Buckets
from channels.webchat.settings import WebchatSettings

PROTOCOL = 1
JSON_MAX = 64 * 1024
STREAMS_MAX = 8  # of one visitor: tabs, windows, a telephone
READ_PAGES_MAX = 10
RETRY_S = 5.0

Handler = Callable[[web.Request, dict[str, str]], Awaitable[web.StreamResponse]]


class WidgetApi:
    """Handlers of one channel; they answer 503 but between `open` and `stop`."""

    def __init__(self, channel_id: str, settings: WebchatSettings) -> None:
        self._id = channel_id
        self._settings = settings
        self._opened: Host | None = None
        self._site_name = ""
        self._origins = frozenset(settings.origins)
        self._messages = Buckets(per_second=1, burst=10)
        self._others = Buckets(per_second=2, burst=20)
        arrivals = settings.visitors_per_minute
        self._arrivals = Buckets(per_second=arrivals / 60, burst=arrivals * 3)
        self._streams: dict[str, set[stream.EventStream]] = {}
        self._running: set[asyncio.Task[Any]] = set()

    def open(self, host: Host) -> None:
        self._opened = host
        self._site_name = host.site_name
        # The panel's own page calls from our public address.
        self._origins = frozenset(self._settings.origins) | _origin_of(host.base_url)

    @property
    def _host(self) -> Host:
        if self._opened is None:
            raise Refused(503, "unavailable", "the chat is not running", RETRY_S)
        return self._opened

    async def stop(self) -> bool:
        """End the streams and wait for requests under way, so that no submit() comes afterwards.

        False: it was not open.
        """
        opened, self._opened = self._opened, None
        for streams in self._streams.values():
            for open_stream in streams:
                open_stream.close()
        current = asyncio.current_task()
        waiting = {task for task in self._running if task is not current}
        if waiting:
            _, stuck = await asyncio.wait(waiting, timeout=RETRY_S)
            for task in stuck:
                task.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)
        return opened is not None

    # --- around every request -------------------------------------------------------------------

    def routes(self) -> list[Route]:
        files_max = self._settings.file_bytes_max * max(1, self._settings.files_per_message)
        listed: list[tuple[str, str, Handler, int, bool]] = [
            ("GET", "/config", self._config, 0, False),
            ("POST", "/session", self._session, JSON_MAX, False),
            ("DELETE", "/session", self._forget, JSON_MAX, False),
            ("POST", "/contact", self._contact, JSON_MAX, False),
            ("POST", "/continue", self._continue, JSON_MAX, False),
            ("POST", "/messages", self._message, JSON_MAX, False),
            ("POST", "/upload", self._upload, files_max + 2 * JSON_MAX, False),
            ("POST", "/read", self._read, JSON_MAX, False),
            ("GET", "/events", self._events, 0, True),
            ("GET", "/files/{id:[0-9]{1,18}}", self._file, 0, False),
        ]
        routes = [
            Route(method=method, path=path, handler=self._guarded(handler), body_max=limit, streams=streams)
            for method, path, handler, limit, streams in listed
        ]
        for path in sorted({path for _, path, *_ in listed}):
            routes.append(Route(method="OPTIONS", path=path, handler=self._preflight, body_max=0))
        return routes

    def _guarded(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            origin = request.headers.get("Origin")
            headers = access.cors(origin, self._origins)
            task = asyncio.current_task()
            if task is not None:
                self._running.add(task)
            try:
                if self._opened is None:
                    raise Refused(503, "unavailable", "the chat is not running", RETRY_S)
                if not access.origin_allowed(
                    origin,
                    request.headers.get("Sec-Fetch-Site"),
                    self._origins,
                    reads=request.method == "GET",
                ):
                    raise Refused(403, "origin", "this page may not use the chat")
                response = await handler(request, headers)
            except Refused as refused:
                response = refused.response()
            except HostUnavailableError:
                response = Refused(503, "unavailable", "cannot be stored now", RETRY_S).response()
            finally:
                if task is not None:
                    self._running.discard(task)
            if not response.prepared:
                response.headers.update(headers)
            return response

        return answer

    async def _preflight(self, request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if origin not in self._origins:
            return Refused(403, "origin", "this page may not use the chat").response()
        return web.Response(status=204, headers={**access.cors(origin, self._origins), **access.PREFLIGHT})

    async def _visitor(self, request: web.Request) -> tuple[str, session.Session]:
        token = access.bearer(request.headers)
        found = await session.load(self._host, token)
        if found is None:
            raise Refused(401, "session", "no such session; begin one with POST session")
        return token, found

    def _limit(self, buckets: Buckets, visitor: str) -> None:
        wait = buckets.take(visitor, self._host.now())
        if wait:
            raise Refused(429, "too_many", "too many at once", wait)

    async def _submit(
        self, events: Sequence[InboundEvent], raw: bytes, bookmark: tuple[str, bytes] | None = None
    ) -> list[Receipt]:
        deliveries = [Delivery(dedupe_key=event.dedupe_key, raw=raw, event=event) for event in events]
        return await self._host.submit(deliveries, bookmark)

    # --- the session ----------------------------------------------------------------------------

    def config(self) -> dict[str, object]:
        """What a client needs before there is a session. Nothing in it is secret."""
        settings = self._settings
        return {
            "protocol": PROTOCOL,
            "title": self._site_name or settings.title,
            "accent": settings.accent,
            "greeting": settings.greeting,
            "greetings": settings.greeting_by_language,
            "hours": settings.hours,
            "links": [msgspec.to_builtins(link) for link in settings.continue_links],
            "privacy_url": settings.privacy_url,
            "anonymous": settings.allow_anonymous,
            "files_max": settings.files_per_message,
            "file_bytes_max": settings.file_bytes_max,
            "text_max": incoming.TEXT_MAX,
            "origins": settings.origins,
        }

    async def _config(self, request: web.Request, headers: dict[str, str]) -> web.StreamResponse:
        return json_response(self.config())

    def _identity(self, token: str) -> identity.Identity:
        secret = self._settings.identity_secret
        if secret is None:
            raise Refused(401, "identity_off", "this chat has no identity_secret")
        try:
            return identity.read(
                token,
                secret.reveal().encode(),
                self._id,
                self._host.now() / 1000,
                self._settings.default_country.upper(),
            )
        except identity.IdentityError as error:
            self._host.log.warning("webchat.identity_refused", reason=str(error))
            raise Refused(401, error.code, "the identity token is not accepted") from error

    async def _session(self, request: web.Request, headers: dict[str, str]) -> web.StreamResponse:
        """Begin or renew a session, with or without the site's word for who the visitor is."""
        body = access.json_object(await access.body_bytes(request, JSON_MAX))
        if body.get("protocol", PROTOCOL) != PROTOCOL:
            raise Refused(400, "version", f"this server speaks version {PROTOCOL} of the chat protocol")
        given = body.get("identity")
        known = self._identity(given) if isinstance(given, str) and given else None
        token = access.bearer(request.headers)
        current = await session.load(self._host, token) if token else None
        if current is not None:
            self._limit(self._others, current.visitor)
            if known is not None and current.identity is not None and current.identity.sub != known.sub:
                # Somebody else signed in on this device: he gets none of the former one's conversation.
                current = None
        if known is None and not self._settings.allow_anonymous and (current is None or not current.identity):
            raise Refused(403, "identity_required", "only signed-in visitors may write here")
        fresh = ""
        if current is None:
            if not access.is_loopback(request.remote):
                self._limit(self._arrivals, request.remote or "")
            fresh, current = await session.create(self._host, self._settings.session_days, known)
        else:
            current = await self._renew(token, current, known)
        answer: dict[str, object] = {
            "protocol": PROTOCOL,
            "visitor": current.visitor,
            "identified": current.identity is not None,
            "name": (current.identity.name if current.identity else "") or current.name,
            "email_known": bool(current.email or (current.identity and current.identity.email)),
            "phone_known": bool(current.phone or (current.identity and current.identity.phone)),
            "read_seq": current.read_seq,
        }
        if fresh:
            answer["token"] = fresh
        return json_response(answer)

    async def _renew(
        self, token: str, current: session.Session, known: identity.Identity | None
    ) -> session.Session:
        expires = self._host.now() + self._settings.session_days * session.DAY_MS
        renewed = msgspec.structs.replace(
            current, expires_at=expires, identity=current.identity if known is None else known
        )
        if renewed.identity != current.identity:
            written = await self._host.thread(current.visitor, 0, 1)
            if written.messages:
                event = incoming.person_event(renewed, self._id, self._host.now(), signed=True)
                await self._submit([event], b"{}", (session.state_key(token), session.encode(renewed)))
                return renewed
        elif expires - current.expires_at < session.DAY_MS:
            return current
        await session.save(self._host, token, renewed)
        return renewed

    async def _forget(self, request: web.Request, headers: dict[str, str]) -> web.StreamResponse:
        """Sign out: the token opens nothing any more, here and in every tab."""
        token, found = await self._visitor(request)
        await self._host.put(session.state_key(token), None)
        for open_stream in self._streams.get(found.visitor, set()):
            open_stream.close()
        return web.Response(status=204)

    async def _contact(self, request: web.Request, headers: dict[str, str]) -> web.StreamResponse:
        """The visitor types where else he can be reached. Nobody has verified it."""
        token, found = await self._visitor(request)
        self._limit(self._others, found.visitor)
        raw = await access.body_bytes(request, JSON_MAX)
        country = self._settings.default_country.upper()
        changed = incoming.typed_contacts(found, access.json_object(raw), country)
        if changed != found:
            written = await self._host.thread(found.visitor, 0, 1)
            if written.messages:
                event = incoming.person_event(changed, self._id, self._host.now(), signed=False)
                await self._submit([event], raw, (session.state_key(token), session.encode(changed)))
            else:
                await session.save(self._host, token, changed)
        return json_response({"email_known": bool(changed.email), "phone_known": bool(changed.phone)})

    async def _continue(self, request: web.Request, headers: dict[str, str]) -> web.StreamResponse:
        """Go on here with the conversation that a link of ours was made for."""
        _, found = await self._visitor(request)
        self._limit(self._others, found.visitor)
        body = access.json_object(await access.body_bytes(request, JSON_MAX))
        event = incoming.continued(self._id, found, body, self._host.now())
        # Not the body: the journal keeps no token.
        (receipt,) = await self._submit([event], b"{}")
        return json_response({"continued": receipt.message_id is not None})

    # --- messages -------------------------------------------------------------------------------

    async def _take(
        self, found: session.Session, body: dict[str, Any], raw: bytes, files: Sequence[Attachment]
    ) -> web.Response:
        event = incoming.message(self._id, found, body, files, self._host.now())
        (receipt,) = await self._submit([event], incoming.kept(body, raw))
        return json_response(
            {"seq": receipt.seq, "message_id": receipt.message_id, "duplicate": receipt.duplicate}
        )

    async def _message(self, request: web.Request, headers: dict[str, str]) -> web.StreamResponse:
        """Answers 200 only after the message was committed."""
        _, found = await self._visitor(request)
        self._limit(self._messages, found.visitor)
        raw = await access.body_bytes(request, JSON_MAX)
        return await self._take(found, access.json_object(raw), raw, ())

    async def _upload(self, request: web.Request, headers: dict[str, str]) -> web.StreamResponse:
        """A message with files, in one request: a `message` part (JSON) first, then `file` parts."""
        _, found = await self._visitor(request)
        self._limit(self._messages, found.visitor)
        if not request.content_type.startswith("multipart/"):
            raise Refused(415, "bad_request", "files come as multipart/form-data")
        raw = b""
        files: list[Attachment] = []
        try:
            async for part in await request.multipart():
                if not isinstance(part, BodyPartReader):
                    raise Refused(400, "bad_request", "parts hold no parts")
                if part.name == "message":
                    raw = await _part(part, JSON_MAX)
                elif part.name == "file":
                    files.append(await self._one_file(part, len(files)))
        except (ValueError, AssertionError, ClientError, web.RequestPayloadError) as error:
            raise Refused(400, "bad_request", "the multipart body is broken") from error
        return await self._take(found, access.json_object(raw), raw, files)

    async def _one_file(self, part: BodyPartReader, before: int) -> Attachment:
        if before >= self._settings.files_per_message:
            raise Refused(
                413, "too_many_files", f"at most {self._settings.files_per_message} files a message"
            )
        file = upload.attachment(part.filename, await _part(part, self._settings.file_bytes_max))
        if file is None:
            raise Refused(415, "file_type", "files of this type are not taken")
        return file

    async def _read(self, request: web.Request, headers: dict[str, str]) -> web.StreamResponse:
        """The visitor saw everything up to `seq`: one read event for each of our messages."""
        token, found = await self._visitor(request)
        self._limit(self._others, found.visitor)
        raw = await access.body_bytes(request, JSON_MAX)
        seq = access.json_object(raw).get("seq")
        if isinstance(seq, bool) or not isinstance(seq, int) or seq < 0:
            raise Refused(400, "bad_request", "seq is a number")
        read = found.read_seq
        for _ in range(READ_PAGES_MAX):
            view = await self._host.thread(found.visitor, read, stream.PAGE)
            seen = [item for item in view.messages if item.seq <= seq]
            if not seen:
                break
            read = seen[-1].seq
            found = msgspec.structs.replace(found, read_seq=read)
            now = self._host.now()
            events = [incoming.read_event(found, self._id, item, now) for item in seen if not item.mine]
            bookmark = (session.state_key(token), session.encode(found))
            if events:
                await self._submit(events, raw, bookmark)
            if len(seen) < len(view.messages) or not view.more:
                break
        return json_response({"read_seq": read})

    # --- what comes back ------------------------------------------------------------------------

    async def _events(self, request: web.Request, headers: dict[str, str]) -> web.StreamResponse:
        _, found = await self._visitor(request)
        given = request.headers.get("Last-Event-ID") or request.query.get("after") or "0"
        after = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0
        streams = self._streams.setdefault(found.visitor, set())
        if len(streams) >= STREAMS_MAX:
            raise Refused(429, "too_many", "too many windows are open", 30)
        served = stream.EventStream(self._host, found.visitor, after)
        streams.add(served)
        try:
            return await served.serve(request, headers)
        finally:
            streams.discard(served)
            if not streams:
                self._streams.pop(found.visitor, None)

    async def _file(self, request: web.Request, headers: dict[str, str]) -> web.StreamResponse:
        _, found = await self._visitor(request)
        stored = await self._host.file(found.visitor, int(request.match_info["id"]))
        if stored is None:
            raise Refused(404, "not_found", "no such file in this conversation")
        shown = stored.content_type in upload.SHOWN_INLINE
        return web.FileResponse(
            stored.path,
            headers={
                "Content-Type": stored.content_type if shown else "application/octet-stream",
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(stored.name, safe='')}",
                "Content-Security-Policy": "sandbox; default-src 'none'",
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "private, no-store",
            },
        )


async def _part(part: BodyPartReader, limit: int) -> bytes:
    collected = bytearray()
    while chunk := await part.read_chunk():
        collected += chunk
        if len(collected) > limit:
            raise Refused(413, "too_large", f"more than {limit} bytes")
    return bytes(collected)


def _origin_of(base_url: str) -> frozenset[str]:
    try:
        return frozenset({str(URL(base_url).origin())})
    except ValueError:
        return frozenset()
