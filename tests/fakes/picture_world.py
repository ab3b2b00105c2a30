"""A busy morning in the same shop, for the pictures: full lists, and histories that go back."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from server import protocol as wire
from tests.fakes.operator_api_books import DAY, HOUR, MINUTE, NOW
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_people import acquainted
from tests.fakes.operator_world import BORIS, OLGA, conversation, customer, empty_shop, read, said

Line = tuple[str, int, str] | tuple[str, int, str, dict[str, Any]]
DELIVERED, READ = {"status": "delivered"}, {"status": "read"}
BLOCKED = {"status": "failed", "error": "blocked"}

IVAN_MAIL: tuple[Line, ...] = (
    ("in", 18 * DAY + 60 * MINUTE, "Когда приедет заказ 1187?", {"subject": "Заказ 1187"}),
    ("out", 18 * DAY + 42 * MINUTE, "Завтра до 18:00, курьер позвонит за час.", DELIVERED),
    ("in", 18 * DAY + 30 * MINUTE, "А можно послезавтра утром? Завтра никого нет дома."),
    ("note", 18 * DAY + 28 * MINUTE, "the courier has a window on Thursday, 9 to 12"),
    ("out", 18 * DAY + 22 * MINUTE, "Перенесли на четверг, с 9 до 12. Номер курьера: 12.", DELIVERED),
    ("in", 18 * DAY + 9 * MINUTE, "Спасибо, удобно."),
)
IVAN_CHAT: tuple[Line, ...] = (
    ("in", 11 * MINUTE, "Здравствуйте, у меня заблокировали карту за границей"),
    ("out", 10 * MINUTE, "Вижу вас, Иван. В какой вы стране?", READ),
    ("note", 9 * MINUTE, "block code 14, see rule 7"),
    ("in", 8 * MINUTE, "Турция, Анталья"),
    ("out", 8 * MINUTE, "Какие последние четыре цифры карты?", READ),
    ("in", 7 * MINUTE, "4471. Помогите, я в отеле, нечем заплатить"),
)
ANNA_MAIL: tuple[Line, ...] = (
    ("in", 9 * DAY, "Dear shop, is the lamp of order 2231 still in stock?", {"subject": "Order 2231"}),
    ("out", 9 * DAY - 30 * MINUTE, "Dear Anna, it is: 14 pieces. It leaves on Monday.", DELIVERED),
)
MINE = (  # name, channel, waits (minutes), subject or preview
    ("Tomasz Nowak", "mail", 26, "Return of the armchair, order 2190"),
    ("Дарья Лебедева", "tg", 19, "Можно забрать заказ сегодня?"),
    ("Li Wei", "chat", 14, "Is the invoice with VAT?"),
    ("Camille Moreau", "mail", 12, "Facture 1093: adresse à corriger"),
    ("+7 912 000-00-31", "sms", 11, "код не пришёл, повторите пожалуйста"),
    ("Oskar Lind", "chat", 3, "the second lamp is darker than the first"),
    ("Марина Ткач", "mail", 4, "Договор на поставку, приложение 2"),
    ("Jonas Weber", "tg", 2, "thanks! and the delivery to Graz?"),
)
QUEUE = (
    ("+7 916 000-00-68", "sms", 164, "call me back after 14:00 please"),
    ("山田太郎", "mail", 61, "注文した商品がまだ届いていません。"),
    ("Chloé Lefèvre", "chat", 22, "Bonjour, do you ship to Belgium?"),
    ("Пётр", "tg", 4, "А размер L ещё будет?"),
    ("Sofia Rossi", "mail", 3, "Lampada da terra: disponibilità"),
)


def busy() -> FakeServer:
    world = empty_shop()
    _ivan(world)
    _anna(world)
    _maria(world)
    acquainted(world)
    for name, channel_id, minutes, text in MINE:
        _waits(world, name, channel_id, minutes, text, OLGA)
    for name, channel_id, minutes, text in QUEUE:
        _waits(world, name, channel_id, minutes, text, None)
    _waits(world, "Jo", "tg", 15, "thanks, that worked", BORIS)
    for name, text in (("Tom Baker", "Which colour was it?"), ("Елена Соколова", "Деньги вернулись?")):
        who = customer(world, name, [("mail", f"{name.split()[0].lower()}@example.org", True)])
        key = conversation(world, who, "mail", state="waiting", assignee=OLGA, sort_at=NOW - 30 * MINUTE)
        said(world, key, ("in", 40 * MINUTE, "About my order"), ("out", 30 * MINUTE, text, DELIVERED))
        read(world, key)
    return world


def _waits(
    world: FakeServer, name: str, channel_id: str, minutes: int, text: str, assignee: wire.OperatorInfo | None
) -> None:
    who = customer(world, name, [(channel_id, name, True)])
    subject = text if channel_id == "mail" else None
    key = conversation(world, who, channel_id, assignee=assignee, waits=minutes * MINUTE, subject=subject)
    said(world, key, ("in", minutes * MINUTE, text))
    if assignee is not None and minutes > 10:
        read(world, key)


def _ivan(world: FakeServer) -> None:
    ivan = customer(world, "Иван Петров", [("chat", "site chat", True), ("mail", "ivan@example.org", True)])
    old = conversation(
        world, ivan, "mail", state="closed", assignee=OLGA, closed_at=NOW - 18 * DAY, sort_at=NOW - 18 * DAY,
        topic="доставка", result="перенесли на четверг", subject="Заказ 1187",
    )  # fmt: skip
    said(world, old, *IVAN_MAIL)
    read(world, old)
    now = conversation(world, ivan, "chat", assignee=OLGA, waits=7 * MINUTE)
    said(world, now, *IVAN_CHAT)


def _anna(world: FakeServer) -> None:
    anna = customer(world, "Anna Schmidt", [("mail", "anna@example.org", True)], text_max=100_000)
    key = conversation(
        world, anna, "mail", assignee=OLGA, waits=3 * HOUR + 10 * MINUTE, subject="Invoice 2231 is wrong"
    )
    letter = (
        "Hello,\n\nthe invoice 2231 says 4 lamps, but we ordered 3 and got 3. Please send us a corrected one"
        " before Friday: our accounts close then.\n\nKind regards\nAnna Schmidt"
    )
    files = [
        wire.File(id=1, name="invoice-2231.pdf", content_type="application/pdf", size=84_120),
        wire.File(id=2, name="order.png", content_type="image/png", size=1_400_000),
    ]
    said(world, key, *ANNA_MAIL)
    more = {"subject": "Invoice 2231 is wrong", "files": files}
    said(world, key, ("in", 3 * HOUR + 10 * MINUTE, letter, more))


def _maria(world: FakeServer) -> None:
    maria = customer(world, "Мария К.", [("tg", "@maria_k", True), ("sms", "+7 916 000-00-67", False)])
    key = conversation(world, maria, "tg", assignee=OLGA, waits=5 * MINUTE)
    photo = wire.File(id=3, name="photo_2026-11-21.jpg", content_type="image/jpeg", size=240_000)
    said(
        world,
        key,
        ("in", 130 * MINUTE, "Лампа пришла с трещиной на плафоне"),
        (
            "out",
            2 * HOUR,
            "Пришлите, пожалуйста, фото повреждения.",
            {"status": "failed", "error": "blocked"},
        ),
        ("out", 95 * MINUTE, "Пришлите, пожалуйста, фото повреждения.", DELIVERED),
        ("note", 60 * MINUTE, "@boris is there a spare shade for lamp 40?"),
        ("in", 5 * MINUTE, "вот, две штуки", {"files": [photo, replace(photo, id=4, name="photo 2.jpg")]}),
    )
    world.conversations[key] = replace(world.conversations[key], unsettled=1)
