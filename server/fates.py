"""What became of a message that was sent, written down: its state, its recipients, its conversation."""

from __future__ import annotations

from channels.base import Retry, SendResult, Sent
from server import failpoints, lifecycle
from server.cases.casework import keep_closing
from server.lifecycle import Lifecycle
from server.store import channels, conversations, messages, outbox, recipients, spoken
from server.store.conversations import Held
from server.store.outbox import Leased
from server.store.transaction import Transaction
from server.verdicts import Verdict, fates_of, summed


def record(tx: Transaction, item: Leased, result: SendResult, verdict: Verdict) -> bool:
    """Write the result down; False where the lease was lost meanwhile (then nothing changes)."""
    if not outbox.holds(tx, item.message_id, item.lease):
        return False
    _settle_recipients(tx, item.message_id, result, verdict)
    named = recipients.of_message(tx, item.message_id)
    verdict = summed(verdict, named)
    outbox.finish(tx, item.message_id, item.lease, verdict.state, due_at=verdict.due_at, error=verdict.error)
    if verdict.state == "retrying":
        outbox.note_try(tx, item.message_id, own_fault=isinstance(result, Retry))
    seq = _tell(tx, item.message_id, item.conversation_id, item.customer_id, verdict)
    if verdict.state == "sent":
        messages.set_sent(tx, item.message_id, seq, result.remote_id if isinstance(result, Sent) else None)
        channels.delivered(tx, item.channel_id)
    elif any(one.state in ("sent", "delivered") for one in named):
        messages.set_visible(tx, item.message_id, seq)
    failpoints.hit("outbox.before_record")
    return True


def _settle_recipients(tx: Transaction, message_id: int, result: SendResult, verdict: Verdict) -> None:
    fates = fates_of(result)
    # Given up: whoever was to be tried again has failed. Otherwise what is said of one is surer than the sum.
    if isinstance(result, Retry):
        recipients.settle(tx, message_id, fates)
    if verdict.state in ("sent", "failed", "unknown"):
        said = "" if verdict.state == "sent" else verdict.error
        recipients.settle_open(tx, message_id, verdict.state, said)
    if not isinstance(result, Retry):
        recipients.settle(tx, message_id, fates)


def _tell(tx: Transaction, message_id: int, conversation_id: int, customer_id: int, verdict: Verdict) -> int:
    """Change what is shown; the seq of the event that says so."""
    messages.set_status(tx, message_id, verdict.status, verdict.error)
    seq = tx.emit(
        "message.status",
        conversation_id=conversation_id,
        customer_id=customer_id,
        message_id=message_id,
        data={"status": verdict.status},
    )
    conversations.touch(tx, conversation_id, seq)
    if verdict.state in ("failed", "unknown"):
        conversations.count_unsettled(tx, conversation_id)
        held = conversations.held(tx, conversation_id)
        life = _without_answer(tx, held, message_id)
        if life != held.life:
            if held.life.state == "closed":
                keep_closing(tx, held)
            moved = tx.emit(
                "conversation.state",
                conversation_id=conversation_id,
                customer_id=customer_id,
                data={"from": held.life.state, "to": life.state, "why": "failed"},
            )
            conversations.save_life(tx, conversation_id, life, moved)
    return seq


def _without_answer(tx: Transaction, held: Held, message_id: int) -> Lifecycle:
    """What a conversation is like when this message did not arrive, or may not have."""
    if spoken.said_by_itself(tx, message_id):
        return held.life  # it was no answer
    at_rest = held.life.state in ("closed", "snoozed")
    if at_rest and (held.spam or spoken.spoken_since(tx, held.id, message_id)):
        return held.life  # it was not left at that
    return lifecycle.reply_failed(held.life, tx.now)


def declare_unknown(tx: Transaction, row: outbox.Abandoned, why: str) -> None:
    """Nobody can say whether it was sent: only an operator decides what is done about it."""
    outbox.set_state(tx, row.message_id, "unknown", why, tx.now)
    _tell(tx, row.message_id, row.conversation_id, row.customer_id, Verdict("unknown", "unknown", why))


def declare_sent(tx: Transaction, message_id: int, conversation_id: int, customer_id: int) -> None:
    """It was not known whether the customer got it; now something shows that he did."""
    outbox.set_state(tx, message_id, "sent", "", tx.now)
    recipients.settle_open(tx, message_id, "sent", "")
    seq = _tell(tx, message_id, conversation_id, customer_id, Verdict("sent", "sent"))
    messages.set_sent(tx, message_id, seq, None)
    left = conversations.count_unsettled(tx, conversation_id)
    held = conversations.held(tx, conversation_id)
    if left or held.customer_seq > held.reply_seq:
        return
    life = lifecycle.reply_arrived(held.life, tx.now)
    if life != held.life:
        moved = tx.emit(
            "conversation.state",
            conversation_id=conversation_id,
            customer_id=customer_id,
            data={"from": held.life.state, "to": life.state},
        )
        conversations.save_life(tx, conversation_id, life, moved)


def declare_failed(
    tx: Transaction, message_id: int, conversation_id: int, customer_id: int, why: str
) -> None:
    """The provider says so after it had taken the message over: the customer did not get it."""
    outbox.set_state(tx, message_id, "failed", why, tx.now)
    _tell(tx, message_id, conversation_id, customer_id, Verdict("failed", "failed", why))
