"""Texts kept ready, at the keyboard: by code in three keys, from the list, and never half filled in."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from omni_console.messages import TemplatesCame
from omni_console.screens.templates_screen import TemplatesScreen
from omni_console.short_code import ShortCode, before, find, meant
from server.protocol import FilledTemplate, Template
from tests.console.test_with_server import console_of
from tests.fakes.asking import ask
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_world import HOSTILE
from tests.fakes.running_server import Running, running_server


def template(code: str, text: str = "", title: str = "", **more: Any) -> FilledTemplate:
    return FilledTemplate(code=code, title=title or code.title(), text=text or f"the text of {code}", **more)


THANKS, THEN, WHERE = (
    template("t", "Thank you, Ivan!", "Thanks"),
    template("then", "And then?"),
    template("where", "Your order {order.number} is on its way.", missing=["order.number"], language="en"),
)


@pytest.mark.parametrize(
    ("line", "column", "code"),
    [
        (";t", 2, "t"),
        ("hello /Where", 12, "where"),
        (";t", 1, None),
        ("see https://a.example/t", 23, None),
        ("either/or", 9, None),
        ("; t", 3, None),
        ("well;t", 6, None),
        (";спасибо", 8, "спасибо"),
    ],
)
def test_what_is_a_code(line: str, column: int, code: str | None) -> None:
    found = before(line, 0, column)
    assert (found.code if found else None) == code


def test_a_code_means_its_own_or_the_only_one_that_begins_so() -> None:
    assert meant("t", [THANKS, THEN]) == THANKS
    assert meant("the", [THEN]) == THEN
    assert meant("th", [THEN, template("thaw")]) is None


def test_found_by_beginnings_words_and_letters() -> None:
    everything = [WHERE, THEN, THANKS, template("refund", "the money comes back", "Money back")]
    assert [one.code for one in find(everything, "th")] == ["then", "t", "refund"]
    assert [one.code for one in find(everything, "rfd")] == ["refund"]
    assert [one.code for one in find(everything, "way")] == ["where"]
    assert find(everything, "zebra") == []


async def writing(hands: Hands) -> str:
    pane = hands.screen.pane
    assert pane is not None
    return pane.composer.text


async def begin(hands: Hands) -> None:
    await hands.press("enter")
    await hands.press("r")
    assert hands.screen.pane is not None and hands.screen.pane.writing


async def test_three_keys_put_one_in(world: FakeServer, tmp_path: Path) -> None:
    world.templates = [THANKS, THEN]
    async with console(world, tmp_path) as hands:
        await begin(hands)
        await hands.press("semicolon", "t", "tab")
        await hands.sees("Thank you, Ivan!")
        assert await writing(hands) == "Thank you, Ivan!"
        await hands.press("ctrl+z")
        assert await writing(hands) == ";t"  # one key takes it back
        await hands.press("ctrl+y", "enter", "slash", "t", "h", "tab")
        await hands.sees("And then?")
        assert await writing(hands) == "Thank you, Ivan!\nAnd then?"


async def test_what_the_card_knows_is_said(world: FakeServer, tmp_path: Path) -> None:
    world.templates = [template("c", "May I have a number?", known={"phone": "+79161234567"})]
    async with console(world, tmp_path) as hands:
        await begin(hands)
        await hands.press("semicolon", "c", "tab")
        await hands.sees("the card says it: phone +79161234567")


async def test_tab_without_a_code_is_still_tab(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await begin(hands)
        await hands.type("either/or")
        await hands.press("tab")
        assert not hands.screen.pane or not hands.screen.pane.writing


async def test_a_code_that_nobody_has(world: FakeServer, tmp_path: Path) -> None:
    world.templates = [THANKS]
    async with console(world, tmp_path) as hands:
        await begin(hands)
        await hands.press("semicolon", "x", "tab")
        await hands.sees("no template for this channel begins with x")
        assert await writing(hands) == ";x"


async def test_the_list_shows_what_each_says(world: FakeServer, tmp_path: Path) -> None:
    world.templates = [THANKS, THEN, WHERE]
    async with console(world, tmp_path) as hands:
        await begin(hands)
        await hands.type("Hello. ")
        await hands.press("alt+c")
        await hands.sees("Thank you, Ivan!")
        await hands.sees("lacks order.number")
        await hands.type("way")
        await hands.sees("Your order {order.number}")
        await hands.press("enter")
        await hands.sees("write in what belongs there")
        assert await writing(hands) == "Hello. Your order {order.number} is on its way."
        pane = hands.screen.pane
        assert pane is not None
        assert pane.composer.selected_text == "{order.number}"
        await hands.press("A", "minus", "7")
        assert await writing(hands) == "Hello. Your order A-7 is on its way."
        await hands.sees_no("write in what belongs there")


async def test_what_was_written_on_is_not_overwritten(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await begin(hands)
        await hands.type("other words")
        pane = hands.screen.pane
        assert pane is not None
        code = ShortCode(0, 0, 5, ";then")
        hands.screen.post_message(TemplatesCame(pane.conversation_id, "reply", code, [THEN]))
        await hands.sees("nothing was put in")
        assert await writing(hands) == "other words"


async def test_hostile_templates(world: FakeServer, tmp_path: Path) -> None:
    world.templates = [template(f"h{number}", text, text) for number, text in enumerate(HOSTILE)]
    async with console(world, tmp_path) as hands:
        await begin(hands)
        await hands.press("alt+c")
        await hands.until(lambda: isinstance(hands.app.screen, TemplatesScreen), "the list")
        for _ in HOSTILE:
            await hands.press("down")
            assert not set(hands.text()) & {"\x1b", "\x9b", "\x07", "\u202e"}
        await hands.press("up", "enter")
        assert hands.screen.pane is not None and hands.screen.pane.writing


async def kept(run: Running) -> None:
    await ask(
        run,
        Template,
        "PUT",
        "/v1/templates/where",
        uid=None,
        title="Where it is",
        variants=[{"text": "{name}: order {order.number} is on its way"}],
    )


async def test_the_server_holds_what_is_not_filled_in() -> None:
    async with running_server() as run, console_of(run) as hands:
        await kept(run)
        await run.hook("where is it?", person={"name": "Anna"})
        await hands.sees("where is it?")
        await begin(hands)
        await hands.press("semicolon", "w", "tab")
        await hands.sees("write in what belongs there")
        await hands.press("end", "ctrl+j")
        pane = hands.screen.pane
        assert pane is not None
        await hands.until(lambda: pane.composer.selected_text == "{order.number}", "the place, selected")
        assert run.receiver.texts() == []
        await hands.press("7")
        await hands.press("ctrl+j")
        async with asyncio.timeout(10):
            while not run.receiver.texts():  # noqa: ASYNC110 - the market's own time
                await asyncio.sleep(0.01)
        assert run.receiver.texts() == ["Anna: order 7 is on its way"]
