"""What a lead asks of the fake operator API: three operators and what they hold, computed from its books."""

from __future__ import annotations

from aiohttp import web
from msgspec.structs import replace

from server import protocol as wire
from tests.fakes.operator_api_books import HOUR, MINUTE
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_api_wire import answer

KIND = {"chat": "chat", "mail": "email", "tg": "messenger", "sms": "messenger"}
TEAM = {"chat": "Support", "mail": "Support", "tg": "Support", "sms": "Sales"}
PRESENCE: tuple[wire.Presence, ...] = ("available", "pause", "offline")
ROOM = {"chat": 3, "messenger": 5, "email": 7}


class Lead:
    def __init__(self, server: FakeServer) -> None:
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/overview", self._look),
            web.get("/v1/overview/conversations", self._behind),
            web.get("/v1/forgotten", self._left),
        ]

    def _open(self) -> list[wire.Conversation]:
        return [row for row in self._server.conversations.values() if row.state == "open"]

    def _forgotten(self) -> list[wire.Conversation]:
        rows = self._server.conversations.values()
        return [row for row in rows if row.state == "closed" and row.customer_seq > row.reply_seq]

    async def _left(self, _request: web.Request) -> web.Response:
        return answer(self._forgotten())

    async def _look(self, request: web.Request) -> web.Response:
        server = self._server
        overview = wire.Overview(
            at=server.now,
            seq=server.seq,
            queue=len([row for row in self._open() if row.assignee_id is None]),
            queues=[self._queue(channel) for channel in server.channels.values()],
            loads=[
                self._load(operator, presence)
                for operator, presence in zip(server.operators.values(), PRESENCE, strict=False)
            ],
            late=1,
            at_risk=2,
            promised=1,
            forgotten=len(self._forgotten()),
            day=wire.TransferFigures(since=0, closed=34, none=31, once=2, more=1, handed_over=5, declined=1),
            week=wire.TransferFigures(since=0, closed=208, none=187, once=17, more=4, handed_over=31),
        )
        return answer(overview)

    def _queue(self, channel: wire.ChannelInfo) -> wire.QueueFigure:
        rows = [row for row in self._open() if row.channel_id == channel.id]
        nobodys = [row for row in rows if row.assignee_id is None]
        return wire.QueueFigure(
            channel_id=channel.id,
            title=channel.title,
            mark=channel.mark,
            team=TEAM[channel.id].lower(),
            team_title=TEAM[channel.id],
            unassigned=len(nobodys),
            open=len(rows),
            oldest_at=min((row.sort_at for row in nobodys), default=None),
        )

    def _load(self, operator: wire.OperatorInfo, presence: wire.Presence) -> wire.OperatorLoad:
        rows = [row for row in self._server.conversations.values() if row.assignee_id == operator.id]
        mine = [row for row in rows if row.state == "open"]
        kinds = [KIND.get(row.channel_id, "chat") for row in mine]
        return wire.OperatorLoad(
            operator=replace(operator, presence=presence, room=7),
            teams=["support"],
            media=[
                wire.HeldFigure(medium=kind, held=kinds.count(kind), room=room) for kind, room in ROOM.items()
            ],
            held=len(mine),
            waiting=len([row for row in rows if row.state in ("waiting", "snoozed")]),
            oldest_at=min((row.sort_at for row in mine), default=None),
            late=1 if mine else 0,
        )

    async def _behind(self, request: web.Request) -> web.Response:
        query, rows = request.query, self._open()
        if "operator" in query:
            rows = [row for row in rows if str(row.assignee_id) == query["operator"]]
        elif "channel" in query:
            rows = [row for row in rows if row.channel_id == query["channel"] and row.assignee_id is None]
        else:
            late = wire.Deadline(kind="first_reply", due_at=self._server.now - 12 * MINUTE, level="late")
            soon = wire.Deadline(kind="next_reply", due_at=self._server.now + HOUR, level="risk")
            rows = [replace(row, deadline=late if number else soon) for number, row in enumerate(rows[:3])]
        rows = [
            replace(row, assigned_why="spoke with the customer last") if row.assignee_id else row
            for row in rows
        ]
        return answer(wire.OverviewList(items=rows))
