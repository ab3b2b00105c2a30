"""What the fake operator API knows, and what can be read from it. No network.

Time stands still at `NOW` unless told; nothing is random.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from server import protocol as wire
from server.protocol.filtering import Known, filter_of, lets_through
from server.protocol.query import parse
from tests.fakes.operator_api_wire import RefusalError

NOW = 1_795_260_000_000  # 2026-11-21 11:20 UTC
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

RANK = {"urgent": 0, "high": 1, "normal": 2, "low": 3}
UNSETTLED = ("failed", "unknown")
ON_ITS_WAY = ("queued", "sending", "retrying")


class Books:
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
        self.now = NOW
        self.seq = 1000
        self.page_limit = 1000
        self.searched: list[str] = []
        self.filtered: list[str] = []  # of each page of a list that was asked for
        self.views: list[wire.SavedView] = []
        self.fields: list[wire.FieldSpec] = []
        self.histories: dict[int, list[wire.Field]] = {}  # of fields, by customer, newest first
        self.suggestions: dict[int, wire.Suggestion] = {}
        self.stopped: dict[int, wire.Stopped] = {}
        self.bytes_of: dict[int, bytes] = {}  # files
        self.kept: dict[int, bool] = {}  # scheduled replies that go whatever comes
        self.hold_ms = 0  # for how long what is sent is held
        self.held_drafts: dict[int, wire.Draft] = {}  # of first messages and forwards, by message
        self.obstacles: list[wire.Obstacle] = []  # in the way of every first message
        self.held_back: dict[int, wire.BulkOutcome] = {}  # of a message to many, by customer

    # --- writing ------------------------------------------------------------------------------------

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq

    def change(self, conversation_id: int, **fields: Any) -> wire.Conversation:
        row = replace(self.conversations[conversation_id], seq=self.next_seq(), **fields)
        self.conversations[conversation_id] = row
        return self.row(conversation_id)

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

    def change_status(self, message_id: int, status: wire.Status, error: str) -> wire.Message:
        """A delivery went on. The conversation gets a new seq, which is the event's."""
        index = next(i for i, message in enumerate(self.messages) if message.id == message_id)
        message = replace(self.messages[index], status=status, error=error)
        self.messages[index] = message
        unsettled = sum(
            1
            for one in self.messages
            if one.conversation_id == message.conversation_id and one.status in UNSETTLED
        )
        self.change(message.conversation_id, unsettled=unsettled)
        return message

    # --- lists ----------------------------------------------------------------------------------------

    def page(self, view: str, after: str | None, limit: int, filtered: str = "") -> wire.ConversationPage:
        limit = min(limit, self.page_limit)
        self.filtered.append(filtered)
        known = Known(
            me=self.me.id, operators=list(self.operators.values()), channels=list(self.channels.values())
        )
        here = datetime.fromtimestamp(self.now / 1000, UTC)
        tests = filter_of(parse(filtered), known, here)
        rising = view in ("mine", "queue")

        def place(row: wire.Conversation) -> tuple[int, int, int]:
            return (RANK[row.priority] if rising else 0, row.sort_at, row.id)

        rows = sorted(
            (
                row
                for row in self.conversations.values()
                if self._in_view(row, view) and lets_through(tests, row, self.me.id, self.seen.get(row.id, 0))
            ),
            key=place,
            reverse=not rising,
        )
        if after is not None:
            rank, at, key = (int(part) for part in after.split("."))
            rows = [
                row
                for row in rows
                if (place(row) > (rank, at, key) if rising else place(row) < (rank, at, key))
            ]
        page = rows[:limit]
        return wire.ConversationPage(
            items=[self.row(row.id) for row in page],
            next=".".join(str(part) for part in place(page[-1])) if len(rows) > limit else None,
            seq=self.seq,
            counts=self.counts(),
        )

    def _in_view(self, row: wire.Conversation, view: str) -> bool:
        mine = row.assignee_id == self.me.id
        return {
            "mine": row.state == "open" and mine,
            "queue": row.state == "open" and row.assignee_id is None,
            "waiting": row.state in ("waiting", "snoozed") and mine,
            "all": row.state != "closed",
            "closed": row.state == "closed" and not row.spam,
            "spam": row.spam,
        }[view]

    def counts(self) -> wire.Counts:
        rows = self.conversations.values()
        queue = [row for row in rows if self._in_view(row, "queue")]
        return wire.Counts(
            mine=sum(1 for row in rows if self._in_view(row, "mine")),
            queue=len(queue),
            waiting=sum(1 for row in rows if self._in_view(row, "waiting")),
            unsettled=sum(1 for row in rows if row.unsettled),
            oldest_queued_at=min((row.sort_at for row in queue), default=None),
            at_risk=sum(1 for row in rows if row.deadline is not None and row.deadline.level == "risk"),
            late=sum(1 for row in rows if row.deadline is not None and row.deadline.level == "late"),
        )

    def hits(
        self, q: str, limit: int, customer_id: int | None = None, before: str | None = None
    ) -> wire.SearchPage:
        """Words and `from:`, which is enough to see what the console asks. Keys are places in the list."""
        self.searched.append(q)
        query = parse(q)

        def found(message: wire.Message) -> bool:
            text, name = message.text.lower(), self.conversations[message.conversation_id].customer.lower()
            return all(
                (term.value.lower() in (name if term.name == "from" else text)) != term.excluded
                for term in query.of("text", "from")
            )

        hits = [
            wire.SearchHit(message=message, conversation=self.row(message.conversation_id))
            for message in sorted(self.messages, key=lambda message: -message.at)
            if query and found(message) and customer_id in (None, message.customer_id)
        ]
        begin = int(before or 0)
        end = min(begin + min(limit, self.page_limit), len(hits))
        return wire.SearchPage(hits=hits[begin:end], next=str(end) if end < len(hits) else None)

    def hold(self, beside: int, text: str, back: wire.Draft, **more: Any) -> wire.Message:
        """A line that waits beside a conversation; `back`: what it is when it is taken back."""
        message = self.add_message(
            beside,
            "system",
            text,
            kind_of_event="scheduled",
            status="scheduled",
            seq=self.next_seq(),
            author_id=self.me.id,
            channel_id=back.channel_id,
            subject=back.subject,
            leaves_at=self.now + self.hold_ms,
            detail={"becomes": back.kind, **more.pop("detail", {})},
            **more,
        )
        self.held_drafts[message.id] = back
        return message

    def held(self) -> list[wire.Message]:
        return [
            message
            for message in self.messages
            if (message.status == "queued" or message.id in self.held_drafts)
            and message.author_id == self.me.id
            and message.leaves_at is not None
            and message.leaves_at > self.now
        ]

    def outbox(self) -> list[wire.OutboxItem]:
        return [
            wire.OutboxItem(
                message=message,
                customer=self.conversations[message.conversation_id].customer,
                state=message.status,
                attempts=1,
                due_at=message.leaves_at or self.now,
                error=message.error,
                keep=self.kept.get(message.id, False),
            )
            for message in self.messages
            if (message.kind == "out" and message.status in ON_ITS_WAY + UNSETTLED)
            or message.status == "scheduled"
        ]

    # --- one conversation, one customer ---------------------------------------------------------------

    def row(self, conversation_id: int) -> wire.Conversation:
        if conversation_id not in self.conversations:
            raise RefusalError(404, "not_found", f"there is no conversation {conversation_id}")
        row = self.conversations[conversation_id]
        return replace(row, seen_seq=self.seen.get(conversation_id, 0))

    def detail(self, conversation_id: int) -> wire.ConversationDetail:
        row = self.row(conversation_id)
        return wire.ConversationDetail(
            conversation=row,
            customer=self.customer(row.customer_id),
            ways=self.ways.get(row.customer_id, []),
            drafts=[draft for draft in self.drafts.values() if draft.conversation_id == conversation_id],
            history=self.history(row.customer_id, None, 50),
            stopped=self.stopped.get(conversation_id, wire.Stopped()),
        )

    def customer(self, customer_id: int) -> wire.Customer:
        rows = [self.row(row.id) for row in self.conversations.values() if row.customer_id == customer_id]
        rows.sort(key=lambda row: -row.id)
        open_ones = [one for one in self.suggestions.values() if one.state == "open"]
        return replace(
            self.customers[customer_id],
            conversations=rows[:50],
            suggestions=sum(1 for one in open_ones if customer_id in (one.one.id, one.other.id)),
            promises=[
                wire.Promise(conversation_id=row.id, next_step=row.next_step, due_at=row.due_at)
                for row in rows
                if row.state != "closed" and (row.next_step or row.due_at)
            ],
            notes=sum(1 for one in self.messages if one.customer_id == customer_id and one.kind == "note"),
            files=sum(len(one.files) for one in self.messages if one.customer_id == customer_id),
        )

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
