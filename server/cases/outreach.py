"""Writing first: one message to one person, or one text to many. Inside `fn(tx)` only.

Each is checked for what speaks against it, in the transaction that queues it. A reply in a conversation
where the customer wrote never comes here.
"""

from __future__ import annotations

import msgspec

from server import lifecycle
from server.cases.filling import values_of
from server.cases.obstacles import ColleagueWrote, holds, obstacles
from server.cases.refused import RefusedError
from server.cases.replying import Outgoing, check_filled, check_text, check_window, ways_to
from server.cases.variables import MissingError, filled, record_kinds
from server.cases.ways import Way
from server.lifecycle import Lifecycle
from server.protocol import (
    BulkMessage,
    BulkOutcome,
    Customer,
    FirstMessage,
    HeldBecause,
    Obstacle,
    OperatorInfo,
    Recipient,
)
from server.store import (
    approach,
    card,
    cases,
    conversations,
    customers,
    merges,
    messages,
    outbox,
    recipients,
    records,
    state,
    unsaid,
)
from server.store.card import Showing
from server.store.conversations import NotFoundError
from server.store.messages import NewMessage, Place
from server.store.transaction import Snapshot, Transaction

DAY_MS = 86_400_000


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says of writing first."""

    colleague_ms: int = 90 * DAY_MS
    record_ms: int = 90 * DAY_MS
    record_kinds: tuple[str, ...] = ("order", "payment")
    site: str = ""  # what {site} stands for


class HeldError(Exception):
    """It waits: `obstacles` say why. The writer may go past those that do not block."""

    def __init__(self, found: list[Obstacle]) -> None:
        super().__init__("something speaks against writing to this person now")
        self.obstacles = found


def look(
    tx: Snapshot,
    customer_id: int,
    operator: OperatorInfo,
    command: FirstMessage,
    outgoing: Outgoing,
    rules: Rules,
) -> Way:
    """By which way a first message goes, where nothing speaks against it.

    Raises HeldError, RefusedError, MissingError.
    """
    way = _way(tx, customer_id, command.channel_id, command.address_id, outgoing)
    check_text(command.text, 0, outgoing.offers[way.shown.channel_id])
    check_filled(tx, command.text, command.subject or "")
    found = against(tx, customer_id, operator.id, way, command.purpose, outgoing, rules)
    if holds(found, command.despite):
        raise HeldError(found)
    return way


def write(
    tx: Transaction,
    customer_id: int,
    operator: OperatorInfo,
    command: FirstMessage,
    way: Way,
    outgoing: Outgoing,
    line: int | None = None,
) -> int:
    """Write a first message: a conversation, the message, an outbox row; the message id.

    `line`: the message as which it waited beside another conversation, and which begins this one.
    """
    return _queue(
        tx,
        customer_id,
        operator,
        way,
        outgoing,
        lifecycle.begun_by_us(tx.now, operator.id),
        text=command.text,
        subject=command.subject,
        client_id=command.client_id,
        despite=command.despite,
        line=line,
    )


def bulk(
    tx: Transaction,
    customer_id: int,
    operator: OperatorInfo,
    command: BulkMessage,
    outgoing: Outgoing,
    rules: Rules,
    showing: Showing,
) -> BulkOutcome:
    """The text to one of many: queued, or held with what speaks against it. The same person under the same
    client id gets it once, whatever cards became of him since."""
    outcome, way, text, subject = _look(tx, customer_id, operator, command, outgoing, rules, showing)
    if way is None or outcome.message_id is not None or outcome.obstacles or outcome.problem:
        return outcome
    # Nobody waits for an answer to it; one that comes opens the conversation again.
    life = lifecycle.close(
        lifecycle.begun_by_us(tx.now, operator.id), "bulk message", command.purpose, tx.now
    )
    outcome.message_id = _queue(
        tx,
        person(tx, customer_id),
        operator,
        way,
        outgoing,
        life,
        text=text,
        subject=subject,
        client_id=_bulk_id(command.client_id, customer_id),
    )
    return outcome


def bulk_dry(
    tx: Snapshot,
    customer_id: int,
    operator: OperatorInfo,
    command: BulkMessage,
    outgoing: Outgoing,
    rules: Rules,
    showing: Showing,
) -> BulkOutcome:
    """What `bulk` would do; nothing is written."""
    return _look(tx, customer_id, operator, command, outgoing, rules, showing)[0]


def check_bulk(command: BulkMessage, outgoing: Outgoing) -> None:
    """What is wrong for everybody. Raises RefusedError."""
    if not command.client_id.strip():
        raise RefusedError("client_id is empty", "make one for every message")
    if not command.text.strip():
        raise RefusedError("there is nothing to send", "write something first")
    if command.channel_id and command.channel_id not in outgoing.offers:
        raise RefusedError("this channel is not configured (any more)", "choose another, or none")


def against(
    tx: Snapshot,
    customer_id: int,
    operator_id: int,
    way: Way,
    purpose: str,
    outgoing: Outgoing,
    rules: Rules,
) -> list[Obstacle]:
    """What speaks against writing to this person by this way."""
    offers = outgoing.offers
    known = customers.customer(tx, customer_id)
    addresses = known.addresses if known is not None else []
    return obstacles(
        conversations=approach.open_conversations(tx, customer_id),
        colleagues=[
            ColleagueWrote(
                one.operator,
                one.at,
                offers[one.channel_id].title if one.channel_id in offers else one.channel_id or "hand",
                one.conversation_id,
            )
            for one in approach.written_by_others(tx, customer_id, operator_id, tx.now - rules.colleague_ms)
        ],
        records=[
            record
            for kind in rules.record_kinds
            for record in records.of_customer(tx, customer_id, kind=kind, limit=5)[0]
            if record.at >= tx.now - rules.record_ms
        ],
        consents=card.consents_of(tx, customer_id),
        purpose=purpose,
        scheme=offers[way.shown.channel_id].scheme,
        barred=[
            way.shown.label for address in addresses if address.barred and address.id == way.shown.address_id
        ],
    )


def _look(
    tx: Snapshot,
    customer_id: int,
    operator: OperatorInfo,
    command: BulkMessage,
    outgoing: Outgoing,
    rules: Rules,
    showing: Showing,
) -> tuple[BulkOutcome, Way | None, str, str | None]:
    """(what would become of it, by which way, text and subject of this person)"""
    outcome = BulkOutcome(customer_id=customer_id)
    whole = card.whole(tx, customer_id, showing)
    if whole is None:
        outcome.problem = "there is no such customer"
        return outcome, None, "", None
    for one in merges.cards_of(tx, whole.id):
        known = messages.sent_client_id(tx, operator.id, _bulk_id(command.client_id, one))
        if known is not None:
            outcome.message_id = known.id
            return outcome, None, "", None
    way = _way_for_bulk(tx, whole, command, outgoing)
    if way is None:
        outcome.problem = (
            "cannot be written to first on any channel"
            if not command.channel_id
            else ("cannot be written to first on this channel")
        )
        return outcome, None, "", None
    try:
        kinds = record_kinds(command.text, command.subject or "")
        values = values_of(tx, whole, kinds, operator, rules.site)
        text = filled(command.text, values)
        subject = None if command.subject is None else filled(command.subject, values)
        check_text(text, 0, outgoing.offers[way.shown.channel_id])
    except (MissingError, RefusedError) as error:
        outcome.problem = str(error)
        return outcome, way, "", None
    outcome.obstacles = against(tx, whole.id, operator.id, way, command.purpose, outgoing, rules)
    return outcome, way, text, subject


def _way_for_bulk(tx: Snapshot, whole: Customer, command: BulkMessage, outgoing: Outgoing) -> Way | None:
    """By the channel that was named, else the person's preferred one, else the best there is."""
    open_now = [
        way
        for way in ways_to(tx, whole.id, 0, outgoing.offers)
        if way.shown.window_until is None or way.shown.window_until > tx.now
    ]
    wanted = command.channel_id or (whole.preferred.channel_id if whole.preferred is not None else "")
    for way in open_now:
        if way.shown.channel_id == wanted:
            return way
    return open_now[0] if open_now and not command.channel_id else None


