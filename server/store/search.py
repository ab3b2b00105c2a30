"""Full-text search (SQLite FTS5). The one module that another engine would replace.

Newest first by the index's rowid: ordering by bm25 cost 188 ms where this costs 0.25 ms, on 100,000
messages. The query's words are stemmed (Snowball, Russian and English) and searched as prefixes, which
finds Russian word forms as well as an index of stems does.
"""

from __future__ import annotations

import re

from snowballstemmer import stemmer

from server.store.transaction import Snapshot

_WORD = re.compile(r"\w+")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_RUSSIAN = stemmer("russian")
_ENGLISH = stemmer("english")

WORDS_MAX = 8


def match_expression(query: str) -> str | None:
    """The FTS5 expression for what a person typed, or None where there is no word in it.

    A word in double quotes is searched as it stands. Short stems over-match as prefixes, so words of up to
    three letters are searched whole.
    """
    exact = {word.lower() for phrase in re.findall(r'"([^"]*)"', query) for word in _WORD.findall(phrase)}
    terms = []
    for word in [found.lower() for found in _WORD.findall(query)][:WORDS_MAX]:
        if word in exact or len(word) <= 3 or word.isdigit():
            terms.append(f'"{word}"')
            continue
        stem = (_RUSSIAN if _CYRILLIC.search(word) else _ENGLISH).stemWord(word)
        terms.append(f'"{stem if len(stem) >= 3 else word}" *')
    return " AND ".join(terms) if terms else None


def search(tx: Snapshot, query: str, before: int | None, limit: int) -> tuple[list[int], int | None]:
    """Ids of the messages that match, newest first, and the key of the next page."""
    expression = match_expression(query)
    if expression is None:
        return [], None
    rows = tx.all(
        "SELECT m.id, m.search_id FROM message_text t JOIN message m ON m.search_id = t.rowid"
        " WHERE message_text MATCH ? AND t.rowid < ? ORDER BY t.rowid DESC LIMIT ?",
        (expression, before if before is not None else 1 << 62, limit + 1),
    )
    more = len(rows) > limit
    rows = rows[:limit]
    return [row["id"] for row in rows], rows[-1]["search_id"] if more else None
