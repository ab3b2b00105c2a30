"""What is asked of the server about texts kept ready."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from omni_console.people_api import Ask, Query
from server import protocol as wire


class TemplatesApi:
    """Part of `ServerClient`, which carries the questions."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def everything(self) -> list[wire.Template]:
        return await self._ask("GET", "/v1/templates", list[wire.Template])

    async def put(self, wanted: Sequence[wire.NamedTemplate]) -> list[wire.Template]:
        """All of them, or none."""
        command = wire.TemplatesCommand(templates=list(wanted))
        return await self._ask("PUT", "/v1/templates", list[wire.Template], command)

    async def remove(self, code: str) -> wire.Template:
        return await self._ask("DELETE", f"/v1/templates/{quote(code, safe='')}", wire.Template)

    async def filled(self, conversation_id: int, channel_id: str, code: str) -> list[wire.FilledTemplate]:
        """Those whose code begins so, filled in for this conversation's person."""
        path = f"/v1/conversations/{conversation_id}/templates"
        query: Query = {"channel": channel_id, "code": code}
        return await self._ask("GET", path, list[wire.FilledTemplate], query=query)
