"""Help, palette, switcher, search, outbox."""

from __future__ import annotations

from pathlib import Path

from omni_console import i18n
from omni_console.actions import ACTIONS
from omni_console.app import OmniConsole
from omni_console.client import ServerClient
from omni_console.own_settings import read
from omni_console.query_words import texts_of
from omni_console.screens.search_screen import in_context
from server.protocol.query import Term, parse
from tests.fakes.console_hands import console
from tests.fakes.operator_api_books import MINUTE
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_world import conversation, customer, said

IVAN, MARIA = 2, 4


async def test_help_is_the_registry(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path, size=(120, 400)) as hands:
        await hands.press("question_mark")
        await hands.sees("Writing (compose mode)")
        text = hands.text()
        for action in ACTIONS:
            assert action.label[:25] in text, action.id
        await hands.press("escape")
        await hands.sees_no("Writing (compose mode)")
        await hands.press("f1")
        await hands.sees("Writing (compose mode)")


async def test_a_scrollbar_covers_nothing_and_the_page_of_keys_is_not_cut(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path, size=(80, 24)) as hands:
        await hands.press("question_mark")
        await hands.sees("Anywhere")
        await hands.sees(
            "Go to a numbered conversation\n"
            + " " * 22
            + "Your conversations keep their numbers 1 to 7 while"
        )
        await hands.press("escape", "ctrl+p")
        await hands.sees("All actions")
        [line] = [line for line in hands.lines() if "Open the conversation in" in line]
        assert line.rstrip().endswith(" enter"), "the scrollbar covers nothing"


async def test_own_keys_work_and_are_shown(world: FakeServer, tmp_path: Path) -> None:
    changes = {"thread.claim": "H", "attention.next": "alt+n"}
    async with console(world, tmp_path, changes=changes) as hands:
        await hands.press("]")
        await hands.sees("H take")
        await hands.press("a")
        await hands.press("H")
        await hands.until(lambda: world.conversations[5].assignee_id == 1, "taken by the new key")
        assert world.asked.count("POST /v1/conversations/5/claim") == 1
        await hands.press("alt+n")
        await hands.sees("Kind regards")


