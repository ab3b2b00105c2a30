"""A small shop's morning for the fake operator API, and a way to serve it by hand:

    python -m tests.fakes.operator_world SOCKET [--crowd 100000]

Names are invented. One customer writes everything that has ever broken a terminal.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from server import protocol as wire
from tests.fakes.operator_api import serving
from tests.fakes.operator_api_books import DAY, HOUR, MINUTE, NOW
from tests.fakes.operator_api_server import FakeServer

OLGA = wire.OperatorInfo(id=1, login="olga", name="Olga Orlova", role="operator", online=True)
BORIS = wire.OperatorInfo(id=2, login="boris", name="Boris Berg", role="operator", online=True)
MIRA = wire.OperatorInfo(id=3, login="mira", name="Mira", role="lead")

HOSTILE = [
    "[@click=app.quit]Quit[/] [/red] [bold",
    "\x1b]0;owned\x07\x1b]52;c;b3duZWQ=\x07 esc \x9b31m csi",
    "evil\u202etxt.exe \u2066iso\u2069 zero\u200bwidth\u200b tag\U000e0041\U000e0042",
    "Z" + "\u0300\u0301\u0302\u0303\u0304\u0305" * 40 + "algo",
    "\x00\x07\x08\x7f nul bell bs del",
    "👨‍👩‍👧 ❤️ 👍🏽 🇷🇺 1️⃣ 山田太郎 مرحبا",
    "",
    "   ",
]


def empty_shop() -> FakeServer:
    """Olga, her colleagues and four channels."""
    world = FakeServer(OLGA, [OLGA, BORIS, MIRA])
    for channel_id, title, mark in (
        ("chat", "site chat", "w"),
        ("mail", "e-mail", "@"),
        ("tg", "Telegram", "t"),
        ("sms", "SMS", "s"),
    ):
        world.channels[channel_id] = wire.ChannelInfo(
            id=channel_id, kind=channel_id, title=title, mark=mark, state="connected"
        )
    return world


def shop() -> FakeServer:
    """Olga's desk: three of hers, four in the queue, one waiting, one snoozed, some closed."""
    world = empty_shop()
    _ivan(world)
    _anna(world)
    _maria(world)
    _queue(world)
    _others(world)
    return world


def customer(
    world: FakeServer, name: str, ways: list[tuple[str, str, bool]], *, text_max: int = 4096
) -> wire.Customer:
    """A customer with an address per (channel, label, verified); the first is the default way."""
    key = len(world.customers) + 1
    addresses = [
        wire.Address(
            id=key * 10 + number,
            scheme=channel_id,
            external_id=label,
            label=label,
            verified=verified,
            evidence="writes from it" if verified else "typed on the site",
            last_in_at=NOW - 3 * MINUTE if number == 0 else NOW - 19 * DAY,
        )
        for number, (channel_id, label, verified) in enumerate(ways)
    ]
    world.customers[key] = wire.Customer(
        id=key, name=name, created_at=NOW - 400 * DAY, addresses=addresses, conversations=[]
    )
    world.ways[key] = [
        wire.ReplyWay(
            channel_id=channel_id,
            channel_title=world.channels[channel_id].title,
            mark=world.channels[channel_id].mark,
            address_id=addresses[number].id,
            label=label,
            why="wrote last here" if number == 0 else "verified address",
            text_max=160 if channel_id == "sms" else text_max,
            subject=channel_id == "mail",
        )
        for number, (channel_id, label, _verified) in enumerate(ways)
    ]
    return world.customers[key]


def conversation(
    world: FakeServer,
    who: wire.Customer,
    channel_id: str,
    *,
    state: wire.State = "open",
    assignee: wire.OperatorInfo | None = None,
    waits: int | None = None,
    **more: Any,
) -> int:
    """A conversation without messages. `waits`: how long (ms) the customer has waited."""
    key = len(world.conversations) + 1
    since = NOW - waits if waits is not None else None
    world.conversations[key] = wire.Conversation(
        id=key,
        seq=world.next_seq(),
        customer_id=who.id,
        customer=who.name,
        state=state,
        assignee_id=assignee.id if assignee else None,
        assignee=assignee.name if assignee else "",
        channel_id=channel_id,
        mark=world.channels[channel_id].mark,
        marks=[world.channels[channel_id].mark],
        waiting_since=since if state == "open" else None,
        sort_at=more.pop("sort_at", since or NOW),
        opened_at=NOW - (waits or 0),
        **more,
    )
    return key


