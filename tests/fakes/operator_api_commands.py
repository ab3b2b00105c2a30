"""What a console has the fake operator API do: each command changes the books, says so, and is answered."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from msgspec.structs import replace

from server import protocol as wire
from server.queue.next_best import Candidate, ranked
from tests.fakes.operator_api_books import UNSETTLED
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_api_wire import RefusalError, answer, read_body


class Commands:
    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self._deeds: dict[int, tuple[wire.Conversation, wire.Conversation]] = {}  # by seq: before and after

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/conversations/{id}/claim", self._claim),
            web.post("/v1/conversations/{id}/release", self._release),
            web.post("/v1/conversations/{id}/assign", self._assign),
            web.post("/v1/conversations/{id}/decline", self._decline),
            web.post("/v1/conversations/{id}/shares", self._share),
            web.post("/v1/messages/{id}/forward", self._forward),
            web.put("/v1/presence", self._be),
            web.post("/v1/next", self._next),
            web.post("/v1/conversations/{id}/reply", self._reply),
            web.post("/v1/conversations/{id}/note", self._note),
            web.post("/v1/conversations/{id}/close", self._close),
            web.post("/v1/conversations/{id}/reopen", self._reopen),
            web.post("/v1/conversations/{id}/snooze", self._snooze),
            web.post("/v1/conversations/{id}/wake", self._wake),
            web.post("/v1/conversations/{id}/undo", self._undo),
            web.post("/v1/conversations/{id}/seen", self._seen),
            web.put("/v1/conversations/{id}/draft", self._draft),
            web.post("/v1/outbox/settle", self._settle),
            web.get("/v1/outbox/held", self._held),
            web.post("/v1/messages/{id}/withdraw", self._withdraw),
            web.post("/v1/messages/{id}/leave", self._leave),
        ]

    def _id(self, request: web.Request) -> int:
        return self._server.row(int(request.match_info["id"])).id

    # --- the case -------------------------------------------------------------------------------------

    async def _change(self, kind: str, conversation_id: int, **fields: Any) -> web.Response:
        server = self._server
        before = server.conversations[conversation_id]
        row = server.change(conversation_id, **fields)
        self._deeds[row.seq] = before, server.conversations[conversation_id]
        await server.push(kind, conversation_id=row.id, operator_id=server.me.id, seq=row.seq)
        return answer(row)

    async def _claim(self, request: web.Request) -> web.Response:
        key, me = self._id(request), self._server.me
        command = await read_body(request, wire.ClaimCommand)
        row = self._server.row(key)
        if row.assignee_id not in (command.expect, me.id):
            raise RefusalError(409, "taken", f"{row.assignee} has it", holder=row.assignee)
        return await self._change("conversation.assigned", key, assignee_id=me.id, assignee=me.name)

    async def _release(self, request: web.Request) -> web.Response:
        key = self._id(request)
        return await self._change("conversation.assigned", key, assignee_id=None, assignee="")

    async def _assign(self, request: web.Request) -> web.Response:
        key = self._id(request)
        command = await read_body(request, wire.AssignCommand)
        if not command.note.strip():
            raise RefusalError(409, "illegal_state", "a hand-over needs a note")
        receiver = self._server.operators[command.operator_id or 0]
        self._note_down(key, command.note)
        return await self._change(
            "conversation.assigned", key, assignee_id=receiver.id, assignee=receiver.name
        )

    def _note_down(self, key: int, text: str) -> None:
        server = self._server
        server.add_message(key, "note", text, seq=server.next_seq(), author_id=server.me.id)

    async def _decline(self, request: web.Request) -> web.Response:
        key = self._id(request)
        self._note_down(key, (await read_body(request, wire.DeclineCommand)).reason)
        return await self._change(
            "conversation.assigned", key, assignee_id=None, assignee="", decline_until=None
        )

    async def _be(self, request: web.Request) -> web.Response:
        server, command = self._server, await read_body(request, wire.PresenceCommand)
        server.me = replace(server.me, presence=command.state)
        server.operators[server.me.id] = server.me
        await server.push("operator.changed", operator_id=server.me.id)
        return answer(server.me)

    async def _next(self, request: web.Request) -> web.Response:
        server, command = self._server, await read_body(request, wire.NextCommand)
        open_ones = [row for row in server.conversations.values() if row.state == "open"]
        mine = [row for row in open_ones if row.assignee_id in (None, server.me.id)]
        best = ranked(
            (Candidate(conversation=row) for row in mine if row.id not in command.skip),
            server.me.id,
            server.now,
        )
        if not best or best[0].conversation is None:
            return answer(wire.Urgency())
        found, key = best[0], best[0].conversation.id
        await self._change("conversation.assigned", key, assignee_id=server.me.id, assignee=server.me.name)
        found.conversation = server.row(key)
        return answer(found)

    async def _share(self, request: web.Request) -> web.Response:
        key = self._id(request)
        command = await read_body(request, wire.ShareCommand)
        shared_with = [*self._server.conversations[key].shared_with, command.operator_id]
        return await self._change("conversation.shared", key, shared_with=shared_with)

    async def _close(self, request: web.Request) -> web.Response:
        key, now = self._id(request), self._server.now
        command = await read_body(request, wire.CloseCommand)
        if not command.topic.strip() or not command.result.strip():
            raise RefusalError(409, "illegal_state", "closing needs a topic and a result")
        return await self._change(
            "conversation.state",
            key,
            state="closed",
            topic=command.topic,
            result=command.result,
            closed_at=now,
            sort_at=now,
            waiting_since=None,
        )

    async def _reopen(self, request: web.Request) -> web.Response:
        server = self._server
        return await self._change(
            "conversation.state",
            self._id(request),
            state="open",
            closed_at=None,
            sort_at=server.now,
            assignee_id=server.me.id,
            assignee=server.me.name,
        )

    async def _snooze(self, request: web.Request) -> web.Response:
        key, server = self._id(request), self._server
        command = await read_body(request, wire.SnoozeCommand)
        return await self._change(
            "conversation.state",
            key,
            state="snoozed",
            snooze_until=command.until,
            sort_at=server.now,
            assignee_id=server.me.id,
            assignee=server.me.name,
        )

    async def _wake(self, request: web.Request) -> web.Response:
        key = self._id(request)
        state = "open" if self._server.row(key).waiting_since is not None else "waiting"
        return await self._change("conversation.state", key, state=state, snooze_until=None)

    async def _undo(self, request: web.Request) -> web.Response:
        key, server = self._id(request), self._server
        command = await read_body(request, wire.UndoCommand)
        row = server.conversations[key]
        before, after = self._deeds[command.seq]
        if row.assignee_id not in (None, server.me.id, after.assignee_id):
            raise RefusalError(409, "taken", f"{row.assignee} has it", holder=row.assignee)
        if replace(row, seq=0) != replace(after, seq=0):
            raise RefusalError(409, "illegal_state", "it was moved since")
        server.conversations[key] = before
        return await self._change("conversation.state", key)

    async def _seen(self, request: web.Request) -> web.Response:
        key, server = self._id(request), self._server
        command = await read_body(request, wire.SeenCommand)
        server.seen[key] = max(server.seen.get(key, 0), command.seq)
        await server.push(
            "conversation.seen",
            conversation_id=key,
            operator_id=server.me.id,
            data={"seq": server.seen[key]},
        )
        return answer(server.row(key))

    # --- words ----------------------------------------------------------------------------------------

    async def _forward(self, request: web.Request) -> web.Response:
        server, command = self._server, await read_body(request, wire.ForwardCommand)
        if command.client_id in server.by_client_id:
            return answer(server.by_client_id[command.client_id])
        original = server.messages[int(request.match_info["id"]) - 1]
        detail = {"forwarded": str(original.id)}
        place = (original.conversation_id, "forward")
        server.drafts.pop(place, None)
        if command.hold and server.hold_ms:
            to = [wire.Recipient(role="to", address=one.address) for one in command.to]
            message = server.hold(
                original.conversation_id,
                command.text,
                wire.Draft(
                    conversation_id=place[0],
                    kind="forward",
                    channel_id=command.channel_id,
                    to=command.to,
                    cc=command.cc,
                    forwards=wire.Forwarded(message_id=original.id, file_ids=command.file_ids),
                ),
                detail=detail,
                recipients=to,
            )
        else:
            made = max(server.conversations) + 1
            server.conversations[made] = replace(
                server.conversations[original.conversation_id],
                id=made,
                seq=server.next_seq(),
                state="waiting",
                customer=command.to[0].address,
            )
            message = server.add_message(made, "out", command.text, author_id=server.me.id, detail=detail)
        server.by_client_id[command.client_id] = message
        return answer(message)

    async def _reply(self, request: web.Request) -> web.Response:
        key, server = self._id(request), self._server
        command = await read_body(request, wire.ReplyCommand)
        if command.client_id in server.by_client_id:
            return answer(server.by_client_id[command.client_id])
        news = self._news(key, command.after_seq)
        if news:
            raise RefusalError(409, "stale", "there is news", news=news, seq=max(one.seq for one in news))
        seq = server.next_seq()
        if command.at is not None:
            return await self._schedule(key, command, seq)
        message = server.add_message(
            key,
            "out",
            command.text,
            seq=seq,
            author_id=server.me.id,
            channel_id=command.channel_id,
            address_id=command.address_id,
            status="queued",
            leaves_at=server.now + server.hold_ms if server.hold_ms else None,
        )
        server.by_client_id[command.client_id] = message
        row = server.conversations[key]
        server.conversations[key] = replace(
            row,
            seq=seq,
            state="waiting",
            waiting_since=None,
            sort_at=server.now,
            reply_seq=seq,
            assignee_id=row.assignee_id or server.me.id,
            assignee=row.assignee or server.me.name,
        )
        server.drafts.pop((key, "reply"), None)
        await server.push(
            "message.queued", conversation_id=key, message=message, operator_id=server.me.id, seq=seq
        )
        return answer(message)

    async def _schedule(self, key: int, command: wire.ReplyCommand, seq: int) -> web.Response:
        server = self._server
        message = server.add_message(
            key,
            "system",
            command.text,
            seq=seq,
            author_id=server.me.id,
            kind_of_event="scheduled",
            status="scheduled",
            leaves_at=command.at,
        )
        server.by_client_id[command.client_id] = message
        server.kept[message.id] = command.keep
        row = server.change(key, state="snoozed", snooze_until=command.at)
        await server.push("message.scheduled", conversation_id=key, message=message, seq=row.seq)
        return answer(message)

    async def _leave(self, request: web.Request) -> web.Response:
        server, key = self._server, int(request.match_info["id"])
        command = await read_body(request, wire.LeaveCommand)
        index, message = next((i, one) for i, one in enumerate(server.messages) if one.id == key)
        if command.at is None:
            message = replace(message, kind="out", kind_of_event="message", status="queued", leaves_at=None)
        else:
            message = replace(message, leaves_at=command.at)
        server.messages[index] = message
        row = server.change(message.conversation_id)
        await server.push("message.queued", conversation_id=row.id, message=message, seq=row.seq)
        return answer(message)

    def _news(self, conversation_id: int, after_seq: int) -> list[wire.Message]:
        """What the customer or a colleague wrote since."""
        return [
            message
            for message in self._server.messages
            if message.conversation_id == conversation_id
            and message.seq > after_seq
            and (message.kind == "in" or (message.kind == "out" and message.author_id != self._server.me.id))
        ]

    async def _note(self, request: web.Request) -> web.Response:
        key, server = self._id(request), self._server
        command = await read_body(request, wire.NoteCommand)
        if command.client_id in server.by_client_id:
            return answer(server.by_client_id[command.client_id])
        seq = server.next_seq()
        message = server.add_message(key, "note", command.text, seq=seq, author_id=server.me.id)
        server.by_client_id[command.client_id] = message
        server.conversations[key] = replace(server.conversations[key], seq=seq)
        server.drafts.pop((key, "note"), None)
        await server.push(
            "note.added", conversation_id=key, message=message, operator_id=server.me.id, seq=seq
        )
        return answer(message)

    async def _draft(self, request: web.Request) -> web.Response:
        self._id(request)
        server = self._server
        draft = await read_body(request, wire.Draft)
        draft = replace(draft, updated_at=server.now + len(server.asked))
        if draft.text:
            server.drafts[draft.conversation_id, draft.kind] = draft
        else:
            server.drafts.pop((draft.conversation_id, draft.kind), None)
        return answer(draft)

    async def _held(self, request: web.Request) -> web.Response:
        return answer(self._server.held())

    async def _withdraw(self, request: web.Request) -> web.Response:
        server, key = self._server, int(request.match_info["id"])
        index, message = next((i, one) for i, one in enumerate(server.messages) if one.id == key)
        if message.kind == "out" and message not in server.held():
            raise RefusalError(409, "illegal_state", "too late: it has left already, or is being sent now")
        taken = replace(message, kind="system", status="withdrawn", kind_of_event="withdrawn", leaves_at=None)
        server.messages[index] = taken
        back = server.held_drafts.pop(
            key,
            wire.Draft(
                conversation_id=message.conversation_id,
                channel_id=message.channel_id,
                address_id=message.address_id,
            ),
        )
        place = (message.conversation_id, back.kind)
        begun = server.drafts[place].text if place in server.drafts else ""
        draft = replace(back, text="\n\n".join(filter(None, (message.text, begun))))
        server.drafts[place] = replace(draft, updated_at=server.now + len(server.asked))
        reply = {"state": "open", "waiting_since": server.now} if back.kind == "reply" else {}
        row = server.change(message.conversation_id, **reply)
        await server.push("message.withdrawn", conversation_id=row.id, message=taken, seq=row.seq)
        return answer(wire.Withdrawn(message=taken, draft=server.drafts[place]))

    async def _settle(self, request: web.Request) -> web.Response:
        server = self._server
        command = await read_body(request, wire.SettleCommand)
        ids = [
            message.id
            for message in server.messages
            if message.kind == "out"
            and message.status in UNSETTLED
            and (command.all or message.id in command.message_ids)
        ]
        for key in ids:
            await server.set_status(key, "queued" if command.verdict == "again" else "sent")
        return answer(wire.Settled(message_ids=ids))
