"""Outgoing webhooks as people meet them: the documentation's own words, and `omni webhooks`."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from channels.secret import Secret
from server import failpoints
from server.clock import SystemClock
from server.config import decode
from server.protocol import NoteCommand
from server.webhooks import kinds
from server.webhooks.settings import EventWebhookSettings
from server.webhooks.webhook import read_webhooks
from tests.fakes import omni_command
from tests.fakes.event_receiver import SECRET, EventReceiver
from tests.fakes.running_server import RITA, only, running_server, until
from tests.fakes.webhook_world import caught_up, failing, info, served

DOCS = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")


pytestmark = pytest.mark.usefixtures("hasty")


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


async def test_what_a_receiver_never_takes_is_skipped_and_it_is_told_of_the_gap(crm: EventReceiver) -> None:
    crm.never = {"message.received"}
    async with served(crm, events=("message.received", "note.added")) as run:
        await run.hook("one")
        stuck = (await failing(run)).stuck
        code, out, _ = await omni_command.omni(run, "webhooks")
        assert code == 1 and f"{stuck}: the receiver answered 400" in out
        code, _, err = await omni_command.omni(run, "webhooks", "skip", "crm", f"{stuck}1")
        assert code == 1 and "does not wait for anybody to take" in err
        crm.never.add("gap")
        code, out, _ = await omni_command.omni(run, "webhooks", "skip", "crm", stuck)
        assert code == 1 and out.startswith("nothing is skipped: crm does not take the gap either"), out
        assert (await info(run)).stuck == stuck
        crm.never.discard("gap")
        code, out, _ = await omni_command.omni(run, "webhooks", "skip", "crm", stuck)
        assert (code, out) == (0, f"crm knows that it does not get {stuck}: 204\n")
        [told] = crm.taken
        seq = int(stuck.rpartition("_")[2])
        assert (told["type"], told["data"]) == ("gap", {"after": seq - 1, "before": seq + 1})
        [place] = await run.read("SELECT seq FROM webhook WHERE name = 'crm'")
        assert place["seq"] >= seq, "it was written down before anybody was told"
        # What comes behind it is told as ever.
        olga = await run.client()
        await olga.note((await only(olga)).id, NoteCommand(client_id="n", text="said"))
        await until(lambda: crm.types() == ["gap", "note.added"])
        found = await info(run)
        assert (found.state, found.stuck, found.tries) == ("connected", "", 0)


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
        assert (await run.ask("POST", "/v1/webhooks/crm/skip", b'{"id": "evt_1"}'))[0] == 403
        assert crm.tries == []
