"""What other systems of the company tell: orders, payments, telephone calls; by API and signed webhook."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from channels.webhook import standard
from server.protocol import Customer, ErasureReport, MergeCommand, PersonExport, Record, RecordCommand
from tests.fakes.asking import ask, refused
from tests.fakes.running_server import HOOK_SECRET, RITA, Running, only, running_server
from tests.integration.test_line_mode import ok

IVAN = "+79161234567"


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


async def tell(run: Running, kind: str, webhook_id: str = "", **data: Any) -> None:
    """A signed webhook with exactly this body, acknowledged."""
    body = msgspec.json.encode({"type": kind, "data": data})
    name = webhook_id or f"tell-{next(run.numbers)}"
    headers = standard.headers([standard.read_secret(HOOK_SECRET)], name, run.clock.now() // 1000, body)
    async with run.http.post(f"{run.url}/hooks/market", data=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()


async def card(run: Running, customer: int) -> Customer:
    return await ask(run, Customer, "GET", f"/v1/customers/{customer}")


async def put(run: Running, number: str, **body: Any) -> Record:
    return await ask(run, Record, "PUT", f"/v1/records/order/{number}", **body)


async def numbers(run: Running, customer: int) -> list[str]:
    return [one.external_id for one in (await card(run, customer)).records]


# --- records --------------------------------------------------------------------------------------


async def test_a_record_is_put_once_and_an_older_word_never_replaces_a_newer_one(run: Running) -> None:
    await run.letters.hear("ivan@example.org", "hello", "Иван")
    customer = (await only(await run.client())).customer_id
    body = {
        "scheme": "email",
        "address": "Ivan@Example.org",
        "title": "Boots",
        "state": "new",
        "amount": "12500.00",
        "currency": "RUB",
        "at": 5,
        "url": "https://shop.example/orders/1187",
        "details": {"size": "42"},
        "version": 2,
    }
    first = await put(run, "1187", **body)
    seq = await run.newest()
    assert await put(run, "1187", **body) == first and await run.newest() == seq
    assert (await put(run, "1187", **(body | {"state": "old", "version": 1}))).state == "new"
    paid = await put(run, "1187", state="paid", title="Boots", amount="12500.00", currency="RUB", version=3)
    assert (paid.state, paid.at, paid.id) == ("paid", 5, first.id)
    [shown] = (await card(run, customer)).records  # whose it is was not said again, and stays
    assert (shown.external_id, shown.state, shown.amount) == ("1187", "paid", "12500.00")
    [told] = await run.read(
        "SELECT data, customer_id FROM event WHERE kind = 'record.changed' AND seq > ?", seq
    )
    assert told["customer_id"] == customer and "1187" not in told["data"]


async def test_a_record_of_an_address_belongs_to_nobody_until_somebody_proves_it(run: Running) -> None:
    await put(run, "1", scheme="email", address="ivan@example.org")
    await put(run, "2", scheme="phone", address="8 916 123-45-67")
    visitor = await run.visitor()
    await visitor.say("hello")
    await visitor.post("/contact", {"email": "ivan@example.org", "phone": IVAN})
    claimant = (await only(await run.client())).customer_id
    assert await numbers(run, claimant) == []
    await visitor.begin(sub="7", name="Иван", email="ivan@example.org", email_verified=True)
    assert await numbers(run, claimant) == ["1"]
    await run.hook("hi", person={"phone": IVAN, "verified": ["phone"]})
    [row] = await run.read("SELECT customer_id FROM message WHERE text = 'hi'")
    assert await numbers(run, row["customer_id"]) == ["2"]


async def test_records_follow_their_card(run: Running) -> None:
    await run.letters.hear("ivan@example.org", "hello", "Иван")
    await run.letters.hear("anna@example.org", "hello", "Анна")
    await put(run, "1", customer_id=1)
    await put(run, "2", customer_id=2)
    await put(run, "3", scheme="email", address="anna@example.org")
    merged = await ask(run, dict[str, Any], "POST", "/v1/customers/1/merge", other_id=2)
    assert sorted(await numbers(run, 1)) == ["1", "2", "3"]
    await put(run, "4", customer_id=2)
    assert sorted(await numbers(run, 1)) == ["1", "2", "3", "4"]
    await ask(run, dict[str, Any], "POST", f"/v1/merges/{merged['merge_id']}/undo")
    assert {"2", "3"} <= set(await numbers(run, 2)) and "1" in await numbers(run, 1)


async def test_pages_and_kinds_of_records(run: Running) -> None:
    await run.letters.hear("ivan@example.org", "hello", "Иван")
    for number in range(5):
        owner = {"customer_id": 1} if number % 2 else {"scheme": "email", "address": "ivan@example.org"}
        await put(run, str(number), at=number, **owner)
    await ask(run, Record, "PUT", "/v1/records/payment/p%2F1", customer_id=1, at=9)
    path = "/v1/customers/1/records"
    assert [one.external_id for one in await ask(run, list[Record], "GET", path)] == ["p/1", *"43210"]
    page = await ask(run, list[Record], "GET", f"{path}?kind=order&limit=2")
    assert [one.external_id for one in page] == ["4", "3"]
    page = await ask(run, list[Record], "GET", f"{path}?kind=order&limit=2&after={page[-1].at}.{page[-1].id}")
    assert [one.external_id for one in page] == ["2", "1"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/records/Order/1", {}),
        ("/v1/records/order/%20", {}),
        ("/v1/records/order/" + "1" * 201, {}),
        ("/v1/records/order/1", {"scheme": "email"}),
        ("/v1/records/order/1", {"scheme": "phone", "address": "12"}),
        ("/v1/records/order/1", {"amount": "12,5"}),
        ("/v1/records/order/1", {"currency": "rub"}),
    ],
)
async def test_records_that_make_no_sense(run: Running, path: str, body: dict[str, Any]) -> None:
    no_request = {"amount", "currency"} & body.keys()  # what the wire type forbids
    await refused(run, 400 if no_request else 409, "PUT", path, **(body or {"title": "x"}))
    assert await run.read("SELECT id FROM record") == []


async def test_readers_put_no_records_and_nobody_elses_card_is_named(run: Running) -> None:
    await refused(run, 403, "PUT", "/v1/records/order/1", uid=RITA, title="x")
    await refused(run, 404, "PUT", "/v1/records/order/1", customer_id=99)


async def test_a_shop_tells_of_orders_and_payments_by_signed_webhook(run: Running) -> None:
    await run.letters.hear("ivan@example.org", "hello", "Иван")
    order = {"kind": "order", "number": 1187, "title": "Boots", "state": "new", "amount": 12500, "version": 1}
    await tell(run, "record", "order-1", sender={"email": "ivan@example.org"}, record=order)
    await tell(
        run, "record", "order-1", sender={"email": "ivan@example.org"}, record=order | {"state": "again"}
    )
    await tell(
        run, "record", sender={"email": "ivan@example.org"}, record=order | {"state": "paid", "version": 2}
    )
    await tell(
        run, "record", sender={"email": "ivan@example.org"}, record=order | {"state": "late", "version": 1}
    )
    payment = {"kind": "payment", "number": "p-1", "amount": "12500.00", "currency": "RUB"}
    await tell(run, "record", sender={"id": "buyer-1"}, record=payment)
    [record] = (await card(run, 1)).records
    assert (record.kind, record.external_id, record.state, record.amount) == (
        "order",
        "1187",
        "paid",
        "12500",
    )
    assert len(await run.read("SELECT id FROM customer")) == 1, "a record makes nobody"
    assert len(await run.read("SELECT id FROM message")) == 1, "and no message"
    await run.hook("where is it?", sender="buyer-1")
    [row] = await run.read("SELECT customer_id FROM message WHERE text = 'where is it?'")
    assert await numbers(run, row["customer_id"]) == ["p-1"]
    assert len(await run.read("SELECT id FROM journal WHERE channel_id = 'market'")) == 5


async def test_a_record_that_makes_no_sense_is_shown(run: Running) -> None:
    await tell(run, "record", sender={"email": "ivan@example.org"}, record={"kind": "order"})
    await tell(run, "record", record={"kind": "order", "number": "1"})
    problems = [row["detail"] for row in await run.read("SELECT detail FROM message ORDER BY id")]
    assert "no number" in problems[0] and "whose record" in problems[1]


# --- scores ---------------------------------------------------------------------------------------


async def test_scores_stand_on_the_card_and_count_once(run: Running) -> None:
    await run.letters.hear("ivan@example.org", "hello", "Иван")
    conversation = await only(await run.client())
    customer = conversation.customer_id
    score = {
        "kind": "score",
        "number": "s-1",
        "title": "csat",
        "amount": "4",
        "details": {"comment": "quick", "conversation": str(conversation.id), "source": "chat"},
    }
    await tell(run, "record", sender={"email": "ivan@example.org"}, record=score)
    # The same id again, with other words: he gave it once.
    await tell(
        run, "record", sender={"email": "ivan@example.org"}, record={**score, "amount": "1", "version": 9}
    )
    body: dict[str, Any] = {"customer_id": customer, "title": "nps", "amount": "9", "at": run.clock.now() + 1}
    await ask(run, Record, "PUT", "/v1/records/score/s-2", **body)
    await put(run, "A-1", customer_id=customer)
    found = await card(run, customer)
    assert [(one.kind, one.value, one.scale) for one in found.scores] == [
        ("nps", "9", "10"),
        ("csat", "4", "5"),
    ]
    csat = found.scores[1]
    assert (csat.comment, csat.source, csat.conversation_id) == ("quick", "chat", conversation.id)
    told = [line.split() for line in (await ok(run, "people", "show", str(customer))).splitlines()]
    assert [line[1:3] for line in told if line[0] == "score"] == [["nps", "9/10"], ["csat", "4/5:"]]
    assert [one.external_id for one in found.records] == ["A-1"]
    body["amount"] = "11"
    no = await refused(run, 409, "PUT", "/v1/records/score/s-3", **body)
    assert "from 0 to 10" in no.message
    await tell(run, "record", sender={"email": "ivan@example.org"}, record={**score, "title": "stars"})
    assert len((await card(run, customer)).scores) == 2
    # Exported with everything else, and gone with him.
    export = await ask(run, PersonExport, "GET", f"/v1/customers/{customer}/export", None)
    assert {one.external_id for one in export.records} == {"s-1", "s-2", "A-1"}
    await ask(
        run, ErasureReport, "POST", f"/v1/customers/{customer}/erase", None, name="Иван", reason="asked"
    )
    assert not await run.read("SELECT 1 FROM record")


async def test_scores_go_with_a_merge_and_come_back_from_it(run: Running) -> None:
    for address, name in (("ivan@example.org", "Иван"), ("petrov@example.org", "Пётр")):
        await run.letters.hear(address, "hello", name)
    rows = await run.read("SELECT id FROM customer ORDER BY id")
    one, other = (int(str(row["id"])) for row in rows)
    for number, customer in (("s-1", one), ("s-2", other)):
        await ask(
            run, Record, "PUT", f"/v1/records/score/{number}", customer_id=customer, title="ces", amount="2"
        )
    client = await run.client()
    merged = await client.people.merge(one, MergeCommand(other_id=other, reason="one person"))
    assert len((await card(run, one)).scores) == 2
    await client.people.unmerge(merged.merge_id)
    assert [len((await card(run, which)).scores) for which in (one, other)] == [1, 1]


# --- calls ----------------------------------------------------------------------------------------


async def call(run: Running, webhook_id: str = "", **data: Any) -> None:
    told = {"direction": "in", "number": "8 916 123-45-67", "result": "missed"} | data.pop("call", {})
    await tell(run, "call", webhook_id, call=told, **data)


async def test_a_missed_call_waits_and_proves_nobody(run: Running) -> None:
    await run.hook("it is my number", person={"phone": IVAN, "verified": ["phone"]})
    await call(run, "call-1")
    await call(run, "call-1")
    await call(run)
    assert len(await run.read("SELECT id FROM message WHERE event_kind = 'call'")) == 2
    calls = await run.read(
        "SELECT DISTINCT customer_id, conversation_id FROM message WHERE event_kind = 'call'"
    )
    [row] = calls
    assert row["customer_id"] != 1, "whose number it is may be somebody else's call"
    caller = await card(run, row["customer_id"])
    assert not any(one.verified for one in caller.addresses) and caller.name == IVAN
    detail = await (await run.client()).detail(row["conversation_id"])
    assert detail.ways == [] and detail.conversation.state == "open"
    shown = detail.history.messages[0]
    assert (shown.kind, shown.kind_of_event, shown.text) == ("in", "call", "incoming call, missed")
    assert shown.detail == {"direction": "in", "result": "missed", "duration_s": "0", "number": IVAN}


async def test_chat_call_and_letter_are_one_case(run: Running) -> None:
    """E5: the telephone system names the conversation from which the operator dialled."""
    visitor = await run.visitor(sub="7", name="Иван", email="ivan@example.org", email_verified=True)
    await visitor.say("please call me")
    conversation = await only(await run.client())
    link = "https://pbx.example/rec/1187.mp3?sig=abc"
    told = {"direction": "out", "result": "answered", "duration_s": 185, "recording": link}
    await call(run, conversation_id=conversation.id, call=told)
    await run.letters.hear("ivan@example.org", "thanks for the call")
    detail = await (await run.client()).detail(conversation.id)
    assert [one.text for one in detail.history.messages] == [
        "please call me",
        "outgoing call, answered, 3:05 min",
        "thanks for the call",
    ]
    assert len(await run.read("SELECT id FROM customer")) == 1
    shown = detail.history.messages[1]
    assert (shown.kind, shown.stranger, shown.detail["recording"]) == ("out", False, link)
    assert shown.reason == "named by the telephone system"
    [phone] = [one for one in detail.customer.addresses if one.scheme == "phone"]
    assert (phone.external_id, phone.verified) == (IVAN, False)


async def test_whom_we_called_is_who_has_the_number(run: Running) -> None:
    await run.hook("call me", person={"phone": IVAN, "verified": ["phone"]})
    conversation = await only(await run.client())
    await call(run, call={"direction": "out", "result": "busy"})
    [row] = await run.read("SELECT conversation_id, customer_id FROM message WHERE event_kind = 'call'")
    assert (row["conversation_id"], row["customer_id"]) == (conversation.id, conversation.customer_id)


async def test_an_answered_call_leaves_nobody_waiting(run: Running) -> None:
    await call(run, call={"result": "answered", "duration_s": 60})
    conversation = await only(await run.client())
    [row] = await run.read("SELECT customer_seq, seq FROM conversation")
    assert row["customer_seq"] == 0
    await ask(
        run, dict[str, Any], "POST", f"/v1/conversations/{conversation.id}/close", topic="call", result="done"
    )
    await call(run, call={"result": "answered"})
    assert [one["state"] for one in await run.read("SELECT state FROM conversation")] == ["closed"]
    await call(run)
    assert [one["state"] for one in await run.read("SELECT state FROM conversation")] == ["open"]


async def test_a_caller_who_is_barred_wakes_nobody(run: Running) -> None:
    await call(run)
    conversation = await only(await run.client())
    await ask(run, dict[str, Any], "POST", "/v1/spam", conversation_ids=[conversation.id])
    await call(run)
    assert (await (await run.client()).conversations("all")).items == []
    apart = (await (await run.client()).conversations("spam")).items
    assert [one.id for one in apart] == [conversation.id]
    assert len(await run.read("SELECT id FROM message WHERE event_kind = 'call'")) == 2


async def test_a_withheld_number_is_a_caller_of_its_own(run: Running) -> None:
    for _ in range(2):
        await call(run, call={"number": ""})
    assert [row["name"] for row in await run.read("SELECT name FROM customer")] == ["Number withheld"] * 2


@pytest.mark.parametrize(
    "told",
    [
        {"direction": "sideways"},
        {"result": "perhaps"},
        {"duration_s": "long"},
        {"duration_s": -1},
        {"recording": "javascript:alert(1)"},
    ],
)
async def test_a_call_that_makes_no_sense_is_shown_as_such(run: Running, told: dict[str, Any]) -> None:
    await call(run, call=told)
    [row] = await run.read("SELECT event_kind, detail FROM message")
    assert row["event_kind"] == "unsupported" and "data.call." in row["detail"]


def test_the_command_is_what_the_store_takes() -> None:
    """Every part of a RecordCommand has a column of its own."""
    from server.store.records import Fact

    assert set(RecordCommand.__struct_fields__) <= set(Fact.__struct_fields__)
