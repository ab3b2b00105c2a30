"""Hostile text through all three channels: it arrives as text, and the API's answers stay valid JSON."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from omni_console.client import ServerClient
from omni_console.demo.configuration import SHOP_ORIGIN
from tests.fakes.desk_view import texts
from tests.fakes.harsh_world import HarshWorld
from tests.fakes.patience import until

# What a terminal, a markup language, SQL, a search query or a CSV would act upon.
HOSTILE = {
    "escape": "\x1b]0;owned\x07\x1b[2J red \x9b31m",
    "bidi": "user\u202egnp.exe \u2066isolate\u2069 \u200fmark",
    "controls": "bell\x07 back\x08space del\x7f vt\x0b ff\x0c",
    "markup": "[@click=app.quit]press[/] [/red] \\[ {brace} <b>&amp;</b>",
    "sql": "'; DROP TABLE message; -- \" OR 1=1",
    "search": '"unclosed AND NEAR( *',
    "combining": "a" + "\u0301" * 3000,
    "astral": "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U000e0041 \ufffd \ufeff",
    "noncharacters": "\ufdd0 \uffff \U0010ffff",
    "lines": "one\u2028two\u2029three\u0085four\r\nfive",
    "formula": "=cmd|' /C calc'!A0",
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[HarshWorld]:
    async with HarshWorld(tmp_path) as running:
        yield running


async def strict_json(socket: Path) -> list[Any]:
    """Every list of the operator API, decoded by the standard library, with no lone surrogate in it."""
    found = []
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(socket))) as http:

        async def get(path: str) -> Any:
            async with http.get(f"http://omni{path}") as answer:
                assert answer.status == 200, path
                value = json.loads((await answer.read()).decode("utf-8", "strict"))
                json.dumps(value, ensure_ascii=False).encode("utf-8", "strict")
                found.append(value)
                return value

        page = await get("/v1/conversations?view=all")
        for item in page["items"]:
            await get(f"/v1/conversations/{item['id']}")
            await get(f"/v1/customers/{item['customer_id']}/history")
        await get("/v1/search?q=owned")
        await get("/v1/channels")
        await get("/v1/journal?state=quarantined")
    return found


async def test_by_webhook(world: HarshWorld) -> None:
    market = world.impatient()
    async with ServerClient(str(world.socket)) as client:
        for name, text in HOSTILE.items():
            data = {"sender": {"id": name, "name": text, "username": text}, "text": text, "subject": text}
            raw = json.dumps({"type": "message", "data": data}).encode()
            assert await market.send(f"hook-{name}", raw) == 200
        assert sorted(await texts(client)) == sorted(text.strip() for text in HOSTILE.values())
        await strict_json(world.socket)


async def test_by_webhook_what_is_no_text_at_all_is_kept_as_unsupported(world: HarshWorld) -> None:
    market = world.impatient()
    async with ServerClient(str(world.socket)) as client:
        bodies = [
            b'{"type": "message", "data": {"sender": {"id": "a", "name": "\\ud800"}, "text": "hi"}}',
            b'{"type": "message", "data": {"sender": {"id": "a"}, "text": "nul \\u0000 nul"}}',
            b'{"type": "message", "data": {"sender": {"id": "a"}, "text": "\xed\xa0\x80"}}',
        ]
        for number, raw in enumerate(bodies):
            assert await market.send(f"hook-{number}", raw) == 200
        assert len(await texts(client)) == len(bodies)
        assert not any("\x00" in text for text in await texts(client))
        await strict_json(world.socket)


async def test_by_webhook_a_megabyte_of_combining_marks(world: HarshWorld) -> None:
    market = world.impatient()
    async with ServerClient(str(world.socket)) as client:
        data = {"sender": {"id": "zalgo"}, "text": "a" + "\u0301" * 500_000}
        raw = json.dumps({"type": "message", "data": data}, ensure_ascii=False).encode()
        assert await market.send("hook-zalgo", raw) == 200
        [text] = await texts(client)
        assert text.startswith("a\u0301\u0301")
        await strict_json(world.socket)
        # Nobody else suffers.
        assert await market.send("hook-next", raw.replace(b"zalgo", b"other")) == 200


async def chat(world: HarshWorld, token: str, body: bytes) -> int:
    async with world.http.post(
        f"{world.base_url}/webchat/site/messages",
        data=io.BytesIO(body),
        headers={
            "Origin": SHOP_ORIGIN,
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
        },
    ) as answer:
        await answer.read()
        return answer.status


async def session(world: HarshWorld) -> str:
    url = f"{world.base_url}/webchat/site/session"
    async with world.http.post(url, json={"protocol": 1}, headers={"Origin": SHOP_ORIGIN}) as answer:
        return str((await answer.json())["token"])


async def test_by_site_chat(world: HarshWorld) -> None:
    async with ServerClient(str(world.socket)) as client:
        for name, text in HOSTILE.items():
            token = await session(world)
            body = json.dumps({"client_id": f"client-{name}", "text": text}).encode()
            assert await chat(world, token, body) == 200
        assert sorted(await texts(client)) == sorted(text.strip() for text in HOSTILE.values())
        # What is no text is refused, so that the widget says so; it is neither stored nor half-stored.
        token = await session(world)
        for bad in (b"\\ud800", b"\\u0000", b"\xed\xa0\x80", b"\xff"):
            assert await chat(world, token, b'{"client_id": "client-bad", "text": "%s"}' % bad) == 400
        zalgo = json.dumps({"client_id": "client-zalgo", "text": "a" + "\u0301" * 500_000})
        assert await chat(world, token, zalgo.encode()) == 413
        assert len(await texts(client)) == len(HOSTILE)
        await strict_json(world.socket)


async def test_by_mail(world: HarshWorld) -> None:
    async with ServerClient(str(world.socket)) as client:
        bodies = [text.encode() for text in HOSTILE.values()]
        bodies += [
            b"nul \x00 nul",
            b"\xed\xa0\x80 surrogate",
            b"\xff\xfe not UTF-8",
            b"a" + b"\xcc\x81" * 500_000,
        ]
        for number, body in enumerate(bodies):
            await world.mail.append(
                b"From: =?utf-8?q?=1B]0=3Bowned=07_=00_=E2=80=AE?= <hostile%d@example.org>\r\n"
                b"Subject: =?utf-8?q?=1B[2J_=00_=ED=A0=80?=\r\n"
                b"Message-ID: <%d@example.org>\r\n"
                b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
                % (number, number)
                + body
            )

        async def all_there() -> bool:
            return len(await texts(client)) == len(bodies)

        await until(all_there, "all hostile mails are there")
        found = await texts(client)
        assert not any("\x00" in text for text in found)
        for name in ("markup", "sql", "search", "formula", "astral", "bidi"):
            assert any(HOSTILE[name].strip() in text for text in found), name
        assert any(text.startswith("a\u0301\u0301") and len(text) > 100_000 for text in found)
        await strict_json(world.socket)
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(world.socket))) as http,
            http.get("http://omni/v1/journal?state=quarantined") as answer,
        ):
            assert await answer.json() == []
