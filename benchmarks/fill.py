"""A database with many messages, through the real intake, without a server."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from channels.base import InboundEvent, Sender
from server.clock import HeldClock
from server.intake import Policy, take_in
from server.people.authors import ChannelFacts
from server.store import journal, offline, search
from server.store.database import open_writer, run_batch
from server.store.journal import Raw
from server.store.transaction import Transaction

WORDS = (
    *("parcel", "invoice", "order", "delivery", "address", "card", "payment", "refund", "chair", "lamp"),
    *("посылка", "счёт", "заказ", "доставка", "адрес", "карта", "оплата", "возврат", "стул", "лампа"),
    *("полка", "курьер", "разбит", "опоздал", "shelf", "courier", "photo", "broken", "late"),
)
BATCH = 500
PER_CUSTOMER = 20
CHANNEL = ChannelFacts(id="hook", scheme="webhook", account="hook")


def fill(data_dir: Path, messages: int, seed: int = 1) -> None:
    """Write `messages` messages of messages / 20 customers; four of five conversations are closed."""
    chance = random.Random(seed)
    clock = HeldClock(1_790_000_000_000 - messages * 60_000)
    customers = max(1, messages // PER_CUSTOMER)
    connection = open_writer(data_dir / offline.DATABASE)
    connection.execute("PRAGMA synchronous = OFF")  # nobody is acknowledged here
    try:
        for start in range(0, messages, BATCH):
            numbers = range(start, min(messages, start + BATCH))
            outcomes = run_batch(
                connection,
                [_one(number, number % customers, _text(chance)) for number in numbers],
                clock.now(),
            )
            for outcome in outcomes:
                if outcome.error is not None:
                    raise outcome.error
            clock.advance(60_000 * BATCH)
        # Bulk work of a benchmark: no operator of the product could do this in one statement.
        connection.execute(
            "UPDATE conversation SET state = 'closed', closed_at = sort_at, topic = 'x', result = 'y'"
            " WHERE id % 5 != 0"
        )
        while run_batch(connection, [search.index_some], clock.now())[0].result:
            pass
    finally:
        connection.close()


def _text(chance: random.Random) -> str:
    return " ".join(chance.choice(WORDS) for _ in range(chance.randint(8, 50)))


def _one(number: int, customer: int, text: str) -> Callable[[Transaction], None]:
    key = f"fill-{number}"
    event = InboundEvent(
        kind="message",
        dedupe_key=key,
        sender=Sender(external_id=f"c{customer}", name=f"Customer {customer}"),
        thread=f"c{customer}",
        text=text,
    )

    def take(tx: Transaction) -> None:
        raw = Raw(dedupe_key=key, size=len(text), data=text.encode(), sha256=None, meta={})
        outcome = take_in(tx, CHANNEL, event, (), Policy())
        journal.record(tx, CHANNEL.id, raw, outcome.message_id, outcome.customer_id)

    return take
