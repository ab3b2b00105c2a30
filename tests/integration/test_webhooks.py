"""Events told to a system of the company: in order, until it took each, and nobody waits for it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema_rs import Draft202012Validator

from channels.secret import Secret
from omni_console.client import ServerClient
from server.cut_off import ALARM_MS
from server.protocol import NoteCommand
from server.store import backup, events, offline
from server.webhooks import link
from server.webhooks.settings import EventWebhookSettings
from server.webhooks.webhook import read_webhooks
from tests.fakes.event_receiver import SECRET, EventReceiver
from tests.fakes.names import Names
from tests.fakes.running_server import Running, only, running_server, until
from tests.fakes.webhook_world import caught_up, failing, info, served, told, wanted

CANARY = "kanarejka"


pytestmark = pytest.mark.usefixtures("hasty")


@pytest.fixture
def kept() -> Iterator[Path]:
    # Short: a Unix socket's path may have 107 bytes, and pytest's own are long.
    with tempfile.TemporaryDirectory(prefix="omni-") as folder:
        yield Path(folder)


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
        both = (*told(crm, timeout_seconds=60.0), *told(quick, name="quick"))
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


async def test_after_a_restore_it_is_told_of_that_whatever_it_asks_for(
    crm: EventReceiver, kept: Path
) -> None:
    patterns = ("message.received",)
    async with served(crm, kept, events=patterns) as run:
        await run.hook("one")
        await caught_up(run, crm, patterns)
        data = run.server.config.server.data_dir
    offline.write(data, lambda tx: backup.begin_anew(tx, 4711))
    async with served(crm, kept, events=patterns) as run:
        await run.hook("two")
        await caught_up(run, crm, patterns)
        assert crm.types() == ["message.received", "server.restored", "message.received"]
        assert crm.once[1]["data"]["detail"] == {"backup_of": 4711}
        assert (await info(run)).waiting == 0


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
