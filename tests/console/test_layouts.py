"""The screen as it was: after a restart, by name, and without what is gone meanwhile."""

from __future__ import annotations

from pathlib import Path

from omni_console.own import Own
from omni_console.own_settings import Settings
from server.protocol import SavedView
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_server import FakeServer

IVAN, ANNA, MARIA = 2, 3, 4
SIZE = (160, 48)


async def kept(hands: Hands, folder: Path, conversations: int) -> str:
    """What is in the file, when it holds so many conversations."""
    wanted = [f'"{number}":' for number in range(1, conversations + 1)]
    wanted.append(f'"view":"{hands.screen.list.view}"')

    def text() -> str:
        found = list(folder.glob("*.json"))
        return found[0].read_text() if found else ""

    await hands.until(lambda: all(one in text() for one in wanted), "kept")
    return text()


async def arrange(hands: Hands) -> None:
    await hands.press("1", "|", "-")
    await hands.until(lambda: len(hands.screen.grid.conversations()) == 3, "three panes")
    await hands.press("+", "+", "]")


def listed(hands: Hands) -> list[int | None]:
    window = hands.screen.list.window
    return [window.id_at(row) for row in range(len(window))]


def picture(hands: Hands) -> list[tuple[int, object]]:
    return [(pane.conversation_id, pane.region) for pane in hands.screen.grid.panes]


async def test_the_console_begins_as_it_ended(world: FakeServer, tmp_path: Path) -> None:
    folder = tmp_path / "layouts"
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await arrange(hands)
        before, active = picture(hands), hands.screen.grid.active.conversation_id
        text = await kept(hands, folder, 3)
        names = [row.customer for row in world.conversations.values() if row.customer.strip()]
        assert not [name for name in names if name in text], "numbers, and nobody's name"
    seen = dict(world.seen)
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await hands.until(lambda: picture(hands) == before, "as before")
        assert hands.screen.grid.active.conversation_id == active
        assert hands.screen.focused is hands.screen.list and hands.screen.list.view == "queue"
        assert world.seen == seen, "what is put back is not read by that"
    async with console(
        world, tmp_path, size=SIZE, own=Own(settings=Settings(layout="none"), layouts=folder)
    ) as hands:
        await hands.sees("enter opens a conversation here")
        assert len(hands.screen.grid.panes) == 1


async def test_quitting_keeps_the_last_moment(world: FakeServer, tmp_path: Path) -> None:
    folder = tmp_path / "layouts"
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await arrange(hands)
        await hands.press("alt+right", "z")
        await hands.until(lambda: len(hands.screen.grid.placed) == 1, "zoomed")
        await hands.pilot.press("ctrl+q")
        await hands.until(lambda: hands.app._exit, "ends")
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await hands.until(lambda: len(hands.screen.grid.conversations()) == 3, "three again")
        await hands.until(lambda: len(hands.screen.grid.placed) == 1, "zoomed again")
        assert not hands.screen.list.display


async def test_what_is_gone_is_left_out_and_said(world: FakeServer, tmp_path: Path) -> None:
    folder = tmp_path / "layouts"
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await arrange(hands)
        await kept(hands, folder, 3)
        gone, *left = hands.screen.grid.conversations()
    del world.conversations[gone]
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await hands.sees("1 conversation of the layout is gone, or not yours to see")
        assert hands.screen.grid.conversations() == left
        assert len(hands.screen.grid.panes) == 2


async def test_all_gone_is_an_empty_pane(world: FakeServer, tmp_path: Path) -> None:
    folder = tmp_path / "layouts"
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await hands.press("1")
        await kept(hands, folder, 1)
        gone = hands.screen.grid.conversations()[0]
    del world.conversations[gone]
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await hands.sees("1 conversation of the layout is gone")
        await hands.press("enter")
        await hands.until(lambda: hands.screen.pane, "it is used like any other")


async def test_a_broken_file_is_said_and_put_aside(world: FakeServer, tmp_path: Path) -> None:
    folder = tmp_path / "layouts"
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await hands.press("1")
        await kept(hands, folder, 1)
    file = next(folder.glob("*.json"))
    file.write_text('{"last": ')
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await hands.sees("the file of layouts is broken; it was put aside as")
        assert file.with_suffix(".broken").exists()
        await hands.press("1")
        await kept(hands, folder, 1)


