"""The operator's own keys, macros and settings, and what he is told of."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from omni_console.own import Own
from omni_console.own_keys import OwnKeys
from omni_console.own_settings import Settings, Tell
from omni_console.screens.teller import run_program
from omni_console.telling import Telling
from tests.fakes.console_hands import console
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_world import BORIS

IVAN, ANNA, PHONE = 2, 3, 5


async def test_a_macro_on_a_key_of_ones_own_and_letters_stay_letters(
    world: FakeServer, tmp_path: Path
) -> None:
    own = Own(keys=OwnKeys(macros={"H": ("tag hotel", "priority high"), "f6": ("tag f",)}))
    async with console(world, tmp_path, own=own) as hands:
        await hands.until(lambda: hands.screen.list.select(IVAN), "on Ivan")
        await hands.press("H")
        await hands.until(lambda: world.conversations[IVAN].priority == "high", "both done")
        assert "hotel" in world.conversations[IVAN].tags
        await hands.press("enter", "r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.press("H")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.composer.text == "H", "a letter")
        await hands.press("f6")
        await hands.until(lambda: "f" in world.conversations[IVAN].tags, "an F key works while writing")
        await hands.press("escape", "question_mark")
        await hands.sees("Your macros")
        await hands.sees("tag hotel · priority high")


async def test_what_cannot_be_used_is_said_at_the_start_and_on_the_page_of_keys(
    world: FakeServer, tmp_path: Path
) -> None:
    own = Own(problems=("there is no action reply.strt (did you mean reply.start?)", "console.toml: x"))
    async with console(world, tmp_path, own=own) as hands:
        await hands.sees("not used: there is no action reply.strt (did you mean reply.start?) (+1)")
        await hands.press("question_mark")
        await hands.sees("Not used")
        await hands.sees("console.toml: x")


async def test_typing_narrows_the_page_of_keys(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path, own=Own(keys=OwnKeys({"thread.snooze": "U"}))) as hands:
        await hands.press("question_mark")
        await hands.sees("Back and forth")
        await hands.type("snoo")
        await hands.sees_no("Back and forth")
        lines = [line for line in hands.lines() if "Away until a time" in line]
        assert "U" in lines[0].split()
        await hands.type("zzz")
        await hands.sees("nothing is called so")
        await hands.press("escape")
        await hands.sees_no("nothing is called so")


async def test_quitting_can_have_another_key(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path, own=Own(keys=OwnKeys({"app.quit": "ctrl+x"}))) as hands:
        await hands.press("ctrl+q")
        await hands.pilot.pause(0.1)
        assert hands.app.is_running
        await hands.press("ctrl+x")
        await hands.until(lambda: hands.app.return_code == 0, "gone")


@pytest.fixture
def signs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the terminal is told beside what is drawn; a bell is "bell"."""
    from omni_console.app import OmniConsole

    found: list[str] = []
    monkeypatch.setattr(OmniConsole, "emit", lambda _app, sequence: found.append(sequence))
    monkeypatch.setattr(OmniConsole, "bell", lambda _app: found.append("bell"))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("TMUX", raising=False)
    return found


async def test_one_is_told_of_what_one_does_not_look_at(
    world: FakeServer, tmp_path: Path, signs: list[str]
) -> None:
    tell = Tell(terminal="9", gather_seconds=0, here={"message": ("bell", "line", "terminal")})
    async with console(world, tmp_path, own=Own(settings=Settings(tell=tell))) as hands:
        await hands.until(lambda: hands.screen.list.select(IVAN), "on Ivan")
        await hands.press("enter")
        await hands.sees("нечем заплатить")
        signs.clear()
        await world.customer_writes(IVAN, "and one more thing")
        await hands.sees("and one more thing")
        assert "bell" not in signs, "he looks at it"
        await world.customer_writes(ANNA, "where is my money?")
        await hands.sees("Anna Schmidt writes")
        assert signs.count("bell") == 1
        assert "\x1b]9;Anna Schmidt writes\x07" in signs


async def test_several_at_once_are_told_as_one(world: FakeServer, tmp_path: Path, signs: list[str]) -> None:
    async with console(world, tmp_path) as hands:
        hands.app.app_focus = False
        signs.clear()
        for number in range(5):
            await world.customer_writes(ANNA, f"line {number}")
        await hands.until(lambda: "bell" in signs, "a bell")
        await hands.pilot.pause(0.2)
        assert signs.count("bell") == 1


async def test_a_lost_server_and_a_hand_over_can_be_told(
    world: FakeServer, tmp_path: Path, signs: list[str]
) -> None:
    tell = Tell(gather_seconds=0, here={"handover": ("line",), "lost": ("bell",)})
    own = Own(settings=Settings(tell=tell))
    async with console(world, tmp_path, own=own, offline_after=0.3) as hands:
        row = world.change(PHONE, assignee_id=world.me.id, assignee=world.me.name)
        await world.push("conversation.assigned", conversation_id=PHONE, operator_id=BORIS.id, seq=row.seq)
        await hands.sees("handed to you: +7 916 000-00-68")
        world.silent = True
        world.refuse_events = True
        await hands.until(lambda: "bell" in signs, "the server is lost")


async def test_the_title_counts_what_is_unread(world: FakeServer, tmp_path: Path, signs: list[str]) -> None:
    async with console(world, tmp_path) as hands:
        await hands.until(lambda: any("Omni" in sign for sign in signs), "a title")
        before = [sign for sign in signs if "Omni" in sign][-1]
        await world.customer_writes(4, "unread now")
        await hands.until(lambda: [s for s in signs if "Omni" in s][-1] != before, "another number")
    assert signs[0] == "\x1b[22;2t"
    assert signs[-1] == "\x1b[23;2t", "the title that was there comes back"


async def test_ones_own_program_gets_the_words_by_its_environment_and_input(tmp_path: Path) -> None:
    out = tmp_path / "told"
    code = (
        "import os, sys; open(sys.argv[1], 'w').write("
        "'|'.join([*(os.environ['OMNI_' + name] for name in ('KIND', 'TEXT', 'COUNT')), sys.stdin.read()]))"
    )
    telling = Telling("mention", frozenset({"command"}), "Anna; $(touch x)", 2)
    await run_program([sys.executable, "-c", code, str(out)], telling)
    assert out.read_text(encoding="utf-8") == "mention|Anna; $(touch x)|2|Anna; $(touch x)\n"
    await run_program(["/there/is/no/such/program"], telling)


async def test_a_program_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omni_console.screens.teller.PROGRAM_S", 0.2)
    telling = Telling("mention", frozenset({"command"}), "Anna", 1)
    async with asyncio.timeout(20):
        await run_program([sys.executable, "-c", "import time; time.sleep(60)"], telling)
