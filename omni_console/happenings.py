"""What an event is to this operator: something he may want to be told. Plain Python; no Textual."""

from __future__ import annotations

import msgspec

from omni_console.own_settings import TellKind
from server.protocol import Conversation, EventBody, Message


class Happening(msgspec.Struct, frozen=True):
    """`who`: whom it is about; `words`: the beginning of what was written. Neither is cleaned."""

    kind: TellKind
    conversation_id: int = 0
    who: str = ""
    words: str = ""


def happenings(
    kind: str, body: EventBody, before: Conversation | None, now: Conversation | None, me: int
) -> list[Happening]:
    """What an event is to this operator. `before` and `now`: its conversation, where it is known."""
    if now is None or now.spam:
        return []
    key, who, mine = now.id, now.customer, now.assignee_id == me
    message = body.message
    if kind == "message.received" and message is not None and message.kind == "in":
        return _arrived(message, now, mine=mine)
    if kind == "message.status" and message is not None:
        broken = message.status in ("failed", "unknown") and message.author_id == me
        return [Happening("failed", key, who)] if broken else []
    if kind == "mention.added":
        return [Happening("mention", key, who, message.text if message else "")]
    if body.operator_id == me or (not mine and now.assignee_id is not None):
        return []  # I did it, or it is a colleague's
    if kind == "conversation.assigned" and mine and (before is None or before.assignee_id != me):
        return [Happening("handover", key, who)]
    if kind == "conversation.changed" and now.priority == "urgent":
        return [Happening("urgent", key, who)] if before and before.priority != "urgent" else []
    if kind == "conversation.deadline" and now.deadline is not None:
        level = now.deadline.level
        if level == "late":
            return [Happening("breach", key, who)]
        return [Happening("risk", key, who)] if level == "risk" else []
    return []


def _arrived(message: Message, row: Conversation, *, mine: bool) -> list[Happening]:
    if not mine and row.assignee_id is not None:
        return []
    kind: TellKind = "urgent" if row.priority == "urgent" else "message" if mine else "queue"
    return [Happening(kind, row.id, row.customer, message.text)]
