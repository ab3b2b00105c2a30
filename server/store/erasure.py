"""Taking one person out of every table, so that nothing of him is left in the file.

The tables are named here one by one, and a test compares the list with the schema: a table that refers to a
person and is not decided about does not pass. Deleted bytes are overwritten (`secure_delete`), the indexes of
words are merged until no deleted word is left in them, and the WAL is emptied.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Any

import msgspec

from server.store import files, merges, operators, previews, saved_views, search, state
from server.store.transaction import Snapshot, Transaction

# Rows of these columns are the person's: they go. In the order in which they can.
OWNED: tuple[tuple[str, str, str], ...] = (
    ("spam_address", "address_id", "address"),
    ("spam_mark", "conversation_id", "conversation"),
    ("skeleton", "address_id", "address"),
    ("auto_answer", "message_id", "message"),
    ("auto_answer", "conversation_id", "conversation"),
    ("auto_answer", "address_id", "address"),
    ("phantom", "message_id", "message"),
    ("mention", "message_id", "message"),
    ("recipient", "message_id", "message"),
    ("attachment", "message_id", "message"),
    ("outbox", "message_id", "message"),
    ("scheduled", "message_id", "message"),
    ("upload", "conversation_id", "conversation"),
    ("draft", "conversation_id", "conversation"),
    ("share", "conversation_id", "conversation"),
    ("upload", "conversation_id", "conversation"),
    ("seen", "conversation_id", "conversation"),
    ("conversation_tag", "conversation_id", "conversation"),
    ("state_change", "conversation_id", "conversation"),
    ("transfer", "conversation_id", "conversation"),
    ("deed", "conversation_id", "conversation"),
    ("deadline", "conversation_id", "conversation"),
    ("silence", "conversation_id", "conversation"),
    ("regrouping", "from_conversation", "conversation"),
    ("regrouping", "into_conversation", "conversation"),
    ("code", "customer_id", "customer"),
    ("code", "conversation_id", "conversation"),
    ("code", "address_id", "address"),
    ("code", "message_id", "message"),
    ("thread", "conversation_id", "conversation"),
    ("thread", "address_id", "address"),
    ("suggestion", "one_customer", "customer"),
    ("suggestion", "other_customer", "customer"),
    ("namesake", "customer_id", "customer"),
    ("link", "one_customer", "customer"),
    ("link", "other_customer", "customer"),
    ("origin", "customer_id", "customer"),
    ("origin", "card_id", "customer"),
    ("origin", "conversation_id", "conversation"),
    ("origin", "message_id", "message"),
    ("field", "customer_id", "customer"),
    ("field", "card_id", "customer"),
    ("record", "customer_id", "customer"),
    ("record", "card_id", "customer"),
    ("customer_tag", "customer_id", "customer"),
    ("merge", "from_customer", "customer"),
    ("merge", "into_customer", "customer"),
    ("message", "conversation_id", "conversation"),
    ("message", "customer_id", "customer"),
    ("address", "customer_id", "customer"),
    ("address", "card_id", "customer"),
    ("conversation", "customer_id", "customer"),
    ("conversation", "card_id", "customer"),
)
# Rows of these columns are somebody else's: they only cease to speak of him.
MENTIONED: tuple[tuple[str, str, str], ...] = (
    ("suggestion", "merge_id", "merge"),
    ("silence", "announced_id", "message"),
    ("message", "address_id", "address"),
    ("message", "suggest_id", "conversation"),
    ("conversation", "parent_id", "conversation"),
    ("conversation", "joined_into", "conversation"),
    ("field", "message_id", "message"),
    ("journal", "message_id", "message"),
    ("journal", "customer_id", "customer"),
    ("customer", "merged_into", "customer"),
    ("customer", "root_id", "customer"),
)

_DIGEST = re.compile(r"[\w.-]*:?[0-9a-f]{64}")
WORDS = ("message_text", "card_text")  # full-text indexes
MERGE_PAGES = 500


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """What went. `cards`: (id, created_at), by which older backups know them. `files`: SHA-256 of files that
    nobody else has."""

    id: int
    cards: list[tuple[int, int]]
    conversations: list[int]
    counts: dict[str, int]
    files: list[str]
    others: list[int]  # cards of whoever gave one of his addresses: perhaps he himself


class Remaining(msgspec.Struct, frozen=True):
    """An erasure whose files and index are still to be cleaned."""

    id: int
    cards: list[tuple[int, int]]
    files: list[str]


def being_sent(tx: Snapshot, customer_id: int) -> bool:
    return (
        tx.value(
            "SELECT 1 FROM outbox o JOIN message m ON m.id = o.message_id"
            " WHERE m.customer_id = ? AND o.state = 'sending' LIMIT 1",
            (customer_id,),
        )
        is not None
    )


def is_waited_for(tx: Snapshot, customer_id: int) -> bool:
    """A forward of somebody else's words is to go to this person."""
    return (
        tx.value(
            "SELECT 1 FROM scheduled s JOIN message m ON m.id = s.message_id"
            " JOIN recipient r ON r.message_id = m.id JOIN address a ON a.external_id = r.address"
            " WHERE s.becomes IS NOT NULL AND m.customer_id != :id AND a.customer_id = :id LIMIT 1",
            {"id": customer_id},
        )
        is not None
    )


