"""The mail server of the demo and of the chaos runs: what it must not do is make mail wait for other mail."""

from __future__ import annotations

import asyncio

from omni_console.demo.mailserver import MailServer


async def test_mail_that_comes_just_before_idle_rings() -> None:
    async with MailServer(username="support", password="demo") as server, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)

        async def until(beginning: bytes) -> bytes:
            while True:
                line = await reader.readline()
                assert line, "the mail server closed the connection"
                if line.startswith(beginning):
                    return line

        await until(b"* OK")
        for command in (b"a LOGIN support demo", b"b SELECT INBOX"):
            writer.write(command + b"\r\n")
            await until(command[:2])
        await server.append(b"From: anna@example.org\r\n\r\nbefore IDLE")
        writer.write(b"c IDLE\r\n")
        assert await until(b"* 1 ") == b"* 1 EXISTS\r\n"
        await server.append(b"From: anna@example.org\r\n\r\nin IDLE")
        assert await until(b"* 2 ") == b"* 2 EXISTS\r\n"
        writer.write(b"DONE\r\n")
        assert await until(b"c ") == b"c OK IDLE completed.\r\n"
        writer.close()
