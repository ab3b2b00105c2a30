"""Tokens at the operator API's TCP door: whom they let in, how far, and how they end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from server.api.app import who
from server.api.context import ApiError
from server.protocol import NewToken, OperatorInfo, Subscribe, TokenInfo, TokenMade
from server.settings import ApiSettings
from server.store import operators, tokens
from server.store.tokens import Bearer
from tests.fakes.distant import Distant, new_token
from tests.fakes.running_server import OLGA, Running, running_server, until

OPEN = ApiSettings(listen="127.0.0.1:0", requests_per_second=100_000, request_burst=100_000)
MINUTE_MS = 60_000


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server(api=OPEN) as running:
        yield running


async def test_without_being_asked_for_there_is_no_tcp_door() -> None:
    async with running_server() as running:
        assert running.server.api is None


async def test_a_token_speaks_for_its_operator(run: Running) -> None:
    olga = Distant(run, (await new_token(run)).token)
    status, data, headers = await olga.ask("GET", "/v1/hello")
    assert (status, json.loads(data)["operator"]["login"]) == (200, "olga")
    assert headers["Omni-Protocol"] == "1"
    assert headers["Cache-Control"] == "no-store"
    assert "aiohttp" not in headers["Server"]


async def test_at_the_socket_the_account_counts_and_no_token(run: Running) -> None:
    token = (await new_token(run)).token
    status, data = await run.ask("GET", "/v1/hello", headers={"Authorization": f"Bearer {token}"}, uid=None)
    assert (status, json.loads(data)["operator"]["login"]) == (200, "admin")


async def test_whoever_has_gone_already_is_nobody(run: Running) -> None:
    gone = make_mocked_request("GET", "/healthz", protocol=Mock(transport=None))

    async def handler(request: web.Request) -> web.StreamResponse:
        raise AssertionError(request)

    with pytest.raises(ApiError) as caught:
        await who(gone, handler)
    assert caught.value.status == 401


async def test_every_refusal_is_the_same_whatever_the_reason(run: Running) -> None:
    good, gone, late, off = [
        await new_token(run, "olga"),
        await new_token(run, "olga"),
        await new_token(run, "olga", expires_in_s=60),
        await new_token(run, "ivan"),
    ]
    await run.server.database.write(lambda tx: tokens.revoke(tx, gone.info.id))
    await run.server.database.write(lambda tx: operators.disable(tx, "ivan"))
    run.clock.advance(60_000)
    wrong = f"{good.token.rpartition('_')[0]}_{'0' * 64}"
    distant = Distant(run)
    answers = []
    for headers in (
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {good.token}"},
        {"Authorization": good.token},
        {"Authorization": "Bearer 4711"},
        {"Cookie": f"token={good.token}"},
        *({"Authorization": f"Bearer {token}"} for token in (wrong, gone.token, late.token, off.token)),
        [("Authorization", f"Bearer {good.token}"), ("Authorization", f"Bearer {good.token}")],
    ):
        status, data, got = await distant.ask("GET", "/v1/hello", headers=headers)
        assert got["WWW-Authenticate"] == "Bearer"
        answers.append((status, data))
    for name in ("token", "access_token", "authorization"):
        status, data, _ = await distant.ask("GET", f"/v1/hello?{name}={good.token}", headers={})
        answers.append((status, data))
    assert len(set(answers)) == 1, answers
    assert answers[0][0] == 401
    assert (await Distant(run, good.token).ask("GET", "/v1/hello"))[0] == 200


async def test_nothing_is_open_to_whoever_reaches_the_port(run: Running) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/v1/openapi.json", "/", "/nothing"):
        assert (await Distant(run).ask("GET", path))[0] == 401, path
    somebody = Distant(run, (await new_token(run, "rita", "read")).token)
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await somebody.ask("GET", path))[0] == 200, path
        assert (await run.ask("GET", path, uid=999_999))[0] == 200, path


async def test_a_browser_is_refused_on_both_doors(run: Running) -> None:
    token = (await new_token(run)).token
    headers = {"Authorization": f"Bearer {token}", "Origin": "https://evil.example"}
    distant = Distant(run)
    for origin in ("https://evil.example", "null", ""):
        status, problem = await distant.refusal("GET", "/v1/hello", headers=headers | {"Origin": origin})
        assert (status, problem.code) == (403, "forbidden")
    status, _ = await run.ask("GET", "/v1/hello", headers={"Origin": "https://evil.example"})
    assert status == 403
    distant.headers = headers
    with pytest.raises(Exception, match="403"):
        async with distant.stream():
            pass


async def test_scopes_and_roles(run: Running) -> None:
    add = b'{"login": "nina", "name": "Nina"}'
    makes = "/v1/operators/olga/tokens"
    await run.hook("hello")
    for login, scope, may_write, may_administer in (
        ("admin", "admin", True, True),
        ("admin", "write", True, False),
        ("admin", "read", False, False),
        ("olga", "admin", True, False),
        ("olga", "read", False, False),
        ("rita", "admin", False, False),
    ):
        who = Distant(run, (await new_token(run, login, scope)).token)  # type: ignore[arg-type]
        assert (await who.ask("GET", "/v1/conversations"))[0] == 200
        status = (await who.ask("POST", "/v1/conversations/1/claim", b"{}"))[0]
        assert (status != 403) is may_write, (login, scope)
        for path, body in (("/v1/operators", add), (makes, b"{}"), ("/v1/tokens/99/revoke", None)):
            status = (await who.ask("POST", path, body))[0]
            assert (status != 403) is may_administer, (login, scope, path)
    reader = Distant(run, (await new_token(run, "admin", "read")).token)
    _, problem = await reader.refusal("POST", "/v1/operators", add)
    assert "scope read" in problem.message
    _, problem = await Distant(run, (await new_token(run, "olga", "admin")).token).refusal(
        "POST", "/v1/operators", add
    )
    assert "role operator" in problem.message


async def test_made_listed_and_revoked_by_the_api(run: Running) -> None:
    body = msgspec.json.encode(NewToken(name="bot", scope="read", expires_in_s=3600))
    status, data = await run.ask("POST", "/v1/operators/olga/tokens", body, uid=None)
    assert status == 200
    made = msgspec.json.decode(data, type=TokenMade)
    await new_token(run, "ivan")
    anna = await run.client(None)
    assert {one.login for one in (await anna.operators())} >= {"olga"}

    async def listed(path: str, uid: int | None) -> list[TokenInfo]:
        status, data = await run.ask("GET", path, uid=uid)
        assert status == 200, data
        assert made.token.rpartition("_")[2].encode() not in data
        return msgspec.json.decode(data, type=list[TokenInfo])

    assert [one.login for one in await listed("/v1/tokens", None)] == ["ivan", "olga"]
    assert [one.login for one in await listed("/v1/tokens?login=ivan", None)] == ["ivan"]
    for path in ("/v1/tokens", "/v1/tokens?login=olga"):
        [mine] = await listed(path, OLGA)
        assert (mine.name, mine.scope, mine.expires_at) == ("bot", "read", run.clock.now() + 3_600_000)
    assert (await run.ask("GET", "/v1/tokens?login=ivan"))[0] == 403
    assert (await run.ask("GET", "/v1/tokens?login=nobody", uid=None))[0] == 404
    assert (await run.ask("POST", f"/v1/tokens/{made.info.id}/revoke", uid=None))[0] == 200
    assert (await run.ask("POST", f"/v1/tokens/{made.info.id}/revoke", uid=None))[0] == 404
    assert await listed("/v1/tokens", OLGA) == []
    assert (await run.ask("POST", "/v1/operators/nobody/tokens", b"{}", uid=None))[0] == 404
    await run.server.database.write(lambda tx: operators.disable(tx, "ivan"))
    assert (await run.ask("POST", "/v1/operators/ivan/tokens", b"{}", uid=None))[0] == 409


# --- how they end ---------------------------------------------------------------------------------------


async def test_a_revoked_token_is_refused_at_once_and_its_streams_end(run: Running) -> None:
    made, other = await new_token(run), await new_token(run)
    first, second = Distant(run, made.token), Distant(run, other.token)
    async with first.stream() as stream, second.stream() as kept:
        assert (await stream.next()).type == (await kept.next()).type == "welcome"
        await until(lambda: run.server.hub.consoles == 2)
        assert (await run.ask("POST", f"/v1/tokens/{made.info.id}/revoke", uid=None))[0] == 200
        assert (await first.ask("GET", "/v1/hello"))[0] == 401
        assert "revoked" in (await stream.bye()).text
        await until(lambda: run.server.hub.consoles == 1)
        await run.hook("still here")
        while (await kept.next()).type != "event":
            pass


async def test_a_disabled_operators_streams_end(run: Running) -> None:
    olga = Distant(run, (await new_token(run)).token)
    async with olga.stream() as stream:
        assert (await stream.next()).type == "welcome"
        assert (await run.ask("POST", "/v1/operators/olga/disable", uid=None))[0] == 200
        assert "disabled" in (await stream.bye()).text
    assert (await olga.ask("GET", "/v1/hello"))[0] == 401


async def test_an_expired_tokens_streams_end(run: Running) -> None:
    short, long = await new_token(run, expires_in_s=60), await new_token(run, expires_in_s=61)
    async with Distant(run, short.token).stream() as stream, Distant(run, long.token).stream() as kept:
        assert (await stream.next()).type == (await kept.next()).type == "welcome"
        run.clock.advance(60_000)
        assert "expired" in (await stream.bye()).text
        await until(lambda: run.server.hub.consoles == 1)


async def test_whoever_is_shut_out_while_he_connects_gets_no_stream(
    run: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Revoked or disabled after the request was let in, and before the hub knows of the stream."""
    hub = run.server.hub
    subscribe = hub.subscribe
    tasks: list[str] = []

    def late(operator: OperatorInfo, bearer: Bearer | None = None) -> Any:
        # What `end_token` and `end_operator` do now finds no such stream.
        # By a connection of its own: the writer's may be in the middle of a transaction on its thread.
        with contextlib.closing(sqlite3.connect(run.server.database.path, timeout=10)) as other, other:
            other.execute(tasks.pop())
        return subscribe(operator, bearer)

    monkeypatch.setattr(hub, "subscribe", late)
    before = await run.newest()
    await run.hook("secret")
    for change in (
        "UPDATE token SET revoked_at = 1",
        "UPDATE operator SET disabled = 1 WHERE login = 'olga'",
    ):
        made = await new_token(run)
        tasks.append(change)
        async with Distant(run, made.token).stream(Subscribe(resume=before)) as stream:
            assert "not accepted" in (await stream.next()).text
        await until(lambda: hub.consoles == 0)


