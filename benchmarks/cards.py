"""What cards cost: finding people among many, and the card, river and search of somebody with a long history.

Every question is asked twice in the same run: among 100,000 cards or of somebody with 10,000 messages, and
among 1,000 or of somebody with 100. The ratio says how far the cost grows with what lies around.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from server.people.card_settings import Condition, SegmentSettings
from server.protocol.filtering import Test
from server.protocol.query import Term
from server.store import card, card_search, fields, finding, offline, records, river, segments
from server.store.database import open_reader, open_writer
from server.store.transaction import Snapshot, Transaction

NOW = 1_790_000_000_000
MINUTE = 60_000
SIZES = {"small": (1_000, 100), "large": (100_000, 10_000)}  # cards, messages of the one
TRIES = 40
FIRST = ("Иван", "Пётр", "Анна", "Мария", "Ольга", "Олег", "Дмитрий", "Елена", "John", "Mary")
SYLLABLES = ("ба", "ве", "го", "дми", "же", "за", "ки", "ло", "ма", "не", "по", "ру", "са", "ти", "фё", "ши")
SHOWING = card.Showing(titles={"site": "site chat", "mail": "e-mail"}, country="RU")
GOLD = SegmentSettings(title="x", where=[Condition(field="plan", is_="gold"), Condition(tag="regular")])
BUYERS = SegmentSettings(title="x", where=[Condition(record="order", state="paid")])

Question = Callable[[Snapshot], object]


def _fill(folder: Path, cards: int, messages: int) -> Path:
    """A database of so many cards; the middle one has so many messages."""
    folder.mkdir()
    offline.create(folder)
    path = folder / offline.DATABASE
    chance = random.Random(1)
    connection = open_writer(path)
    with contextlib.closing(connection):
        tx = Transaction(connection, NOW)
        connection.execute("BEGIN IMMEDIATE")
        for number in range(1, cards + 1):
            _add_card(tx, number, chance)
        _add_history(tx, cards // 2, messages, chance)
        while card_search.index_some(tx, 2_000):
            pass
        connection.execute("COMMIT")
    return path


def _add_card(tx: Transaction, number: int, chance: random.Random) -> None:
    family = "".join(chance.choices(SYLLABLES, k=3)).title()
    name = f"{chance.choice(FIRST)} {family}ев"
    tx.run("INSERT INTO customer (id, name, created_at) VALUES (?, ?, ?)", (number, name, NOW))
    for scheme, address, verified in (
        ("email", f"user{number}@example{number % 500}.org", 1),
        ("phone", f"+7916{number:07}", 0),
    ):
        tx.run(
            "INSERT INTO address (customer_id, card_id, scheme, account, external_id, verified, created_at)"
            " VALUES (?, ?, ?, '', ?, ?, ?)",
            (number, number, scheme, address, verified, NOW),
        )
    if number % 10 == 0:
        tag = "vip" if number % 1000 == 0 else "regular"
        tx.run("INSERT INTO customer_tag (customer_id, tag, at) VALUES (?, ?, ?)", (number, tag, NOW))
    if number % 3 == 0:
        fields.put(tx, number, "plan", chance.choice(("gold", "silver", "none")), "api")
    if number % 2 == 0:
        owner = f"user{number}@example{number % 500}.org"
        records.put(
            tx,
            records.Fact(
                kind="order", external_id=f"A-{number}", scheme="email", address=owner, state="paid", at=NOW
            ),
        )


def _add_history(tx: Transaction, customer: int, messages: int, chance: random.Random) -> None:
    conversation = tx.insert(
        "INSERT INTO conversation (customer_id, state, sort_at, opened_at) VALUES (?, 'open', 1, 1)",
        (customer,),
    )
    for number in range(1, messages + 1):
        text = (
            f"message {number} про заказ и доставку, звоните 8 916 {number % 1000:03}-45-67" + " слово" * 20
        )
        tx.run(
            "INSERT INTO message (id, conversation_id, customer_id, kind, channel_id, text, status, at,"
            " received_at, search_id, files) VALUES (?, ?, ?, ?, ?, ?, 'received', ?, 1, ?, ?)",
            (
                number,
                conversation,
                customer,
                chance.choice(("in", "in", "out", "note")),
                "mail" if number % 10 == 0 else "site",
                text,
                NOW - (messages - number) * MINUTE,
                number,
                int(number % 20 == 0),
            ),
        )
        if number % 20 == 0:
            tx.run(
                "INSERT INTO attachment (message_id, name, content_type, kind, size)"
                " VALUES (?, 'a.jpg', 'image/jpeg', 'image', 1)",
                (number,),
            )


def _questions(cards: int, messages: int) -> dict[str, Question]:
    someone = cards // 2
    gold, gold_own = segments.condition(GOLD, NOW)
    buyers, buyers_own = segments.condition(BUYERS, NOW)

    def find(words: str) -> Question:
        return lambda tx: card_search.find(tx, words, "RU", before=None, limit=51)

    def inside(word: str) -> Question:
        tests = (Test(term=Term(name="text", value=word)),)
        return lambda tx: finding.found(tx, tests, finding.Asker(1, "RU"), someone, None, 50)

    return {
        "find_name": find("иван сама"),
        "find_common": find("и"),
        "find_email": find(f"user{someone}"),
        "find_phone": find(f"8 916 {someone:07}"),
        "find_order": find(f"A-{someone}"),
        "find_tag": find("vip"),
        "segment": lambda tx: card_search.listed(tx, before=None, limit=51, within=gold, parameters=gold_own),
        "segment_of_orders": lambda tx: card_search.listed(
            tx, before=None, limit=51, within=buyers, parameters=buyers_own
        ),
        "card": lambda tx: card.whole(tx, someone, SHOWING),
        "river": lambda tx: river.older(tx, someone, None, 60),
        "river_of_channel": lambda tx: river.older(tx, someone, None, 60, river.Only("mail")),
        "around": lambda tx: river.around(tx, someone, messages // 2, 60),
        "files": lambda tx: river.files(tx, someone, None, 60),
        "notes": lambda tx: river.notes(tx, someone, None, 60),
        "search_inside": inside("доставке"),
        "search_inside_in_vain": inside("отсутствует"),
    }


def _asked(path: Path, cards: int, messages: int) -> dict[str, tuple[float, float]]:
    """By question: milliseconds of the median and of the slowest twentieth."""
    found = {}
    with contextlib.closing(open_reader(path)) as connection:
        for name, question in _questions(cards, messages).items():
            times = []
            for _ in range(TRIES):
                tx = Snapshot(connection, NOW)
                began = time.perf_counter()
                question(tx)
                times.append((time.perf_counter() - began) * 1000)
            times.sort()
            found[name] = (times[TRIES // 2], times[int(TRIES * 0.95)])
    return found


def measure(folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    answers = {}
    for name, size in SIZES.items():
        say(f"filling {size[0]:,} cards, {size[1]:,} messages of one of them")
        answers[name] = _asked(_fill(folder / name, *size), *size)
    figures: dict[str, Any] = {}
    for question, (median, slow) in answers["large"].items():
        ratio = median / max(answers["small"][question][0], 0.001)
        figures[question] = {"p50_ms": round(median, 2), "p95_ms": round(slow, 2), "ratio": round(ratio, 1)}
        say(f"{question:22} p50 {median:8.2f} ms  p95 {slow:8.2f} ms  {ratio:6.1f} times the small one")
    return figures
