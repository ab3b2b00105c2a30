"""The fake operator API: what a case is about, splits, joins, codes, first messages, contacts, spam."""

from __future__ import annotations

from aiohttp import web
from msgspec.structs import replace

from server import protocol as wire
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_api_wire import RefusalError, answer, read_body

CODE = "123456"
KINDS = {"phone": "call", "office": "visit", "paper": "paper", "other": "contact"}


class Cases:
    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self._regroupings: dict[int, tuple[wire.Regrouping, list[int]]] = {}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.patch("/v1/conversations/{id}", self._change),
            web.post("/v1/conversations/{id}/split", self._split),
            web.post("/v1/conversations/{id}/join", self._join),
            web.get("/v1/conversations/{id}/regroupings", self._list),
            web.post("/v1/regroupings/{id}/undo", self._undo),
            web.post("/v1/conversations/{id}/codes", self._code),
            web.post("/v1/codes/{id}/try", self._try),
            web.post("/v1/customers/{id}/first-message", self._first),
            web.post("/v1/bulk-messages", self._bulk),
            web.post("/v1/contacts", self._contact),
            web.post("/v1/spam", self._spam),
        ]

    async def _change(self, request: web.Request) -> web.Response:
        server, key = self._server, int(request.match_info["id"])
        command = await read_body(request, wire.CaseCommand)
        fields = {
            name: getattr(command, name)
            for name in ("priority", "topic", "summary", "next_step", "tags")
            if getattr(command, name) is not None
        }
        if command.due_at is not None:
            fields["due_at"] = command.due_at or None
        row = server.change(key, **fields)
        await server.push("conversation.changed", conversation_id=key, seq=row.seq)
        return answer(row)

    # --- splits and joins -----------------------------------------------------------------------------

    async def _move(self, ids: list[int], into: int) -> None:
        server = self._server
        server.messages[:] = [
            replace(one, conversation_id=into, seq=server.next_seq()) if one.id in ids else one
            for one in server.messages
        ]
        await server.push("conversation.regrouped", conversation_id=into)

    def _note(self, kind: str, origin: int, into: int, ids: list[int]) -> wire.Regrouped:
        server, key = self._server, self._server.next_seq()
        made = wire.Regrouping(
            id=key,
            kind="split" if kind == "split" else "join",
            at=server.now,
            from_conversation=origin,
            into_conversation=into,
            by=server.me.name,
        )
        self._regroupings[key] = (made, ids)
        return wire.Regrouped(regrouping_id=key, conversation_id=into)

    async def _split(self, request: web.Request) -> web.Response:
        server, key = self._server, int(request.match_info["id"])
        command = await read_body(request, wire.SplitCommand)
        row, made = server.conversations[key], max(server.conversations) + 1
        server.conversations[made] = replace(
            row, id=made, seq=server.next_seq(), subject=command.subject or row.subject
        )
        await self._move(command.message_ids, made)
        return answer(self._note("split", key, made, command.message_ids))

    async def _join(self, request: web.Request) -> web.Response:
        server, key = self._server, int(request.match_info["id"])
        other = (await read_body(request, wire.JoinCommand)).other_id
        ids = [one.id for one in server.messages if one.conversation_id == other]
        await self._move(ids, key)
        return answer(self._note("join", other, key, ids))

    async def _list(self, request: web.Request) -> web.Response:
        key = int(request.match_info["id"])
        found = [made for made, _ids in self._regroupings.values()]
        return answer([one for one in found if key in (one.from_conversation, one.into_conversation)])

    async def _undo(self, request: web.Request) -> web.Response:
        made, ids = self._regroupings.pop(int(request.match_info["id"]))
        await self._move(ids, made.from_conversation)
        return answer(wire.Regrouped(regrouping_id=made.id, conversation_id=made.from_conversation))

    # --- codes ----------------------------------------------------------------------------------------

    async def _code(self, request: web.Request) -> web.Response:
        server, key = self._server, int(request.match_info["id"])
        command = await read_body(request, wire.CodeCommand)
        stopped = server.stopped.get(key, wire.Stopped())
        if command.kind == "digits" and (stopped.known_until or 0) > server.now and not command.again:
            raise RefusalError(409, "known", f"{stopped.known_by} shows who he is, until 2026-12-11")
        title = server.channels[command.channel_id].title
        what = "a code was sent" if command.kind == "digits" else "a link was sent"
        message = server.add_message(key, "system", f"{what}: {title}", seq=server.next_seq())
        await server.push("identity.code_sent", conversation_id=key, message=message, seq=message.seq)
        made = wire.CodeMade(id=7, kind=command.kind, expires_at=server.now + 600_000, message_id=message.id)
        return answer(made)

    async def _try(self, request: web.Request) -> web.Response:
        command = await read_body(request, wire.TryCommand)
        right = "".join(char for char in command.code if char.isdecimal()) == CODE
        return answer(wire.Tried(right=right, tries_left=5 if right else 4, customer_id=1))

    # --- first messages, contacts, spam -----------------------------------------------------------------

    async def _first(self, request: web.Request) -> web.Response:
        server, customer_id = self._server, int(request.match_info["id"])
        command = await read_body(request, wire.FirstMessage)
        if command.client_id in server.by_client_id:
            return answer(server.by_client_id[command.client_id])
        held = [one for one in server.obstacles if one.blocks or one.kind not in command.despite]
        if held:
            raise RefusalError(409, "held", "something stands against it", obstacles=held)
        rows = [row.id for row in server.conversations.values() if row.customer_id == customer_id]
        if command.beside is not None and server.hold_ms:
            message = server.hold(
                command.beside,
                command.text,
                wire.Draft(
                    conversation_id=command.beside,
                    kind="first",
                    subject=command.subject,
                    channel_id=command.channel_id,
                    address_id=command.address_id,
                ),
            )
        else:
            message = server.add_message(
                rows[-1],
                "out",
                command.text,
                seq=server.next_seq(),
                author_id=server.me.id,
                channel_id=command.channel_id,
                subject=command.subject,
                status="queued",
            )
        server.by_client_id[command.client_id] = message
        await server.push("message.queued", conversation_id=rows[-1], message=message, seq=message.seq)
        return answer(message)

    async def _bulk(self, request: web.Request) -> web.Response:
        held, command = self._server.held_back, await read_body(request, wire.BulkMessage)
        outcomes = [held.get(key) or wire.BulkOutcome(customer_id=key) for key in command.customer_ids]
        count = sum(1 for one in outcomes if one.customer_id in held)
        return answer(wire.BulkDone(outcomes=outcomes, queued=len(outcomes) - count, held=count))

    async def _contact(self, request: web.Request) -> web.Response:
        server, command = self._server, await read_body(request, wire.HandContact)
        key = command.conversation_id
        if key is None:
            person = wire.Customer(
                id=len(server.customers) + 1, name=command.name or command.phone, created_at=server.now
            )
            server.customers[person.id] = person
            key = max(server.conversations) + 1
            server.conversations[key] = wire.Conversation(
                id=key,
                seq=server.next_seq(),
                customer_id=person.id,
                customer=person.name,
                state="open",
                assignee_id=server.me.id,
                sort_at=server.now,
                opened_at=server.now,
            )
        message = server.add_message(
            key,
            "in" if command.from_customer else "out",
            command.text,
            seq=server.next_seq(),
            author_id=None if command.from_customer else server.me.id,
            at=command.at or server.now,
            channel_id="",
            kind_of_event=KINDS[command.medium],
            detail={"medium": command.medium, "result": command.result},
        )
        await server.push("contact.added", conversation_id=key, message=message, seq=message.seq)
        return answer(message)

    async def _spam(self, request: web.Request) -> web.Response:
        server, command = self._server, await read_body(request, wire.SpamCommand)
        for key in command.conversation_ids:
            row = server.change(key, spam=command.spam, state="closed" if command.spam else "open")
            await server.push("conversation.state", conversation_id=key, seq=row.seq)
        barred = len(command.conversation_ids) if command.spam and command.bar else 0
        return answer(wire.SpamDone(conversation_ids=command.conversation_ids, addresses_barred=barred))
