"""The widget's API over real HTTP, without a browser."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler

from channels.base import Outbound, Sent, StoredFile
from channels.secret import Secret
from channels.testkit import MemoryHost, door
from channels.webchat import WebchatChannel, WebchatSettings, api, stream
from channels.webchat.identity import sign
from channels.webchat.page import SCRIPTS, STYLE

SHOP = "https://shop.example"
KEY = "s" * 48
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


class Chat:
    """A client of the API, as an app would write one."""

    def __init__(self, host: MemoryHost, client: TestClient[Any, Any], channel: WebchatChannel) -> None:
        self.host = host
        self.client = client
        self.channel = channel
        self.origin = SHOP

    def headers(self, token: str = "") -> dict[str, str]:
        return {"Origin": self.origin, **({"Authorization": f"Bearer {token}"} if token else {})}

    async def call(
        self, method: str, path: str, body: Any = None, token: str = "", **more: Any
    ) -> aiohttp.ClientResponse:
        return await self.client.request(
            method, f"/webchat/site{path}", json=body, headers=self.headers(token), **more
        )

    async def begin(self, token: str = "", **body: Any) -> dict[str, Any]:
        answer = await self.call("POST", "/session", body, token)
        assert answer.status == 200, await answer.text()
        found = await answer.json()
        assert isinstance(found, dict)
        return found

    async def say(self, token: str, text: str, client_id: str, **more: Any) -> dict[str, Any]:
        answer = await self.call("POST", "/messages", {"client_id": client_id, "text": text, **more}, token)
        assert answer.status == 200, await answer.text()
        found = await answer.json()
        assert isinstance(found, dict)
        return found

    async def events(self, token: str, count: int, after: int = 0) -> list[tuple[str, str, Any]]:
        """(id, event, data) of the first `count` events of a stream."""
        headers = {**self.headers(token), "Last-Event-ID": str(after)}
        found: list[tuple[str, str, Any]] = []
        async with asyncio.timeout(10):
            async with self.client.get("/webchat/site/events", headers=headers) as answer:
                assert answer.status == 200
                fields: dict[str, str] = {}
                while len(found) < count:
                    line = (await answer.content.readline()).decode().rstrip("\n")
                    if not line:
                        if "event" in fields:
                            found.append((fields.get("id", ""), fields["event"], json.loads(fields["data"])))
                        fields = {}
                    else:
                        name, _, value = line.partition(": ")
                        fields[name] = value
        return found


def settings(**more: Any) -> WebchatSettings:
    return WebchatSettings(
        **{
            "kind": "webchat",
            "origins": [SHOP],
            "identity_secret": Secret(KEY),
            "default_country": "RU",
            **more,
        }
    )


async def running(chosen: WebchatSettings) -> AsyncIterator[Chat]:
    host = MemoryHost("site")
    channel = WebchatChannel("site", chosen)
    client = TestClient(TestServer(door(channel, host)))
    async with client:
        await channel.start(host)
        yield Chat(host, client, channel)
        await channel.stop()


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    async for running_chat in running(settings()):
        yield running_chat


@pytest.fixture
async def members_chat() -> AsyncIterator[Chat]:
    async for running_chat in running(settings(allow_anonymous=False)):
        yield running_chat


def identity(chat: Chat, **claims: Any) -> str:
    now = chat.host.now() / 1000
    return sign(KEY.encode(), {"sub": "42", "exp": now + 300, "name": "Иван", **claims})


async def test_a_message_is_committed_once_and_answered(chat: Chat) -> None:
    begun = await chat.begin(page={"url": "https://shop.example/cart"})
    token = begun["token"]
    assert len(token) == 43 and begun["visitor"] not in token
    body = {"page": {"url": "https://shop.example/cart", "title": "Cart"}, "locale": "ru-RU"}
    first = await chat.say(token, "Здравствуйте", "client-0001", **body)
    assert first["duplicate"] is False and first["seq"] == 1
    again = await chat.say(token, "Здравствуйте", "client-0001", **body)
    assert again["duplicate"] is True
    (delivery,) = chat.host.deliveries
    event = delivery.event
    assert event is not None
    assert event.dedupe_key == f"{begun['visitor']}:client-0001"
    assert event.sender.external_id == event.thread == begun["visitor"]
    assert event.sender.locale == "ru-RU"
    assert event.detail == {"page": "https://shop.example/cart", "title": "Cart"}
    assert token not in repr(chat.host.deliveries) + repr(chat.host.stored())


async def test_nothing_is_acknowledged_while_the_server_cannot_store(chat: Chat) -> None:
    token = (await chat.begin())["token"]
    chat.host.unavailable = True
    body = {"client_id": "client-0001", "text": "hello"}
    answer = await chat.call("POST", "/messages", body, token)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert chat.host.deliveries == []
    chat.host.unavailable = False
    assert (await chat.say(token, "hello", "client-0001"))["duplicate"] is False


async def test_the_stream_replays_what_was_missed_and_goes_on(chat: Chat) -> None:
    begun = await chat.begin()
    token, visitor = begun["token"], begun["visitor"]
    await chat.say(token, "one", "client-0001")
    chat.host.operator = "Olga"
    chat.host.say(visitor, "two")
    events = await chat.events(token, 3)
    assert [(number, kind) for number, kind, _ in events] == [
        ("1", "message"),
        ("2", "message"),
        ("", "state"),
    ]
    assert events[0][2]["client_id"] == "client-0001" and events[0][2]["mine"] is True
    assert events[1][2]["author"] == "Olga" and "client_id" not in events[1][2]
    assert events[2][2] == {"state": "open", "operator": "Olga", "opens_at": None}
    live = asyncio.create_task(chat.events(token, 3, after=2))
    await chat.host.until_watched(visitor)
    chat.host.say(visitor, "three")
    chat.host.say(visitor, "four\n\nevent: forged")
    found = await live
    texts = [data["text"] for _, kind, data in found if kind == "message"]
    assert texts == ["three", "four\n\nevent: forged"]


async def test_long_histories_come_whole_and_in_order(chat: Chat) -> None:
    begun = await chat.begin()
    for number in range(stream.PAGE * 2 + 5):
        chat.host.say(begun["visitor"], str(number))
    events = await chat.events(begun["token"], stream.PAGE * 2 + 5)
    assert [int(data["text"]) for _, _, data in events] == list(range(stream.PAGE * 2 + 5))


async def test_a_silent_stream_shows_that_it_lives(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.05)
    token = (await chat.begin())["token"]
    async with chat.client.get("/webchat/site/events", headers=chat.headers(token)) as answer:
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        async with asyncio.timeout(20):
            assert await answer.content.readline() == b"retry: 3000\n"
            while (await answer.content.readline()) != b": still here\n":
                pass


async def test_stopping_ends_streams_and_refuses_messages(chat: Chat) -> None:
    token = (await chat.begin())["token"]
    async with chat.client.get("/webchat/site/events", headers=chat.headers(token)) as answer:
        await answer.content.readline()
        await chat.channel.stop()
        async with asyncio.timeout(20):
            await answer.content.read()
    refused = await chat.call("POST", "/messages", {"client_id": "client-0001", "text": "x"}, token)
    assert refused.status == 503 and "Retry-After" in refused.headers
    assert chat.host.deliveries == []


@pytest.mark.parametrize("path", ["/session", "/messages", "/upload", "/read", "/contact"])
async def test_a_foreign_page_is_refused_everywhere(chat: Chat, path: str) -> None:
    token = (await chat.begin())["token"]
    chat.origin = "https://shop.example.evil.example"
    answer = await chat.call("POST", path, {"client_id": "client-0001", "text": "x", "seq": 1}, token)
    assert answer.status == 403
    assert "Access-Control-Allow-Origin" not in answer.headers
    for method, reading in (("GET", "/config"), ("GET", "/events"), ("GET", "/files/1"), ("OPTIONS", path)):
        answer = await chat.call(method, reading, None, token)
        assert answer.status == 403, reading
    no_origin = await chat.client.post(
        f"/webchat/site{path}", json={}, headers={"Authorization": f"Bearer {token}"}
    )
    assert no_origin.status == 403
    assert chat.host.deliveries == []


async def test_cors_names_exactly_the_asking_origin(chat: Chat) -> None:
    answer = await chat.call("OPTIONS", "/messages")
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    config = await chat.call("GET", "/config")
    assert config.headers["Access-Control-Allow-Origin"] == SHOP and config.headers["Vary"] == "Origin"
    assert (await config.json())["title"] == "Shop"


@pytest.mark.parametrize("token", ["", "x" * 43, "é" * 43, "short"])
async def test_a_made_up_token_opens_nothing(chat: Chat, token: str) -> None:
    headers = {"Origin": SHOP, "Authorization": f"Bearer {token}".encode().decode("latin-1")}
    answer = await chat.client.post(
        "/webchat/site/messages", json={"client_id": "client-0001", "text": "x"}, headers=headers
    )
    assert answer.status == 401
    assert (await chat.client.get("/webchat/site/events", headers=headers)).status == 401
    in_url = await chat.call("GET", f"/events?token={(await chat.begin())['token']}")
    assert in_url.status == 401


async def test_one_visitor_sees_nothing_of_another(chat: Chat, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(PNG)
    mine, other = await chat.begin(), await chat.begin()
    assert mine["visitor"] != other["visitor"]
    await chat.say(mine["token"], "my secret", "client-0001")
    chat.host.add_file(
        mine["visitor"],
        7,
        StoredFile(name="фото.png", content_type="image/png", size=len(PNG), path=str(tmp_path / "f")),
    )
    assert (await chat.events(other["token"], 1))[0][1] == "state"
    assert (await chat.call("GET", "/files/7", None, other["token"])).status == 404
    answer = await chat.call("GET", "/files/7", None, mine["token"])
    assert await answer.read() == PNG
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''%D1%84")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]


async def test_a_stored_page_is_never_served_as_a_page(chat: Chat, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"<script>alert(1)</script>")
    begun = await chat.begin()
    for number, kind in ((1, "text/html"), (2, "image/svg+xml")):
        path = str(tmp_path / "f")
        chat.host.add_file(
            begun["visitor"], number, StoredFile(name="a", content_type=kind, size=9, path=path)
        )
        answer = await chat.call("GET", f"/files/{number}", None, begun["token"])
        assert answer.headers["Content-Type"] == "application/octet-stream"


async def test_ten_messages_at_once_then_wait(chat: Chat) -> None:
    chat.host.clock = 1_795_262_400_000
    token = (await chat.begin())["token"]
    for number in range(10):
        await chat.say(token, "x", f"client-{number:04}")
    answer = await chat.call("POST", "/messages", {"client_id": "client-0011", "text": "x"}, token)
    assert answer.status == 429 and answer.headers["Retry-After"] == "1"
    chat.host.clock += 1000
    await chat.say(token, "x", "client-0011")
    assert len(chat.host.deliveries) == 11


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_request"),
        (b"[]", 400, "bad_request"),
        (b'{"client_id":"client-0001","text":"\\u0000"}', 400, "bad_request"),
        (b'{"client_id":"client-0001","text":"\\ud800"}', 400, "bad_request"),
        (b"[" * 60_000, 400, "bad_request"),
        (b'{"client_id":"short","text":"x"}', 400, "bad_request"),
        (b'{"client_id":"client 0001","text":"x"}', 400, "bad_request"),
        (b'{"text":"x"}', 400, "bad_request"),
        (b'{"client_id":"client-0001","text":5}', 400, "bad_request"),
        (b'{"client_id":"client-0001","text":"  "}', 400, "empty"),
        (b'{"client_id":"client-0001","text":"' + b"x" * 8001 + b'"}', 413, "too_long"),
        (b" " * 70_000, 413, "too_large"),
    ],
)
async def test_bodies_that_are_refused(chat: Chat, body: bytes, status: int, code: str) -> None:
    token = (await chat.begin())["token"]
    answer = await chat.client.post("/webchat/site/messages", data=body, headers=chat.headers(token))
    assert answer.status == status
    assert (await answer.json())["error"]["code"] == code
    assert chat.host.deliveries == []


def form(message: dict[str, Any], *files: tuple[str, bytes]) -> aiohttp.FormData:
    data = aiohttp.FormData(quote_fields=False)
    data.add_field("message", json.dumps(message), content_type="application/json")
    for name, content in files:
        data.add_field("file", content, filename=name, content_type="text/html")
    return data


async def upload(chat: Chat, token: str, data: Any) -> aiohttp.ClientResponse:
    return await chat.client.post("/webchat/site/upload", data=data, headers=chat.headers(token))


async def test_a_message_with_files(chat: Chat) -> None:
    token = (await chat.begin())["token"]
    message = {"client_id": "client-0001", "text": "смотрите"}
    for duplicate in (False, True):
        answer = await upload(chat, token, form(message, ("фото.png", PNG), ("a.pdf", b"%PDF-1.7")))
        assert answer.status == 200, await answer.text()
        assert (await answer.json())["duplicate"] is duplicate
    (delivery,) = chat.host.deliveries
    assert delivery.event is not None
    assert [(file.name, file.content_type, file.kind, file.data) for file in delivery.event.attachments] == [
        ("фото.png", "image/png", "image", PNG),
        ("a.pdf", "application/pdf", "file", b"%PDF-1.7"),
    ]
    files = (await chat.events(token, 1))[0][2]["files"]
    assert [file["name"] for file in files] == ["фото.png", "a.pdf"]


async def test_files_that_are_refused() -> None:
    async for chat in running(settings(file_bytes_max=1000, files_per_message=2)):
        token = (await chat.begin())["token"]
        message = {"client_id": "client-0001", "text": ""}
        svg = await upload(chat, token, form(message, ("a.png", b"<svg onload='alert(1)'/>")))
        assert (svg.status, (await svg.json())["error"]["code"]) == (415, "file_type")
        big = await upload(chat, token, form(message, ("a.png", PNG + b"0" * 1000)))
        assert (big.status, (await big.json())["error"]["code"]) == (413, "too_large")
        many = await upload(chat, token, form(message, *[("a.png", PNG)] * 3))
        assert (many.status, (await many.json())["error"]["code"]) == (413, "too_many_files")
        cut = await chat.client.post(
            "/webchat/site/upload",
            data=b'--x\r\nContent-Disposition: form-data; name="message"\r\n\r\n{"cli',
            headers={**chat.headers(token), "Content-Type": "multipart/form-data; boundary=x"},
        )
        assert cut.status == 400
        plain = await upload(chat, token, b"x")
        assert plain.status == 415
        assert chat.host.deliveries == []


async def test_reading_is_told_once_for_each_of_our_messages(chat: Chat) -> None:
    begun = await chat.begin()
    token, visitor = begun["token"], begun["visitor"]
    await chat.say(token, "one", "client-0001")
    seen = [chat.host.say(visitor, "two"), chat.host.say(visitor, "three")]
    unseen = chat.host.say(visitor, "four")
    for _ in range(2):
        answer = await chat.call("POST", "/read", {"seq": seen[-1].seq}, token)
        assert await answer.json() == {"read_seq": seen[-1].seq}
    events = [delivery.event for delivery in chat.host.deliveries if delivery.event]
    assert [(event.kind, event.target) for event in events[1:]] == [
        ("read", f"m{message.message_id}") for message in seen
    ]
    assert (await chat.begin(token))["read_seq"] == seen[-1].seq
    await chat.call("POST", "/read", {"seq": 10**9}, token)
    assert len(chat.host.deliveries) == 4
    assert (await chat.begin(token))["read_seq"] == unseen.seq
    for wrong in (None, "1", -1, True, 1.5):
        assert (await chat.call("POST", "/read", {"seq": wrong}, token)).status == 400


async def test_a_signed_in_visitor_is_known_and_an_earlier_message_becomes_his(chat: Chat) -> None:
    begun = await chat.begin()
    token = begun["token"]
    await chat.say(token, "anonymous", "client-0001")
    claims = {"email": "ivan@example.org", "email_verified": True}
    renewed = await chat.begin(token, identity=identity(chat, **claims))
    assert renewed["visitor"] == begun["visitor"] and "token" not in renewed
    assert (renewed["identified"], renewed["name"]) == (True, "Иван")
    await chat.begin(token, identity=identity(chat, **claims))
    await chat.say(token, "signed in", "client-0002")
    events = [delivery.event for delivery in chat.host.deliveries if delivery.event]
    assert [event.kind for event in events] == ["message", "identity_changed", "message"]
    for event in events[1:]:
        contacts = {
            contact.scheme: (contact.external_id, contact.verified) for contact in event.sender.contacts
        }
        assert contacts == {"webchat-user": ("site:42", True), "email": ("ivan@example.org", True)}
    elsewhere = await chat.begin(identity=identity(chat, **claims))
    await chat.say(elsewhere["token"], "from a telephone", "client-0001")
    last = chat.host.deliveries[-1].event
    assert last is not None and last.sender.external_id == elsewhere["visitor"] != begun["visitor"]
    assert ("webchat-user", "site:42") in {
        (contact.scheme, contact.external_id) for contact in last.sender.contacts
    }


async def test_another_person_on_the_same_device_begins_anew(chat: Chat) -> None:
    first = await chat.begin(identity=identity(chat))
    await chat.say(first["token"], "mine", "client-0001")
    second = await chat.begin(first["token"], identity=identity(chat, sub="43", name="Anna"))
    assert second["visitor"] != first["visitor"] and second["token"] != first["token"]
    assert (await chat.events(second["token"], 1))[0][1] == "state"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": 1}, "identity_expired"),
        ({"sub": None}, "identity_invalid"),
        ({"aud": "x"}, "identity_invalid"),
    ],
)
async def test_a_bad_identity_is_refused_and_never_half_believed(
    chat: Chat, claims: dict[str, Any], code: str
) -> None:
    answer = await chat.call("POST", "/session", {"identity": identity(chat, **claims)})
    assert answer.status == 401
    assert (await answer.json())["error"]["code"] == code
    assert chat.host.stored() == {}


async def test_only_members_where_the_shop_wants_it(members_chat: Chat) -> None:
    answer = await members_chat.call("POST", "/session", {})
    assert (answer.status, (await answer.json())["error"]["code"]) == (403, "identity_required")
    begun = await members_chat.begin(identity=identity(members_chat))
    assert (await members_chat.begin(begun["token"]))["identified"] is True


async def test_typed_addresses_are_passed_on_as_not_verified(chat: Chat) -> None:
    token = (await chat.begin())["token"]
    await chat.say(token, "hello", "client-0001")
    body = {"email": "Ivan@Example.org", "phone": "8 916 123-45-67", "name": "Иван"}
    for _ in range(2):
        assert (await chat.call("POST", "/contact", body, token)).status == 200
    events = [delivery.event for delivery in chat.host.deliveries if delivery.event]
    assert [event.kind for event in events] == ["message", "contact_shared"]
    assert {(contact.external_id, contact.verified) for contact in events[1].sender.contacts} == {
        ("ivan@example.org", False),
        ("+79161234567", False),
    }
    wrong = await chat.call("POST", "/contact", {"email": "not an address"}, token)
    assert (wrong.status, (await wrong.json())["error"]["code"]) == (400, "bad_email")


async def test_one_address_brings_only_so_many_new_visitors() -> None:
    host = MemoryHost("site")
    host.clock = 1_795_262_400_000
    channel = WebchatChannel("site", settings(visitors_per_minute=1))
    remote = "203.0.113.7"

    @web.middleware
    async def from_afar(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone(remote=remote))

    app = door(channel, host)
    app.middlewares.append(from_afar)
    async with TestClient(TestServer(app)) as client:
        await channel.start(host)
        chat = Chat(host, client, channel)
        known = await chat.begin()
        await chat.begin()
        await chat.begin()
        answer = await chat.call("POST", "/session", {})
        assert answer.status == 429 and answer.headers["Retry-After"] == "60"
        assert "token" not in await chat.begin(known["token"])
        remote = "203.0.113.8"
        await chat.begin()
        remote = "127.0.0.1"
        for _ in range(10):
            await chat.begin()
        await channel.stop()


async def test_the_example_client_talks(chat: Chat) -> None:
    """docs/channels/chat_client.py, as an app would use the protocol."""
    program = Path(__file__).parents[2] / "docs" / "channels" / "chat_client.py"
    assert len(program.read_text(encoding="utf-8").splitlines()) < 200
    base = str(chat.client.make_url("/webchat/site/"))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(program),
        base,
        SHOP,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("Когда приедет заказ?\n".encode())
    async with asyncio.timeout(20):
        while (line := (await process.stdout.readline()).decode()) != "you: Когда приедет заказ?\n":
            assert line
        visitor = next(delivery.event.thread for delivery in chat.host.deliveries if delivery.event)
        chat.host.say(visitor, "Завтра\x1b[2J")
        assert (await process.stdout.readline()).decode() == "Olga: Завтра\N{REPLACEMENT CHARACTER}[2J\n"
        process.stdin.close()
        assert await process.wait() == 0


async def test_signing_out_closes_the_session_in_every_tab(chat: Chat) -> None:
    token = (await chat.begin())["token"]
    async with chat.client.get("/webchat/site/events", headers=chat.headers(token)) as answer:
        await answer.content.readline()
        assert (await chat.call("DELETE", "/session", None, token)).status == 204
        async with asyncio.timeout(20):
            await answer.content.read()
    assert (
        await chat.call("POST", "/messages", {"client_id": "client-0001", "text": "x"}, token)
    ).status == 401


async def test_a_session_runs_out_when_the_visitor_stays_away(chat: Chat) -> None:
    chat.host.clock = 1_795_262_400_000
    token = (await chat.begin())["token"]
    chat.host.clock += 179 * 86_400_000
    assert "token" not in await chat.begin(token)
    chat.host.clock += 179 * 86_400_000
    assert "token" not in await chat.begin(token)
    chat.host.clock += 181 * 86_400_000
    assert (await chat.begin(token))["token"] != token


async def test_a_newer_protocol_is_refused_with_words(chat: Chat) -> None:
    answer = await chat.call("POST", "/session", {"protocol": api.PROTOCOL + 1})
    assert (answer.status, (await answer.json())["error"]["code"]) == (400, "version")


async def test_too_many_windows(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "STREAMS_MAX", 1)
    token = (await chat.begin())["token"]
    async with chat.client.get("/webchat/site/events", headers=chat.headers(token)) as answer:
        await answer.content.readline()
        assert (await chat.call("GET", "/events", None, token)).status == 429


async def test_the_panel_is_served_with_a_strict_policy(chat: Chat) -> None:
    frame = await chat.client.get("/webchat/site/frame")
    policy = frame.headers["Content-Security-Policy"]
    assert f"frame-ancestors {SHOP}" in policy and "script-src 'self'" in policy
    text = await frame.text()
    assert re.findall(r'<script src="([^"?]+)\?v=[0-9a-f]{16}" defer>', text) == list(SCRIPTS)
    for name in ("widget.js", *SCRIPTS, STYLE):
        answer = await chat.client.get(f"/webchat/site/{name}")
        assert answer.status == 200 and answer.headers["X-Content-Type-Options"] == "nosniff"
        again = await chat.client.get(
            f"/webchat/site/{name}", headers={"If-None-Match": answer.headers["ETag"]}
        )
        assert again.status == 304


async def test_sending_is_done_when_the_server_has_it(chat: Chat) -> None:
    message = Outbound(
        key="k",
        message_id=5,
        conversation_id=1,
        to="v",
        to_name=None,
        thread="v",
        text="x",
        subject=None,
        author="Olga",
        remote_id=chat.channel.name_message(1, 5),
        written_at=int(time.time() * 1000),
    )
    assert await chat.channel.send(message) == Sent(remote_id="m5")
