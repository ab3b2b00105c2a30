"""InboundEvent -> customer, conversation, message: one transaction.

Everything here is called inside `fn(tx)` and touches nothing but `tx`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence

import msgspec

from channels.base import InboundEvent
from channels.folds import sound, unfolded
from server import bounced, fates, lifecycle, places
from server.acknowledging import Acknowledging, acknowledge
from server.cases import calls, case, casework, leaving, spam
from server.cases.locate import locate
from server.echoes import take_echo
from server.history import take_history
from server.look_alike import known_twin
from server.outcome import Outcome as Outcome
from server.outcome import happened_at
from server.people import attribution, cards, proving
from server.people.authors import Author, ChannelFacts, recognise
from server.people.codes import digits_told
from server.protocol import Status
from server.store import (
    conversations,
    customers,
    messages,
    origins,
    previews,
    recipients,
    records,
    state,
    threads,
)
from server.store import files as attachments
from server.store import spam as apart
from server.store.files import NewFile
from server.store.messages import NewMessage
from server.store.transaction import Transaction

DAY_MS = 86_400_000
PIECES_MS = 120_000  # a piece that comes later than this after the first stands alone, where it is noticed

# A status never goes backwards, in whatever order receipts arrive.
STATUS_RANK: dict[str, int] = {"queued": 0, "sending": 1, "retrying": 1, "sent": 2, "delivered": 3, "read": 4}

# Kinds that are shown as a line of the conversation, with the customer waiting for us after them.
SPOKEN = frozenset({"message", "contact_shared", "callback", "unsupported", "started"})


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    reopen_ms: int = 7 * DAY_MS
    language: str = "en"  # of what the server writes itself
    is_online: Callable[[int], bool] = lambda operator_id: False
    urgent: Callable[[str], str] = lambda text: ""  # the configured word that a text holds
    topics: Callable[[str], list[str]] = lambda text: []  # the tags whose words it holds
    acknowledging: Acknowledging = Acknowledging()


def take_in(
    tx: Transaction,
    channel: ChannelFacts,
    event: InboundEvent,
    files: Sequence[NewFile],
    policy: Policy,
) -> Outcome:
    """Take one event in. The caller journals it in the same transaction."""
    if event.history:
        return take_history(tx, channel, event, files)
    if event.is_echo:
        return take_echo(tx, channel, event, files)
    if event.record is not None:
        return _take_record(tx, channel, event)
    if event.kind == "call":
        at = happened_at(event, tx.now)
        return calls.take(tx, channel, event, files, at, policy.reopen_ms, policy.is_online)
    if event.token and (led := proving.follow(tx, channel, event, policy.language)) is not None:
        return led
    if event.kind == "continued":
        return Outcome()
    if event.kind in SPOKEN:
        shown = _take_message(tx, channel, event, files, policy)
        return msgspec.structs.replace(shown, aside=event.quarantine)
    if event.kind in ("edit", "delete", "reaction"):
        return _take_change(tx, channel, event, files, policy)
    if event.kind in ("delivery", "read", "failed"):
        return _take_receipt(tx, channel, event)
    return _take_fact(tx, channel, event)


# --- what -----------------------------------------------------------------------------------------


def _shown_text(event: InboundEvent, detail: Mapping[str, str]) -> str:
    if event.text or event.kind == "message":
        return event.text
    facts = "; ".join(f"{name}: {value}" for name, value in detail.items())
    return facts or event.kind


def _take_message(
    tx: Transaction,
    channel: ChannelFacts,
    event: InboundEvent,
    files: Sequence[NewFile],
    policy: Policy,
) -> Outcome:
    author = recognise(tx, channel, event)
    if event.part_of is not None and (row := _begun(tx, channel, event, author)) is not None:
        attachments.add(tx, row["id"], files)
        if event.text:
            messages.add_text(tx, row["id"], event.text)
            _look_for_words(tx, row["conversation_id"], event, policy)
        return _changed(tx, row, ["files", "text"] if event.text else ["files"])
    barred = apart.is_barred(tx, author.address_id)
    placement, conversation = (
        spam.place(tx, author.customer_id, author.address_id)
        if barred
        else locate(tx, channel, event, author, policy.reopen_ms)
    )
    at = happened_at(event, tx.now)
    if conversation is None:
        before = None
        life = lifecycle.opened(tx.now)
        conversation_id = conversations.create(
            tx, author.customer_id, life, event.subject, begun_by=author.address_id
        )
        tx.emit("conversation.opened", conversation_id=conversation_id, customer_id=author.customer_id)
        conversation = conversations.held(tx, conversation_id)
    elif barred:
        before = conversation.life
        life = spam.life_of_heard(before, tx.now)
    else:
        before = conversation.life
        life = before if event.automatic else lifecycle.customer_wrote(before, tx.now, policy.is_online)
    if before is not None and before.state != life.state:
        if before.state == "closed":
            casework.keep_closing(tx, conversation)
        data: dict[str, str] = {"from": before.state, "to": life.state}
        if before.closed_why:
            data["after"] = before.closed_why
        tx.emit(
            "conversation.state",
            conversation_id=conversation.id,
            customer_id=conversation.customer_id,
            data=data,
        )
    if not barred:
        _look_for_words(tx, conversation.id, event, policy)
    stranger = conversation.customer_id != author.customer_id
    facts = attribution.kept(event.detail)
    detail = places.with_map(attribution.of_message(facts))
    text = _shown_text(event, detail)
    folds = sound(event.folds, text) if text == event.text else ()
    twin = known_twin(tx, event, author)
    suggestion = placement.suggestion
    posted = messages.post(
        tx,
        conversation.id,
        conversation.customer_id,
        "message.received",
        NewMessage(
            kind="in",
            event_kind=event.kind,
            channel_id=channel.id,
            thread=event.thread or event.sender.external_id,
            address_id=author.address_id,
            author=author.name,
            text=text,
            subject=event.subject,
            status="received",
            at=at,
            visible=True,
            remote_id=event.remote_message_id,
            reason=placement.reason + _reused(tx, channel, event),
            stranger=stranger,
            automatic=event.automatic,
            files=tuple(files),
            detail={**detail, "warn_like_known": twin} if twin else detail,
            suggest_id=suggestion.conversation_id if suggestion else None,
            suggest_why=suggestion.why if suggestion else "",
            folds=folds,
        ),
        data={"channel": channel.id},
    )
    if facts and not stranger:
        _note_origin(tx, channel, author.customer_id, conversation.id, posted.id, facts)
    recipients.add(tx, posted.id, event.correspondents)
    threads.remember(tx, channel.id, posted.id, _ids(event))
    conversations.note_message(
        tx,
        conversation,
        life,
        seq=posted.seq,
        kind="in",
        text=unfolded(text, folds),
        files=len(files),
        channel_id=channel.id,
        subject=event.subject,
        from_customer=not event.automatic,
        to_customer=False,
        doubted="held_for_spam" in detail,
    )
    thread = event.thread or event.sender.external_id
    # When the bar is taken away, the thread goes on where it was.
    if not barred or state.thread_conversation(tx, channel.id, thread) is None:
        state.put_thread(tx, channel.id, thread, conversation.id, author.address_id)
    bounced.take_reports(tx, channel, event)
    if not event.bounces:
        _believe_arrived(tx, channel, event)
    digits = None if stranger or event.automatic else digits_told(unfolded(text, folds).strip())
    if digits is not None:
        proving.told(tx, conversation.id, author.address_id, digits)
        conversation = conversations.held(tx, conversation.id)
    if not event.automatic and not stranger:
        leaving.customer_wrote(tx, conversation.customer_id)
    if not barred and not stranger:
        how = policy.acknowledging
        acknowledge(tx, channel, event, author, conversation.id, how, begins=before is None)
    if event.part_of is not None:
        state.put(tx, channel.id, _pieces(event), f"{posted.id} {event.part_of}".encode())
    return Outcome(conversation.customer_id, posted.id, conversation.id, posted.seq)


def _note_origin(
    tx: Transaction,
    channel: ChannelFacts,
    customer_id: int,
    conversation_id: int,
    message_id: int,
    facts: Mapping[str, str],
) -> None:
    """From where he came to this conversation, and to us at all."""
    first = attribution.first_visit(facts, tx.now)
    if first is not None:
        origins.first(tx, customer_id, message_id, channel.id, first)
    visit = attribution.this_visit(facts)
    if visit is not None:
        origins.begin(tx, customer_id, conversation_id, message_id, channel.id, visit)


def _reused(tx: Transaction, channel: ChannelFacts, event: InboundEvent) -> str:
    """Senders re-use ids for other messages: told, and never a reason to drop one."""
    if event.kind != "message" or event.remote_message_id is None:
        return ""
    known = messages.by_remote_id(tx, channel.id, event.remote_message_id)
    return "; its id was used before, by another message" if known is not None else ""


def _look_for_words(tx: Transaction, conversation_id: int, event: InboundEvent, policy: Policy) -> None:
    """What a person says himself may raise the priority, and says what it is about; what he quotes, or a
    machine says, does not."""
    if event.automatic:
        return
    said = f"{event.subject or ''} {unfolded(event.text, sound(event.folds, event.text))}"
    word = policy.urgent(said)
    if word:
        case.raise_priority(tx, conversation_id, word)
    tags = policy.topics(said)
    if tags:
        case.add_topics(tx, conversation_id, tags)


def _ids(event: InboundEvent) -> list[str]:
    return [reference.remote_id for reference in event.references if reference.kind == "id"]


def _believe_arrived(tx: Transaction, channel: ChannelFacts, event: InboundEvent) -> None:
    """Who answers a message of which nobody knew whether it arrived has it."""
    for reference in event.references:
        if reference.trusted and reference.message_id is not None:
            named = threads.our_message(tx, channel.id, reference.message_id)
            if named is not None and named.status == "unknown":
                fates.declare_sent(tx, named.id, named.conversation_id, named.customer_id)


def _pieces(event: InboundEvent) -> str:
    """Where a thread's last message that came in pieces is noted; one note a thread."""
    return f"pieces:{event.thread or event.sender.external_id}"


