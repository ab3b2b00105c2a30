"""What is asked of the server about saved views."""

from __future__ import annotations

from omni_console.people_api import Ask
from server import protocol as wire


class ViewsApi:
    """Part of `ServerClient`, which carries the questions."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def everything(self) -> list[wire.SavedView]:
        return await self._ask("GET", "/v1/views", list[wire.SavedView])

    async def put(self, wanted: wire.SavedViewCommand) -> wire.SavedView:
        return await self._ask("POST", "/v1/views", wire.SavedView, wanted)

    async def remove(self, view_id: int) -> wire.SavedView:
        return await self._ask("DELETE", f"/v1/views/{view_id}", wire.SavedView)
