"""Everything by commands: for scripts, pipes and screen readers."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from omni_console.commands.query import asked
from server.protocol import SavedViewCommand
from server.protocol.query import written
from server.settings import ApiSettings
from tests.fakes.distant import new_token
from tests.fakes.omni_command import ROOT, omni
from tests.fakes.running_server import OLGA, Running, only, running_server

HOSTILE = (
    "hello\x1b]0;owned\x07 \x9b31m \u202etxt\n2026-01-01 00:00:00 Olga answered by market, sent, message 9"
)


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


async def ok(run: Running, *arguments: str, stdin: str = "") -> str:
    code, out, err = await omni(run, *arguments, stdin=stdin)
    assert code == 0, (code, out, err)
    return out


async def as_json(run: Running, *arguments: str) -> Any:
    return json.loads(await ok(run, *arguments, "--json"))


async def number(run: Running) -> str:
    return str((await only(await run.client(None))).id)


async def test_a_case_from_the_queue_to_its_end(run: Running) -> None:
    await run.hook("where is my order?", person={"name": "Anna"})
    which = await number(run)
    listed = await ok(run, "list", "queue")
    assert "where is my order?" in listed and "open unread" in listed
    assert (await ok(run, "claim", which)).startswith(f"{which}: open, Anna; omni undo {which} ")
    shown = await ok(run, "show", which)
    assert "can be answered by market" in shown and "\n    where is my order?\n" in shown
    assert "kept" in await ok(run, "note", which, "-m", "asks for A-7")
    await ok(run, "reply", which, stdin="It leaves today.\n\nGreetings\n")
    await run.settled()
    assert run.receiver.texts() == ["It leaves today.\n\nGreetings"]
    assert "takes it back" not in await ok(run, "reply", which, "--now", "-m", "On its way")
    assert "until 2" in await ok(run, "snooze", which, "--until", "2h")
    assert (await ok(run, "wake", which)).startswith(f"{which}: waiting, Anna;")
    closed = await ok(run, "close", which, "--topic", "delivery", "--result", "told")
    assert closed.startswith(f"{which}: closed, Anna;")
    assert which in await ok(run, "list", "closed")
    assert (await ok(run, "reopen", which)).startswith(f"{which}: open, Anna;")
    given = await ok(run, "assign", which, "--to", "ivan", "-m", "yours")
    assert given.startswith(f"{which}: open, Ivan;")
    code, _, err = await omni(run, "claim", which)
    assert (code, "Ivan has this conversation" in err) == (1, True)
    await ok(run, "claim", which, "--take-over")
    released = await ok(run, "release", which)
    assert released.startswith(f"{which}: open, nobody;")
    undo = released.split("; omni ")[1].removesuffix(" takes it back\n").split()
    assert await ok(run, *undo) == f"{which}: open, Anna\n"
    code, _, err = await omni(run, "undo", which, "1")
    assert (code, "there is nothing to take back" in err) == (1, True)


async def test_a_lead_sees_everybodys_work(run: Running) -> None:
    await run.hook("where is my order?", person={"name": "Anna"})
    shown = await ok(run, "overview")
    assert "market" in shown and "olga" in shown and "0 closed" in shown
    found = await as_json(run, "overview")
    [market] = [one for one in found["queues"] if one["channel_id"] == "market"]
    assert (market["unassigned"], found["day"]["closed"]) == (1, 0)
    code, _, err = await omni(run, "assign", await number(run), "-m", "yours")
    assert (code, "to whom?" in err) == (2, True)
    code, _, err = await omni(run, "assign", await number(run), "--team", "sales", "-m", "yours")
    assert (code, "there is no team sales" in err) == (1, True)


async def test_a_stale_reply_is_held_and_what_came_is_told(run: Running) -> None:
    await run.hook("hello?")
    which = await number(run)
    await ok(run, "show", which)
    await run.answer(await run.client(OLGA), int(which), "I was faster")
    code, out, err = await omni(run, "reply", which, "-m", "me too")
    assert code == 1 and "I was faster" in out and "--after-seq" in err
    seq = err.split("--after-seq ")[1].split()[0]
    code, out, _ = await omni(run, "reply", which, "-m", "me too", "--json")
    problem = json.loads(out)["error"]
    assert (code, problem["code"], str(problem["seq"])) == (1, "stale", seq)
    await ok(run, "reply", which, "-m", "me too", "--after-seq", seq)
    await ok(run, "reply", which, "-m", "and more", "--after-seq", "0", "--consent")
    await run.settled()
    assert run.receiver.texts() == ["I was faster", "me too", "and more"]


async def test_the_same_reply_is_sent_once(run: Running) -> None:
    await run.hook("hello?")
    which = await number(run)
    first = await as_json(run, "reply", which, "-m", "yes", "--id", "mine-1")
    again = await as_json(run, "reply", which, "-m", "yes", "--id", "mine-1")
    assert first["id"] == again["id"]
    await run.settled()
    assert run.receiver.texts() == ["yes"]


async def test_a_text_kept_ready_and_a_file_go_along(run: Running, tmp_path: Path) -> None:
    await run.letters.hear("anna@example.org", "the invoice?", "Anna")
    which = await number(run)
    await ok(run, "show", which)
    await ok(run, "templates", "set", "bill", "-m", "{name}, here it is. {operator}")
    await ok(run, "templates", "set", "order", "-m", "{order.number}")
    (tmp_path / "bill.txt").write_text("4 lamps")
    sent = await as_json(run, "reply", which, "--template", "Bill", "--attach", str(tmp_path / "bill.txt"))
    assert (sent["text"], [file["name"] for file in sent["files"]]) == (
        "Anna, here it is. Anna",
        ["bill.txt"],
    )
    code, _, err = await omni(run, "reply", which, "--template", "order")
    assert (code, "{order.number}" in err) == (1, True)
    assert (await omni(run, "reply", which, "--template", "bi"))[0] == 1
    await ok(run, "templates", "set", "where", "--asks", "name", "-m", "What is your name?")
    code, _, err = await omni(run, "reply", which, "--template", "where")
    assert (code, "asks for what the card knows: name: Anna" in err, "--consent" in err) == (1, True, True)
    assert "queued" in await ok(run, "reply", which, "--template", "where", "--consent")
    assert (await omni(run, "reply", which, "--template", "bill", "-m", "x"))[0] == 2


async def test_what_customers_write_is_only_text(run: Running) -> None:
    await run.hook(HOSTILE, person={"name": "\x1b[2JEve\u202e"})
    which = await number(run)
    for arguments in (
        ("list", "queue"),
        ("list", "queue", "--json"),
        ("show", which),
        ("show", which, "--json"),
        ("search", "hello"),
        ("tail", "--after", "0", "--count", "2"),
        ("tail", "--after", "0", "--count", "2", "--json"),
    ):
        out = await ok(run, *arguments)
        assert not {char for char in out if not char.isprintable()} - {"\n"}, arguments
    # No line of his looks like one of ours.
    shown = (await ok(run, "show", which)).splitlines()
    assert not [line for line in shown if line.startswith("2026-01-01")]


async def test_a_list_is_filtered_and_saved_views_are_known_by_name(run: Running) -> None:
    await run.hook("a blue kettle", sender="a", key="a")
    await run.hook("a red lamp", sender="b", key="b")
    assert "kettle" in await ok(run, "list", "queue", "--filter", "kettle after:yesterday")
    assert "lamp" not in await ok(run, "list", "queue", "--filter", "kettle")
    client = await run.client(None)
    wanted = SavedViewCommand(name="Lamps", base="queue", filter="lamp")
    await client.views.put(wanted)
    out = await ok(run, "list", "--view", "lamps")
    assert "lamp" in out and "kettle" not in out
    assert (await as_json(run, "list", "--view", "Lamps", "--filter", "-red"))["items"] == []
    code, _out, err = await omni(run, "list", "--view", "Lampz")
    assert code == 2 and "there are: Lamps" in err


async def test_search_and_its_exit_code(run: Running) -> None:
    await run.hook("the needle in the hay")
    assert "the needle in the hay" in await ok(run, "search", "needle", "hay")
    [hit] = (await as_json(run, "search", "needle"))["hits"]
    assert hit["message"]["text"] == "the needle in the hay"
    assert (await omni(run, "search", "thimble"))[0] == 1
    assert "needle" in await ok(run, "search", "is:queued", "after:yesterday", "-thimble", "needle")
    assert (await omni(run, "search", "needle", "-channel:market"))[0] == 1
    code, _out, err = await omni(run, "search", "form:anna")
    assert code == 2 and "did you mean from:?" in err


def test_a_query_that_the_shell_took_the_quotes_from() -> None:
    assert written(asked(["-from:Anna Schmidt", '"blue kettle"'])) == '-from:"Anna Schmidt" "blue kettle"'


async def test_several_at_once_and_those_that_cannot(run: Running) -> None:
    await run.hook("one", sender="a", key="a")
    await run.hook("two", sender="b", key="b")
    items = (await (await run.client(None)).conversations("queue")).items
    one, two = sorted(str(row.id) for row in items)
    code, out, err = await omni(run, "claim", one, "99", two)
    assert (code, [line.split(";")[0] for line in out.splitlines()]) == (
        1,
        [f"{one}: open, Anna", f"{two}: open, Anna"],
    )
    assert err.startswith("99: ")


async def test_a_tail_goes_on_where_it_ended(run: Running, tmp_path: Path) -> None:
    state = tmp_path / "state"
    await run.hook("one")
    arguments = ("tail", "--state", str(state), "--kind", "message.received", "--json")
    first = json.loads(await ok(run, *arguments, "--after", "0", "--count", "1"))
    assert (first["kind"], first["body"]["message"]["text"]) == ("message.received", "one")
    await run.hook("two")
    second = json.loads(await ok(run, *arguments, "--count", "1"))
    assert second["body"]["message"]["text"] == "two"
    assert int(state.read_text()) == second["seq"] > first["seq"]
    state.write_text("nonsense")
    assert (await omni(run, *arguments))[0] == 2


async def test_whoever_reads_a_tail_may_go(run: Running) -> None:
    for text in ("one", "two", "three"):
        await run.hook(text)
    process = await asyncio.create_subprocess_shell(
        f"{sys.executable} -m omni_console --socket {run.socket} tail --after 0 --kind message | head -n 1",
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        first = await process.stdout.readline() if process.stdout is not None else b""
        assert first
        await run.hook("four")
        _, err = await process.communicate()
    assert b"Traceback" not in err and process.returncode == 0


async def test_by_tcp_with_a_token(tmp_path: Path) -> None:
    async with running_server(api=ApiSettings(listen="127.0.0.1:0")) as run:
        assert run.server.api is not None
        await run.hook("hello?")
        token = tmp_path / "token"
        token.write_text((await new_token(run, scope="read")).token)
        token.chmod(0o600)

        async def distant(*arguments: str) -> tuple[int, str, str]:
            environ = {name: value for name, value in os.environ.items() if name != "OMNI_SOCKET"}
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "omni_console", *arguments),
                *("--url", run.server.api.url if run.server.api else "", "--token-file", str(token)),
                cwd=ROOT,
                env=environ,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            out, err = await process.communicate()
            return process.returncode or 0, out.decode(), err.decode()

        code, out, _ = await distant("list", "queue")
        assert (code, "hello?" in out) == (0, True)
        which = await number(run)
        assert (await distant("show", which))[0] == 0  # whoever may only read leaves no marks
        assert (await distant("claim", which))[0] == 4
        assert (await distant("note", which, "-m", "x"))[0] == 4


async def test_wrong_usage_and_nobody_there(run: Running) -> None:
    await run.hook("hello?")
    which = await number(run)
    assert (await omni(run, "reply", which, stdin="  \n"))[0] == 2
    assert (await omni(run, "snooze", which, "--until", "one fine day"))[0] == 2
    assert (await omni(run, "reply", which, "-m", "x", "--by", "pigeon"))[0] == 1
    assert (await omni(run, "show", "99"))[0] == 1
    assert (await omni(run, "list", "--url", "https://a.example"))[0] == 2
    run.socket += ".gone"
    for arguments in (("list",), ("tail",), ("note", which, "-m", "x")):
        code, _, err = await omni(run, *arguments)
        assert (code, "no server answers" in err) == (3, True), arguments


async def test_templates_by_commands(run: Running, tmp_path: Path) -> None:
    file = tmp_path / "templates.toml"
    file.write_text(
        """
        [templates.thanks]
        title = "Thank you"
        text = "Thank you, {name}!"
        [[templates.thanks.variants]]
        language = "ru"
        text = "Спасибо, {name}!"
        [templates.bye]
        text = "Goodbye"
        """,
        encoding="utf-8",
    )
    assert await ok(run, "templates", "import", str(file)) == "2 templates\n"
    assert await ok(run, "templates", "set", "Thanks", "--on", "chat", "-m", "thx") == "thanks: 3 wordings\n"
    assert (
        await ok(run, "templates", "set", "thanks", "--on", "chat", stdin="thx!\n") == "thanks: 3 wordings\n"
    )
    await ok(run, "templates", "remove", "bye")
    [kept] = await as_json(run, "templates", "list")
    assert kept["title"] == "Thank you"
    assert [one["text"] for one in kept["variants"]] == ["Thank you, {name}!", "Спасибо, {name}!", "thx!"]
    assert "Спасибо, {name}!" in await ok(run, "templates", "list")
    file.write_text('[templates."a b"]\ntext = "x"\n')
    code, _, err = await omni(run, "templates", "import", str(file))
    assert (code, str(file) in err) == (2, True)
    file.write_text('[templates.a]\ntext = "x"\n[templates.b]\nvariants = [{text = "x", on = "pigeon"}]\n')
    assert (await omni(run, "templates", "import", str(file)))[0] == 1
    assert len(await as_json(run, "templates", "list")) == 1
    assert (await omni(run, "templates", "remove", "nothing"))[0] == 1


async def test_what_a_case_is_about_and_where_i_am_needed(run: Running) -> None:
    await run.hook("where is my order?", person={"name": "Anna"})
    which = await number(run)
    code, out, _ = await omni(run, "next")
    assert (code, out.startswith(f"{which}: Anna")) == (0, True)
    assert "points" in await ok(run, "why", which)
    await ok(run, "tag", which, "--add", "refund", "--add", "vip")
    tagged = await as_json(run, "tag", which, "--remove", "vip")
    assert tagged[0]["tags"] == ["refund"]
    assert (await as_json(run, "priority", which, "--to", "urgent"))[0]["priority"] == "urgent"
    told = await as_json(
        run, "about", which, "--topic", "delivery", "--wants", "her order", "--next", "look", "--until", "2h"
    )
    assert "topic: delivery" in await ok(run, "show", which)
    assert (told[0]["summary"], told[0]["next_step"], bool(told[0]["due_at"])) == ("her order", "look", True)
    assert (await as_json(run, "about", which, "--until", ""))[0].get("due_at") is None
    assert (await as_json(run, "about", which))[0]["summary"] == "her order"
    code, _, err = await omni(run, "decline", which, "-m", "no")
    assert (code, bool(err)) == (1, True)
    closed = await as_json(run, "close", which, "--result", "it came")
    assert (closed[0]["topic"], closed[0]["result"]) == ("delivery", "it came")
    await ok(run, "reopen", which)
    assert await ok(run, "spam", which) == f"{which}: kept apart as spam\n"
    assert await ok(run, "spam", which, "--no") == f"{which}: let in again\n"
    assert (await as_json(run, "presence", "pause"))["presence"] == "pause"
    assert "pause" in await ok(run, "presence")
    assert "number" in await ok(run, "mentions")
    assert "card" in await ok(run, "identity", "list")
    assert (await omni(run, "tag", which))[0] == 2


async def test_splitting_and_joining_by_commands(run: Running) -> None:
    for text in ("where is my order?", "and another matter"):
        await run.hook(text, person={"name": "Anna"})
    which = await number(run)
    messages = [one["id"] for one in (await as_json(run, "show", which))["history"]["messages"]]
    made = await as_json(run, "split", which, str(messages[-1]), "--subject", "another matter")
    assert made["conversation_id"] != int(which)
    assert "split" in await ok(run, "regroupings", which)
    await ok(run, "regroupings", which, "--undo", str(made["regrouping_id"]))
    made = await as_json(run, "split", which, str(messages[-1]))
    assert "takes it back" in await ok(run, "join", which, str(made["conversation_id"]))