async def test_by_name(world: FakeServer, tmp_path: Path) -> None:
    folder = tmp_path / "layouts"
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await arrange(hands)
        before = picture(hands)
        await hands.press("Z")
        await hands.sees("no layout is kept yet")
        await hands.type("evening [red]")
        await hands.press("enter")
        await hands.sees("kept as evening [red]")
        await hands.press("alt+right", "r")
        pane = hands.screen.grid.active
        await hands.until(lambda: pane.writing, "writing")
        await hands.type("half a word")
        key = pane.conversation_id
        await hands.press("escape", "q", "q", "q", "1")
        await hands.until(lambda: len(hands.screen.grid.panes) == 1, "one")
        await hands.press("Z")
        await hands.sees("3 panes")
        await hands.press("enter")
        await hands.until(lambda: picture(hands) == before, "as before")
        shown = hands.screen.grid.showing(key)
        assert shown is not None
        await hands.until(lambda: shown.composer.text == "half a word", "its draft as well")
        assert hands.screen.focused is hands.screen.list, "where it was when the layout was kept"
        await hands.press("Z")
        await hands.sees("3 panes")
        await hands.press("ctrl+x")
        await hands.sees("ctrl+x again deletes evening [red]")
        await hands.press("ctrl+x")
        await hands.sees("evening [red] is deleted")
        assert picture(hands) == before


async def test_a_pane_that_goes_on_keeps_its_place_and_its_words(world: FakeServer, tmp_path: Path) -> None:
    folder = tmp_path / "layouts"
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await hands.press("1", "Z")
        await hands.type("one")
        await hands.press("enter", "|")
        await hands.until(lambda: len(hands.screen.grid.conversations()) == 2, "two")
        first = hands.screen.grid.panes[0]
        await hands.press("alt+left", "r")
        await hands.until(lambda: first.writing, "writing")
        await hands.type("goes on")
        await hands.press("escape", "Z", "enter")
        await hands.until(lambda: hands.screen.grid.panes == [first], "the same pane, alone")
        assert first.composer.text == "goes on"


async def test_what_the_server_does_not_answer_is_asked_again(world: FakeServer, tmp_path: Path) -> None:
    folder = tmp_path / "layouts"
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await hands.press("1")
        await kept(hands, folder, 1)
        key = hands.screen.grid.conversations()[0]
    world.fail_next[f"/conversations/{key}"] = "drop"
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await hands.until(lambda: not world.fail_next, "dropped")
        hands.screen.layouts.online_again()
        await hands.until(lambda: hands.screen.grid.conversations() == [key], "shown")


async def test_the_filter_and_the_focus_come_back_and_nothing_is_read_by_that(
    world: FakeServer, tmp_path: Path
) -> None:
    folder = tmp_path / "layouts"
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await hands.press("backslash")
        await hands.type("from:иван")
        await hands.press("enter")
        await hands.until(lambda: listed(hands) == [IVAN], "narrowed")
        await hands.press("enter")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.river.has_focus, "reading")
        await kept(hands, folder, 1)
    await world.customer_writes(IVAN, "while nobody sat there")
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await hands.sees("while nobody sat there")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.river.has_focus, "as it was")
        await hands.until(lambda: listed(hands) == [IVAN], "narrowed as it was")
        assert world.seen[IVAN] < world.conversations[IVAN].customer_seq, "nobody has looked yet"
        await hands.press("k")
        await hands.until(
            lambda: world.seen[IVAN] == world.conversations[IVAN].customer_seq, "now somebody has"
        )


async def test_a_saved_view_comes_back_when_it_is_known(world: FakeServer, tmp_path: Path) -> None:
    folder = tmp_path / "layouts"
    world.views.append(
        SavedView(
            id=7, name="Ivans", base="mine", filter="from:иван", shared=False, by="O", by_id=1, updated_at=1
        )
    )
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await hands.until(lambda: hands.screen.desk.saved_views, "known")
        hands.screen.narrowing.show("7")
        await hands.until(lambda: listed(hands) == [IVAN], "shown")
        await hands.press("enter", "Z")
        await hands.type("ivans")
        await hands.press("enter")
        await hands.sees("kept as ivans")
        file = next(folder.glob("*.json"))
        await hands.until(lambda: file.read_text().count('"place":"7"') == 2, "by name and by itself")
    async with console(world, tmp_path, size=SIZE, own=Own(layouts=folder)) as hands:
        await hands.until(lambda: hands.screen.list.place == "7", "the saved view again")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.river.has_focus, "the focus too")
        await hands.press("]", "Z", "enter")
        await hands.until(lambda: hands.screen.list.place == "7", "by name as well")
        assert hands.screen.pane is not None and hands.screen.pane.river.has_focus