def erase(tx: Transaction, customer_id: int, operator_id: int | None) -> Erased:
    """Take the person with all his cards out. `customer_id` is nobody's part."""
    state.keep_numbers(tx)
    ids = _ids(tx, customer_id)
    cards = [
        (row["id"], row["created_at"])
        for row in tx.all(f"SELECT id, created_at FROM customer WHERE id IN {_IN}", (ids["customer"],))
    ]
    conversations: list[int] = msgspec.json.decode(ids["conversation"])
    addresses = tx.all(
        f"SELECT scheme, account, external_id FROM address WHERE id IN {_IN}", (ids["address"],)
    )
    others = _others(tx, addresses, ids["customer"])
    strangers = _words_elsewhere(tx, ids)
    names = {
        row["sha256"]
        for row in tx.all(
            "SELECT sha256 FROM attachment WHERE sha256 IS NOT NULL AND message_id IN"
            " (SELECT value FROM json_each(:mine) UNION SELECT value FROM json_each(:elsewhere))"
            " UNION SELECT sha256 FROM upload WHERE conversation_id IN"
            " (SELECT value FROM json_each(:conversations))"
            " UNION SELECT raw_sha256 FROM journal WHERE raw_sha256 IS NOT NULL AND"
            " (customer_id IN (SELECT value FROM json_each(:cards))"
            " OR message_id IN (SELECT value FROM json_each(:mine))"
            " OR message_id IN (SELECT value FROM json_each(:elsewhere)))",
            {
                "mine": ids["message"],
                "elsewhere": strangers,
                "cards": ids["customer"],
                "conversations": ids["conversation"],
            },
        )
    }
    counts = {"journal": _empty_journal(tx, ids, strangers)}
    counts["saved_view"] = saved_views.forget(tx, _called(tx, ids))
    for row in tx.all(f"SELECT id FROM message WHERE id IN {_IN} ORDER BY id", (ids["message"],)):
        search.forget(tx, row["id"])
    counts["message elsewhere"] = _blank(tx, strangers)
    _forget_addresses(tx, addresses)
    _forget_forwards(tx, ids)
    for table, column, kind in MENTIONED:
        # json_each(NULL) is empty: what refers to merges and messages is asked by what goes.
        tx.run(f"UPDATE {table} SET {column} = NULL WHERE {column} IN {_IN}", (ids[kind],))
    for table, column, kind in OWNED:
        gone = tx.run(f"DELETE FROM {table} WHERE {column} IN {_IN}", (ids[kind],))
        counts[table] = counts.get(table, 0) + gone
    for table in ("card_to_compare", "card_changed"):
        tx.run(f"DELETE FROM {table} WHERE customer_id IN {_IN}", (ids["customer"],))
    tx.run(f"DELETE FROM card_text WHERE rowid IN {_IN}", (ids["customer"],))
    counts["customer"] = tx.run(f"DELETE FROM customer WHERE id IN {_IN}", (ids["customer"],))
    tx.run(f"DELETE FROM card_changed WHERE customer_id IN {_IN}", (ids["customer"],))
    gone_files = [name for name in sorted(names) if not files.is_named(tx, name)]
    counts = {table: count for table, count in counts.items() if count}
    erasure_id = tx.insert(
        "INSERT INTO erasure (at, operator_id, cards, counts, files) VALUES (?, ?, ?, ?, ?)",
        (tx.now, operator_id, _json(cards), _json(counts), _json(gone_files)),
    )
    return Erased(
        id=erasure_id,
        cards=cards,
        conversations=conversations,
        counts=counts,
        files=gone_files,
        others=others,
    )


