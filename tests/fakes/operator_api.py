"""The operator API in memory, on a Unix socket: what the console is tested against.

Everything on the wire is a struct of server/protocol.py. Time stands still at `NOW` unless told; nothing
is random. `push`, `customer_writes`, `cut`, `go_silent` and friends make things happen.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from aiohttp import WSCloseCode, web
from msgspec.structs import replace

from server import protocol as wire

NOW = 1_795_260_000_000  # 2026-11-21 10:40 UTC
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RefusalError(Exception):
    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = wire.ErrorBody(code=code, message=message, **more)


def answer(value: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json", status=status)


class FakeServer:
    """The state, the routes, and the levers a test pulls."""

    def __init__(self, me: wire.OperatorInfo, operators: list[wire.OperatorInfo]) -> None:
        self.me = me
        self.operators = {operator.id: operator for operator in operators}
        self.channels: dict[str, wire.ChannelInfo] = {}
        self.customers: dict[int, wire.Customer] = {}
        self.conversations: dict[int, wire.Conversation] = {}
        self.messages: list[wire.Message] = []
        self.drafts: dict[tuple[int, str], wire.Draft] = {}
        self.seen: dict[int, int] = {}
        self.ways: dict[int, list[wire.ReplyWay]] = {}
        self.by_client_id: dict[str, wire.Message] = {}
        self.log: list[wire.Envelope] = []
        self.log_from = 0  # events up to this seq are no longer in the log
        self.now = NOW
        self.seq = 1000
        self.page_limit = 1000
        self.asked: list[str] = []  # "POST /v1/…" in order of arrival
        self.fail_next: dict[str, str] = {}  # path suffix -> "drop": carried out, answer lost; "503"
        self.silent = False
        self.refuse_events = False
        self._sockets: set[web.WebSocketResponse] = set()
        self._sending = asyncio.Lock()

    # --- levers -------------------------------------------------------------------------------------

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq

    async def push(
        self,
        kind: str,
        *,
        conversation_id: int | None = None,
        message: wire.Message | None = None,
        operator_id: int | None = None,
        data: dict[str, Any] | None = None,
        seq: int | None = None,
    ) -> wire.Envelope:
        row = self.conversations.get(conversation_id) if conversation_id is not None else None
        body = wire.EventBody(
            conversation_id=conversation_id,
            customer_id=row.customer_id if row else None,
            message_id=message.id if message else None,
            operator_id=operator_id,
            data=data or {},
            conversation=replace(row, seen_seq=0) if row else None,
            message=message,
        )
        envelope = wire.Envelope(
            type="event",
            seq=self.next_seq() if seq is None else seq,
            kind=kind,
            at=self.now,
            body=msgspec.Raw(msgspec.json.encode(body)),
        )
        self.log.append(envelope)
        await self._send(envelope)
        return envelope

    async def customer_writes(self, conversation_id: int, text: str, **more: Any) -> wire.Message:
        row = self.conversations[conversation_id]
        seq = self.next_seq()
        message = self.add_message(conversation_id, "in", text, at=self.now, seq=seq, **more)
        self.conversations[conversation_id] = replace(
            self.conversations[conversation_id],
            seq=seq,
            state="open",
            customer_seq=seq,
            waiting_since=row.waiting_since or self.now,
            sort_at=row.waiting_since or self.now,
        )
        await self.push("message.received", conversation_id=conversation_id, message=message, seq=seq)
        return message

    async def colleague_writes(self, conversation_id: int, author_id: int, text: str) -> wire.Message:
        seq = self.next_seq()
        message = self.add_message(conversation_id, "out", text, at=self.now, seq=seq, author_id=author_id)
        row = self.conversations[conversation_id]
        self.conversations[conversation_id] = replace(row, seq=seq, reply_seq=seq)
        await self.push(
            "message.queued",
            conversation_id=conversation_id,
            message=message,
            operator_id=author_id,
            seq=seq,
        )
        return message

    async def set_status(self, message_id: int, status: wire.Status, error: str = "") -> None:
        index = next(i for i, message in enumerate(self.messages) if message.id == message_id)
        message = replace(self.messages[index], status=status, error=error)
        self.messages[index] = message
        seq = self.next_seq()
        row = self.conversations[message.conversation_id]
        unsettled = sum(
            1
            for one in self.messages
            if one.conversation_id == row.id and one.status in ("failed", "unknown")
        )
        self.conversations[row.id] = replace(row, seq=seq, unsettled=unsettled)
        await self.push("message.status", conversation_id=row.id, message=message, seq=seq)

    async def cut(self) -> None:
        """Close every event stream."""
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    def go_silent(self) -> None:
        """Keep connections, say nothing, answer nothing."""
        self.silent = True

    def add_message(
        self, conversation_id: int, kind: wire.MessageKind, text: str, **more: Any
    ) -> wire.Message:
        row = self.conversations[conversation_id]
        seq = more.pop("seq", None) or self.next_seq()
        channel = self.channels.get(more.pop("channel_id", row.channel_id))
        author_id = more.get("author_id")
        author = row.customer if kind == "in" else self.operators[author_id].name if author_id else ""
        defaults: dict[str, Any] = {
            "id": len(self.messages) + 1,
            "seq": seq,
            "conversation_id": conversation_id,
            "customer_id": row.customer_id,
            "kind": kind,
            "channel_id": channel.id if channel and kind in ("in", "out") else "",
            "mark": "#" if kind == "note" else channel.mark if channel and kind != "system" else "",
            "author": author,
            "text": text,
            "status": "received" if kind == "in" else "sent",
            "at": self.now,
        }
        message = wire.Message(**(defaults | more))
        self.messages.append(message)
        if kind != "system":
            self.conversations[conversation_id] = replace(
                row,
                preview=" ".join(text.split())[:160],
                preview_kind=kind,
                preview_files=len(message.files),
                last_at=message.at,
            )
        return message

    # --- answers --------------------------------------------------------------------------------------

    def row(self, conversation_id: int) -> wire.Conversation:
        if conversation_id not in self.conversations:
            raise RefusalError(404, "not_found", f"there is no conversation {conversation_id}")
        row = self.conversations[conversation_id]
        return replace(row, seen_seq=self.seen.get(conversation_id, 0))

    def counts(self) -> wire.Counts:
        rows = self.conversations.values()
        queue = [row for row in rows if row.state == "open" and row.assignee_id is None]
        return wire.Counts(
            mine=sum(1 for row in rows if row.state == "open" and row.assignee_id == self.me.id),
            queue=len(queue),
            waiting=sum(
                1 for row in rows if row.state in ("waiting", "snoozed") and row.assignee_id == self.me.id
            ),
            unsettled=sum(1 for row in rows if row.unsettled),
            oldest_queued_at=min((row.sort_at for row in queue), default=None),
        )

    def _in_view(self, row: wire.Conversation, view: str) -> bool:
        mine = row.assignee_id == self.me.id
        return {
            "mine": row.state == "open" and mine,
            "queue": row.state == "open" and row.assignee_id is None,
            "waiting": row.state in ("waiting", "snoozed") and mine,
            "all": row.state != "closed",
            "closed": row.state == "closed",
        }[view]

    def history(self, customer_id: int, before: str | None, limit: int) -> wire.HistoryPage:
        messages = sorted(
            (message for message in self.messages if message.customer_id == customer_id),
            key=lambda message: (message.at, message.id),
        )
        if before is not None:
            at, key = (int(part) for part in before.split("."))
            messages = [message for message in messages if (message.at, message.id) < (at, key)]
        page = messages[-limit:]
        older = f"{page[0].at}.{page[0].id}" if len(messages) > limit else None
        ids = {message.conversation_id for message in page}
        return wire.HistoryPage(
            messages=page, conversations=[self.row(key) for key in sorted(ids)], before=older, seq=self.seq
        )

    def detail(self, conversation_id: int) -> wire.ConversationDetail:
        row = self.row(conversation_id)
        return wire.ConversationDetail(
            conversation=row,
            customer=self.customer(row.customer_id),
            ways=self.ways.get(row.customer_id, []),
            drafts=[draft for draft in self.drafts.values() if draft.conversation_id == conversation_id],
            history=self.history(row.customer_id, None, 50),
        )

    def customer(self, customer_id: int) -> wire.Customer:
        rows = [self.row(row.id) for row in self.conversations.values() if row.customer_id == customer_id]
        rows.sort(key=lambda row: -row.id)
        return replace(self.customers[customer_id], conversations=rows[:50])

    def change(self, conversation_id: int, **fields: Any) -> wire.Conversation:
        row = replace(self.conversations[conversation_id], seq=self.next_seq(), **fields)
        self.conversations[conversation_id] = row
        return self.row(conversation_id)

    # --- the wire ---------------------------------------------------------------------------------------

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._middleware])
        app.router.add_get("/v1/hello", self._hello)
        app.router.add_get("/v1/conversations", self._list)
        app.router.add_get("/v1/counts", self._counts)
        app.router.add_get("/v1/conversations/{id}", self._detail)
        app.router.add_get("/v1/customers/{id}", self._customer)
        app.router.add_get("/v1/customers/{id}/history", self._history)
        for verb in ("claim", "release", "assign", "reply", "note", "close", "reopen", "snooze", "seen"):
            app.router.add_post(f"/v1/conversations/{{id}}/{verb}", getattr(self, f"_{verb}"))
        app.router.add_put("/v1/conversations/{id}/draft", self._draft)
        app.router.add_get("/v1/drafts", self._drafts)
        app.router.add_get("/v1/search", self._search)
        app.router.add_get("/v1/outbox", self._outbox)
        app.router.add_post("/v1/outbox/settle", self._settle)
        app.router.add_get("/v1/channels", self._channels)
        app.router.add_get("/v1/operators", self._operators)
        app.router.add_get("/v1/events", self._events)
        return app

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path}")
        if self.silent:
            await asyncio.sleep(3600)
        failure = next(
            (self.fail_next.pop(key) for key in list(self.fail_next) if request.path.endswith(key)), ""
        )
        if failure == "503":
            return answer(
                wire.ErrorAnswer(error=wire.ErrorBody(code="unavailable", message="the disk is full")), 503
            )
        try:
            response = await handler(request)
        except RefusalError as refusal:
            return answer(wire.ErrorAnswer(error=refusal.body), refusal.status)
        if failure == "drop" and request.transport is not None:
            request.transport.close()
        return response

    async def _body(self, request: web.Request, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(await request.read(), type=kind)
        except msgspec.ValidationError as error:
            raise RefusalError(400, "bad_request", str(error)) from error

    def _id(self, request: web.Request) -> int:
        key = int(request.match_info["id"])
        self.row(key)
        return key

    async def _hello(self, request: web.Request) -> web.Response:
        return answer(
            wire.Hello(
                protocol=wire.PROTOCOL,
                version="0.1.0",
                site="Demo shop",
                operator=self.me,
                seq=self.seq,
                now=self.now,
                channels=list(self.channels.values()),
                operators=list(self.operators.values()),
            )
        )

    async def _list(self, request: web.Request) -> web.Response:
        view = request.query["view"]
        limit = min(int(request.query.get("limit", "100")), self.page_limit)
        rising = view in ("mine", "queue")
        rows = sorted(
            (row for row in self.conversations.values() if self._in_view(row, view)),
            key=lambda row: (row.sort_at, row.id),
            reverse=not rising,
        )
        if "after" in request.query:
            at, key = (int(part) for part in request.query["after"].split("."))
            rows = [
                row
                for row in rows
                if ((row.sort_at, row.id) > (at, key) if rising else (row.sort_at, row.id) < (at, key))
            ]
        page = rows[:limit]
        following = f"{page[-1].sort_at}.{page[-1].id}" if len(rows) > limit else None
        items = [self.row(row.id) for row in page]
        return answer(wire.ConversationPage(items=items, next=following, seq=self.seq, counts=self.counts()))

    async def _counts(self, request: web.Request) -> web.Response:
        return answer(self.counts())

    async def _detail(self, request: web.Request) -> web.Response:
        return answer(self.detail(self._id(request)))

    async def _customer(self, request: web.Request) -> web.Response:
        return answer(self.customer(int(request.match_info["id"])))

    async def _history(self, request: web.Request) -> web.Response:
        limit = int(request.query.get("limit", "50"))
        return answer(self.history(int(request.match_info["id"]), request.query.get("before"), limit))

    async def _claim(self, request: web.Request) -> web.Response:
        key = self._id(request)
        command = await self._body(request, wire.ClaimCommand)
        row = self.row(key)
        if row.assignee_id not in (command.expect, self.me.id):
            raise RefusalError(409, "taken", f"{row.assignee} has it", holder=row.assignee)
        row = self.change(key, assignee_id=self.me.id, assignee=self.me.name)
        await self.push("conversation.assigned", conversation_id=key, operator_id=self.me.id, seq=row.seq)
        return answer(row)

    async def _release(self, request: web.Request) -> web.Response:
        row = self.change(self._id(request), assignee_id=None, assignee="")
        await self.push("conversation.assigned", conversation_id=row.id, operator_id=self.me.id, seq=row.seq)
        return answer(row)

    async def _assign(self, request: web.Request) -> web.Response:
        key = self._id(request)
        command = await self._body(request, wire.AssignCommand)
        name = self.operators[command.operator_id].name
        row = self.change(key, assignee_id=command.operator_id, assignee=name)
        await self.push("conversation.assigned", conversation_id=key, operator_id=self.me.id, seq=row.seq)
        return answer(row)

    async def _reply(self, request: web.Request) -> web.Response:
        key = self._id(request)
        command = await self._body(request, wire.ReplyCommand)
        if command.client_id in self.by_client_id:
            return answer(self.by_client_id[command.client_id])
        news = [
            message
            for message in self.messages
            if message.conversation_id == key
            and message.seq > command.after_seq
            and (message.kind == "in" or (message.kind == "out" and message.author_id != self.me.id))
        ]
        if news:
            raise RefusalError(409, "stale", "there is news", news=news, seq=max(one.seq for one in news))
        seq = self.next_seq()
        message = self.add_message(
            key,
            "out",
            command.text,
            seq=seq,
            author_id=self.me.id,
            channel_id=command.channel_id,
            address_id=command.address_id,
            status="queued",
        )
        self.by_client_id[command.client_id] = message
        row = self.conversations[key]
        self.conversations[key] = replace(
            row,
            seq=seq,
            state="waiting",
            waiting_since=None,
            sort_at=self.now,
            reply_seq=seq,
            assignee_id=row.assignee_id or self.me.id,
            assignee=row.assignee or self.me.name,
        )
        self.drafts.pop((key, "reply"), None)
        await self.push(
            "message.queued", conversation_id=key, message=message, operator_id=self.me.id, seq=seq
        )
        return answer(message)

    async def _note(self, request: web.Request) -> web.Response:
        key = self._id(request)
        command = await self._body(request, wire.NoteCommand)
        if command.client_id in self.by_client_id:
            return answer(self.by_client_id[command.client_id])
        seq = self.next_seq()
        message = self.add_message(key, "note", command.text, seq=seq, author_id=self.me.id)
        self.by_client_id[command.client_id] = message
        self.conversations[key] = replace(self.conversations[key], seq=seq)
        self.drafts.pop((key, "note"), None)
        await self.push("note.added", conversation_id=key, message=message, operator_id=self.me.id, seq=seq)
        return answer(message)

    async def _close(self, request: web.Request) -> web.Response:
        key = self._id(request)
        command = await self._body(request, wire.CloseCommand)
        if not command.topic.strip() or not command.result.strip():
            raise RefusalError(409, "illegal_state", "closing needs a topic and a result")
        row = self.change(
            key,
            state="closed",
            topic=command.topic,
            result=command.result,
            closed_at=self.now,
            sort_at=self.now,
            waiting_since=None,
        )
        await self.push("conversation.state", conversation_id=key, operator_id=self.me.id, seq=row.seq)
        return answer(row)

    async def _reopen(self, request: web.Request) -> web.Response:
        row = self.change(
            self._id(request),
            state="open",
            closed_at=None,
            sort_at=self.now,
            assignee_id=self.me.id,
            assignee=self.me.name,
        )
        await self.push("conversation.state", conversation_id=row.id, operator_id=self.me.id, seq=row.seq)
        return answer(row)

    async def _snooze(self, request: web.Request) -> web.Response:
        key = self._id(request)
        command = await self._body(request, wire.SnoozeCommand)
        row = self.change(
            key,
            state="snoozed",
            snooze_until=command.until,
            sort_at=self.now,
            assignee_id=self.me.id,
            assignee=self.me.name,
        )
        await self.push("conversation.state", conversation_id=key, operator_id=self.me.id, seq=row.seq)
        return answer(row)

    async def _seen(self, request: web.Request) -> web.Response:
        key = self._id(request)
        command = await self._body(request, wire.SeenCommand)
        self.seen[key] = max(self.seen.get(key, 0), command.seq)
        await self.push(
            "conversation.seen", conversation_id=key, operator_id=self.me.id, data={"seq": self.seen[key]}
        )
        return answer(self.row(key))

    async def _draft(self, request: web.Request) -> web.Response:
        self._id(request)
        draft = await self._body(request, wire.Draft)
        draft = replace(draft, updated_at=self.now + len(self.asked))
        if draft.text:
            self.drafts[draft.conversation_id, draft.kind] = draft
        else:
            self.drafts.pop((draft.conversation_id, draft.kind), None)
        return answer(draft)

    async def _drafts(self, request: web.Request) -> web.Response:
        return answer(list(self.drafts.values()))

    async def _search(self, request: web.Request) -> web.Response:
        words = request.query["q"].lower().split()
        hits = [
            wire.SearchHit(message=message, conversation=self.row(message.conversation_id))
            for message in sorted(self.messages, key=lambda message: -message.at)
            if words and all(word in message.text.lower() for word in words)
        ]
        return answer(wire.SearchPage(hits=hits[: int(request.query.get("limit", "50"))], next=None))

    async def _outbox(self, request: web.Request) -> web.Response:
        open_states = ("queued", "sending", "retrying", "failed", "unknown")
        return answer(
            [
                wire.OutboxItem(
                    message=message,
                    customer=self.conversations[message.conversation_id].customer,
                    state=message.status,
                    attempts=1,
                    due_at=self.now,
                    error=message.error,
                )
                for message in self.messages
                if message.kind == "out" and message.status in open_states
            ]
        )

    async def _settle(self, request: web.Request) -> web.Response:
        command = await self._body(request, wire.SettleCommand)
        ids = [
            message.id
            for message in self.messages
            if message.kind == "out"
            and message.status in ("failed", "unknown")
            and (command.all or message.id in command.message_ids)
        ]
        for key in ids:
            await self.set_status(key, "queued" if command.verdict == "again" else "sent")
        return answer(wire.Settled(message_ids=ids))

    async def _channels(self, request: web.Request) -> web.Response:
        return answer(list(self.channels.values()))

    async def _operators(self, request: web.Request) -> web.Response:
        return answer(list(self.operators.values()))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self.refuse_events:
            raise RefusalError(503, "unavailable", "not now")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        subscribe = msgspec.json.decode((await socket.receive()).data, type=wire.Subscribe)
        async with self._sending:
            await self._frame(socket, wire.Envelope(type="welcome", seq=self.seq))
            if subscribe.resume is not None:
                if subscribe.resume < self.log_from:
                    await self._frame(socket, wire.Envelope(type="reset", seq=self.seq))
                else:
                    for envelope in self.log:
                        if envelope.seq > subscribe.resume:
                            await self._frame(socket, envelope)
            self._sockets.add(socket)
        beat = asyncio.create_task(self._heart(socket))
        try:
            async for _frame in socket:
                pass
        finally:
            beat.cancel()
            self._sockets.discard(socket)
        return socket

    async def _heart(self, socket: web.WebSocketResponse) -> None:
        while not socket.closed:
            await asyncio.sleep(0.5)
            async with self._sending:
                if not self.silent:
                    await self._frame(socket, wire.Envelope(type="heartbeat", seq=self.seq))

    async def _send(self, envelope: wire.Envelope) -> None:
        async with self._sending:
            if self.silent:
                return
            for socket in list(self._sockets):
                await self._frame(socket, envelope)

    async def _frame(self, socket: web.WebSocketResponse, envelope: wire.Envelope) -> None:
        if not socket.closed:
            await socket.send_str(msgspec.json.encode(envelope).decode())


@asynccontextmanager
async def serving(server: FakeServer, path: Path) -> AsyncIterator[str]:
    """`server` on a Unix socket at `path`."""
    runner = web.AppRunner(server.app(), shutdown_timeout=0.1, handle_signals=False)
    await runner.setup()
    site = web.UnixSite(runner, str(path))
    await site.start()
    try:
        yield str(path)
    finally:
        await server.cut()
        await runner.cleanup()
