"""Finding people by words, addresses, numbers, tags and segments; their rivers by channel, notes, files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest

from channels.base import Attachment
from server.people.card_settings import Condition, FieldSettings, SegmentSettings
from server.protocol import (
    Customer,
    CustomerFiles,
    CustomerPage,
    HistoryPage,
    Message,
    MessagePage,
    Record,
    SearchPage,
    Segment,
)
from tests.fakes.asking import ask, refused
from tests.fakes.running_server import RITA, Running, only, running_server

FIELDS = {
    "plan": FieldSettings(title="Plan", kind="choice", choices=["gold", "silver"], hidden_from=["reader"]),
    "spent": FieldSettings(title="Spent", kind="number"),
    "since": FieldSettings(title="Since", kind="date"),
}
SEGMENTS = {
    "gold": SegmentSettings(title="Gold", where=[Condition(field="plan", is_="gold")]),
    "rich": SegmentSettings(title="Rich", where=[Condition(field="spent", at_least=100, at_most=1e6)]),
    "buyers": SegmentSettings(title="Buyers", where=[Condition(record="order", at_least=2)]),
    "news": SegmentSettings(title="News", where=[Condition(consent="marketing", scheme="email")]),
    "quiet": SegmentSettings(
        title="Quiet",
        where=[Condition(tag="vip", not_=True), Condition(record="order", state="paid", within_days=30)],
    ),
    "either": SegmentSettings(
        title="Either", match="any", where=[Condition(tag="vip"), Condition(field="spent")]
    ),
}


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server(fields=FIELDS, segments=SEGMENTS) as running:
        yield running


async def people(run: Running, *names: tuple[str, str]) -> list[int]:
    ids = []
    for address, name in names:
        receipt = await run.letters.hear(address, "hello", name)
        [row] = await run.read("SELECT customer_id FROM message WHERE id = ?", receipt.message_id)
        ids.append(int(row["customer_id"]))
    return ids


async def found(run: Running, words: str = "", uid: int | None = None, **more: str) -> list[int]:
    query = "&".join(f"{name}={quote(value)}" for name, value in {"find": words, **more}.items())
    who: dict[str, Any] = {} if uid is None else {"uid": uid}
    page = await ask(run, CustomerPage, "GET", f"/v1/customers?{query}", **who)
    return [one.id for one in page.items]


async def change(run: Running, customer: int, **body: Any) -> Customer:
    return await ask(run, Customer, "PATCH", f"/v1/customers/{customer}", **body)


async def record(run: Running, number: str, **body: Any) -> Record:
    return await ask(run, Record, "PUT", f"/v1/records/order/{number}", **body)


async def test_by_words_in_any_order_and_half_typed(run: Running) -> None:
    pyotr, ivan, fyodor = await people(
        run,
        ("petr@example.org", "Пётр Иванов"),
        ("i.petrov@shop.example", "Иван Петров"),
        ("f@x.example", "Fyodor"),
    )
    assert await found(run, "иван петр") == [ivan, pyotr]
    assert await found(run, "ПЕТРОВ Иван") == [ivan]
    assert await found(run, "петр") == [ivan, pyotr]
    assert await found(run, "пет ива") == [ivan, pyotr]
    assert await found(run, "i.petrov@shop") == [ivan]
    assert await found(run, "example") == [fyodor, ivan, pyotr]
    assert await found(run, "nobody") == []
    assert await found(run, '"; DROP TABLE customer; --') == []
    assert await found(run, "***") == []
    assert await found(run) == [fyodor, ivan, pyotr]


@pytest.mark.parametrize(
    "typed",
    ["8 (916) 123-45-67", "+7 916 1234567", "79161234567", "8916123", "+7 916", "123-45", "9161234567"],
)
async def test_by_telephone_as_people_write_it(run: Running, typed: str) -> None:
    ivan, _ = await people(run, ("i@example.org", "Иван"), ("a@example.org", "Анна"))
    await ask(
        run, Customer, "POST", f"/v1/customers/{ivan}/addresses", scheme="phone", external_id="+79161234567"
    )
    assert await found(run, typed) == ([ivan] if typed != "123-45" else [])  # no beginning of it


async def test_by_the_number_of_an_order_and_by_tag(run: Running) -> None:
    ivan, anna = await people(run, ("i@example.org", "Иван"), ("a@example.org", "Анна"))
    await record(run, "A-1187", scheme="email", address="I@example.org", title="Boots")
    await record(run, "77", customer_id=anna)
    assert await found(run, "A-1187") == [ivan]
    assert await found(run, "№ 77") == [anna]
    await change(run, anna, tags=["vip", "city:москва"])
    assert await found(run, "vip") == [anna]
    assert await found(run, tag="city:москва") == [anna]
    assert await found(run, "анна", tag="vip") == [anna]
    assert await found(run, "иван", tag="vip") == []
    await change(run, anna, tags=[], name="Anna Maria")
    assert await found(run, "vip") == [] and await found(run, "анна") == [anna]  # her letters still say so
    assert await found(run, "maria") == [anna]


async def test_pages_by_key(run: Running) -> None:
    ids = await people(run, *((f"p{number}@example.org", f"Person {number}") for number in range(7)))
    seen: list[int] = []
    after = ""
    while True:
        page = await ask(run, CustomerPage, "GET", f"/v1/customers?find=person&limit=3&after={after}")
        seen += [one.id for one in page.items]
        if page.next is None:
            break
        after = page.next
    assert seen == ids[::-1]


async def test_segments_are_saved_filters(run: Running) -> None:
    ivan, anna, oleg = await people(
        run, ("i@example.org", "Иван"), ("a@example.org", "Анна"), ("o@example.org", "Олег")
    )
    await change(run, ivan, fields={"plan": "gold", "spent": "99"})
    await change(run, anna, fields={"plan": "silver", "spent": "1000"}, tags=["vip"])
    await change(run, anna, fields={"plan": "gold"})
    await change(run, ivan, fields={"plan": "silver"})
    await record(run, "1", customer_id=oleg, state="paid")
    await record(run, "2", scheme="email", address="o@example.org", state="new")
    await record(run, "3", customer_id=anna, state="paid")
    await ask(
        run, Customer, "PUT", f"/v1/customers/{ivan}/consents", purpose="marketing", granted=True, scheme="*"
    )
    members = {name: await found(run, segment=name) for name in SEGMENTS}
    assert members == {
        "gold": [anna],
        "rich": [anna],
        "buyers": [oleg],
        "news": [ivan],
        "quiet": [oleg],
        "either": [anna, ivan],
    }
    counted = await ask(run, list[Segment], "GET", "/v1/segments")
    assert {one.name: one.people for one in counted} == {name: len(ids) for name, ids in members.items()}
    assert await found(run, "анна", segment="gold") == [anna]
    assert await found(run, "иван", segment="gold") == []
    await refused(run, 404, "GET", "/v1/customers?segment=silver")
    # Who is in a segment tells what is in a field: it is hidden with it.
    await refused(run, 404, "GET", "/v1/customers?segment=gold", uid=RITA)
    assert "gold" not in {one.name for one in await ask(run, list[Segment], "GET", "/v1/segments", uid=RITA)}
    run.clock.advance(31 * 86_400_000)
    assert await found(run, segment="quiet") == []


# --- the river ------------------------------------------------------------------------------------


async def spoken(run: Running, count: int = 9) -> tuple[int, list[str]]:
    """A person on two channels in turn; his number, and what he said."""
    visitor = await run.visitor(sub="7", name="Иван", email="ivan@example.org", email_verified=True)
    texts = []
    for number in range(count):
        texts.append(f"word{number} общее")
        run.clock.advance(60_000)
        if number % 3:
            await visitor.say(texts[-1])
        else:
            await run.letters.hear("ivan@example.org", texts[-1])
    return (await only(await run.client())).customer_id, texts


def texts_of(messages: list[Message]) -> list[str]:
    return [message.text for message in messages]


async def test_one_channel_at_a_time(run: Running) -> None:
    customer, texts = await spoken(run)
    path = f"/v1/customers/{customer}/history"
    page = await ask(run, HistoryPage, "GET", f"{path}?channel=mail&limit=2")
    assert texts_of(page.messages) == [texts[3], texts[6]]
    page = await ask(run, HistoryPage, "GET", f"{path}?channel=mail&limit=2&before={page.before}")
    assert texts_of(page.messages) == [texts[0]] and page.before is None
    assert texts_of((await ask(run, HistoryPage, "GET", path)).messages) == texts


async def test_around_a_message_and_on_from_there(run: Running) -> None:
    customer, texts = await spoken(run)
    [middle] = await run.read("SELECT id FROM message WHERE text = ?", texts[4])
    path = f"/v1/customers/{customer}/history"
    page = await ask(run, HistoryPage, "GET", f"{path}?around={middle['id']}&limit=4")
    assert texts_of(page.messages) == texts[3:7]
    older = await ask(run, HistoryPage, "GET", f"{path}?before={page.before}")
    newer = await ask(run, HistoryPage, "GET", f"{path}?after={page.after}")
    assert texts_of(older.messages) == texts[:3] and texts_of(newer.messages) == texts[7:]
    assert newer.after is None
    whole = await ask(run, HistoryPage, "GET", f"{path}?around={middle['id']}")
    assert texts_of(whole.messages) == texts and whole.before is None and whole.after is None
    [other] = await people(run, ("other@example.org", "Other"))
    await refused(run, 404, "GET", f"/v1/customers/{other}/history?around={middle['id']}")


async def test_search_inside_one_person(run: Running) -> None:
    customer, texts = await spoken(run)
    await run.letters.hear("other@example.org", "word1 общее чужое")
    page = await ask(run, SearchPage, "GET", f"/v1/search?customer={customer}&q=общих&limit=4")
    assert [hit.message.text for hit in page.hits] == texts[:4:-1]
    page = await ask(run, SearchPage, "GET", f"/v1/search?customer={customer}&q=общих&before={page.next}")
    assert [hit.message.text for hit in page.hits] == texts[4::-1] and page.next is None
    page = await ask(run, SearchPage, "GET", f"/v1/search?customer={customer}&q=word1")
    assert [hit.message.text for hit in page.hits] == [texts[1]]
    assert not (await ask(run, SearchPage, "GET", f"/v1/search?customer={customer}&q=чужое")).hits
    assert not (await ask(run, SearchPage, "GET", f"/v1/search?customer={customer}&q=..")).hits


async def test_notes_and_files_of_all_time(run: Running) -> None:
    customer, _ = await spoken(run, 2)
    conversation = await only(await run.client())
    for number in range(3):
        run.clock.advance(1000)
        body: dict[str, Any] = {"client_id": f"note-{number}", "text": f"note {number}"}
        await ask(run, Message, "POST", f"/v1/conversations/{conversation.id}/note", **body)
        run.clock.advance(1000)
        files = tuple(
            Attachment(
                name=f"{number}{part}.jpg",
                content_type="image/jpeg",
                kind="image",
                data=b"\xff\xd8\xff%d" % number,
            )
            for part in "ab"
        )
        await run.letters.hear("ivan@example.org", "", attachments=files)
    card = await ask(run, Customer, "GET", f"/v1/customers/{customer}")
    assert (card.notes, card.files) == (3, 6)
    notes = await ask(run, MessagePage, "GET", f"/v1/customers/{customer}/notes?limit=2")
    assert texts_of(notes.items) == ["note 2", "note 1"]
    notes = await ask(run, MessagePage, "GET", f"/v1/customers/{customer}/notes?limit=2&after={notes.next}")
    assert texts_of(notes.items) == ["note 0"] and notes.next is None
    listed: list[str] = []
    after = ""
    while True:
        page = await ask(run, CustomerFiles, "GET", f"/v1/customers/{customer}/files?limit=1&after={after}")
        assert {(one.kind, one.mark, one.from_customer) for one in page.items} == {("image", "l", True)}
        listed += [one.name for one in page.items]
        if page.next is None:
            break
        after = page.next
    assert listed == ["2a.jpg", "2b.jpg", "1a.jpg", "1b.jpg", "0a.jpg", "0b.jpg"]
