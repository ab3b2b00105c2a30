"""Filters of the list, and saved views, key by key."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from omni_console import i18n
from server import protocol as wire
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_server import FakeServer

IVAN, ANNA, MARIA, PHONE = 2, 3, 4, 5


async def narrow(hands: Hands, typed: str) -> None:
    await hands.press("backslash")
    await hands.type(typed)
    await hands.press("enter")


async def test_a_filter_narrows_the_list_and_stays_until_it_is_taken_away(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path) as hands:
        await hands.sees("Anna Schmidt")
        await narrow(hands, "from:иван")
        await hands.sees_no("Anna Schmidt")
        await hands.sees("mine 3  \\ from:иван")
        assert world.filtered[-1] == "from:иван"
        await hands.press("]")
        await hands.sees_no("\\ from")
        await hands.press("[")
        await hands.sees("mine 3  \\ from:иван")
        assert hands.screen.list.row_count() == 1
        await hands.press("backslash")
        for _letter in "from:иван":
            await hands.press("backspace")
        await hands.press("enter")
        await hands.sees("Anna Schmidt")
        await hands.sees_no("\\ from")


async def test_earlier_filters_come_back_and_words_are_completed(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await narrow(hands, "is:open")
        await hands.sees("\\ is:open")
        await narrow(hands, " -is:unread")
        await hands.sees("\\ is:open -is:unread")
        await hands.press("backslash", "up")
        await hands.sees("\\is:open")
        await hands.press("up", "down", "down")
        await hands.sees("\\is:open -is:unread")
        await hands.press("escape", "backslash")
        await hands.type(" assi")
        await hands.press("tab")
        await hands.sees("-is:unread assignee:")
        await hands.press("tab")
        await hands.sees("assignee:me")
        await hands.press("tab")
        await hands.sees("assignee:nobody")
        await hands.press("escape")


async def test_what_cannot_be_meant_is_said_while_the_line_stays(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await narrow(hands, "has:attachment")
        await hands.sees("has:attachment is for searching messages, not for a list")
        await hands.press("escape")
        await narrow(hands, "assignee:bors")
        await hands.sees("did you mean assignee:boris?")
        await hands.press("escape")
        assert hands.app.screen is hands.screen


async def test_events_and_the_filter_agree_and_what_is_read_stays(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await narrow(hands, "-tag:done")
        shown = hands.screen.desk.window("mine")
        await hands.until(lambda: len(shown) == 3, "all of them")
        world.change(ANNA, tags=["done"])
        await world.push("conversation.changed", conversation_id=ANNA)
        await hands.until(lambda: ANNA not in shown, "Anna left")
        world.change(ANNA, tags=[])
        await world.push("conversation.changed", conversation_id=ANNA)
        await hands.until(lambda: ANNA in shown, "Anna is back")
        await hands.until(lambda: hands.screen.list.select(IVAN), "on Ivan")
        await hands.press("enter")
        world.change(IVAN, tags=["done"])
        await world.push("conversation.changed", conversation_id=IVAN)
        world.change(MARIA, tags=["done"])
        await world.push("conversation.changed", conversation_id=MARIA)
        await hands.until(lambda: MARIA not in shown, "Maria left")
        assert IVAN in shown  # it is being read
        await hands.press("tab")
        await hands.until(lambda: hands.screen.list.select(ANNA), "on Anna")
        await hands.press("enter")
        await hands.until(lambda: IVAN not in shown, "Ivan left with his pane")


async def test_what_was_read_leaves_a_list_of_unread_ones(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await narrow(hands, "is:unread")
        shown = hands.screen.desk.window("mine")
        await hands.until(lambda: shown.loaded and shown.ids(), "unread ones")
        [first, *_] = shown.ids()
        await hands.until(lambda: hands.screen.list.select(first), "on it")
        await hands.press("enter")
        await hands.until(lambda: world.seen.get(first), "seen")
        assert first in shown
        await hands.press("q")
        await hands.until(lambda: first not in shown, "left")


async def test_a_filter_is_saved_walked_to_shared_and_deleted(world: FakeServer, tmp_path: Path) -> None:
    world.me = replace(world.me, role="lead")
    async with console(world, tmp_path) as hands:
        await hands.press("V")
        await hands.sees("no saved views yet")
        await hands.press("escape")
        await narrow(hands, "from:иван")
        await hands.press("V", "s")
        await hands.type("Ivans")
        await hands.press("enter")
        await hands.sees("saved as Ivans")
        await hands.until(lambda: hands.screen.desk.saved_views, "known")
        assert (world.views[0].base, world.views[0].filter) == ("mine", "from:иван")
        await hands.press("[")
        await hands.until(lambda: hands.screen.list.place == "1", "the saved one, behind the others")
        await hands.sees(" Ivans ")
        await hands.until(lambda: hands.screen.list.row_count() == 1, "only Ivan")
        await hands.press("V", "t")
        await hands.sees("Ivans is everybody's view now")
        await hands.until(lambda: [one.shared for one in world.views] == [True], "shared, not doubled")
        await hands.until(lambda: hands.screen.list.place == "mine", "what was shown is gone")
        await hands.press("V", "enter")
        await hands.until(lambda: hands.screen.list.place == str(world.views[0].id), "opened")
        await hands.press("V", "d")
        await hands.sees("d once more deletes Ivans")
        await hands.press("d")
        await hands.sees("Ivans is no view any more")
        await hands.until(lambda: hands.screen.list.place == "mine", "back to its list")


async def test_everybodys_view_is_for_leads_to_delete(world: FakeServer, tmp_path: Path) -> None:
    world.views.append(
        wire.SavedView(
            id=7, name="VIPs", base="all", filter="tag:vip", shared=True, by="Boris", by_id=2, updated_at=0
        )
    )
    async with console(world, tmp_path) as hands:
        await hands.until(lambda: hands.screen.desk.saved_views, "known")
        await hands.press("V")
        await hands.sees("everybody's, by Boris")
        await hands.press("d")
        await hands.sees("only a lead may delete it")
        await hands.press("enter")
        await hands.until(lambda: world.filtered[-1] == "tag:vip", "asked")


async def test_the_command_line_filters_too_and_all_of_it_is_russian(
    world: FakeServer, tmp_path: Path
) -> None:
    i18n.use("ru")
    async with console(world, tmp_path, size=(80, 24)) as hands:
        await hands.press("colon")
        await hands.type("filter это:открыто")
        await hands.press("enter")
        await hands.until(lambda: world.filtered[-1] == "is:open", "asked")
        await narrow(hands, " форм:х")
        await hands.sees("нет такого условия: форм:")
        await hands.press("escape")
