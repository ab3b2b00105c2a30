"""Who may, and what nonsense is answered: 4xx in words, never a 5xx."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import os
import socket
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from server.api import channels, conversations, customers, events, files, hello, operators, replies, search
from server.protocol import ErrorAnswer, NoteCommand
from tests.fakes.running_server import OLGA, RITA, Running, only, refusal, running_server

STRANGER = 999_999
BIG = 10**30
TEXTS = ["", "x", "-1", "0", "1", "99999", "1e3", "0x1", "１", str(2**63), str(BIG), "%00", "%ff", "..%2f.."]
NAMES = ["", "olga%00", "%ff%fe", "%ed%a0%80", "a" * 5000, "..", "%0d%0aX:1"]
QUERIES = [
    "view=x", "view=", "after=1", "after=1.x", "after=-1.2", "after=%ff", f"after={BIG}.1", "after=1.2.3",
    "after=9223372036854775807.9223372036854775807", "before=9223372036854775807",
    "limit=0", "limit=-1", "limit=x", "limit=1000000", f"limit={BIG}", "limit=%D9%A1", "q=%00", "q=%ff",
    "q=%22", "q=*%20AND%20(", "q=" + "a%20" * 500, "before=x", "before=", f"before={BIG}", "state=x",
    "state=%ff", "after=1.1&after=2.2", "%ff=%ff", "=", "&&&",
]  # fmt: skip
BODIES: list[bytes] = [
    b"", b"null", b"[]", b'"x"', b"1", b"{", b"\xff\xfe", b'{"a":' * 2000, b"[" * 5000, b"{}", b"\x00",
    b'{"text": "\\ud800", "client_id": "x", "channel_id": "mail", "address_id": 1, "after_seq": 0}',
    b'{"text": "\\u0000", "client_id": "\\u0000", "channel_id": "\\u0000", "address_id": 1, "after_seq": 0}',
]  # fmt: skip
FIELDS: dict[str, list[Any]] = {
    "expect": [1, -1, BIG, "x", None],
    "operator_id": [0, 1, BIG, -BIG, None],
    "client_id": ["", "id", "x" * 10_000, 1],
    "text": ["", "text", "\x00", 5],
    "channel_id": ["mail", "", "\x00", None],
    "address_id": [1, 0, BIG, "1"],
    "after_seq": [0, BIG, -1, 1.5],
    "file_ids": [[], [1], [BIG], ["x"], None],
    "topic": ["", "topic", 1],
    "result": ["", "result", []],
    "until": [0, BIG, -BIG, 2**62, 2**63],
    "seq": [0, BIG, -1, 2**63],
    "verdict": ["arrived", "again", "drop", "eat"],
    "message_ids": [[], [1], [BIG], [-1], "x"],
    "conversation_id": [1, BIG, -5],
    "kind": ["reply", "note", "poem"],
    "login": ["", "new", "A", "a" * 40, "x\n"],
    "name": ["", "Name", "\x00"],
    "role": ["operator", "king"],
    "uid": [5, BIG, -1, "x"],
}


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


def routes() -> list[tuple[str, str]]:
    modules = (hello, conversations, replies, customers, search, channels, operators, files, events)
    return [(route.method, route.path) for module in modules for route in module.routes]


def bodies() -> list[bytes]:
    made = list(BODIES)
    for column in itertools.zip_longest(*FIELDS.values()):
        made.append(json.dumps(dict(zip(FIELDS, column, strict=True))).encode())
    for name, values in FIELDS.items():
        usual = {other: options[1] for other, options in FIELDS.items()}
        made += [json.dumps(usual | {name: value}).encode() for value in values]
    return made


def judged(status: int, body: bytes, what: object) -> None:
    assert status < 500, (what, body)
    if status >= 400:
        problem = msgspec.json.decode(body, type=ErrorAnswer).error
        assert problem.code, what
        assert problem.message, what


async def test_every_route_with_nasty_paths_and_queries(run: Running) -> None:
    await run.hook("hello")
    for method, path in routes():
        if "{" in path:
            for nasty in (*TEXTS, *NAMES):
                target = path.replace("{conversation}", nasty).replace("{customer}", nasty)
                target = target.replace("{file}", nasty).replace("{login}", nasty)
                judged(*await run.ask(method, target, uid=None), (method, target[:80]))
        if method == "GET":
            target = path.replace("{conversation}", "1").replace("{customer}", "1").replace("{file}", "1")
            for query in QUERIES:
                judged(*await run.ask(method, f"{target}?{query}", uid=None), (target, query[:80]))


async def test_every_command_with_nasty_bodies(run: Running) -> None:
    await run.letters.hear("ivan@example.org", "hello")
    for method, path in routes():
        if method == "GET":
            continue
        target = path.replace("{conversation}", "1").replace("{message}", "1").replace("{login}", "olga")
        for body in bodies():
            judged(*await run.ask(method, target, body, uid=None), (method, target, body[:200]))
    assert run.server.trouble.text() == ""  # nonsense is no trouble of the disk


async def test_bytes_that_are_no_request(run: Running) -> None:
    """Raw bytes on the socket: the server answers or hangs up, and goes on."""
    for raw in (
        b"GET /v1/search?q=\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST /v1/operators/\xff\xed\xa0\x80/disable HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /v1/conversations?view=\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /v1/journal?state=\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /v1/hello HTTP/1.1\r\nHost: x\r\nOmni-Protocol: \xff\r\nConnection: close\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET /v1/hello HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    ):
        answer = await asyncio.to_thread(_raw, run.socket, raw)
        status = int(answer.split(b" ")[1])
        assert status < 500, (raw[:60], answer)
    assert (await (await run.client()).hello()).site == "Shop"


def _raw(path: str, data: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(10)
        peer.connect(path)
        peer.sendall(data)
        return peer.recv(65536)


async def test_bodies_that_lie_about_themselves(run: Running) -> None:
    await run.hook("hello")
    target = "/v1/conversations/1/note"
    note = msgspec.json.encode(NoteCommand(client_id="zip", text="zipped"))
    for headers, body in (
        ({"Content-Encoding": "gzip"}, b"no gzip"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"0" * 50_000_000)),
        ({"Content-Encoding": "gzip"}, gzip.compress(note)),
        ({"Content-Encoding": "nonsense"}, note),
        ({"Content-Type": "text/html; charset=nonsense"}, b"{}"),
        ({}, b'"' + b"x" * 2_000_000 + b'"'),
    ):
        status, _ = await run.ask("POST", target, body, headers=headers)
        assert status < 500, headers
    status, answer = await run.ask("POST", target, b'"' + b"x" * 2_000_000 + b'"')
    assert (status, json.loads(answer)["error"]["code"]) == (413, "too_large")


async def test_who_is_no_operator_is_refused_everywhere(run: Running) -> None:
    await run.hook("hello")
    for method, path in routes():
        target = path.replace("{conversation}", "1").replace("{customer}", "1")
        target = target.replace("{file}", "1").replace("{login}", "olga")
        status, body = await run.ask(method, target, b"{}" if method != "GET" else None, uid=STRANGER)
        problem = json.loads(body)["error"]
        assert (status, problem["code"]) == (401, "unauthenticated"), target
        assert str(STRANGER) in problem["message"]
        assert "omni operators add" in problem["hint"]


async def test_the_kernel_says_who_asks(run: Running) -> None:
    client = await run.client(None)
    me = (await client.hello()).operator
    assert (me.login, me.uid, me.role) == ("admin", os.getuid(), "admin")


async def test_a_reader_reads_and_changes_nothing(run: Running) -> None:
    rita = await run.client(RITA)
    await run.hook("hello")
    conversation = await only(rita)
    assert (await rita.detail(conversation.id)).history.messages
    before = await run.newest()
    for method, path in routes():
        if method == "GET" or path.endswith("/seen"):
            continue  # what was read is one's own to mark
        target = path.replace("{conversation}", "1").replace("{message}", "1").replace("{login}", "olga")
        body = json.dumps({name: options[1] for name, options in FIELDS.items()} | {"uid": 77}).encode()
        status, answer = await run.ask(method, target, body, uid=RITA)
        assert (status, json.loads(answer)["error"]["code"]) == (403, "forbidden"), target
    assert await run.newest() == before
    await rita.seen(conversation.id, conversation.seq)
    assert (await only(rita)).seen_seq == conversation.seq


async def test_only_an_administrator_makes_and_disables_operators(run: Running) -> None:
    new = b'{"login": "nina", "name": "Nina", "uid": 5000}'
    assert (await run.ask("POST", "/v1/operators", new, uid=OLGA))[0] == 403
    assert (await run.ask("POST", "/v1/operators/ivan/disable", uid=OLGA))[0] == 403
    assert (await run.ask("POST", "/v1/operators", new, uid=None))[0] == 200
    assert (await run.ask("POST", "/v1/operators", new, uid=None))[0] == 409
    same_uid = b'{"login": "nora", "name": "Nora", "uid": 5000}'
    assert (await run.ask("POST", "/v1/operators", same_uid, uid=None))[0] == 409
    assert (await run.ask("POST", "/v1/operators/admin/disable", uid=None))[0] == 409  # nobody himself
    assert (await run.ask("POST", "/v1/operators/nobody/disable", uid=None))[0] == 404
    assert (await (await run.client(5000)).hello()).operator.name == "Nina"


async def test_what_is_not_there(run: Running) -> None:
    olga = await run.client()
    for asked in (
        olga.detail(99),
        olga.customer(99),
        olga.history(99, None),
        olga.claim(99, None),
        olga.note(99, NoteCommand(client_id="n", text="x")),
        olga.file(99),
    ):
        problem = await refusal(asked)
        assert (problem.status, problem.body.code) == (404, "not_found")
    for method, path in (("GET", "/"), ("GET", "/v2/hello"), ("DELETE", "/v1/hello"), ("POST", "/v1/hello")):
        status, body = await run.ask(method, path)
        assert status in (404, 405)
        assert json.loads(body)["error"]["message"]


async def test_a_file_comes_as_quoted_bytes_and_only_of_its_own_customer(run: Running) -> None:
    olga = await run.client()
    name = 'a"; x=\r\nSet-Cookie: b/../' + "ф" * 300
    content = "aGVsbG8="
    await run.hook("see", attachments=[{"name": name, "content_type": "text/html", "base64": content}])
    await run.hook("other", sender="buyer-2", key="order-2")
    first, other = (await olga.conversations("queue")).items
    [message] = (await olga.detail(first.id)).history.messages
    [file] = message.files
    assert (file.size, file.content_type) == (5, "text/html")
    assert await olga.file(file.id) == b"hello"
    detail = await olga.detail(other.id)
    command = run.command("take this", detail.ways[0], detail.history.seq, file_ids=[file.id])
    assert (await refusal(olga.reply(other.id, command))).status == 409
    detail = await olga.detail(first.id)
    await olga.reply(first.id, run.command("back", detail.ways[0], detail.history.seq, file_ids=[file.id]))
    await run.settled()
    assert run.receiver.heard[-1]["attachments"][0]["base64"] == content
