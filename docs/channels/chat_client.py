"""A site chat in a terminal: how an app speaks the chat protocol, version 1. MIT licence.

    python chat_client.py https://chat.example.org/webchat/chat/ https://shop.example [IDENTITY]

The second argument is an origin on the channel's list; the third a signed identity token. Messages are
read line by line from the standard input. Needs aiohttp.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import uuid
from typing import Any

import aiohttp

LATER = {408, 425, 429}


class Chat:
    def __init__(self, http: aiohttp.ClientSession, base: str, origin: str, identity: str) -> None:
        self.http = http
        self.base = base
        self.origin = origin
        self.identity = identity
        self.token = ""  # a real app keeps it, and what it has not yet sent, on the device
        self.seen = 0

    def headers(self) -> dict[str, str]:
        headers = {"Origin": self.origin}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        return headers

    async def begin(self) -> None:
        body = {"protocol": 1, "identity": self.identity or None}
        answer = await self.post("session", body)
        self.token = answer.get("token", self.token)

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send until it is acknowledged: the same body again and again, never a second one."""
        pause = 1.0
        while True:
            try:
                async with self.http.post(self.base + path, json=body, headers=self.headers()) as answer:
                    if answer.status == 200:
                        found: dict[str, Any] = await answer.json()
                        return found
                    if answer.status == 401 and path != "session":
                        self.token = ""
                        await self.begin()
                        continue
                    if answer.status not in LATER and answer.status < 500:
                        raise SystemExit(f"{path} is refused: {answer.status} {await answer.text()}")
                    pause = float(answer.headers.get("Retry-After", pause))
            except aiohttp.ClientConnectionError:
                pause = min(30.0, pause * 2)
            await asyncio.sleep(pause)

    async def say(self, text: str) -> None:
        await self.post("messages", {"client_id": uuid.uuid4().hex, "text": text})

    async def listen(self) -> None:
        """Show what comes, for ever; after a break go on behind the last message seen."""
        while True:
            # After a break the next connection brings what was missed.
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                await self.stream()
            await asyncio.sleep(3)

    async def stream(self) -> None:
        headers = {**self.headers(), "Last-Event-ID": str(self.seen)}
        timeout = aiohttp.ClientTimeout(total=None, sock_read=40)
        async with self.http.get(self.base + "events", headers=headers, timeout=timeout) as answer:
            if answer.status == 401:
                self.token = ""
                await self.begin()
            if answer.status != 200:
                return
            event, data = "", ""
            async for raw in answer.content:
                line = raw.decode().rstrip("\n")
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "data":
                    data = value
                elif not line and data:
                    self.show(event, json.loads(data))
                    event, data = "", ""

    def show(self, event: str, data: dict[str, Any]) -> None:
        if event != "message" or data["seq"] <= self.seen:
            return
        self.seen = data["seq"]
        who = "you" if data["mine"] else data["author"] or "shop"
        names = "".join(f" [{file['name']}]" for file in data["files"])
        print(harmless(f"{who}: {data['text']}{names}"), flush=True)


def harmless(text: str) -> str:
    """A terminal obeys control characters; what people wrote must not hold any."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )


async def main(base: str, origin: str, identity: str = "") -> None:
    async with aiohttp.ClientSession() as http:
        chat = Chat(http, base, origin, identity)
        await chat.begin()
        listening = asyncio.create_task(chat.listen())
        while line := await asyncio.to_thread(sys.stdin.readline):
            if line.strip():
                await chat.say(line.strip())
        listening.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
