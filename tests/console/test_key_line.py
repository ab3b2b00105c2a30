"""The bottom line offers what can be done here, in the words of what it does here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from omni_console import i18n
from omni_console.widgets.saying import Saying
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_books import MINUTE
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_world import OLGA, conversation, customer, empty_shop

ANNAS_CARD = 2


def keys(hands: Hands) -> str:
    return hands.lines()[-1]


async def test_a_note_is_kept_and_becomes_a_reply(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path, size=(80, 24)) as hands:
        await hands.press("2", "m")
        await hands.until(lambda: "ctrl+j keep" in keys(hands) and "alt+m reply" in keys(hands))
        assert "send" not in keys(hands)
        await hands.press("alt+m")
        await hands.until(lambda: "ctrl+j send" in keys(hands) and "alt+m note" in keys(hands))


async def test_what_is_mine_is_not_taken(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.until(lambda: "e close" in keys(hands))
        assert "a take" not in keys(hands)
        await hands.press("]")
        await hands.until(lambda: "a take" in keys(hands))
        await hands.press("enter")
        await hands.press("a")
        await hands.until(lambda: "a take" not in keys(hands), "it is mine now")


async def test_where_there_is_no_conversation_no_key_for_one_is_offered(tmp_path: Path) -> None:
    world = empty_shop()
    async with console(world, tmp_path) as hands:
        await hands.sees("nobody waits for you")
        await hands.until(lambda: "] view" in keys(hands) and "enter" not in keys(hands))
        assert not any(offered in keys(hands) for offered in ("r reply", "m note", "e close", "s snooze"))
        person = customer(world, "Nina", [("chat", "site chat", True)])
        key = conversation(world, person, "chat", assignee=OLGA, waits=MINUTE)
        await world.customer_writes(key, "is somebody there?")
        await hands.sees("Nina")
        await hands.until(lambda: "enter open it" in keys(hands) and "r reply" in keys(hands))


def test_what_is_said_again_stays_as_long_as_the_first_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Timer:
        running = True

        def __init__(self, then: Callable[[], None]) -> None:
            self.then = then

        def stop(self) -> None:
            self.running = False

    timers: list[Timer] = []

    def set_timer(_line: Saying, _delay: float, then: Callable[[], None]) -> Timer:
        timers.append(Timer(then))
        return timers[-1]

    monkeypatch.setattr(Saying, "set_timer", set_timer)
    line = Saying()
    for _ in range(2):
        line.say("no answer from the server")
    first, second = timers
    assert second.running and not first.running
    second.then()
    assert line.said == ""


async def test_what_leads_out_of_marking_is_said_in_every_language(world: FakeServer, tmp_path: Path) -> None:
    i18n.use("ru")
    async with console(world, tmp_path, size=(80, 24)) as hands:
        await hands.press("space")
        await hands.until(lambda: keys(hands).startswith(" отмечено: 1   a взять"))
        assert keys(hands).rstrip().endswith("esc снять отметки"), keys(hands)
        await hands.press("escape", "1", "space", "space")
        await hands.until(lambda: keys(hands).rstrip().endswith("esc снять отметки"))


async def test_ways_and_recipients_are_offered_where_there_are_some(
    world: FakeServer, tmp_path: Path
) -> None:
    world.ways[ANNAS_CARD] = [replace(way, recipients_max=9) for way in world.ways[ANNAS_CARD]]
    async with console(world, tmp_path, size=(160, 40)) as hands:
        await hands.press("1")
        await hands.sees("Kind regards")
        await hands.until(lambda: "alt+r recipients" in keys(hands))
        await hands.press("r")
        await hands.until(lambda: "ctrl+j send" in keys(hands))
        assert "another way" not in keys(hands)
        await hands.press("escape", "2", "r")
        await hands.until(lambda: "alt+w another way" in keys(hands))
        assert "recipients" not in keys(hands)
