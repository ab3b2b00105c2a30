"""Full-text search (SQLite FTS5). The one module that another engine would replace.

Messages are indexed a moment after their commit, many at once: indexing each with its own message was the
largest part of a commit (FTS5 writes a segment per transaction), and a search first catches up anyway.

Newest first by the index's rowid: ordering by bm25 cost 188 ms where this costs 0.25 ms, on 100,000
messages. The query's words are stemmed (Snowball, Russian and English) and searched as prefixes, which
finds Russian word forms as well as an index of stems does.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from functools import lru_cache
from typing import NamedTuple

from snowballstemmer import stemmer

from server.store.transaction import Snapshot, Transaction

_WORD = re.compile(r"\w+")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_RUSSIAN = stemmer("russian")
_ENGLISH = stemmer("english")
_STEMMING = threading.Lock()  # a stemmer works on fields of its own

WORDS_MAX = 8


def folded(text: str) -> str:
    """As texts are indexed and sought: Russians write ё or е as they like, and the stemmer knows only е."""
    return text.replace("ё", "е").replace("Ё", "Е")


@lru_cache(maxsize=8192)
def stem_of(word: str) -> str:
    """The stem of a folded word in small letters, Russian or English. Threads may ask at the same time."""
    with _STEMMING:
        return str((_RUSSIAN if _CYRILLIC.search(word) else _ENGLISH).stemWord(word))


class Term(NamedTuple):
    """A word to look for: whole, or as a beginning. Several with spaces between them: a phrase."""

    word: str
    prefix: bool


def terms(query: str) -> list[Term]:
    """What a person typed, as it is sought. Pure.

    A word in double quotes is searched as it stands. Short stems over-match as prefixes, so words of up to
    three letters are searched whole.
    """
    query = folded(query.lower())
    exact = {word for phrase in re.findall(r'"([^"]*)"', query) for word in _WORD.findall(phrase)}
    return [
        Term(word, prefix=False) if word in exact else _term(word)
        for word in _WORD.findall(query)[:WORDS_MAX]
    ]


def _term(word: str) -> Term:
    if len(word) <= 3 or word.isdigit():
        return Term(word, prefix=False)
    stem = stem_of(word)
    return Term(stem if len(stem) >= 3 else word, prefix=True)


def phrase(text: str) -> Term | None:
    """Words that stand one behind the other, in these forms; None where there is no word in it."""
    words = _WORD.findall(folded(text.lower()))[:WORDS_MAX]
    return Term(" ".join(words), prefix=False) if words else None


def expression(found: list[Term]) -> str | None:
    """The FTS5 expression for texts in which all of these stand; None where there is nothing to look for."""
    quoted = [f'"{term.word}" *' if term.prefix else f'"{term.word}"' for term in found]
    return " AND ".join(quoted) if quoted else None


def match_expression(query: str) -> str | None:
    """The FTS5 expression for what a person typed, or None where there is no word in it."""
    return expression(terms(query))


INDEXED = "search.indexed"  # the newest message id that is in the index


def _indexed_up_to(tx: Snapshot) -> int:
    value = tx.value("SELECT value FROM setting WHERE name = ?", (INDEXED,))
    return 0 if value is None else int(value)


def is_behind(tx: Snapshot) -> bool:
    return int(tx.value("SELECT coalesce(max(id), 0) FROM message")) > _indexed_up_to(tx)


def index_some(tx: Transaction, limit: int = 500) -> int:
    """Put the next messages into the index; how many."""
    rows = tx.all(
        "SELECT id, search_id, text, subject FROM message WHERE id > ? ORDER BY id LIMIT ?",
        (_indexed_up_to(tx), limit),
    )
    for row in rows:
        _insert(tx, row)
    if rows:
        tx.run(
            "INSERT INTO setting (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (INDEXED, rows[-1]["id"]),
        )
    return len(rows)


def _insert(tx: Transaction, row: sqlite3.Row) -> None:
    tx.run(
        "INSERT INTO message_text (rowid, text, subject) VALUES (?, ?, ?)",
        (row["search_id"], *_indexed_texts(row)),
    )


def _indexed_texts(row: sqlite3.Row) -> tuple[str, str | None]:
    subject = row["subject"]
    return folded(row["text"]), None if subject is None else folded(subject)


def _row(tx: Snapshot, message_id: int) -> sqlite3.Row | None:
    """The message, if it is in the index already."""
    if message_id > _indexed_up_to(tx):
        return None
    return tx.first("SELECT search_id, text, subject FROM message WHERE id = ?", (message_id,))


def forget(tx: Transaction, message_id: int) -> None:
    """Take a message out of the index, before its text changes: FTS5 must be given the old text."""
    row = _row(tx, message_id)
    if row is not None:
        tx.run(
            "INSERT INTO message_text (message_text, rowid, text, subject) VALUES ('delete', ?, ?, ?)",
            (row["search_id"], *_indexed_texts(row)),
        )


def remember(tx: Transaction, message_id: int) -> None:
    """Put a message back, after its text changed."""
    row = _row(tx, message_id)
    if row is not None:
        _insert(tx, row)


def search(tx: Snapshot, query: str, limit: int) -> list[int]:
    """Ids of the newest messages with these words."""
    wanted = match_expression(query)
    if wanted is None:
        return []
    rows = tx.all(
        "SELECT m.id FROM message_text t JOIN message m ON m.search_id = t.rowid"
        " WHERE message_text MATCH ? AND m.deleted = 0 ORDER BY t.rowid DESC LIMIT ?",
        (wanted, limit),
    )
    return [row["id"] for row in rows]
