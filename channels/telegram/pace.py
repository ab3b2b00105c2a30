"""When the next call may go out: so many a second in all, and one a second to each chat."""

from __future__ import annotations

import asyncio

from channels.telegram.const import PER_CHAT_S, PER_SECOND

CHATS_REMEMBERED = 1000


class Pace:
    def __init__(self, per_chat_s: float = PER_CHAT_S) -> None:
        self._per_chat_s = per_chat_s
        self._next = 0.0
        self._chats: dict[int, float] = {}

    async def turn(self, chat: int) -> None:
        now = asyncio.get_running_loop().time()
        at = max(now, self._next, self._chats.get(chat, 0.0))
        self._next = max(now, self._next) + 1.0 / PER_SECOND
        if len(self._chats) >= CHATS_REMEMBERED:
            self._chats = {one: until for one, until in self._chats.items() if until > now}
        self._chats[chat] = at + self._per_chat_s
        if at > now:
            await asyncio.sleep(at - now)