def _begun(tx: Transaction, channel: ChannelFacts, event: InboundEvent, author: Author) -> sqlite3.Row | None:
    """The message of which this event is a further piece."""
    message_id, _, part_of = (state.get(tx, channel.id, _pieces(event)) or b"").decode().partition(" ")
    if part_of != event.part_of:
        return None
    row = messages.begun(tx, int(message_id), author.address_id, tx.now - PIECES_MS)
    # Where the conversation was closed meanwhile a piece is a message of its own, and opens it again.
    if row is None or conversations.held(tx, row["conversation_id"]).life.state == "closed":
        return None
    return row


def _target(tx: Transaction, channel: ChannelFacts, event: InboundEvent) -> sqlite3.Row | None:
    return messages.by_remote_id(tx, channel.id, event.target) if event.target else None


def _changed(tx: Transaction, row: sqlite3.Row, fields: list[str]) -> Outcome:
    seq = tx.emit(
        "message.changed",
        conversation_id=row["conversation_id"],
        customer_id=row["customer_id"],
        message_id=row["id"],
        data={"fields": fields},
    )
    conversations.touch(tx, row["conversation_id"], seq)
    previews.renew(tx, row["conversation_id"])
    return Outcome(row["customer_id"], row["id"], row["conversation_id"], seq)


