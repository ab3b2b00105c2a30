"""What a console asks of the fake operator API; nothing changes by it."""

from __future__ import annotations

from aiohttp import web

from server import protocol as wire
from server.queue.next_best import Candidate, urgency
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_api_wire import RefusalError, answer, read_body


class Questions:
    def __init__(self, server: FakeServer) -> None:
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/hello", self._hello),
            web.get("/v1/conversations", self._conversations),
            web.get("/v1/counts", self._counts),
            web.get("/v1/conversations/{id}", self._detail),
            web.get("/v1/customers/{id}", self._customer),
            web.get("/v1/customers/{id}/history", self._history),
            web.get("/v1/conversations/{id}/why", self._why),
            web.get("/v1/conversations/{id}/templates", self._templates),
            web.get("/v1/templates", self._every_template),
            web.get("/v1/drafts", self._drafts),
            web.get("/v1/files/{id}", self._file),
            web.get("/v1/search", self._search),
            web.get("/v1/views", self._views),
            web.post("/v1/views", self._save_view),
            web.delete("/v1/views/{id}", self._remove_view),
            web.get("/v1/outbox", self._outbox),
            web.get("/v1/channels", self._channels),
            web.get("/v1/operators", self._operators),
        ]

    async def _file(self, request: web.Request) -> web.Response:
        key = int(request.match_info["id"])
        if key not in self._server.bytes_of:
            raise RefusalError(404, "not_found", f"there is no file {key}")
        return web.Response(body=self._server.bytes_of[key])

    async def _hello(self, request: web.Request) -> web.Response:
        server = self._server
        return answer(
            wire.Hello(
                protocol=wire.PROTOCOL,
                version="0.1.0",
                site="Demo shop",
                operator=server.me,
                seq=server.seq,
                now=server.now,
                channels=list(server.channels.values()),
                operators=list(server.operators.values()),
            )
        )

    async def _conversations(self, request: web.Request) -> web.Response:
        query = request.query
        limit = int(query.get("limit", "100"))
        filtered = query.get("filter", "")
        return answer(self._server.page(query["view"], query.get("after"), limit, filtered))

    async def _views(self, request: web.Request) -> web.Response:
        return answer(self._server.views)

    async def _save_view(self, request: web.Request) -> web.Response:
        wanted, server = await read_body(request, wire.SavedViewCommand), self._server
        view = wire.SavedView(
            id=len(server.views) + 1,
            name=wanted.name,
            base=wanted.base,
            filter=wanted.filter,
            shared=wanted.shared,
            by=server.me.name,
            by_id=server.me.id,
            updated_at=server.now,
        )
        server.views.append(view)
        await server.push("view.changed", operator_id=server.me.id)
        return answer(view)

    async def _remove_view(self, request: web.Request) -> web.Response:
        server, key = self._server, int(request.match_info["id"])
        [view] = [one for one in server.views if one.id == key]
        server.views.remove(view)
        await server.push("view.changed", operator_id=server.me.id)
        return answer(view)

    async def _counts(self, request: web.Request) -> web.Response:
        return answer(self._server.counts())

    async def _detail(self, request: web.Request) -> web.Response:
        return answer(self._server.detail(int(request.match_info["id"])))

    async def _why(self, request: web.Request) -> web.Response:
        server, row = self._server, self._server.row(int(request.match_info["id"]))
        found = urgency(Candidate(conversation=row), server.me.id, server.now)
        if row.deadline is not None:
            found.deadlines = [
                wire.DeadlineFigure(
                    kind=row.deadline.kind,
                    since=server.now,
                    target_ms=300_000,
                    status="running",
                    due_at=row.deadline.due_at,
                )
            ]
        return answer(found)

    async def _customer(self, request: web.Request) -> web.Response:
        return answer(self._server.customer(int(request.match_info["id"])))

    async def _history(self, request: web.Request) -> web.Response:
        customer_id, limit = int(request.match_info["id"]), int(request.query.get("limit", "50"))
        return answer(self._server.history(customer_id, request.query.get("before"), limit))

    async def _drafts(self, request: web.Request) -> web.Response:
        return answer(list(self._server.drafts.values()))

    async def _every_template(self, request: web.Request) -> web.Response:
        return answer(
            [
                wire.Template(code=one.code, title=one.title, variants=[], updated_at=0)
                for one in self._server.templates
            ]
        )

    async def _templates(self, request: web.Request) -> web.Response:
        code = request.query["code"]
        return answer([one for one in self._server.templates if one.code.startswith(code)])

    async def _search(self, request: web.Request) -> web.Response:
        customer = request.query.get("customer")
        limit = int(request.query.get("limit", "50"))
        key = int(customer) if customer else None
        return answer(self._server.hits(request.query["q"], limit, key, request.query.get("before")))

    async def _outbox(self, request: web.Request) -> web.Response:
        return answer(self._server.outbox())

    async def _channels(self, request: web.Request) -> web.Response:
        return answer(list(self._server.channels.values()))

    async def _operators(self, request: web.Request) -> web.Response:
        return answer(list(self._server.operators.values()))