def said(
    world: FakeServer, key: int, *lines: tuple[str, int, str] | tuple[str, int, str, dict[str, Any]]
) -> None:
    """Messages as (kind, how long ago in ms, text[, more]); the customer's latest is unread."""
    for line in lines:
        kind, ago, text = line[0], line[1], line[2]
        more: dict[str, Any] = dict(line[3]) if len(line) > 3 else {}
        if kind in ("out", "note"):
            more.setdefault("author_id", OLGA.id)
        message = world.add_message(key, kind, text, at=NOW - ago, **more)  # type: ignore[arg-type]
        row = world.conversations[key]
        if kind == "in":
            row = replace(row, customer_seq=message.seq)
        elif kind == "out":
            row = replace(row, reply_seq=message.seq)
        world.conversations[key] = replace(row, seq=message.seq)


def read(world: FakeServer, key: int) -> None:
    world.seen[key] = world.conversations[key].customer_seq


def _ivan(world: FakeServer) -> None:
    ivan = customer(world, "Иван Петров", [("chat", "site chat", True), ("mail", "ivan@example.org", True)])
    old = conversation(
        world,
        ivan,
        "mail",
        state="closed",
        assignee=OLGA,
        closed_at=NOW - 18 * DAY,
        sort_at=NOW - 18 * DAY,
        topic="доставка",
        result="перенесли на завтра",
        subject="Заказ 1187",
    )
    said(
        world,
        old,
        ("in", 18 * DAY + 40 * MINUTE, "Когда приедет заказ 1187?", {"subject": "Заказ 1187"}),
        ("out", 18 * DAY + 22 * MINUTE, "Завтра до 18:00, курьер позвонит за час.", {"status": "delivered"}),
    )
    read(world, old)
    now = conversation(world, ivan, "chat", assignee=OLGA, waits=7 * MINUTE)
    said(
        world,
        now,
        ("in", 11 * MINUTE, "Здравствуйте, у меня заблокировали карту за границей"),
        ("out", 10 * MINUTE, "Вижу вас, Иван. В какой вы стране?", {"status": "read"}),
        ("note", 9 * MINUTE, "block code 14, see rule 7"),
    )
    read(world, now)
    said(world, now, ("in", 7 * MINUTE, "Турция. Помогите, я в отеле, нечем заплатить"))


def _anna(world: FakeServer) -> None:
    anna = customer(world, "Anna Schmidt", [("mail", "anna@example.org", True)], text_max=100_000)
    key = conversation(
        world, anna, "mail", assignee=OLGA, waits=3 * HOUR + 10 * MINUTE, subject="Invoice 2231 is wrong"
    )
    said(
        world,
        key,
        (
            "in",
            3 * HOUR + 10 * MINUTE,
            "Hello,\n\nthe invoice 2231 says 4 lamps, but we ordered 3 and got 3. Please send us a corrected"
            " one before Friday: our accounts close then.\n\nKind regards\nAnna Schmidt",
            {
                "subject": "Invoice 2231 is wrong",
                "files": [
                    wire.File(id=1, name="invoice-2231.pdf", content_type="application/pdf", size=84_120),
                    wire.File(id=2, name="order.png", content_type="image/png", size=1_400_000),
                ],
            },
        ),
    )


def _maria(world: FakeServer) -> None:
    maria = customer(world, "Мария К.", [("tg", "@maria_k", True), ("sms", "+7 916 000-00-67", False)])
    key = conversation(world, maria, "tg", assignee=OLGA, waits=5 * MINUTE)
    photo = wire.File(id=3, name="photo_2026-11-21.jpg", content_type="image/jpeg", size=240_000)
    said(
        world,
        key,
        (
            "out",
            2 * HOUR,
            "Пришлите, пожалуйста, фото повреждения.",
            {"status": "failed", "error": "blocked"},
        ),
        ("out", 95 * MINUTE, "Пришлите, пожалуйста, фото повреждения.", {"status": "delivered"}),
        ("in", 5 * MINUTE, "фото повреждения", {"files": [photo, replace(photo, id=4, name="photo 2.jpg")]}),
    )
    read(world, key)
    world.conversations[key] = replace(world.conversations[key], unsettled=1)


