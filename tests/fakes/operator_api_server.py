"""The fake operator API as a test holds it: its books, who listens, and levers that make things happen."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from aiohttp import WSCloseCode, web
from msgspec.structs import replace

from server import protocol as wire
from tests.fakes.operator_api_books import Books
from tests.fakes.operator_api_wire import send_frame


class FakeServer(Books):
    def __init__(self, me: wire.OperatorInfo, operators: list[wire.OperatorInfo]) -> None:
        super().__init__(me, operators)
        self.log: list[wire.Envelope] = []
        self.log_from = 0  # events up to this seq are no longer in the log
        self.asked: list[str] = []  # "POST /v1/…" in order of arrival
        self.fail_next: dict[str, str] = {}  # path suffix -> "drop": carried out, answer lost; "503"
        self.silent = False
        self.templates: list[wire.FilledTemplate] = []  # as they are for every conversation
        self.refuse_events = False
        self.listeners: set[web.WebSocketResponse] = set()
        self.sending = asyncio.Lock()  # frames leave in the order of the log

    # --- telling consoles ---------------------------------------------------------------------------

    async def push(
        self,
        kind: str,
        *,
        conversation_id: int | None = None,
        customer_id: int | None = None,
        message: wire.Message | None = None,
        operator_id: int | None = None,
        data: dict[str, Any] | None = None,
        seq: int | None = None,
    ) -> wire.Envelope:
        """Write an event into the log and tell whoever listens."""
        row = self.conversations.get(conversation_id) if conversation_id is not None else None
        body = wire.EventBody(
            conversation_id=conversation_id,
            customer_id=row.customer_id if row else customer_id,
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
        async with self.sending:
            if not self.silent:
                for socket in list(self.listeners):
                    await send_frame(socket, envelope)
        return envelope

    async def cut(self) -> None:
        """Close every event stream."""
        for socket in list(self.listeners):
            await socket.close(code=WSCloseCode.GOING_AWAY)

    def go_silent(self) -> None:
        """Keep connections, say nothing, answer nothing."""
        self.silent = True

    # --- what others do -------------------------------------------------------------------------------

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
        message = self.change_status(message_id, status, error)
        key = message.conversation_id
        seq = self.conversations[key].seq
        await self.push("message.status", conversation_id=key, message=message, seq=seq)