async def test_palette_does_what_it_says(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("ctrl+p")
        await hands.sees("All actions")
        await hands.type("snooz")
        await hands.press("enter")
        await hands.sees("Snooze Anna Schmidt until…")


async def test_switcher_finds_by_letters_of_a_name(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("ctrl+o")
        await hands.sees("Go to")
        await hands.type("chlo")
        await hands.press("enter")
        await hands.sees("do you ship to Belgium?")


async def test_switcher_asks_the_server_for_people_of_whom_nothing_is_loaded(
    world: FakeServer, tmp_path: Path
) -> None:
    person = customer(world, "Zacharias Quirin", [("mail", "zq@example.org", True)])
    conversation(world, person, "mail", state="closed")
    async with console(world, tmp_path) as hands:
        await hands.press("ctrl+o")
        await hands.type("zcharq")
        await hands.sees("nobody like that")
        await hands.press(*["backspace"] * 6)
        await hands.type("quirin")
        await hands.sees("zq@example.org")
        await hands.press("enter")
        await hands.until(
            lambda: hands.screen.pane is not None and hands.screen.pane.row is not None, "his conversation"
        )
        await hands.sees("Zacharias Quirin")


async def test_switcher_begins_with_what_is_unread(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("ctrl+o")
        await hands.sees("Go to")
        desk = hands.screen.desk
        shown = [goal.conversation for goal in hands.app.screen.goals.found]  # type: ignore[attr-defined]
        unread = [desk.unread(row) for row in shown if row is not None]
        assert unread == sorted(unread, reverse=True) and unread[0] and not unread[-1]


async def test_search_opens_the_place_even_far_back(world: FakeServer, tmp_path: Path) -> None:
    said(world, IVAN, ("in", 6 * MINUTE, "the needle is here"))
    for number in range(400):
        said(world, IVAN, ("in", 5 * MINUTE - number, f"straw {number}"))
    async with console(world, tmp_path) as hands:
        await hands.press("slash")
        await hands.sees("Search all messages")
        await hands.type("needle")
        await hands.sees("1 message")
        await hands.sees("the needle is here")
        await hands.press("enter")
        await hands.sees("»11:14 w Иван       the needle is here")


async def test_from_hit_to_hit_without_opening_the_search_again(world: FakeServer, tmp_path: Path) -> None:
    world.page_limit = 2
    for number in range(5):
        said(world, IVAN if number % 2 else MARIA, ("in", 9 * MINUTE - number, f"the needle {number}"))
    async with console(world, tmp_path) as hands:
        await hands.press("n")
        await hands.sees("search first")
        await hands.press("slash")
        await hands.type("needle")
        await hands.sees("the needle 3")
        await hands.press("enter")
        await hands.sees("hit 1 of")
        for number in (2, 3, 4, 5):
            await hands.press("n")
            await hands.sees(f"hit {number} of")
        await hands.press("n")
        await hands.sees("this was the last hit")
        await hands.press("comma")
        await hands.sees("hit 4 of 5: needle")
        river = hands.screen.pane.river if hands.screen.pane else None
        assert river is not None and river.hit is not None
        assert next(one for one in world.messages if one.id == river.hit).text == "the needle 1"
        await hands.press("comma", "comma", "б")
        await hands.sees("hit 1 of 5")
        await hands.press("comma")
        await hands.sees("this is the first hit")


async def test_qualifiers_are_completed_and_sent_as_they_are_meant(world: FakeServer, tmp_path: Path) -> None:
    said(world, MARIA, ("in", MINUTE, "a needle of Maria"))
    said(world, IVAN, ("in", MINUTE, "a needle of Ivan"))
    async with console(world, tmp_path) as hands:
        await hands.press("slash")
        await hands.type("needle fr")
        await hands.press("right")
        await hands.type("мария")
        await hands.sees("a needle of Maria")
        await hands.sees_no("a needle of Ivan")
        await hands.type(" after:yesterday")
        await hands.until(lambda: any("after" in one for one in world.searched), "asked")
        # The operator's yesterday, wherever the server is.
        assert "after:@17" in world.searched[-1]
        await hands.type(" form:x")
        await hands.sees("there is no qualifier form: · did you mean from:?")
        await hands.press("enter")
        assert hands.app.screen is not hands.screen  # what is not asked opens nothing


async def test_nothing_found_says_so(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("slash")
        await hands.type("zzz")
        await hands.sees("nothing found")


def terms(typed: str) -> list[Term]:
    return texts_of(parse(typed))


def test_a_hit_is_marked_within_its_words() -> None:
    line = in_context("a" * 60 + " блокировка карты за границей", terms("карта"), 40)
    assert [(part.plain, role) for part, role in line if role == "hit"] == [("карты", "hit")]
    assert line[0][0].plain == "…"
    line = in_context("Ёлка, blue kettle, blue pot", terms('"blue kettle" елка -pot'), 40)
    assert [part.plain for part, role in line if role == "hit"] == ["Ёлка", "blue kettle"]
    line = in_context("Hello, the invoice 2231 says 4 lamps, but we ordered 3", terms("lamps"), 60)
    assert [part.plain for part, _role in line[:2]] == ["…", "the invoice 2231 says 4 "]
    assert in_context("nothing", [], 40)[-1][0].plain == "nothing"
    assert in_context("[red]x(", terms("x("), 40)


async def test_outbox_one_key_decides(world: FakeServer, tmp_path: Path) -> None:
    failed = next(message for message in world.messages if message.status == "failed")
    async with console(world, tmp_path) as hands:
        await hands.press("O")
        await hands.sees("Unsettled replies")
        await hands.sees("blocked · Пришлите")
        await hands.press("s")
        await hands.until(lambda: world.messages[failed.id - 1].status == "queued", "sent again")
        await hands.press("escape")
        await hands.sees_no("to decide")


async def test_outbox_all_asks_first(world: FakeServer, tmp_path: Path) -> None:
    for text in ("one", "two"):
        said(world, IVAN, ("out", MINUTE, text, {"status": "unknown", "error": "connection lost"}))
    async with console(world, tmp_path) as hands:
        await hands.press("O")
        await hands.sees("connection lost · one")
        await hands.press("A")
        await hands.sees("Have all 3 replies arrived?")
        await hands.press("enter")
        assert [message.status for message in world.messages].count("unknown") == 2
        await hands.press("A")
        await hands.sees("Have all 3")
        await hands.press("2")
        await hands.sees("every reply is settled")
        assert {"unknown", "failed"}.isdisjoint(message.status for message in world.messages)


async def test_the_customer_card(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path, size=(200, 50)) as hands:
        await hands.press("j", "enter")
        await hands.sees("✓ ivan@example.org")
        await hands.sees("writes from it")
        await hands.sees("перенесли на завтра")
        await hands.press("i", "q")
        await hands.sees_no("✓ ivan@example.org")
        await hands.press("i")
        await hands.sees("✓ ivan@example.org")


async def test_russian(world: FakeServer, tmp_path: Path) -> None:
    i18n.use("ru")
    async with console(world, tmp_path) as hands:
        await hands.sees("мои 3")
        await hands.sees("очередь 4")
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.sees("ждёт 7м")


async def test_three_kinds_of_colours_and_the_one_that_somebody_likes(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("1", "r")
        seen = [hands.app.theme]
        for _turn in range(3):
            hands.screen.action_do("screen.theme")
            await hands.pilot.pause()
            seen.append(hands.app.theme)
            # Whom one writes to is marked by another ground in each of them.
            header = hands.screen.grid.active.header
            chip = header.get_visual_style("line--active")
            assert chip.background not in (header.get_visual_style().background, chip.foreground)
        assert seen == ["omni", "omni-light", "omni-ansi", "omni"]
    assert OmniConsole(ServerClient("nowhere"), theme="ansi").theme == "omni-ansi"
    assert read({"theme": "ansi"}).settings.theme == "ansi"
    assert read({"theme": "pink"}).problems
