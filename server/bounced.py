"""What mail systems report of our own messages: each recipient failed, delayed or reached.

Whoever can write to us can write such a report: it counts only for a message of ours that it names by an
id with our MAC, and for recipients to whom that message went. Inside `fn(tx)` only.
"""

from __future__ import annotations

from collections.abc import Sequence

from channels.base import Bounce, InboundEvent
from server import fates
from server.people.authors import ChannelFacts
from server.protocol import Recipient, Status
from server.store import conversations, messages, recipients, threads
from server.store.outbox import under_way
from server.store.threads import Referred
from server.store.transaction import Transaction
from server.verdicts import words_of

STATES = {
    "failed": "failed",
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "delivered",
    "expanded": "delivered",
}


def take_reports(tx: Transaction, channel: ChannelFacts, event: InboundEvent) -> None:
    """Write down what the event reports of our messages, and show it on them."""
    changed: dict[int, Referred] = {}
    for bounce in event.bounces:
        message = _reported(tx, channel, event, bounce)
        if message is None:
            continue
        address = matching(_sent_to(tx, message), bounce.recipient)
        said = f"{bounce.status} {bounce.diagnostic}".strip()
        if address and recipients.report(tx, message.id, address, STATES[bounce.action], said[:500]):
            changed[message.id] = message
    for message in changed.values():
        _show(tx, message)


def _reported(tx: Transaction, channel: ChannelFacts, event: InboundEvent, bounce: Bounce) -> Referred | None:
    """The message of ours that a report speaks of."""
    if bounce.original_message_id:
        row = messages.by_remote_id(tx, channel.id, bounce.original_message_id, ours=True)
        if row is not None:
            return threads.our_message(tx, channel.id, row["id"])
    # No returned header, or a relay that wrote an id of its own: by the mark we gave the envelope.
    for reference in event.references:
        if reference.trusted and reference.message_id is not None:
            return threads.our_message(tx, channel.id, reference.message_id)
    return None


def _sent_to(tx: Transaction, message: Referred) -> list[Recipient]:
    """Its recipients; what was written to one address alone may not have said so yet."""
    named = recipients.of_message(tx, message.id)
    if not named and (address := messages.address_of(tx, message.id)):
        recipients.add(tx, message.id, [Recipient(role="to", address=address)])
        named = recipients.of_message(tx, message.id)
    return named


def matching(sent_to: Sequence[Recipient], reported: str) -> str:
    """Which of our recipients a report means. The only one, if it names an address that we did not write to:
    his mail goes on to another mailbox. "" where that cannot be said."""
    addressed = [one.address for one in sent_to if one.role != "reply_to"]
    for address in addressed:
        if address.lower() == reported.lower():
            return address
    return addressed[0] if len(addressed) == 1 else ""


def _show(tx: Transaction, message: Referred) -> None:
    named = recipients.of_message(tx, message.id)
    failed = [one for one in named if one.state == "failed"]
    if under_way(tx, message.id):
        # Others are still to get it: what is known now is part of what it ends in.
        seq = tx.emit(
            "message.changed",
            conversation_id=message.conversation_id,
            customer_id=message.customer_id,
            message_id=message.id,
            data={"fields": ["recipients"]},
        )
        conversations.touch(tx, message.conversation_id, seq)
        return
    if failed:
        fates.declare_failed(tx, message.id, message.conversation_id, message.customer_id, words_of(named))
        return
    delayed = any(one.state == "delayed" for one in named)
    everybody = all(one.state == "delivered" for one in named if one.role != "reply_to")
    status: Status = "delivered" if everybody else "sent"
    messages.set_status(tx, message.id, status, words_of(named) if delayed else "")
    seq = tx.emit(
        "message.status",
        conversation_id=message.conversation_id,
        customer_id=message.customer_id,
        message_id=message.id,
        data={"status": status},
    )
    conversations.touch(tx, message.conversation_id, seq)
