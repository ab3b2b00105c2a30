"""The `:` line, the same again, and macros, key by key."""

from __future__ import annotations

from pathlib import Path

from omni_console import i18n
from omni_console.screens.command_screen import CommandScreen
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_world import BORIS

IVAN, ANNA, MARIA, PHONE = 2, 3, 4, 5


async def says(hands: Hands, line: str) -> None:
    """A whole command, typed into the line."""
    await hands.press("colon")
    await hands.until(lambda: isinstance(hands.app.screen, CommandScreen), "the command line")
    await hands.type(line)
    await hands.press("enter")


async def test_a_command_by_its_name_with_what_it_needs(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.until(lambda: hands.screen.list.select(ANNA), "on Anna")
        await says(hands, "tag refund vip")
        await hands.until(lambda: world.conversations[ANNA].tags[-2:] == ["refund", "vip"], "tagged")
        await says(hands, "tag -refund")
        await hands.until(lambda: world.conversations[ANNA].tags[-1:] == ["vip"], "taken off")
        await says(hands, "priority high")
        await hands.until(lambda: world.conversations[ANNA].priority == "high", "urgent")
        await says(hands, "snooze 2h")
        await hands.until(lambda: world.conversations[ANNA].state == "snoozed", "snoozed")
        await hands.until(lambda: hands.screen.list.select(IVAN), "on Ivan")
        await says(hands, 'close "lost card" unblocked it')
        await hands.until(lambda: world.conversations[IVAN].state == "closed", "closed")
        row = world.conversations[IVAN]
        assert (row.topic, row.result) == ("lost card", "unblocked it")


async def test_a_colleague_by_name_with_the_note_he_needs(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.until(lambda: hands.screen.list.select(ANNA), "on Anna")
        await says(hands, "assign berg wants her money back")
        await hands.until(lambda: world.conversations[ANNA].assignee_id == BORIS.id, "with Boris")
        assert (world.messages[-1].kind, world.messages[-1].text) == ("note", "wants her money back")
        await hands.until(lambda: hands.screen.list.select(IVAN), "on Ivan")
        await says(hands, "assign boris")
        await hands.sees("What must Boris Berg know of Иван Петров?")


async def test_what_is_wrong_is_said_while_the_line_stays(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await says(hands, "asign boris")
        await hands.sees("there is no command asign (did you mean assign?)")
        assert ":asign boris" in hands.text()
        await hands.press("escape")
        await hands.sees_no(":asign")


async def test_tab_completes_and_goes_round(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("colon", "a", "s", "s", "tab")
        await hands.sees(":assign")
        await hands.sees("assign COLLEAGUE WORDS…  Assign")
        await hands.press("b", "tab")
        await hands.sees(":assign boris")
        await hands.press("escape")
        await hands.press("colon", "s", "p", "tab")
        await hands.sees(":spam")
        await hands.press("tab")
        await hands.sees(":spell")
        await hands.press("shift+tab")
        await hands.sees(":spam")
        await hands.press("escape")
        await hands.press("colon", "t", "e", "m", "p", "tab", "tab")
        await hands.sees("template CODE")


async def test_what_was_typed_before_comes_back(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await says(hands, "view queue")
        await hands.until(lambda: hands.screen.list.view == "queue", "the queue")
        await says(hands, "view closed")
        await hands.press("colon", "up")
        await hands.sees(":view closed")
        await hands.press("up")
        await hands.sees(":view queue")
        await hands.press("down", "down")
        await hands.sees_no(":view")
        await hands.press("backspace")
        await hands.until(lambda: hands.app.screen is hands.screen, "left")


async def test_a_note_is_kept_at_once_and_a_reply_waits_for_its_send(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path) as hands:
        await hands.until(lambda: hands.screen.list.select(IVAN), "on Ivan")
        await says(hands, "note block code 14")
        await hands.until(lambda: world.messages[-1].text == "block code 14", "kept")
        assert world.messages[-1].kind == "note"
        count = len(world.messages)
        await says(hands, "reply Снимаю блокировку")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.sees("Снимаю блокировку")
        assert len(world.messages) == count, "not sent"
        await hands.press("escape")
        await says(hands, "send")
        await hands.until(lambda: world.messages[-1].text == "Снимаю блокировку", "sent")
        assert [message.kind for message in world.messages[-2:]] == ["note", "out"]


async def test_a_note_does_not_take_a_begun_reply_away(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.until(lambda: hands.screen.list.select(IVAN), "on Ivan")
        await hands.press("r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.type("a begun reply")
        await hands.press("escape")
        await says(hands, "note a note between")
        await hands.until(lambda: world.messages[-1].kind == "note", "kept")
        await hands.sees("a begun reply")
        await hands.until(lambda: world.drafts[IVAN, "reply"].text == "a begun reply", "still a draft")
        await hands.press("r")
        await hands.press("ctrl+j")
        await hands.until(lambda: world.messages[-1].text == "a begun reply", "sent")


async def test_words_go_into_the_window_that_opens(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await says(hands, "search Invoice")
        await hands.sees("Search all messages")
        await hands.sees("message")
        await hands.press("escape")
        await says(hands, "go chlo")
        await hands.press("enter")
        await hands.sees("do you ship to Belgium?")


async def test_the_same_again_on_another_conversation(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("full_stop")
        await hands.sees("nothing was done yet")
        await hands.until(lambda: hands.screen.list.select(ANNA), "on Anna")
        await hands.press("exclamation_mark", "1")
        await hands.until(lambda: world.conversations[ANNA].priority == "urgent", "urgent")
        await hands.sees("urgent: Anna Schmidt")
        await hands.until(lambda: hands.screen.list.select(IVAN), "on Ivan")
        await hands.press("full_stop")
        await hands.until(lambda: world.conversations[IVAN].priority == "urgent", "urgent too")
        await hands.sees("Иван Петров: urgent")


async def test_the_same_again_on_every_marked_row(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.until(lambda: hands.screen.list.select(ANNA), "on Anna")
        await says(hands, "tag seen")
        await hands.until(lambda: "seen" in world.conversations[ANNA].tags, "tagged")
        await hands.until(lambda: hands.screen.list.select(IVAN), "on Ivan")
        await hands.press("space")
        await hands.until(lambda: hands.screen.list.select(MARIA), "on Maria")
        await hands.press("space", "full_stop")
        await hands.sees("again: tag seen (2 marked) · tags of 2 are changed")
        for key in (IVAN, MARIA):
            await hands.until(lambda key=key: "seen" in world.conversations[key].tags, "both")  # type: ignore[misc]


async def test_a_send_is_never_repeated(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.until(lambda: hands.screen.list.select(IVAN), "on Ivan")
        await says(hands, "reply once")
        await says_nothing(hands)
        await hands.press("ctrl+j")
        await hands.until(lambda: world.messages[-1].text == "once", "sent")
        await hands.sees("once ↑ queued")
        await hands.press("full_stop")
        await hands.sees("nothing was done yet")
        assert [message.text for message in world.messages].count("once") == 1


async def says_nothing(hands: Hands) -> None:
    await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")


async def test_a_macro_does_one_after_the_other(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.until(lambda: hands.screen.list.select(ANNA), "on Anna")
        hands.screen.orders.play("H", ["tag refund", ":priority high", "snooze 2h"])
        await hands.until(lambda: world.conversations[ANNA].state == "snoozed", "all done")
        row = world.conversations[ANNA]
        assert (row.tags[-1], row.priority) == ("refund", "high")
        await hands.until(lambda: hands.screen.list.select(IVAN), "on Ivan")
        hands.screen.orders.play("H", ["tag refund", "snoze 2h", "priority high"])
        await hands.sees("H stops at “snoze 2h”: there is no command snoze")
        assert world.conversations[IVAN].priority == "normal"


async def test_a_macro_stops_where_the_server_says_no(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.until(lambda: hands.screen.list.select(ANNA), "on Anna")
        world.fail_next[f"/conversations/{ANNA}"] = "drop"
        hands.screen.orders.play("H", ["tag refund", "snooze 2h"])
        await hands.sees("no answer from the server")
        await hands.pilot.pause(0.1)
        assert world.conversations[ANNA].state == "open"


async def test_commands_in_russian(world: FakeServer, tmp_path: Path) -> None:
    i18n.use("ru")
    async with console(world, tmp_path) as hands:
        await hands.until(lambda: hands.screen.list.select(ANNA), "on Anna")
        await says(hands, "priority важн")
        await hands.until(lambda: world.conversations[ANNA].priority == "high", "high")
        await says(hands, "асsign")
        await hands.sees("нет команды")
