"""A frame of the event stream goes into the desk; the answer says what has to be painted anew. Pure."""

from __future__ import annotations

import contextlib

import msgspec

from omni_console.desk import Desk
from omni_console.happenings import Happening, happenings
from server.protocol import Company, Envelope, EventBody, Message

KINDS = frozenset(
    {
        "message.received",
        "message.queued",
        "message.scheduled",
        "message.withdrawn",
        "message.status",
        "message.changed",
        "note.added",
        "mention.added",
        "mention.seen",
        "contact.added",
        "conversation.opened",
        "conversation.state",
        "conversation.assigned",
        "conversation.seen",
        "conversation.changed",
        "conversation.deadline",
        "conversation.silence",
        "conversation.regrouped",
        "conversation.shared",
        "conversation.unshared",
        "share.ended",
        "draft.saved",
        "customer.changed",
        "customer.merged",
        "customer.unmerged",
        "customer.erased",
        "customer.barred",
        "identity.suggested",
        "identity.accepted",
        "identity.refused",
        "identity.code_sent",
        "identity.code_failed",
        "identity.code_used",
        "record.changed",
        "channel.state",
        "operator.changed",
        "view.changed",
        "journal.quarantined",
    }
)
_MOVES_COUNTS = (
    "message.",
    "conversation.opened",
    "conversation.state",
    "conversation.assigned",
    "conversation.deadline",
    "conversation.regrouped",
    "customer.",
)
# Whose messages are whose may be another now: what is on the screen of them is asked for anew.
_REGROUPS = frozenset({"customer.merged", "customer.unmerged", "conversation.regrouped"})
_ACTS = frozenset(
    {"conversation.assigned", "conversation.state", "conversation.changed", "message.withdrawn"}
)
_ABOUT_CUSTOMERS = frozenset(
    {"customer.changed", "customer.barred", "record.changed", "conversation.changed", "identity.code_used"}
)
_MOVES_INBOX = frozenset(
    {"identity.suggested", "identity.accepted", "identity.refused", "customer.merged", "customer.unmerged"}
)


class Changed(msgspec.Struct):
    """What an event changed. `stale_*`: the event named it without bringing it; ask the server."""

    lists: bool = False
    counts: bool = False
    people: bool = False  # operators or channels
    conversations: set[int] = set()
    customers: set[int] = set()
    drafts: set[int] = set()
    stale_customers: set[int] = set()
    stale_ways: set[int] = set()  # conversations: the best way to answer may be another
    happened: list[Happening] = []  # what this operator may want to be told
    acted: set[int] = set()  # conversations in which somebody of us did something
    inbox: bool = False  # suggestions came, went, or were decided
    mentions: bool = False  # somebody called this operator to a note, or he has seen one
    regrouped: set[int] = set()  # customers whose history is another now
    views: bool = False  # saved views came, went or changed
    erased: set[int] = set()  # conversations of which nothing may be kept


def apply(desk: Desk, envelope: Envelope) -> Changed:
    """One frame of the event stream. Repeating it changes nothing."""
    changed = Changed()
    if envelope.type == "trouble":
        desk.trouble = envelope.text
        changed.people = True
        return changed
    if envelope.type == "presence":
        _put_company(desk, envelope, changed)
    if envelope.type != "event":
        return changed
    repeated = envelope.seq <= desk.seq
    desk.seq = max(desk.seq, envelope.seq)
    body = _read(desk, envelope)
    if body is None:
        return changed
    if not repeated:
        before = desk.conversations.get(body.conversation_id or 0)
        changed.happened = happenings(envelope.kind, body, before, body.conversation or before, desk.me)
    if envelope.kind == "conversation.opened" and body.conversation_id is not None:
        desk.note_unseen(body.conversation_id)
    if body.conversation is not None and desk.put_row(body.conversation):
        changed.lists = True
        changed.conversations.add(body.conversation.id)
    if body.message is not None:
        _put_message(desk, body.message, envelope, changed, repeated=repeated)
    if body.conversation_id is not None and envelope.kind == "conversation.seen":
        seq = body.data.get("seen_seq", body.data.get("seq"))
        if isinstance(seq, int) and desk.mark_seen(body.conversation_id, seq):
            changed.lists = True
            changed.conversations.add(body.conversation_id)
    if envelope.kind == "draft.saved" and body.conversation_id is not None:
        changed.drafts.add(body.conversation_id)
    if envelope.kind in _ABOUT_CUSTOMERS and body.customer_id in desk.customers:
        changed.stale_customers.add(body.customer_id)
    if body.conversation_id in desk.stopped and envelope.kind in _ACTS and not repeated:
        changed.acted.add(body.conversation_id)
    changed.inbox = not repeated and envelope.kind in _MOVES_INBOX
    changed.views = not repeated and envelope.kind == "view.changed"
    changed.mentions = not repeated and envelope.kind.startswith("mention.")
    if envelope.kind in _REGROUPS and not repeated:
        # The card that was taken in ("from"), or became one again ("restored").
        involved = (body.customer_id, body.data.get("from"), body.data.get("restored"))
        changed.regrouped = {key for key in involved if isinstance(key, int)}
    if envelope.kind == "customer.erased":
        changed.erased = {key for key in body.data.get("conversations", []) if isinstance(key, int)}
    if envelope.kind == "share.ended":
        changed.erased = {key for key in (body.data.get("conversation"),) if isinstance(key, int)}
    if envelope.kind == "customer.changed":
        changed.stale_ways |= {
            key
            for key in desk.ways
            if key in desk.conversations and desk.conversations[key].customer_id == body.customer_id
        }
    if envelope.kind in ("channel.state", "operator.changed"):
        changed.people = True
    changed.counts = not repeated and envelope.kind.startswith(_MOVES_COUNTS)
    return changed


def _read(desk: Desk, envelope: Envelope) -> EventBody | None:
    """None: a newer server says what we do not know; that is counted."""
    if envelope.kind in KINDS:
        with contextlib.suppress(msgspec.DecodeError, msgspec.ValidationError):
            return msgspec.json.decode(envelope.body, type=EventBody)
    desk.unknown_kinds[envelope.kind] += 1
    return None


def _put_company(desk: Desk, envelope: Envelope, changed: Changed) -> None:
    try:
        company = msgspec.json.decode(envelope.body, type=Company)
    except (msgspec.DecodeError, msgspec.ValidationError):
        desk.unknown_kinds[envelope.type] += 1
        return
    if company.people or company.customer_types:
        desk.company[company.conversation_id] = company
    else:
        desk.company.pop(company.conversation_id, None)
    changed.lists = True
    changed.conversations.add(company.conversation_id)


def _put_message(
    desk: Desk, message: Message, envelope: Envelope, changed: Changed, *, repeated: bool
) -> None:
    desk.note_held(message)
    if desk.put_message(message, envelope.seq):
        changed.customers.add(message.customer_id)
        changed.conversations.add(message.conversation_id)
    arrived = envelope.kind == "message.received" and not repeated
    if arrived and message.kind == "in" and not message.stranger and not desk.answered_there(message):
        changed.stale_ways.add(message.conversation_id)