def _bulk_id(client_id: str, customer_id: int) -> str:
    return f"{client_id}:{customer_id}"


def person(tx: Snapshot, customer_id: int) -> int:
    root = merges.root_of(tx, customer_id)
    if not root:
        raise NotFoundError("customer", customer_id)
    return root


def written_already(tx: Transaction, operator: OperatorInfo, client_id: str, customer_id: int) -> int | None:
    if not client_id.strip():
        raise RefusedError("client_id is empty", "make one for every message")
    known = messages.sent_client_id(tx, operator.id, client_id)
    if known is None:
        return None
    # One that has not left yet, or was taken back, is "system".
    if known.kind not in ("out", "system") or messages.place_of(tx, known.id).customer_id != customer_id:
        raise RefusedError("this client_id was used for another message", "make one for every message")
    return known.id


def _way(tx: Snapshot, customer_id: int, channel_id: str, address_id: int, outgoing: Outgoing) -> Way:
    """One of this person's own: where he wrote before, or where the channel lets us begin."""
    for way in ways_to(tx, customer_id, 0, outgoing.offers):
        if (way.shown.channel_id, way.shown.address_id) == (channel_id, address_id):
            check_window(way, tx.now)
            return way
    raise RefusedError(
        "this person cannot be written to first that way",
        "choose a verified address on a channel where he wrote before, or that lets us begin",
    )


