"""Panes: split, sized, hidden and brought back; and who is typed to is never in doubt."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.widget import Widget

from omni_console.widgets.pane import Pane
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_books import MINUTE
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_world import said

IVAN, ANNA = 2, 3
LARGE = (200, 60)


async def open_panes(hands: Hands, count: int) -> None:
    """Panes with different conversations, in two columns."""
    await hands.press("1")
    await hands.until(lambda: hands.screen.pane, "one pane")
    for number, key in enumerate(("|", "-", "-", "alt+left -", "-")[: count - 1], 2):
        await hands.press(*key.split())
        await shows(hands, number)


async def shows(hands: Hands, count: int) -> None:
    await hands.until(lambda: len(hands.screen.grid.conversations()) == count, f"{count} conversations")


async def writes(hands: Hands, pane: Pane, words: str) -> None:
    await hands.press("r")
    await hands.until(lambda: pane.writing, "writing")
    await hands.type(words)


def has_keys(hands: Hands, widget: Widget) -> bool:
    return hands.screen.focused is widget


def widths(hands: Hands) -> list[int]:
    return [pane.size.width for pane in hands.screen.grid.panes]


async def test_six_panes_and_no_seventh(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path, size=LARGE) as hands:
        await open_panes(hands, 6)
        grid = hands.screen.grid
        assert len(set(grid.conversations())) == 6
        assert grid.placed == {pane.key for pane in grid.panes}
        await hands.press("|")
        await hands.sees("more than six conversations have no place")
        assert len(grid.panes) == 6

        # alt and an arrow go to what stands there, at the ends to the list and to the card.
        below = grid.panes[2]
        grid.activate(below)
        hands.screen.set_focus(below.river)
        await hands.press("alt+right")
        assert grid.active.region.x > below.region.x and grid.active.region.y == below.region.y
        await hands.press("alt+up")
        assert grid.active.region.y < below.region.y
        await hands.press("alt+right")
        assert has_keys(hands, hands.screen.card.lines)
        await hands.press("alt+left", "alt+left", "alt+left")
        assert has_keys(hands, hands.screen.list)
        await hands.press("alt+right")
        assert grid.active.has_focus_within

        # Each keeps its own words.
        for pane, words in zip(grid.panes, "abcdef", strict=True):
            grid.activate(pane)
            hands.screen.set_focus(pane.river)
            await writes(hands, pane, f"words {words}")
            await hands.press("escape")
        assert [pane.composer.text for pane in grid.panes] == [f"words {words}" for words in "abcdef"]
        keys = {pane.conversation_id: pane.composer.text for pane in grid.panes}
        await hands.until(
            lambda: {key: draft.text for (key, _kind), draft in world.drafts.items()} == keys, "saved, each"
        )


async def test_a_smaller_terminal_hides_panes_and_a_larger_one_brings_them_back(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path, size=LARGE) as hands:
        await open_panes(hands, 6)
        grid = hands.screen.grid
        before = [(pane.key, pane.region) for pane in grid.panes]
        await hands.press("r")
        await hands.until(lambda: grid.active.writing, "writing")
        await hands.type("half a sen")
        active = grid.active
        await hands.pilot.resize_terminal(120, 40)
        await hands.until(lambda: len(grid.placed) == 6, "all of them, in twelve lines each")
        for size in ((110, 30), (80, 24), (40, 12)):
            await hands.pilot.resize_terminal(*size)
            await hands.pilot.pause()
            assert active.key in grid.placed
            assert active.writing and active.composer.text == "half a sen"
            await hands.sees("half a sen")
            assert "/6" in hands.lines()[active.region.y], "it says that there are more"
        await hands.press("escape", "alt+right")
        assert grid.active is not active, "the hidden ones are a key away"
        await hands.sees(grid.active.row.customer if grid.active.row else "?")
        await hands.press("alt+left")
        await hands.pilot.resize_terminal(*LARGE)
        await hands.until(lambda: [(pane.key, pane.region) for pane in grid.panes] == before, "as before")
        assert active.composer.text == "half a sen"


@pytest.mark.parametrize("key", ["|", "-"])
async def test_no_room_is_said_and_changes_nothing(world: FakeServer, tmp_path: Path, key: str) -> None:
    async with console(world, tmp_path, size=(80, 24)) as hands:
        await hands.press("enter")
        await hands.sees("Kind regards")
        await hands.press(key)
        await hands.sees("no room for another pane: each needs 48 columns and 12 lines")
        assert len(hands.screen.grid.panes) == 1
        assert hands.screen.pane is not None and hands.screen.pane.conversation_id == ANNA


async def test_sizes_by_key_and_by_mouse(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path, size=(160, 40)) as hands:
        await open_panes(hands, 2)
        hands.screen.card.display = False
        await hands.pilot.pause()
        left, right = widths(hands)
        await hands.press("+")
        assert widths(hands) == [left - 4, right + 4]
        await hands.press("_", "_")
        assert widths(hands) == [left + 4, right - 4]
        await hands.press("=")
        assert widths(hands) == [left, right]
        border = hands.screen.grid.panes[1].region.x - 1
        await hands.pilot.mouse_down(offset=(border, 20))
        await hands.pilot.hover(offset=(border + 7, 20))
        await hands.pilot.mouse_up(offset=(border + 7, 20))
        assert widths(hands) == [left + 7, right - 7]
        # With the focus in the list the list is meant.
        await hands.press("alt+left", "alt+left", "+", "+")
        assert hands.screen.list.size.width == 48
        await hands.press("=")
        assert hands.screen.list.size.width == 44
        await hands.press("enter", "_", *["_"] * 20)
        await hands.sees("no room to give or to take")


async def test_a_click_goes_to_a_pane_and_the_cross_closes_it(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await open_panes(hands, 2)
        first, second = hands.screen.grid.panes
        await hands.press("r")
        await hands.until(lambda: second.writing, "writing")
        await hands.type("kept")
        assert await hands.pilot.click(offset=(first.region.x + 4, first.region.y))
        await hands.until(lambda: first.has_focus_within and hands.screen.grid.active is first, "there")
        assert await hands.pilot.click(offset=(second.region.right - 2, second.region.y))
        await hands.until(lambda: hands.screen.grid.panes == [first], "closed")
        await hands.until(lambda: world.drafts[second.conversation_id, "reply"].text == "kept", "kept")


async def test_zoom_goes_on_writing(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await open_panes(hands, 2)
        pane = hands.screen.grid.active
        await hands.press("r")
        await hands.until(lambda: pane.writing, "writing")
        await hands.type("one ")
        await hands.press("alt+z")
        await hands.until(lambda: pane.size.width == 120, "alone on the screen")
        assert pane.writing
        await hands.type("two")
        await hands.press("alt+z")
        await hands.until(lambda: pane.size.width == 40, "beside the other")
        assert pane.writing and pane.composer.text == "one two"


async def test_new_panes_and_other_sizes_do_not_move_what_is_read(world: FakeServer, tmp_path: Path) -> None:
    for number in range(80):
        said(world, IVAN, ("in", 7 * MINUTE - number, f"line {number} " + "of some length " * 4))
    async with console(world, tmp_path, size=(160, 48)) as hands:
        await hands.press("j", "enter")
        await hands.sees("line 79")
        await hands.press("ctrl+u", "ctrl+u")
        pane = hands.screen.pane
        assert pane is not None

        def top() -> int:
            items = pane.river.items()
            return next((items[at].id for _line, at in pane.river.screen_lines() if at >= 0), 0)

        reading = top()
        for keys in (("|",), ("-",), ("z", "z"), ("+",), ("q",), ("q",)):
            await hands.press(*keys)
            assert top() == reading, keys
        await hands.pilot.resize_terminal(100, 30)
        await hands.pilot.resize_terminal(160, 48)
        assert top() == reading
        await world.customer_writes(ANNA, "something else")
        await hands.until(
            lambda: (
                world.conversations[ANNA].seq in [row.seq for row in hands.app.desk.conversations.values()]
            ),
            "heard",
        )
        assert top() == reading
        assert hands.screen.pane is pane and pane.has_focus_within, "nothing took the focus"


async def test_a_larger_screen_that_shows_the_end_gives_the_place_back(
    world: FakeServer, tmp_path: Path
) -> None:
    for number in range(30):
        said(world, IVAN, ("in", 7 * MINUTE - number, f"line {number} " + "of some length " * 9))
    async with console(world, tmp_path, size=(120, 30)) as hands:
        await hands.press("j", "enter")
        await hands.sees("line 29")
        await hands.press(*["k"] * 8)
        pane = hands.screen.pane
        assert pane is not None
        before = [line[39:] for line in hands.lines()[5:12]]
        assert not pane.river.following
        await hands.pilot.resize_terminal(160, 80)
        await hands.sees("line 29")
        await hands.pilot.resize_terminal(120, 30)
        assert [line[39:] for line in hands.lines()[5:12]] == before
        # Who follows the newest goes on following.
        await hands.press("G")
        await hands.pilot.resize_terminal(160, 80)
        await world.customer_writes(IVAN, "the very newest")
        await hands.sees("the very newest")
        await hands.pilot.resize_terminal(120, 30)
        await hands.sees("the very newest")


async def test_backtick_goes_back_and_forth(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("1", "2")
        shown = hands.screen.grid.conversations()
        await hands.press("`")
        there = hands.screen.grid.conversations()
        await hands.press("ё")
        now = hands.screen.grid.conversations()
        assert there != shown == now


async def test_what_is_typed_to_is_marked_in_reverse_and_named(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await open_panes(hands, 2)
        first, second = hands.screen.grid.panes

        def chips() -> list[bool]:
            return [
                any(role == "active" for _content, role in pane.header.lay_out(40)[0])
                for pane in (first, second)
            ]

        await hands.until(lambda: chips() == [False, True], "the second")
        await hands.press("alt+left")
        await hands.until(lambda: chips() == [True, False], "the first")
        await hands.press("alt+left")
        await hands.until(lambda: chips() == [False, False], "the list has the keys")
        await hands.press("alt+right", "r")
        await hands.until(lambda: first.writing, "writing")
        await hands.until(lambda: chips() == [True, False], "the first again")
        row = first.row
        assert row is not None
        line = hands.lines()[first.line.region.y]
        assert f"Olga → {row.customer}" in line and "by" in line


async def test_the_card_is_that_of_the_pane_one_goes_to(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path, size=(200, 50)) as hands:
        await hands.press("1", "|")
        await hands.until(lambda: len(hands.screen.grid.conversations()) == 2, "two")
        for key in ("alt+left", "alt+right", "tab", "tab", "shift+tab"):
            await hands.press(key)
            pane = hands.screen.pane
            assert pane is not None
            assert hands.screen.card.lines.conversation_id == pane.conversation_id, key


async def test_a_narrow_head_names_the_customer_before_anything_else(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path, size=(120, 40)) as hands:
        await open_panes(hands, 2)
        for pane in hands.screen.grid.panes:
            row = pane.row
            assert row is not None
            for width in (24, 30, 36):
                head = "".join(content.plain for content, _role in pane.header.lay_out(width)[0])
                assert row.customer[:12] in head, head
                assert cell_len(head) == width


async def test_keys_that_come_at_once_write_where_the_last_of_them_went(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path, size=LARGE) as hands:
        await hands.press("1", "|", "|")
        screen, grid = hands.screen, hands.screen.grid
        await hands.until(lambda: len(grid.panes) == 3 and grid.active is grid.panes[2], "the third")
        # As they are read by one look at a busy terminal: nothing of the first is done when the next acts.
        screen.action_do("pane.left")
        screen.action_do("pane.left")
        went: list[Pane] = []
        activate = grid.activate

        def watched(pane: Pane) -> None:
            went.append(pane)
            activate(pane)

        grid.activate = watched  # type: ignore[method-assign]
        await hands.pilot.pause()
        assert [pane for pane in went if pane is not grid.panes[0]] == [], "the focus came back on its own"
        assert grid.active is grid.panes[0] and screen.focused is grid.panes[0].river
