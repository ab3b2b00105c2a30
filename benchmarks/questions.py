"""What `large` asks of a data set: words by how many messages hold them, people by how much they wrote.

Words are chosen by their hits in the data set at hand, so that both sizes are asked for pages of the same
length; what differs is how much lies around them.
"""

from __future__ import annotations

import contextlib
import random
import sqlite3
import time
from pathlib import Path

import msgspec

from benchmarks.vocabulary import Vocabulary
from server.store.database import open_reader
from server.store.search import match_expression

EACH = 40
PAGE = 50
RARE = (PAGE // 2, PAGE * 3 // 2)  # hits


class Questions(msgspec.Struct, frozen=True, kw_only=True):
    rare: list[str]
    middle: list[str]
    common: list[str]
    two: list[str]
    faithful: list[int]  # customer ids of those with the longest histories
    anybody: list[int]

    def searches(self) -> dict[str, list[str]]:
        return {"rare": self.rare, "middle": self.middle, "common": self.common, "two": self.two}


def choose(database: Path, seed: int = 11) -> Questions:
    chance = random.Random(seed)
    with contextlib.closing(open_reader(database)) as connection:
        total = connection.execute("SELECT count(*) FROM message").fetchone()[0]
        words = list(Vocabulary(random.Random(7)).words)

        def hits(query: str) -> int:
            found: int = connection.execute(
                "SELECT count(*) FROM message_text WHERE message_text MATCH ?", (match_expression(query),)
            ).fetchone()[0]
            return found

        def some(pool: list[str], count: int, low: float, high: float) -> list[str]:
            chance.shuffle(pool)
            chosen: list[str] = []
            for query in pool:
                if len(chosen) == count:
                    break
                if low <= hits(query) <= high:
                    chosen.append(query)
            if not chosen:
                raise RuntimeError(f"no word of this data set has {low} to {high} hits")
            return chosen

        common = some(words[:60], 20, total * 0.2, total)
        middle = some(words[60:4_000], EACH, max(PAGE * 2, total * 0.005), total * 0.03)
        frequent = some(words[10:400], 30, total * 0.05, total * 0.5)
        pairs = [f"{one} {other}" for one in frequent for other in (*middle[:10], *frequent) if one != other]
        return Questions(
            rare=some(words[2_000:], EACH, *RARE),
            middle=middle,
            common=common,
            two=some(pairs, EACH, PAGE / 2, total),
            faithful=_people(connection, "ORDER BY count(*) DESC LIMIT 50"),
            anybody=chance.sample(_people(connection, ""), 200),
        )


def _people(connection: sqlite3.Connection, order: str) -> list[int]:
    rows = connection.execute(f"SELECT customer_id FROM conversation GROUP BY customer_id {order}")  # noqa: S608 - our own words
    return [row[0] for row in rows]


class Floor:
    """SQLite alone, on a connection with its default cache: the newest 50 texts with these very words."""

    def __init__(self, database: Path) -> None:
        self._connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)

    def seconds(self, query: str) -> float:
        words = " AND ".join(f'"{word}"' for word in query.split())
        began = time.perf_counter()
        self._connection.execute(
            "SELECT m.text FROM message_text t JOIN message m ON m.search_id = t.rowid"
            " WHERE message_text MATCH ? ORDER BY t.rowid DESC LIMIT ?",
            (words, PAGE),
        ).fetchall()
        return time.perf_counter() - began

    def close(self) -> None:
        self._connection.close()