def _queue(
    tx: Transaction,
    customer_id: int,
    operator: OperatorInfo,
    way: Way,
    outgoing: Outgoing,
    life: Lifecycle,
    *,
    text: str,
    subject: str | None,
    client_id: str,
    despite: list[HeldBecause] | None = None,
    line: int | None = None,
) -> int:
    offer = outgoing.offers[way.shown.channel_id]
    subject = subject if offer.capabilities.subject else None
    conversation_id = conversations.create(tx, customer_id, life, subject)
    tx.emit(
        "conversation.opened",
        conversation_id=conversation_id,
        customer_id=customer_id,
        operator_id=operator.id,
        data={"first": True, "state": life.state} | ({"despite": despite} if despite else {}),
    )
    new = NewMessage(
        kind="out",
        channel_id=offer.id,
        thread=way.thread,
        address_id=way.shown.address_id,
        operator_id=operator.id,
        text=text,
        subject=subject,
        status="queued",
        at=tx.now,
        client_id=client_id,
    )
    place = Place(conversation_id, customer_id)
    data = {"channel": offer.id}

    def name(message_id: int) -> str | None:
        return outgoing.name_message(offer.id, conversation_id, message_id)

    if line is None:
        posted = messages.post(tx, conversation_id, customer_id, "message.queued", new, data=data, name=name)
    else:
        posted = unsaid.begin_with(tx, line, place, operator.id, data=data, name=name)
    if offer.capabilities.recipients_max > 1:
        recipients.add(tx, posted.id, [Recipient(role="to", address=way.external_id)])
    outbox.enqueue(tx, posted.id, offer.id, way.thread)
    if state.thread_conversation(tx, offer.id, way.thread) is not None:
        # What he answers there belongs here.
        state.put_thread(tx, offer.id, way.thread, conversation_id, way.shown.address_id)
    conversations.note_message(
        tx,
        conversations.held(tx, conversation_id),
        life,
        seq=posted.seq,
        kind="out",
        text=text,
        files=0,
        channel_id=offer.id,
        subject=subject,
        from_customer=False,
        to_customer=True,
    )
    cases.acted(tx, conversation_id, "wrote_first", operator.id)
    return posted.id
