"""What an operator decides of replies that failed, or of which nobody knows whether they arrived."""

from __future__ import annotations

from server import lifecycle
from server.cases.casework import save_state
from server.protocol import OperatorInfo, SettleCommand
from server.store import conversations, messages, outbox, recipients
from server.store.transaction import Transaction


def settle(tx: Transaction, operator: OperatorInfo, command: SettleCommand) -> list[int]:
    """An operator decides what became of failed or doubtful replies; the ids that were decided.

    arrived: counts as sent. again: goes back to the outbox, with the same identity. drop: it stays in the
    history as failed, and is asked about no more.
    """
    chosen = outbox.doubtful(tx, None if command.all else command.message_ids)
    for row in chosen:
        if command.verdict == "again":
            outbox.send_again(tx, row.message_id)
            recipients.try_again(tx, row.message_id)
            messages.set_status(tx, row.message_id, "queued")
        elif command.verdict == "arrived":
            outbox.set_state(tx, row.message_id, "sent", "", tx.now)
            recipients.arrived(tx, row.message_id)
        else:
            outbox.set_state(tx, row.message_id, "sent", "dropped by an operator", tx.now)
            messages.set_status(tx, row.message_id, "failed", "dropped by an operator")
        seq = tx.emit(
            "message.queued" if command.verdict == "again" else "message.status",
            conversation_id=row.conversation_id,
            customer_id=row.customer_id,
            message_id=row.message_id,
            operator_id=operator.id,
            data={"settled": command.verdict},
        )
        if command.verdict == "arrived":
            messages.set_sent(tx, row.message_id, seq, None)
        conversations.touch(tx, row.conversation_id, seq)
        left = conversations.count_unsettled(tx, row.conversation_id)
        conversation = conversations.held(tx, row.conversation_id)
        answered = command.verdict != "drop" and conversation.customer_seq <= conversation.reply_seq
        if answered and not left and conversation.life.state == "open":
            life = lifecycle.reply_arrived(conversation.life, tx.now)
            save_state(tx, conversation, life, operator, "replied")
    return [row.message_id for row in chosen]
