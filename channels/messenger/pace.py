"""When the next call may go out: so many a second in all, and one in so many seconds to each chat."""

from __future__ import annotations

import asyncio

CHATS_REMEMBERED = 1000


class Pace:
    def __init__(self, per_second: float, per_chat_s: float) -> None:
        self._between = 1.0 / per_second
        self._per_chat_s = per_chat_s
        self._next = 0.0
        self._chats: dict[str, float] = {}

    async def turn(self, chat: str) -> None:
        now = asyncio.get_running_loop().time()
        at = max(now, self._next, self._chats.get(chat, 0.0))
        self._next = max(now, self._next) + self._between
        if len(self._chats) >= CHATS_REMEMBERED:
            self._chats = {one: until for one, until in self._chats.items() if until > now}
        self._chats[chat] = at + self._per_chat_s
        if at > now:
            await asyncio.sleep(at - now)
