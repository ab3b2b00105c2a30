"""The first steps, walked and left."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_console import i18n
from omni_console.actions import BY_ID, command_of
from omni_console.keymap import key_for
from omni_console.own import Own
from omni_console.screens.touring import was_shown
from omni_console.tour import STEPS, Tour
from tests.fakes.console_hands import console
from tests.fakes.operator_api_server import FakeServer

PHONE = 5


def test_every_step_names_keys_that_there_are_and_can_be_done() -> None:
    commands = {command_of(action) for action in BY_ID.values()}
    for language in ("en", "ru"):
        i18n.use(language)
        tour = Tour()
        for step in STEPS:
            said = tour.text(key_for)
            assert said
            assert "{" not in said
            assert len(said) < 100, "one line at 120 columns"
            for what in step.done_by:
                known = what.removeprefix("did ")
                assert known in commands or what == "did send"
            assert not tour.did("screen.redraw")
            assert tour.did(sorted(step.done_by)[0])
        assert tour.over
        assert tour.text(key_for) == ""


async def test_each_step_goes_on_when_it_was_done(world: FakeServer, tmp_path: Path) -> None:
    shown = tmp_path / "state" / "tour"
    async with console(world, tmp_path, own=Own(tour=True, tour_shown=shown), size=(80, 24)) as hands:
        await hands.sees("1/7  Customers wait in this list. j and k go down and up")
        await hands.press("]", "j", "k")
        await hands.sees("2/7  enter opens the conversation")
        await hands.until(lambda: hands.screen.list.select(PHONE), "on the phone call")
        await hands.press("enter")
        await hands.sees("3/7  a takes it")
        await hands.press("a")
        await hands.sees("4/7  r begins a reply")
        await hands.press("r")
        await hands.sees("5/7  Write a line")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.type("we call you back")
        await hands.press("ctrl+j")
        await hands.sees("6/7  e closes the case")
        assert not shown.exists()
        await hands.press("e")
        await hands.type("call")
        await hands.press("enter")
        await hands.type("called back")
        await hands.press("enter")
        await hands.sees("7/7  ? shows every key")
        await hands.press("question_mark")
        await hands.sees("type to narrow")
        await hands.press("escape")
        await hands.sees_no("7/7")
        assert shown.exists(), "and it does not come again by itself"


async def test_escape_leaves_the_tour(
    world: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert not was_shown()
    own = Own(tour=True, tour_shown=tmp_path / "omni-console" / "tour")
    async with console(world, tmp_path, own=own) as hands:
        await hands.sees("esc ends the tour")
        await hands.press("space", "escape")
        await hands.sees("esc ends the tour")  # it took the mark away
        await hands.press("escape")
        await hands.sees_no("esc ends the tour")
        await hands.sees("omni console --tour shows it again")
    assert was_shown()


async def test_nobody_else_sees_it(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j")
        assert "ends the tour" not in hands.text()