def _take_change(
    tx: Transaction, channel: ChannelFacts, event: InboundEvent, files: Sequence[NewFile], policy: Policy
) -> Outcome:
    """An edit, a deletion or a reaction. Only the author's own message may be edited or deleted by it; one
    that came before its message, or speaks of none of ours, is shown as a message of its own."""
    row = _target(tx, channel, event)
    author = recognise(tx, channel, event)
    own = row is not None and row["kind"] == "in" and row["address_id"] == author.address_id
    if row is not None and own and event.kind == "edit":
        messages.change_text(tx, row["id"], event.text)
        # A file may be replaced by an edit: both are shown.
        attachments.add(
            tx,
            row["id"],
            [file for file in files if file.sha256 and not attachments.has(tx, row["id"], file.sha256)],
        )
        _look_for_words(tx, row["conversation_id"], event, policy)
        return _changed(tx, row, ["text"])
    if row is not None and own and event.kind == "delete":
        messages.mark_deleted(tx, row["id"])
        return _changed(tx, row, ["deleted"])
    return _take_message(tx, channel, event, files, policy)


def _take_receipt(tx: Transaction, channel: ChannelFacts, event: InboundEvent) -> Outcome:
    """Delivered or read: a message and all before it in the thread. Failed: one message."""
    status: Status = {"delivery": "delivered", "read": "read", "failed": "failed"}[event.kind]  # type: ignore[assignment]
    rank = STATUS_RANK.get(status, 0)
    below: tuple[Status, ...] = tuple(s for s, r in STATUS_RANK.items() if 2 <= r < rank)  # type: ignore[misc]
    row = _target(tx, channel, event)
    if row is None or row["kind"] != "out":
        return Outcome()
    if status == "failed":
        if row["status"] not in ("delivered", "read"):
            why = event.detail.get("reason", "") or "the provider could not deliver it"
            fates.declare_failed(tx, row["id"], row["conversation_id"], row["customer_id"], why)
        return Outcome(row["customer_id"])
    # Who read this one read what stood above it.
    for message_id in messages.undelivered_up_to(
        tx, channel.id, event.thread, row["visible_seq"] or 0, below
    ):
        messages.set_status(tx, message_id, status)
        where = messages.place_of(tx, message_id)
        tx.emit(
            "message.status",
            conversation_id=where.conversation_id,
            customer_id=where.customer_id,
            message_id=message_id,
            data={"status": status},
        )
    return Outcome(row["customer_id"])


def _take_record(tx: Transaction, channel: ChannelFacts, event: InboundEvent) -> Outcome:
    """An order, a payment: of whoever has verified the address it names, or else of the sender it names."""
    told = event.record
    if told is None:
        return Outcome()
    shared = bool(told.address)
    fact = records.Fact(
        kind=told.kind,
        external_id=told.number,
        scheme=told.scheme if shared else channel.scheme,
        account="" if shared else channel.account,
        address=told.address if shared else event.sender.external_id,
        title=told.title,
        state=told.state,
        amount=told.amount,
        currency=told.currency,
        at=told.at,
        url=told.url,
        details=dict(told.details),
        version=told.version,
    )
    return Outcome(records.owner(tx, cards.put_record(tx, fact)))


def _take_fact(tx: Transaction, channel: ChannelFacts, event: InboundEvent) -> Outcome:
    """What changes the person and adds no message: identity, blocked, unblocked."""
    if event.kind != "typing":
        author = recognise(tx, channel, event)
        if event.kind in ("blocked", "unblocked"):
            customers.set_blocked(tx, author.address_id, event.kind == "blocked")
        tx.emit("customer.changed", customer_id=author.customer_id, data={"fields": [event.kind]})
        return Outcome(author.customer_id)
    return Outcome()
