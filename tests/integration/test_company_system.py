"""A system of the company, from outside: told by webhook, it reads and writes by API, and is told of that."""

from __future__ import annotations

import json
from typing import Any

from channels.secret import Secret
from server.people.card_settings import FieldSettings
from server.settings import ApiSettings
from server.webhooks.settings import EventWebhookSettings
from tests.fakes.distant import Distant, new_token
from tests.fakes.event_receiver import SECRET, EventReceiver
from tests.fakes.running_server import running_server, until


def of(receiver: EventReceiver, kind: str) -> list[dict[str, Any]]:
    return [body["data"] for body in receiver.once if body["type"] == kind]


async def test_it_reads_and_writes_fields_orders_notes_and_state() -> None:
    crm = EventReceiver()
    async with crm.served():
        told = EventWebhookSettings(url=crm.url, secret=Secret(SECRET), name="crm")
        fields = {"plan": FieldSettings(title="Plan", kind="choice", choices=["gold", "silver"])}
        api = ApiSettings(listen="127.0.0.1:0")
        async with running_server(api=api, webhooks=(told,), fields=fields) as run:
            outside = Distant(run, (await new_token(run)).token)

            async def ask(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
                data = None if body is None else json.dumps(body).encode()
                status, said, _ = await outside.ask(method, path, data)
                assert status == 200, said
                return json.loads(said)

            await run.hook("where is my kettle?", person={"name": "Ivan"})
            await until(lambda: bool(of(crm, "message.received")))
            [heard] = of(crm, "message.received")
            conversation = f"/v1/conversations/{heard['conversation_id']}"
            customer = f"/v1/customers/{heard['customer_id']}"
            detail = await ask("GET", conversation)
            assert [one["text"] for one in detail["history"]["messages"]] == ["where is my kettle?"]
            assert (await ask("GET", customer))["name"] == "Ivan"

            await ask("PATCH", customer, {"fields": {"plan": "gold"}})
            order = {"customer_id": heard["customer_id"], "title": "Kettle", "state": "paid", "version": 1}
            await ask("PUT", "/v1/records/order/1187", order)
            await ask("POST", f"{conversation}/note", {"client_id": "crm-note-0001", "text": "it left today"})
            await ask("PATCH", conversation, {"priority": "urgent", "tags": ["order-1187"]})
            await ask("POST", f"{conversation}/close", {"topic": "delivery", "result": "on its way"})

            await until(
                lambda: any(one["detail"].get("to") == "closed" for one in of(crm, "conversation.state"))
            )
            assert [one["detail"]["fields"] for one in of(crm, "customer.changed")][-1] == ["plan"]
            assert [one["customer_id"] for one in of(crm, "record.changed")] == [heard["customer_id"]]
            assert len(of(crm, "note.added")) == 1
            shown = of(crm, "conversation.state")[-1]["conversation"]
            assert (shown["state"], shown["topic"], shown["priority"]) == ("closed", "delivery", "urgent")
            assert shown["tags"] == ["order-1187"]
            card = await ask("GET", customer)
            assert ("plan", "gold") in [(one["name"], one["value"]) for one in card["fields"]]
            orders = await ask("GET", f"{customer}/records?kind=order")
            assert [one["external_id"] for one in orders] == ["1187"]
