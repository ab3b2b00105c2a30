"""The line of a list row that shows what was said last."""

from __future__ import annotations

from server.store import messages
from server.store.conversations import preview_of
from server.store.transaction import Transaction


def renew(tx: Transaction, conversation_id: int) -> None:
    """After a message was changed or deleted: the newest that is not deleted is shown, as it is now."""
    row = tx.first(
        "SELECT m.kind, m.text, m.folds,"
        " (SELECT count(*) FROM attachment a WHERE a.message_id = m.id) AS files FROM message m"
        " WHERE m.conversation_id = ? AND m.kind IN ('in', 'out') AND m.deleted = 0"
        " ORDER BY m.id DESC LIMIT 1",
        (conversation_id,),
    )
    tx.run(
        "UPDATE conversation SET preview = ?, preview_kind = ?, preview_files = ? WHERE id = ?",
        ("", "in", 0, conversation_id)
        if row is None
        else (preview_of(messages.new_text(row)), row["kind"], row["files"], conversation_id),
    )
