"""Cards and who is whom, in the fake operator API: what changes them, says so, and is answered."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from msgspec.structs import replace

from server import protocol as wire
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_api_wire import RefusalError, answer, read_body


class People:
    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self._merges: dict[int, tuple[int, int, list[int], list[wire.Address]]] = {}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/customers", self._find),
            web.patch("/v1/customers/{id}", self._change),
            web.get("/v1/customers/{id}/fields/{name}", self._history),
            web.post("/v1/customers/{id}/fields/{name}/revert", self._revert),
            web.put("/v1/customers/{id}/consents", self._consent),
            web.post("/v1/customers/{id}/addresses", self._add_address),
            web.delete("/v1/customers/{id}/addresses/{address}", self._forget_address),
            web.post("/v1/customers/{id}/links", self._link),
            web.get("/v1/customers/{id}/files", self._files),
            web.get("/v1/customers/{id}/notes", self._notes),
            web.get("/v1/fields", self._fields),
            web.get("/v1/identity/suggestions", self._suggestions),
            web.post("/v1/identity/suggestions/{id}/accept", self._accept),
            web.post("/v1/identity/suggestions/{id}/refuse", self._refuse),
            web.post("/v1/identity/suggestions/{id}/reopen", self._reopen),
            web.post("/v1/customers/{id}/merge", self._merge),
            web.post("/v1/merges/{id}/undo", self._unmerge),
        ]

    def _customer(self, request: web.Request) -> wire.Customer:
        key = int(request.match_info["id"])
        if key not in self._server.customers:
            raise RefusalError(404, "not_found", f"there is no customer {key}")
        return self._server.customers[key]

    async def _put(self, customer: wire.Customer, **fields: Any) -> web.Response:
        server = self._server
        server.customers[customer.id] = replace(customer, **fields)
        await server.push("customer.changed", customer_id=customer.id, data={"fields": sorted(fields)})
        return answer(server.customer(customer.id))

    # --- the card -------------------------------------------------------------------------------------

    async def _find(self, request: web.Request) -> web.Response:
        words = request.query.get("find", "").lower().split()

        def hay(one: wire.Customer) -> str:
            return " ".join([one.name, *(address.label for address in one.addresses)]).lower()

        found = [one for one in self._server.customers.values() if all(word in hay(one) for word in words)]
        return answer(wire.CustomerPage(items=found[:50], next=None))

    async def _change(self, request: web.Request) -> web.Response:
        customer, command = self._customer(request), await read_body(request, wire.CardCommand)
        fields = list(customer.fields)
        for name, value in command.fields.items():
            fields = [field for field in fields if field.name != name]
            made = self._field(customer.id, name, value or None)
            if made.value is not None:
                fields.append(made)
        plain = {
            name: getattr(command, name)
            for name in ("name", "language", "time_zone", "tags")
            if getattr(command, name) is not None
        }
        return await self._put(customer, fields=fields, **plain)

    def _field(self, customer_id: int, name: str, value: str | None) -> wire.Field:
        server = self._server
        history = server.histories.setdefault(customer_id, [])
        made = wire.Field(
            id=server.next_seq(), name=name, value=value, source="operator", at=server.now, by=server.me.name
        )
        history.insert(0, made)
        return made

    async def _history(self, request: web.Request) -> web.Response:
        history = self._server.histories.get(self._customer(request).id, [])
        return answer([field for field in history if field.name == request.match_info["name"]])

    async def _revert(self, request: web.Request) -> web.Response:
        customer, name = self._customer(request), request.match_info["name"]
        history = self._server.histories[customer.id]
        old = next(field for field in history if field.id == int(request.query["to"]))
        made = self._field(customer.id, name, old.value)
        fields = [field for field in customer.fields if field.name != name]
        return await self._put(customer, fields=[*fields, made])

    async def _consent(self, request: web.Request) -> web.Response:
        customer, command = self._customer(request), await read_body(request, wire.ConsentCommand)
        made = wire.Consent(
            purpose=command.purpose,
            scheme=command.scheme,
            granted=command.granted,
            source="operator",
            at=self._server.now,
            by=self._server.me.name,
        )
        others = [
            one for one in customer.consents if (one.purpose, one.scheme) != (command.purpose, command.scheme)
        ]
        return await self._put(customer, consents=[*others, made])

    async def _add_address(self, request: web.Request) -> web.Response:
        customer, command = self._customer(request), await read_body(request, wire.AddressCommand)
        made = wire.Address(
            id=self._server.next_seq(),
            scheme=command.scheme,
            external_id=command.external_id,
            label=command.external_id,
            verified=command.vouched,
            proof="colleague" if command.vouched else "claim",
        )
        kept = [one for one in customer.addresses if one.external_id != command.external_id]
        findings = [one for one in customer.findings if one.external_id != command.external_id]
        return await self._put(customer, addresses=[*kept, made], findings=findings)

    async def _forget_address(self, request: web.Request) -> web.Response:
        customer, key = self._customer(request), int(request.match_info["address"])
        if any(one.id == key and one.verified for one in customer.addresses):
            raise RefusalError(409, "illegal_state", "only a claim can be forgotten")
        return await self._put(customer, addresses=[one for one in customer.addresses if one.id != key])

    async def _link(self, request: web.Request) -> web.Response:
        customer, command = self._customer(request), await read_body(request, wire.LinkCommand)
        other = self._server.customers[command.customer_id]
        made = wire.LinkedPerson(
            id=self._server.next_seq(), customer_id=other.id, name=other.name, relation=command.relation
        )
        return await self._put(customer, linked=[*customer.linked, made])

    async def _fields(self, request: web.Request) -> web.Response:
        return answer(self._server.fields)

    async def _files(self, request: web.Request) -> web.Response:
        key = self._customer(request).id
        items = [
            wire.CustomerFile(
                id=file.id,
                name=file.name,
                content_type=file.content_type,
                size=file.size,
                kind=file.kind,
                problem=file.problem,
                message_id=message.id,
                conversation_id=message.conversation_id,
                at=message.at,
                mark=message.mark,
                from_customer=message.kind == "in",
            )
            for message in sorted(self._server.messages, key=lambda one: -one.at)
            for file in message.files
            if message.customer_id == key
        ]
        return answer(wire.CustomerFiles(items=items, next=None))

    async def _notes(self, request: web.Request) -> web.Response:
        key = self._customer(request).id
        items = [one for one in self._server.messages if one.customer_id == key and one.kind == "note"]
        return answer(wire.MessagePage(items=sorted(items, key=lambda one: -one.at), next=None))

    # --- who is whom ----------------------------------------------------------------------------------

    async def _suggestions(self, request: web.Request) -> web.Response:
        server, customer = self._server, request.query.get("customer")
        found = [one for one in server.suggestions.values() if one.state == "open"]
        mine = [
            replace(one, one=server.customers[one.one.id], other=server.customers[one.other.id])
            for one in sorted(found, key=lambda one: -one.score)
            if customer is None or int(customer) in (one.one.id, one.other.id)
        ]
        limit = int(request.query.get("limit", "50"))
        return answer(wire.SuggestionPage(items=mine[:limit], next=None, open=len(found)))

    def _suggestion(self, request: web.Request) -> wire.Suggestion:
        return self._server.suggestions[int(request.match_info["id"])]

    async def _accept(self, request: web.Request) -> web.Response:
        one = self._suggestion(request)
        merged = await self._join(one.one.id, one.other.id, "suggestion")
        self._server.suggestions[one.id] = replace(one, state="accepted", merge_id=merged.merge_id)
        return answer(merged)

    async def _refuse(self, request: web.Request) -> web.Response:
        return await self._decide(self._suggestion(request), "refused")

    async def _reopen(self, request: web.Request) -> web.Response:
        return await self._decide(self._suggestion(request), "open")

    async def _decide(self, one: wire.Suggestion, state: Any) -> web.Response:
        server = self._server
        server.suggestions[one.id] = replace(one, state=state)
        await server.push("identity.refused" if state == "refused" else "identity.suggested")
        return answer(server.suggestions[one.id])

    async def _merge(self, request: web.Request) -> web.Response:
        customer, command = self._customer(request), await read_body(request, wire.MergeCommand)
        return answer(await self._join(customer.id, command.other_id, command.reason))

    async def _join(self, into: int, other: int, why: str) -> wire.Merged:
        server, merge_id = self._server, self._server.next_seq()
        keeps, goes = server.customers[into], server.customers[other]
        rows = [row.id for row in server.conversations.values() if row.customer_id == other]
        self._merges[merge_id] = (into, other, rows, list(keeps.addresses))
        info = wire.MergeInfo(id=merge_id, at=server.now, name=goes.name, evidence=why, by=server.me.name)
        server.customers[into] = replace(
            keeps, addresses=[*keeps.addresses, *goes.addresses], merges=[info, *keeps.merges]
        )
        await self._move(rows, into)
        await server.push("customer.merged", customer_id=into, data={"from": other})
        return wire.Merged(merge_id=merge_id, customer_id=into)

    async def _unmerge(self, request: web.Request) -> web.Response:
        server, merge_id = self._server, int(request.match_info["id"])
        into, other, rows, addresses = self._merges.pop(merge_id)
        keeps = server.customers[into]
        server.customers[into] = replace(
            keeps, addresses=addresses, merges=[one for one in keeps.merges if one.id != merge_id]
        )
        for key, one in server.suggestions.items():
            if one.merge_id == merge_id:
                server.suggestions[key] = replace(one, state="refused", merge_id=None)
        await self._move(rows, other)
        await server.push("customer.unmerged", customer_id=into, data={"restored": other})
        return answer(wire.Unmerged(customer_id=into, restored_id=other, conversations=rows))

    async def _move(self, rows: list[int], customer_id: int) -> None:
        server, name = self._server, self._server.customers[customer_id].name
        for key in rows:
            server.change(key, customer_id=customer_id, customer=name)
            seq = server.conversations[key].seq
            await server.push("conversation.changed", conversation_id=key, seq=seq)
        server.messages[:] = [
            replace(message, customer_id=customer_id) if message.conversation_id in rows else message
            for message in server.messages
        ]