async def test_a_stream_that_is_replaying_ends_too(run: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing more is sent of a long log once the token is revoked."""
    before = await run.newest()
    for number in range(20):
        await run.hook(f"line {number}")
    made = await new_token(run)
    hub = run.server.hub
    replay = hub.replay
    sent: list[int] = []

    async def slow(operator: OperatorInfo, after: int, up_to: int, send: Any) -> bool:
        async def one(seq: int, frame: bytes) -> None:
            if len(sent) == 5:
                hub.end_token(made.info.id, "this token was revoked")
            sent.append(seq)
            await send(seq, frame)

        return await replay(operator, after, up_to, one)

    monkeypatch.setattr(hub, "replay", slow)
    async with Distant(run, made.token).stream(Subscribe(resume=before)) as stream:
        heard = []
        while (envelope := await stream.next()).type != "bye":
            heard.append(envelope)
    assert [one.type for one in heard] == ["welcome"] + ["event"] * 5
    assert envelope.text == "this token was revoked"


# --- when they were used --------------------------------------------------------------------------------


async def test_last_used_is_kept_by_the_minute_with_one_write(
    run: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[int] = []
    note_use = tokens.note_use

    def noted(tx: Any, token_id: int) -> None:
        notes.append(token_id)
        note_use(tx, token_id)

    monkeypatch.setattr(tokens, "note_use", noted)
    made = await new_token(run)
    olga = Distant(run, made.token)
    minute = run.clock.now() // MINUTE_MS * MINUTE_MS

    async def last_used(at: int) -> None:
        """Returns once that is what is stored: what is noted is committed a little later."""
        async with asyncio.timeout(10):
            while await run.read("SELECT last_used_at FROM token") != [{"last_used_at": at}]:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    await asyncio.gather(*(olga.ask("GET", "/v1/counts") for _ in range(10)))
    await last_used(minute)
    await olga.ask("GET", "/v1/counts")
    run.clock.advance(MINUTE_MS)
    await olga.ask("GET", "/v1/counts")
    await last_used(minute + MINUTE_MS)
    await olga.ask("GET", "/v1/counts")
    assert notes == [made.info.id] * 2


async def test_a_program_that_may_only_read_is_nobody_online(run: Running) -> None:
    reading, writing = await new_token(run, "olga", "read"), await new_token(run, "ivan", "write")
    async with Distant(run, reading.token).stream() as one, Distant(run, writing.token).stream() as two:
        assert (await one.next()).type == (await two.next()).type == "welcome"
        online = {other.login: other.online for other in await (await run.client(None)).operators()}
        assert (online["olga"], online["ivan"]) == (False, True)


async def test_tokens_have_a_pace_each() -> None:
    slow = ApiSettings(listen="127.0.0.1:0", requests_per_second=1, request_burst=5)
    async with running_server(api=slow) as run:
        first, second = Distant(run, (await new_token(run)).token), Distant(run, (await new_token(run)).token)
        answers = await asyncio.gather(*(first.ask("GET", "/v1/counts") for _ in range(40)))
        assert {status for status, _, _ in answers} == {200, 429}
        _, data, headers = next(answer for answer in answers if answer[0] == 429)
        assert json.loads(data)["error"]["code"] == "limited"
        assert int(headers["Retry-After"]) >= 1
        assert (await second.ask("GET", "/v1/counts"))[0] == 200
        # Those without a token use up nobody's.
        for _ in range(10):
            assert (await Distant(run).ask("GET", "/v1/counts"))[0] == 401
        assert (await run.ask("GET", "/v1/counts"))[0] == 200


async def test_who_is_enabled_again_comes_in_and_his_old_tokens_do_not(run: Running) -> None:
    made = await run.server.database.write(lambda tx: tokens.add(tx, "olga", NewToken(name="old")))
    assert (await run.ask("POST", "/v1/operators/olga/disable", uid=None))[0] == 200
    assert (await run.ask("GET", "/v1/hello"))[0] == 401
    assert (await run.ask("POST", "/v1/operators/olga/enable"))[0] == 401
    status, body = await run.ask("POST", "/v1/operators/olga/enable", uid=None)
    assert (status, b'"disabled":false' in body) == (200, True)
    assert (await run.ask("GET", "/v1/hello"))[0] == 200
    [row] = await run.read("SELECT revoked_at FROM token WHERE id = ?", made.info.id)
    assert row["revoked_at"] == run.clock.now()
    before = await run.newest()
    assert (await run.ask("POST", "/v1/operators/olga/enable", uid=None))[0] == 200  # again changes nothing
    assert await run.newest() == before
    assert (await run.ask("POST", "/v1/operators/nobody/enable", uid=None))[0] == 404