def _queue(world: FakeServer) -> None:
    people = (
        ("+7 916 000-00-68", "sms", 164, "call me back after 14:00 please"),
        ("山田太郎", "mail", 61, "注文した商品がまだ届いていません。確認をお願いします。"),
        ("Chloé Lefèvre", "chat", 22, "Bonjour, do you ship to Belgium?"),
        ("Пётр", "tg", 4, "А размер L ещё будет?"),
    )
    for name, channel_id, minutes, text in people:
        who = customer(world, name, [(channel_id, name, True)])
        key = conversation(world, who, channel_id, waits=minutes * MINUTE)
        said(world, key, ("in", minutes * MINUTE, text))


def _others(world: FakeServer) -> None:
    tom = customer(world, "Tom Baker", [("chat", "site chat", True)])
    key = conversation(world, tom, "chat", state="waiting", assignee=OLGA, sort_at=NOW - 30 * MINUTE)
    said(world, key, ("in", 40 * MINUTE, "The zip is broken"), ("out", 30 * MINUTE, "Which colour was it?"))
    read(world, key)
    lena = customer(world, "Елена Соколова", [("mail", "lena@example.org", True)])
    key = conversation(
        world,
        lena,
        "mail",
        state="snoozed",
        assignee=OLGA,
        sort_at=NOW - DAY,
        snooze_until=NOW + 20 * HOUR,
        subject="Возврат",
    )
    said(world, key, ("in", DAY, "Деньги ещё не пришли", {"subject": "Возврат"}))
    read(world, key)
    jo = customer(world, "Jo", [("tg", "@jo", True)])
    key = conversation(world, jo, "tg", assignee=BORIS, waits=15 * MINUTE)
    said(world, key, ("in", 15 * MINUTE, "thanks, that worked"))


def hostile(world: FakeServer) -> list[int]:
    """A conversation in the queue for every hostile string, which is in every place text can be."""
    keys = []
    for number, text in enumerate(HOSTILE):
        who = customer(world, text, [("mail", text, False)])
        key = conversation(
            world,
            who,
            "mail",
            waits=(200 + number) * MINUTE,
            subject=text,
            topic=text,
            result=text,
        )
        file = wire.File(id=100 + number, name=text, content_type=text, size=1, problem=text)
        letter = {
            "detail": {"from": text, "warn_name": text, "authentication": f"fail: {text}"},
            "recipients": [wire.Recipient(role="cc", address=text, name=text)],
            "suggest_id": 1,
            "suggest_why": text,
        }
        refused = [
            wire.Recipient(role="to", address=text, state="sent"),
            wire.Recipient(role="bcc", address=text, state="failed", detail=text),
        ]
        said(
            world,
            key,
            (
                "in",
                (200 + number) * MINUTE,
                text,
                {"subject": text, "files": [file], "stranger": True, **letter},
            ),
            ("out", MINUTE, text, {"status": "failed", "error": text, "recipients": refused}),
            ("note", MINUTE, text),
            ("system", MINUTE, text),
            ("in", MINUTE, f"{text}\n{text}", {"kind_of_event": text or "message"}),
        )
        world.conversations[key] = replace(world.conversations[key], unsettled=1)
        keys.append(key)
    return keys


def crowd(world: FakeServer, count: int) -> None:
    """`count` more conversations in the queue."""
    who = customer(world, "Crowd", [("mail", "crowd@example.org", True)])
    for number in range(count):
        key = conversation(world, replace(who, name=f"Customer {number}"), "mail", waits=HOUR + number)
        world.conversations[key] = replace(world.conversations[key], preview=f"message {number}", last_at=NOW)


async def _serve(path: Path, many: int, *, dangerous: bool) -> None:
    world = shop()
    crowd(world, many)
    if dangerous:
        hostile(world)
    async with serving(world, path):
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("socket", type=Path)
    parser.add_argument("--crowd", type=int, default=0)
    parser.add_argument("--hostile", action="store_true")
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.socket, arguments.crowd, dangerous=arguments.hostile))
