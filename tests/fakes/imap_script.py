"""A few lines of IMAP that misbehave on purpose, in ways that real servers cannot be told to.

Serves one folder. `refuse` lists UIDs whose bodies are answered with NO, `vanish` those whose link is
closed instead, `short` those whose body comes as a quoted string.
"""

from __future__ import annotations

import asyncio
import re
from typing import Self


class ScriptedImap:
    def __init__(self, mails: dict[int, bytes]) -> None:
        self.mails = mails
        self.refuse: set[int] = set()
        self.vanish: set[int] = set()
        self.fetched: list[int] = []
        self.idle_refused = 0
        self.searches = 0
        self.greeting = b"* OK [CAPABILITY IMAP4rev1 IDLE] ready"
        self.alert = b""
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            writer.write(self.greeting + b"\r\n")
            while line := await reader.readline():
                tag, _, command = line.strip().partition(b" ")
                if not self._answer(writer, tag, command.upper()):
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def _answer(self, writer: asyncio.StreamWriter, tag: bytes, command: bytes) -> bool:
        """False: the link is closed without an answer."""
        lines: list[bytes] = []
        result = b"OK done"
        if command == b"CAPABILITY":
            lines = [b"* CAPABILITY IMAP4rev1 IDLE"]
        elif command.startswith(b"SELECT"):
            top = max(self.mails, default=0)
            lines = [
                b"* %d EXISTS" % len(self.mails),
                b"* OK [UIDVALIDITY 1] x",
                b"* OK [UIDNEXT %d] x" % (top + 1),
            ]
            if self.alert:
                lines.append(self.alert)
        elif match := re.match(rb"UID SEARCH UID (\d+):\*", command):
            self.searches += 1
            found = [uid for uid in self.mails if uid >= int(match[1])] or [max(self.mails, default=0)]
            lines = [b"* SEARCH " + b" ".join(b"%d" % uid for uid in found if uid)]
        elif command.startswith((b"UID SEARCH SINCE", b"UID SEARCH ALL", b"UID SEARCH UID *")):
            lines = [b"* SEARCH " + b" ".join(b"%d" % uid for uid in sorted(self.mails))]
        elif match := re.match(rb"UID FETCH ([\d,]+) \(UID RFC822.SIZE", command):
            for uid in (int(word) for word in match[1].split(b",")):
                if uid in self.mails:
                    size = len(self.mails[uid])
                    date = b'"21-Nov-2026 10:00:00 +0000"'
                    lines.append(b"* 1 FETCH (UID %d RFC822.SIZE %d INTERNALDATE %s)" % (uid, size, date))
        elif match := re.match(rb"UID FETCH (\d+) \(UID BODY", command):
            uid = int(match[1])
            self.fetched.append(uid)
            if uid in self.vanish:
                return False
            raw = self.mails[uid]
            if b"HEADER" in command:
                raw = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            elif uid in self.refuse:
                writer.write(tag + b" NO [SERVERBUG] cannot read this message\r\n")
                return True
            lines = [b"* 9 FETCH (FLAGS (\\Recent))", b"* 1 FETCH (UID %d BODY[] {%d}" % (uid, len(raw))]
            lines.append(raw + b")")
        elif command == b"IDLE":
            self.idle_refused += 1
            result = b"NO not today"
        writer.write(b"".join(line + b"\r\n" for line in lines) + tag + b" " + result + b"\r\n")
        return True
