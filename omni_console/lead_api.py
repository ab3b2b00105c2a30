"""What the console asks of the server for a lead: everybody's work, and moves of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from omni_console.people_api import Ask, Query
from server import protocol as wire


class LeadApi:
    """Part of `ServerClient`, which carries the questions."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def overview(self) -> wire.Overview:
        return await self._ask("GET", "/v1/overview", wire.Overview)

    async def held(self, operator_id: int, limit: int = 100) -> wire.OverviewList:
        return await self._list({"operator": operator_id, "limit": limit})

    async def queue(self, channel_id: str, team: str = "", limit: int = 100) -> wire.OverviewList:
        """`team`: only what was handed to it."""
        return await self._list({"channel": channel_id, "team": team or None, "limit": limit})

    async def pressing(self, limit: int = 100) -> wire.OverviewList:
        return await self._list({"limit": limit})

    async def forgotten(self, limit: int = 100) -> wire.OverviewList:
        """Who was left without an answer."""
        found = await self._ask("GET", "/v1/forgotten", list[wire.Conversation], query={"limit": limit + 1})
        return wire.OverviewList(items=found[:limit], more=len(found) > limit)

    async def _list(self, query: Query) -> wire.OverviewList:
        return await self._ask("GET", "/v1/overview/conversations", wire.OverviewList, query=query)

    async def propose(
        self, operator_id: int | None = None, to: Literal["colleagues", "queue"] = "colleagues"
    ) -> wire.Proposal:
        query: Query = {"operator": operator_id, "to": to}
        return await self._ask("GET", "/v1/overview/moves", wire.Proposal, query=query)

    async def move(self, moves: Sequence[wire.Move], *, back: bool = False) -> wire.Moved:
        command = wire.MovesCommand(moves=list(moves), back=back)
        return await self._ask("POST", "/v1/overview/moves", wire.Moved, command)

    async def hand_to_team(self, conversation_id: int, team: str, note: str) -> wire.Conversation:
        command = wire.AssignCommand(team=team, note=note)
        return await self._ask(
            "POST", f"/v1/conversations/{conversation_id}/assign", wire.Conversation, command
        )
