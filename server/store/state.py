"""Small durable values: the settings of the installation, each channel's own state, conversation threads."""

from __future__ import annotations

from server.store.transaction import Snapshot, Transaction


def setting(tx: Snapshot, name: str) -> bytes | None:
    value: bytes | None = tx.value("SELECT value FROM setting WHERE name = ?", (name,))
    return value


def put_setting(tx: Transaction, name: str, value: bytes) -> None:
    tx.run(
        "INSERT INTO setting (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


# Numbers that the world has seen (in mail, in the event log) and that are never given out a second time.
_NUMBERED = ("message", "conversation", "customer")


def next_number(tx: Snapshot, table: str) -> int:
    """The id of the row about to be written."""
    return int(
        tx.value(
            f"SELECT max(coalesce((SELECT max(id) FROM {table}), 0), coalesce("
            "(SELECT CAST(CAST(value AS TEXT) AS INTEGER) FROM setting WHERE name = ?), 0)) + 1",
            (f"{table}_floor",),
        )
    )


def keep_numbers(tx: Transaction) -> None:
    """Before rows are deleted: their numbers do not come back."""
    for table in _NUMBERED:
        put_setting(tx, f"{table}_floor", str(next_number(tx, table) - 1).encode())


def get(tx: Snapshot, channel_id: str, name: str) -> bytes | None:
    value: bytes | None = tx.value(
        "SELECT value FROM channel_state WHERE channel_id = ? AND name = ?", (channel_id, name)
    )
    return value


def items(tx: Snapshot, channel_id: str, prefix: str, after: str, limit: int) -> list[tuple[str, bytes]]:
    """By name: those that begin so and come after `after`. `prefix` is ASCII."""
    return [
        (row["name"], row["value"])
        for row in tx.all(
            "SELECT name, value FROM channel_state WHERE channel_id = ? AND name > ? AND name >= ?"
            " AND name < ? ORDER BY name LIMIT ?",
            (channel_id, after, prefix, prefix + "\x7f", limit),
        )
    ]


def put(tx: Transaction, channel_id: str, name: str, value: bytes | None) -> None:
    if value is None:
        tx.run("DELETE FROM channel_state WHERE channel_id = ? AND name = ?", (channel_id, name))
    else:
        tx.run(
            "INSERT INTO channel_state (channel_id, name, value) VALUES (?, ?, ?)"
            " ON CONFLICT (channel_id, name) DO UPDATE SET value = excluded.value",
            (channel_id, name, value),
        )


def thread_conversation(tx: Snapshot, channel_id: str, thread: str) -> int | None:
    """The conversation in which this thread went on last."""
    value = tx.value(
        "SELECT conversation_id FROM thread WHERE channel_id = ? AND thread = ?", (channel_id, thread)
    )
    return None if value is None else int(value)


def put_thread(tx: Transaction, channel_id: str, thread: str, conversation_id: int, address_id: int) -> None:
    # Looked at first: nearly always nothing changes, and the upsert alone costs 33 µs against 3.
    row = tx.first(
        "SELECT conversation_id, address_id FROM thread WHERE channel_id = ? AND thread = ?",
        (channel_id, thread),
    )
    if row is not None and (row["conversation_id"], row["address_id"]) == (conversation_id, address_id):
        return
    tx.run(
        "INSERT INTO thread (channel_id, thread, conversation_id, address_id) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (channel_id, thread) DO UPDATE SET address_id = excluded.address_id,"
        " continued = continued AND conversation_id = excluded.conversation_id,"
        " conversation_id = excluded.conversation_id",
        (channel_id, thread, conversation_id, address_id),
    )


def lead_thread(tx: Transaction, channel_id: str, thread: str, conversation_id: int, address_id: int) -> None:
    """What is written on this thread from now on belongs to this very conversation."""
    put_thread(tx, channel_id, thread, conversation_id, address_id)
    tx.run("UPDATE thread SET continued = 1 WHERE channel_id = ? AND thread = ?", (channel_id, thread))


def led_thread(tx: Snapshot, channel_id: str, thread: str) -> int | None:
    """The conversation to which the writer of this thread was led, while that is where it goes on."""
    value = tx.value(
        "SELECT conversation_id FROM thread WHERE channel_id = ? AND thread = ? AND continued = 1",
        (channel_id, thread),
    )
    return None if value is None else int(value)


def try_writing(tx: Transaction) -> None:
    """Write something of a message's size and take it back: fails where a message would fail."""
    put_setting(tx, "trial", bytes(64 * 1024))
    tx.run("DELETE FROM setting WHERE name = 'trial'")