_IN = "(SELECT value FROM json_each(?))"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _ids(tx: Snapshot, customer_id: int) -> dict[str, str]:
    """JSON lists of the person's rows by table."""
    cards = _json(merges.cards_of(tx, customer_id))
    found = {"customer": cards}
    for kind, sql in (
        ("conversation", f"SELECT id FROM conversation WHERE customer_id IN {_IN}"),
        ("message", f"SELECT id FROM message WHERE customer_id IN {_IN}"),
        ("address", f"SELECT id FROM address WHERE customer_id IN {_IN}"),
    ):
        found[kind] = _json([row["id"] for row in tx.all(sql, (cards,))])
    found["merge"] = _json(
        [
            row["id"]
            for row in tx.all(
                "SELECT id FROM merge WHERE from_customer IN (SELECT value FROM json_each(:cards))"
                " OR into_customer IN (SELECT value FROM json_each(:cards))",
                {"cards": cards},
            )
        ]
    )
    return found


def _others(tx: Snapshot, addresses: list[sqlite3.Row], cards: str) -> list[int]:
    found: set[int] = set()
    for row in addresses:
        found |= {
            other["customer_id"]
            for other in tx.all(
                "SELECT customer_id FROM address WHERE scheme = ? AND external_id = ? AND account = ?"
                f" AND customer_id NOT IN {_IN}",
                (row["scheme"], row["external_id"], row["account"], cards),
            )
        }
    return sorted(found)


def _words_elsewhere(tx: Snapshot, ids: dict[str, str]) -> str:
    """Messages that the person wrote, or was sent, in conversations of others."""
    rows = tx.all(
        f"SELECT id FROM message WHERE address_id IN {_IN} AND id NOT IN {_IN}",
        (ids["address"], ids["message"]),
    )
    return _json([row["id"] for row in rows])


def _blank(tx: Transaction, messages: str) -> int:
    """What he said in other people's conversations: that there was something stays, what it was does not."""
    rows = tx.all(f"SELECT id, conversation_id FROM message WHERE id IN {_IN} ORDER BY id", (messages,))
    for row in rows:
        search.forget(tx, row["id"])
        tx.run("DELETE FROM attachment WHERE message_id = ?", (row["id"],))
        tx.run("DELETE FROM recipient WHERE message_id = ?", (row["id"],))
        tx.run("DELETE FROM phantom WHERE message_id = ?", (row["id"],))
        tx.run(
            "UPDATE message SET text = '', subject = NULL, author = '', thread = '', detail = NULL,"
            " folds = NULL, remote_id = NULL, error = '', files = 0, deleted = 1 WHERE id = ?",
            (row["id"],),
        )
        search.remember(tx, row["id"])
        previews.renew(tx, row["conversation_id"])
    return len(rows)


def _empty_journal(tx: Transaction, ids: dict[str, str], strangers: str) -> int:
    """The raw items lose what they held. A key that is a digest stays: what was erased is known when it is
    delivered once more."""
    rows = tx.all(
        "SELECT id, dedupe_key FROM journal WHERE customer_id IN (SELECT value FROM json_each(:cards))"
        " OR message_id IN (SELECT value FROM json_each(:mine))"
        " OR message_id IN (SELECT value FROM json_each(:elsewhere))",
        {"cards": ids["customer"], "mine": ids["message"], "elsewhere": strangers},
    )
    for row in rows:
        key = row["dedupe_key"] if _DIGEST.fullmatch(row["dedupe_key"]) else f"erased:{row['id']}"
        tx.run(
            "UPDATE journal SET dedupe_key = ?, raw = NULL, raw_sha256 = NULL, size = 0, meta = '{}',"
            " error = '', message_id = NULL, customer_id = NULL WHERE id = ?",
            (key, row["id"]),
        )
        tx.run("UPDATE place SET likeness = '' WHERE journal_id = ?", (row["id"],))
    return len(rows)


def _called(tx: Snapshot, ids: dict[str, str]) -> list[str]:
    """How the person may be named in a text: names, and addresses without what many share."""
    names = [
        row["name"] for row in tx.all(f"SELECT name FROM customer WHERE id IN {_IN}", (ids["customer"],))
    ]
    for row in tx.all(f"SELECT name, external_id FROM address WHERE id IN {_IN}", (ids["address"],)):
        names += [row["name"], row["external_id"].partition("@")[0]]
    return names


