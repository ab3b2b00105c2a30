"""Events told to a system of the company: in order, until it took each, and nobody waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import re
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from jsonschema_rs import Draft202012Validator

from channels.secret import Secret
from omni_console.client import ServerClient
from server import failpoints
from server.clock import SystemClock
from server.config import decode
from server.cut_off import ALARM_MS
from server.protocol import NoteCommand, WebhookInfo
from server.store import events, offline
from server.webhooks import kinds, link
from server.webhooks.settings import EventWebhookSettings, read_webhooks
from tests.fakes import omni_command
from tests.fakes.event_receiver import SECRET, EventReceiver
from tests.fakes.running_server import RITA, Running, only, running_server, until

CANARY = "kanarejka"
NUMBERS = itertools.count(1)
DOCS = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")


@pytest.fixture
async def crm() -> AsyncIterator[EventReceiver]:
    receiver = EventReceiver()
    async with receiver.served():
        yield receiver


@pytest.fixture(autouse=True)
def _hasty() -> Iterator[None]:
    """What is tried again is tried again within the test."""
    failpoints.arm({"OMNI_TESTING": "1", "OMNI_FAILPOINTS": "outbox.backoff=set:0.002"})
    yield
    failpoints.arm({})


@pytest.fixture
def kept() -> Iterator[Path]:
    # Short: a Unix socket's path may have 107 bytes, and pytest's own are long.
    with tempfile.TemporaryDirectory(prefix="omni-") as folder:
        yield Path(folder)


def told(receiver: EventReceiver, **more: Any) -> tuple[EventWebhookSettings, ...]:
    return (EventWebhookSettings(url=receiver.url, secret=Secret(SECRET), **{"name": "crm", **more}),)


@contextlib.asynccontextmanager
async def served(
    receiver: EventReceiver | None, kept: Path | None = None, **more: Any
) -> AsyncIterator[Running]:
    """A server that tells this receiver; None: nobody."""
    tables: dict[str, Any] = {} if receiver is None else {"webhooks": told(receiver, **more)}
    async with running_server(kept, **tables) as running:
        running.numbers = NUMBERS  # what is said to one server is no repeat to the next
        yield running


async def wanted(run: Running, patterns: tuple[str, ...] = kinds.DEFAULT, after: int = 0) -> list[int]:
    """The seq of every event in the log that is asked for."""
    rows = await run.read("SELECT seq, kind FROM event WHERE seq > ? ORDER BY seq", after)
    return [row["seq"] for row in rows if kinds.wanted(patterns, row["kind"])]


async def caught_up(run: Running, receiver: EventReceiver, patterns: tuple[str, ...] = kinds.DEFAULT) -> None:
    """Until it took the newest event that it asks for; then: each of them once, in order, none forged."""
    newest = (await wanted(run, patterns))[-1]
    await until(lambda: newest in receiver.seqs())
    assert receiver.seqs() == await wanted(run, patterns)
    assert receiver.forged == 0


async def info(run: Running) -> WebhookInfo:
    [found] = await run.server.webhooks.infos()
    return found


async def failing(run: Running, times: int = 1) -> WebhookInfo:
    """Once so many attempts failed."""
    async with asyncio.timeout(10):
        while (found := await info(run)).tries < times:  # noqa: ASYNC110 - it happens in the server
            await asyncio.sleep(0.01)
    return found


async def a_case(run: Running, words: str = "where is my kettle?", topic: str = "delivery") -> ServerClient:
    """A conversation that lives: written to, taken, noted, answered, closed."""
    olga = await run.client()
    await run.hook(words, person={"name": words, "email": f"{CANARY}@example.org"})
    conversation = await only(olga)
    await olga.claim(conversation.id, None)
    await olga.note(conversation.id, NoteCommand(client_id="note-0001", text=words))
    await run.answer(olga, conversation.id, words)
    await run.settled()
    await olga.close_conversation(conversation.id, topic, "answered")
    return olga


# --- what is told -------------------------------------------------------------------------------------


async def test_everything_is_told_once_in_order_and_signed(crm: EventReceiver) -> None:
    async with served(crm) as run:
        await a_case(run)
        await caught_up(run, crm)
        assert len(crm.tries) == len(set(crm.tries)), "nothing was repeated"
        assert {"conversation.opened", "message.received", "note.added", "message.queued"} <= set(crm.types())
        closed = crm.once[-1]
        assert (closed["type"], closed["data"]["detail"]["to"]) == ("conversation.state", "closed")
        shown = closed["data"]["conversation"]
        assert (shown["state"], shown["topic"], shown["assignee"]) == ("closed", "delivery", "Olga")
        assert (
            shown["id"] == closed["data"]["conversation_id"]
            and shown["customer_id"] == closed["data"]["customer_id"]
        )
        found = await info(run)
        assert (found.state, found.waiting, found.oldest_at, found.delivered) == (
            "connected",
            0,
            None,
            len(crm.tries),
        )


async def test_no_word_of_a_customer_and_nothing_of_one_operator_alone(crm: EventReceiver) -> None:
    async with served(crm, events=("*",)) as run:
        olga = await a_case(run, CANARY)
        await olga.seen(1, await run.newest())
        await caught_up(run, crm, ("*",))
        kinds_in_log = {row["kind"] for row in await run.read("SELECT kind FROM event")}
        assert "conversation.seen" in kinds_in_log
        assert "conversation.seen" not in crm.types()
        assert len(crm.raw) > 8
        assert [body for body in crm.raw if CANARY.encode() in body.lower()] == []


async def test_only_what_is_asked_for(crm: EventReceiver) -> None:
    patterns = ("message.received", "note.*")
    async with served(crm, events=patterns) as run:
        await a_case(run)
        await caught_up(run, crm, patterns)
        assert crm.types() == ["message.received", "note.added"]
        assert (await info(run)).waiting == 0


async def test_both_secrets_sign_while_one_is_changed(crm: EventReceiver) -> None:
    new = "whsec_" + "bmV3" * 12
    [settings] = told(crm)
    changing = EventWebhookSettings(
        url=settings.url, secret=Secret(new), previous_secret=Secret(SECRET), name="crm"
    )
    async with running_server(webhooks=(changing,)) as run:
        await run.hook("one")
        await caught_up(run, crm)
        crm.secret = new
        await run.hook("two")
        await caught_up(run, crm)


# --- when the receiver is not there -------------------------------------------------------------------


async def test_a_receiver_that_was_down_misses_nothing(crm: EventReceiver) -> None:
    async with served(crm) as run:
        await run.hook("one")
        await caught_up(run, crm)
        await crm.down()
        await run.hook("two")
        found = await failing(run, 3)
        assert found.state == "retrying" and "no answer" in found.detail
        assert found.waiting >= 1 and found.oldest_at is not None
        await crm.up()
        await run.hook("three")
        await caught_up(run, crm)
        assert (await info(run)).state == "connected"


async def test_whatever_it_answers_but_a_2xx_the_same_event_comes_again(crm: EventReceiver) -> None:
    async with served(crm) as run:
        crm.answers.extend((400, 401, 404, 410, 429, 301, 500, 503))
        await run.hook("one")
        await caught_up(run, crm)
        assert len(set(crm.tries[:9])) == 1, "the first event under one id until it was taken"
        assert len(set(crm.tries)) == len(crm.tries) - 8


async def test_a_receiver_that_is_slow_slows_nobody_else(crm: EventReceiver) -> None:
    quick = EventReceiver()
    async with quick.served():
        crm.hold.clear()
        both = (*told(crm), *told(quick, name="quick"))
        async with running_server(webhooks=both) as run:
            olga = await run.listen()
            for number in range(30):
                await run.hook(f"question {number}", sender=f"buyer-{number}", key=f"order-{number}")
            await olga.reached(await run.newest())
            await caught_up(run, quick)
            assert len(crm.tries) == 1 and crm.taken == []
            crm.hold.set()
            await caught_up(run, crm)


async def test_a_dead_receiver_is_told_of_on_every_console_and_in_the_figures(crm: EventReceiver) -> None:
    async with served(crm, owner="olga") as run:
        await crm.down()
        await run.hook("one")
        await failing(run)
        olga = await run.listen()
        run.clock.advance(ALARM_MS)
        await until(lambda: any(one.type == "trouble" and one.text for one in olga.heard))
        [trouble] = [one.text for one in olga.heard if one.type == "trouble" and one.text]
        assert trouble == "cut off: webhook crm (yours)"
        _, page = await run.ask("GET", "/metrics")
        assert b'omni_webhook_up{webhook="crm"} 0.0' in page
        assert f'omni_webhook_lag_seconds{{webhook="crm"}} {ALARM_MS / 1000}'.encode() in page
        waiting = (await info(run)).waiting
        assert waiting and f'omni_webhook_waiting{{webhook="crm"}} {float(waiting)}'.encode() in page
        assert b'omni_webhook_requests_total{result="failed",webhook="crm"}' in page
        await crm.up()
        await until(lambda: olga.heard[-1].type == "trouble" and not olga.heard[-1].text)
        await caught_up(run, crm)
        _, page = await run.ask("GET", "/metrics")
        assert b'omni_webhook_up{webhook="crm"} 1.0' in page
        assert b'omni_webhook_waiting{webhook="crm"} 0.0' in page


# --- where it begins, and where it goes on ------------------------------------------------------------


async def test_what_is_new_begins_at_now_and_goes_on_where_it_was(crm: EventReceiver, kept: Path) -> None:
    async with served(None, kept) as run:
        await run.hook("before there was a webhook")
        before = await run.newest()
    async with served(crm, kept) as run:
        await run.hook("one")
        newest = (await wanted(run))[-1]
        await until(lambda: newest in crm.seqs())
        assert crm.seqs() == await wanted(run, after=before)
    await crm.down()
    async with served(crm, kept) as run:
        await run.hook("while it is down")
    await crm.up()
    async with served(crm, kept) as run:
        await run.hook("two")
        newest = (await wanted(run))[-1]
        await until(lambda: newest in crm.seqs())
        assert crm.seqs() == await wanted(run, after=before)
        assert len(crm.taken) == len(crm.once), "a clean stop repeats nothing"
    async with served(None, kept) as run:
        await run.hook("while it is not configured")
        before = await run.newest()
        told_then = len(crm.taken)
    async with served(crm, kept) as run:
        await run.hook("three")
        newest = (await wanted(run))[-1]
        await until(lambda: newest in crm.seqs())
        assert crm.seqs()[told_then:] == await wanted(run, after=before)


async def test_where_the_log_was_forgotten_it_is_told_of_the_gap(crm: EventReceiver, kept: Path) -> None:
    async with served(crm, kept) as run:
        await run.hook("one")
        await caught_up(run, crm)
        data = run.server.config.server.data_dir
    known = crm.seqs()[-1]
    await crm.down()
    async with served(crm, kept) as run:
        await run.hook("two")
        await run.hook("three")
        missed = await wanted(run, after=known)
    assert offline.write(data, lambda tx: events.forget_before(tx, tx.now + 86_400_000))
    await crm.up()
    async with served(crm, kept) as run:
        await run.hook("four")
        newest = (await wanted(run))[-1]
        await until(lambda: newest in crm.seqs())
        [gap] = [body for body in crm.once if body["type"] == "gap"]
        oldest = (await run.read("SELECT min(seq) AS seq FROM event"))[0]["seq"]
        assert gap["data"]["before"] == oldest
        assert known <= gap["data"]["after"] < missed[0], "what it does not ask for it did not miss"
        place = crm.once.index(gap)
        assert all(body["data"]["seq"] <= known for body in crm.once[:place])
        assert [body["data"]["seq"] for body in crm.once[place + 1 :]] == await wanted(run)


async def test_of_an_erased_person_nothing_but_numbers_is_told(crm: EventReceiver) -> None:
    async with served(crm, events=("*",)) as run:
        crm.status = 500
        await a_case(run, CANARY, topic=CANARY)
        [customer] = await run.read("SELECT customer_id AS id FROM conversation")
        erase = f"/v1/customers/{customer['id']}/erase"
        body = json.dumps({"name": CANARY, "reason": "he asked for it"}).encode()
        status, said = await run.ask("POST", erase, body, uid=None)
        assert status == 200, said
        crm.raw.clear()
        crm.status = 204
        await caught_up(run, crm, ("*",))
        assert "customer.erased" in crm.types()
        about = [body for body in crm.once if body["data"]["conversation_id"] is not None]
        assert about and all(body["data"]["conversation"] is None for body in about)
        assert [body for body in crm.raw if CANARY.encode() in body.lower()] == []


async def test_what_it_is_told_is_what_the_api_document_says(crm: EventReceiver) -> None:
    async with served(crm) as run:
        await a_case(run)
        await caught_up(run, crm)
        await run.server.webhooks.test("crm")
        _, data = await run.ask("GET", "/v1/openapi.json")
        document = json.loads(data)
        content = {
            name: told["post"]["requestBody"]["content"]["application/json"]["schema"]
            for name, told in document["webhooks"].items()
        }
        assert set(content) == {"event", "gap", "ping"}
        for body in crm.taken:
            schema = content["ping" if body["type"] == "ping" else "event"]
            whole = {**schema, "components": document["components"]}
            assert [one.message for one in Draft202012Validator(whole).iter_errors(body)] == []


# --- where it may lead --------------------------------------------------------------------------------


class Names(aiohttp.abc.AbstractResolver):
    """A DNS in which every name is this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[Any]:
        found = {"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET}
        return [{**found, "proto": 0, "flags": socket.AI_NUMERICHOST}]

    async def close(self) -> None:
        return


async def test_no_name_leads_it_into_our_own_network(
    crm: EventReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiohttp.connector.DefaultResolver", lambda *_, **__: Names())
    url = f"https://crm.example:{crm.port}/omni"
    [webhook] = read_webhooks([EventWebhookSettings(url=url, secret=Secret(SECRET))])
    answer = await link.reach(webhook)
    assert "127.0.0.1, which is not on the internet" in answer.problem
    allowed = EventWebhookSettings(url=url, secret=Secret(SECRET), networks=("127.0.0.0/8",))
    [webhook] = read_webhooks([allowed])
    assert "not on the internet" not in (await link.reach(webhook)).problem  # and fails: it speaks no TLS
    assert crm.tries == []


# --- the documentation's own words ---------------------------------------------------------------------


async def test_the_documented_receiver_believes_us_and_knows_repeats(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    [program] = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
    (tmp_path / "receiver.py").write_text(program)
    environ = os.environ | {"OMNI_CRM_SECRET": SECRET, "PORT": str(unused_tcp_port)}
    theirs = await asyncio.create_subprocess_exec(
        sys.executable,
        str(tmp_path / "receiver.py"),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert theirs.stdout is not None
    url = f"http://127.0.0.1:{unused_tcp_port}/"
    try:
        settings = EventWebhookSettings(url=url, secret=Secret(SECRET), events=("message.received",))
        async with running_server(webhooks=(settings,)) as run, asyncio.timeout(20):
            run.clock.advance(SystemClock().now() - run.clock.now())  # it looks at its own
            await run.hook("one")
            await run.hook("two")
            for message_id in (1, 2):
                line = (await theirs.stdout.readline()).decode()
                assert line.startswith("message.received {") and f"'message_id': {message_id}" in line
            while (await info(run)).delivered < 2:  # noqa: ASYNC110 - it happens in the server
                await asyncio.sleep(0.01)
    finally:
        theirs.kill()
        await theirs.wait()


def test_the_documented_kinds_are_those_that_there_are() -> None:
    rows = re.findall(r"^\| ((?:`[a-z._*]+`(?:, )?)+) \| (✓|always|) *\|", DOCS, re.MULTILINE)
    marks = {
        kind: mark for named, mark in rows for kind in re.findall(r"`([a-z._*]+)`", named) if "." in kind
    }
    identity = {kind for kind in kinds.KINDS if kind.startswith("identity.")}
    assert marks.keys() - {"identity.*"} == kinds.KINDS - identity
    assert {kind for kind, mark in marks.items() if mark == "✓"} == {
        kind for kind in kinds.KINDS - kinds.ALWAYS if kinds.wanted(kinds.DEFAULT, kind)
    }


def test_the_documented_table_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNI_CRM_SECRET", SECRET)
    [table] = re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)
    [webhook] = read_webhooks(decode(table.encode(), Path("/etc/omni/omni.toml")).webhooks)
    assert (webhook.name, webhook.receiver) == ("crm", "https://crm.example.org")
    named = set(re.findall(r"^\| `([a-z_]+)` \|", DOCS, re.MULTILINE))
    assert set(EventWebhookSettings.__struct_fields__) <= named


# --- from a shell -------------------------------------------------------------------------------------


async def test_they_are_listed_and_tried_from_a_shell(crm: EventReceiver) -> None:
    async with running_server() as run:
        assert await omni_command.omni(run, "webhooks") == (
            0,
            "no webhooks; add one to the configuration: [[webhooks]]\n",
            "",
        )
    async with served(crm, owner="olga") as run:
        await run.hook("one")
        await caught_up(run, crm)
        code, out, _ = await omni_command.omni(run, "webhooks", "--json")
        [listed] = json.loads(out)
        assert (code, listed["name"], listed["state"], listed["waiting"]) == (0, "crm", "connected", 0)
        assert listed["receiver"] == f"http://127.0.0.1:{crm.port}", "its path may be secret"
        code, out, _ = await omni_command.omni(run, "webhooks", "test", "crm", "--json")
        tested = json.loads(out)
        assert (code, tested["ok"], tested["status"]) == (0, True, 204)
        ping = crm.taken[-1]
        assert (ping["type"], ping["id"], ping["data"]) == ("ping", tested["id"], {"webhook": "crm"})

        crm.status = 503
        await run.hook("two")
        await failing(run)
        code, out, _ = await omni_command.omni(run, "webhooks")
        assert code == 1 and "retrying" in out and "the receiver answered 503" in out
        code, out, _ = await omni_command.omni(run, "webhooks", "test", "crm")
        assert code == 1 and out == "crm did not take the ping: the receiver answered 503\n"
        code, _, err = await omni_command.omni(run, "webhooks", "test", "nobody")
        assert code == 1 and "there is no webhook 'nobody'" in err


async def test_a_ping_that_is_taken_ends_the_waiting(crm: EventReceiver) -> None:
    failpoints.arm({})  # the normal waits: five seconds and more
    async with served(crm) as run:
        crm.answers.append(503)
        await run.hook("one")
        await failing(run)
        tested = await run.server.webhooks.test("crm")
        assert tested is not None and tested.ok
        async with asyncio.timeout(3):
            await caught_up(run, crm)


async def test_who_may_ask(crm: EventReceiver) -> None:
    async with served(crm) as run:
        assert (await run.ask("GET", "/v1/webhooks", uid=RITA))[0] == 200
        assert (await run.ask("POST", "/v1/webhooks/crm/test", uid=RITA))[0] == 403
        assert (await run.ask("POST", "/v1/webhooks/crm/test"))[0] == 403, "an operator administers nothing"
        assert crm.tries == []
