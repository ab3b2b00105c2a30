"""What is known of the people in the shop of operator_world: a full card, suggestions, records, promises."""

from __future__ import annotations

from msgspec.structs import replace

from server import protocol as wire
from tests.fakes.operator_api_books import DAY, HOUR, MINUTE, NOW
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_world import conversation, customer, read, said

IVAN, ANNA, MARIA = 1, 2, 3  # customers
IVAN_NOW, ANNA_NOW, MARIA_NOW = 2, 3, 4  # their open conversations
FIELDS = [
    wire.FieldSpec(name="name", title="Name", own=False),
    wire.FieldSpec(name="language", title="Language", own=False),
    wire.FieldSpec(name="time_zone", title="Time zone", own=False),
    wire.FieldSpec(name="city", title="город"),
    wire.FieldSpec(name="size", title="размер", kind="choice", choices=["S", "M", "L"]),
    wire.FieldSpec(name="wholesale", title="оптовик", kind="flag"),
]


def acquainted(world: FakeServer) -> FakeServer:
    """The same shop a year later: people are known."""
    world.fields = FIELDS
    for channel_id, begins in (("mail", "email"), ("sms", "phone"), ("tg", ""), ("chat", "")):
        channel = world.channels[channel_id]
        continues = channel_id in ("tg", "mail")
        world.channels[channel_id] = replace(channel, begins=begins, continues=continues)
    _ivan(world)
    _guest(world)
    _anna(world)
    return world


def _ivan(world: FakeServer) -> None:
    card = world.customers[IVAN]
    city = wire.Field(
        id=901, name="city", value="Казань", source="operator", at=NOW - 2 * DAY, by="Olga Orlova"
    )
    before = replace(city, id=900, value="Пермь", at=NOW - 90 * DAY, by="", source="import")
    world.histories[IVAN] = [city, before]
    claimed = wire.Address(
        id=77, scheme="email", external_id="petrov@work.example", label="petrov@work.example", verified=False
    )
    world.customers[IVAN] = replace(
        card,
        addresses=[
            *[replace(one, proof="channel") for one in card.addresses],
            replace(claimed, id=78, scheme="phone", label="+7 916 000-00-67", verified=True, proof="code"),
            claimed,
        ],
        tags=["vip"],
        language="ru",
        time_zone="Asia/Yekaterinburg",
        preferred=wire.Preference(
            channel_id="chat",
            channel_title="site chat",
            mark="w",
            why="wrote 7 of 9 here in 180 days, answers within 4 min",
        ),
        fields=[city, replace(city, id=902, name="size", value="L")],
        consents=[
            wire.Consent(purpose="marketing", scheme="email", granted=True, source="channel", at=NOW - DAY),
            wire.Consent(purpose="marketing", scheme="phone", granted=False, source="operator", at=NOW - DAY),
        ],
        records=[
            _record(1, "order", "1187", "Лампа ×2", "в пути", "37800.00"),
            _record(2, "order", "1102", "Кресло", "получен", "18900.00"),
            _record(3, "payment", "P-5521", "", "оплачен", "37800.00"),
        ],
        scores=[
            wire.Score(
                id=81,
                kind="csat",
                value="4",
                scale="5",
                comment="быстро, но дважды спросили номер",
                at=NOW - DAY,
                conversation_id=1,
            ),
            wire.Score(id=80, kind="nps", value="9", scale="10", source="letter", at=NOW - 30 * DAY),
        ],
        origin=wire.Origin(
            at=NOW - 400 * DAY,
            channel_id="chat",
            page="https://shop.example/",
            referrer="https://ya.example/search?text=lamp",
            campaign={"source": "yandex", "medium": "cpc", "campaign": "осень"},
        ),
        origins=[
            wire.Origin(
                at=NOW - 11 * MINUTE,
                channel_id="chat",
                conversation_id=IVAN_NOW,
                page="https://shop.example/delivery",
                title="Доставка и оплата",
            )
        ],
        linked=[wire.LinkedPerson(id=1, customer_id=MARIA, name="Мария К.", relation="жена")],
        findings=[
            wire.Finding(message_id=6, scheme="phone", external_id="+79160000099", shown="8 (916) 000-00-99")
        ],
    )
    world.conversations[IVAN_NOW] = replace(
        world.conversations[IVAN_NOW],
        priority="urgent",
        summary="разблокировать карту за границей",
        next_step="позвонить в банк и ответить",
        due_at=NOW + 38 * MINUTE,
        tags=["карта"],
    )


def _record(key: int, kind: str, number: str, title: str, state: str, amount: str) -> wire.Record:
    return wire.Record(
        id=key,
        kind=kind,
        external_id=number,
        title=title,
        state=state,
        amount=amount,
        currency="RUB",
        at=NOW - key * DAY,
        details={"courier": "12"} if key == 1 else {},
    )


def _guest(world: FakeServer) -> None:
    """Somebody who wrote in the chat without proof, and may be two of the others."""
    guest = customer(world, "Ivan P.", [("tg", "@ivanp", True)])
    key = conversation(
        world,
        guest,
        "tg",
        state="closed",
        closed_at=NOW - 40 * DAY,
        sort_at=NOW - 40 * DAY,
        topic="размер лампы",
        result="подсказали",
    )
    said(world, key, ("in", 40 * DAY, "Какого размера лампа? Мой номер +7 916 000-00-67"))
    read(world, key)
    reasons = [
        wire.Reason(kind="phone", text="+7 916 000-00-67", weight=60),
        wire.Reason(kind="name", text="Ivan P. ~ Иван Петров", weight=20),
    ]
    world.suggestions[1] = wire.Suggestion(
        id=1, one=world.customers[IVAN], other=guest, reasons=reasons, score=80, created_at=NOW - HOUR
    )
    other = [wire.Reason(kind="order", text="2231", weight=40)]
    world.suggestions[2] = wire.Suggestion(
        id=2, one=world.customers[ANNA], other=guest, reasons=other, score=40, created_at=NOW - HOUR
    )


def _anna(world: FakeServer) -> None:
    world.conversations[ANNA_NOW] = replace(
        world.conversations[ANNA_NOW],
        priority="high",
        next_step="send the corrected invoice",
        due_at=NOW - 20 * MINUTE,
    )
    world.stopped[ANNA_NOW] = wire.Stopped(
        wants="Hello, the invoice 2231 says 4 lamps",
        wants_from="message",
        acted="assigned",
        acted_by="Boris Berg",
        acted_at=NOW - 2 * HOUR,
    )