def _forget_addresses(tx: Transaction, addresses: list[sqlite3.Row]) -> None:
    """What names one of his addresses without belonging to him: mails to others, sent, taken back or only
    begun, records of orders that nobody has claimed, what channels keep of a visitor."""
    operators.forget_addressees(tx, {row["external_id"] for row in addresses})
    for row in addresses:
        external_id = row["external_id"]
        tx.run(
            "DELETE FROM record WHERE scheme = ? AND account = ? AND address = ?",
            (row["scheme"], row["account"], external_id),
        )
        # Of what has not left yet: it goes to the others.
        tx.run(
            "DELETE FROM recipient WHERE address = ? AND message_id IN (SELECT message_id FROM scheduled)",
            (external_id,),
        )
        for copied in tx.all("SELECT message_id, place FROM recipient WHERE address = ?", (external_id,)):
            tx.run(
                "UPDATE recipient SET address = ?, name = '', detail = ''"
                " WHERE message_id = ? AND address = ?",
                (f"erased-{copied['place']}", copied["message_id"], external_id),
            )
            # It was to go to him alone, and was taken back.
            tx.run(
                "UPDATE message SET thread = '' WHERE id = ? AND thread = ?",
                (copied["message_id"], external_id),
            )
        tx.run("DELETE FROM channel_state WHERE name = ?", (f"pieces:{external_id}",))
        if len(external_id) >= 12:  # a shorter one may be part of something else by chance
            tx.run(
                "DELETE FROM channel_state WHERE instr(value, CAST(? AS BLOB)) > 0", (external_id.encode(),)
            )


def _forget_forwards(tx: Transaction, ids: dict[str, str]) -> None:
    """Notes in conversations of others that something was forwarded to him (`cases.forwarding`): that it was,
    stays."""
    for row in tx.all(
        "SELECT n.id FROM conversation c JOIN conversation p ON p.id = c.parent_id"
        " JOIN message n ON n.customer_id = p.customer_id AND n.kind = 'note'"
        " AND n.text LIKE 'forwarded to %: #' || c.id"
        " WHERE c.id IN (SELECT value FROM json_each(:his))"
        " AND p.id NOT IN (SELECT value FROM json_each(:his))",
        {"his": ids["conversation"]},
    ):
        search.forget(tx, row["id"])
        tx.run("UPDATE message SET text = 'forwarded' WHERE id = ?", (row["id"],))
        search.remember(tx, row["id"])


# --- what is left after the commit ----------------------------------------------------------------------


def remaining(tx: Snapshot) -> list[Remaining]:
    """Erasures that were committed and not finished, oldest first."""
    return [
        Remaining(
            row["id"],
            msgspec.json.decode(row["cards"], type=list[tuple[int, int]]),
            msgspec.json.decode(row["files"]),
        )
        for row in tx.all("SELECT * FROM erasure WHERE finished_at IS NULL ORDER BY id")
    ]


def still_unnamed(tx: Snapshot, names: list[str]) -> list[str]:
    """Those of the files that no row names: the same bytes may have come again from somebody else."""
    return [name for name in names if not files.is_named(tx, name)]


def merge_words(tx: Transaction, table: str, begin: bool) -> bool:
    """Merge a few pages of a full-text index; whether there may be more. A deleted word is in it until its
    segments are one."""
    before = tx.changes()
    pages = -MERGE_PAGES if begin else MERGE_PAGES
    tx.run(f"INSERT INTO {table} ({table}, rank) VALUES ('merge', ?)", (pages,))
    return tx.changes() - before > 1


def finish(tx: Transaction, erasure_id: int) -> None:
    tx.run("UPDATE erasure SET finished_at = ?, files = '[]' WHERE id = ?", (tx.now, erasure_id))


def known_by(tx: Snapshot, cards: list[tuple[int, int]]) -> list[int]:
    """Of erased cards those that are here: in a backup that is older than their erasure. Number and moment
    of creation tell them from anybody else's."""
    return [
        card
        for card, created_at in cards
        if tx.value("SELECT 1 FROM customer WHERE id = ? AND created_at = ?", (card, created_at)) is not None
    ]
