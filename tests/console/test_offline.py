"""A lost server, as an operator sees it."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_server import FakeServer

IVAN, ANNA, PHONE = 2, 3, 5


async def write(hands: Hands, text: str) -> None:
    await hands.press("j", "enter")
    await hands.sees("нечем заплатить")
    await hands.press("r")
    await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
    await hands.type(text)


async def test_the_banner_comes_and_goes_and_nothing_is_lost_or_repeated(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path, offline_after=1.0) as hands:
        await write(hands, "while you were away")
        world.go_silent()
        await hands.sees("offline — drafts are kept, nothing can be sent")
        await hands.press("ctrl+j")
        await hands.sees("offline: not sent. The text stays here")
        assert world.messages[-1].text != "while you were away"
        await world.customer_writes(IVAN, "still there?")
        await world.customer_writes(IVAN, "hello?")
        world.silent = False
        await hands.sees("hello?")
        await hands.sees_no("offline")
        await hands.sees("the server is back: ctrl+j sends it now")
        assert hands.text().count("still there?") == 1
        await hands.until(lambda: world.drafts, "the draft is saved on return")
        await hands.press("ctrl+j")
        await hands.until(lambda: world.messages[-1].text == "while you were away", "sent")
        await hands.sees("while you were away ↑ queued")


async def test_an_event_sent_twice_is_shown_once(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await world.customer_writes(IVAN, "only once")
        await hands.sees("only once")
        river = hands.app.desk.river(1)
        count = len(river)
        await world.cut()
        await world.customer_writes(IVAN, "and this")
        await hands.sees("and this")
        assert len(river) == count + 1


async def test_a_reset_loads_everything_anew(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        world.refuse_events = True
        await world.cut()
        await hands.sees("offline")
        await world.customer_writes(IVAN, "said in the gap")
        world.log.clear()
        world.log_from = world.seq
        world.refuse_events = False
        await hands.sees("said in the gap")
        await hands.until(lambda: hands.app.desk.windows["mine"].loaded, "lists")


async def test_events_of_a_newer_server_are_counted_and_skipped(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await world.push("robot.danced", conversation_id=IVAN)
        await world.customer_writes(IVAN, "after the dance")
        await hands.sees("after the dance")
        assert hands.app.desk.unknown_kinds == {"robot.danced": 1}


async def test_quitting_with_words_that_cannot_be_saved_asks(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path, offline_after=1.0) as hands:
        await write(hands, "precious")
        world.fail_next.update({"/draft": "503"})
        await hands.pilot.press("ctrl+q")
        await hands.sees("1 unsent text could not be saved")
        await hands.press("enter")
        await hands.sees("precious")
        assert not hands.app._exit
        await hands.pilot.press("ctrl+q")
        await hands.until(lambda: hands.app._exit, "saved this time, so it ends")
        assert world.drafts[IVAN, "reply"].text == "precious"


async def test_what_is_loaded_can_be_read_while_the_server_is_lost(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path, offline_after=1.0) as hands:
        await hands.press("1")
        await hands.sees("Kind regards")
        await hands.press("2")
        await hands.sees("нечем заплатить")
        world.go_silent()
        await hands.sees("offline — drafts are kept, nothing can be sent")
        await hands.press("1")
        await hands.sees("Kind regards")
        await hands.press("2", "k", "k")
        await hands.sees("нечем заплатить")
        await hands.press("]")
        await hands.sees("Chloé Lefèvre")
        await hands.press("ctrl+o")
        await hands.type("anna")
        await hands.press("enter")
        await hands.sees("Kind regards")
        await hands.press("question_mark")
        await hands.sees("Anywhere")
        await hands.press("escape", "ctrl+l")
        await hands.sees("Kind regards")
        await hands.sees("Chloé Lefèvre")
        await hands.press("b")
        await hands.sees("offline: nothing was done")
        await hands.sees("offline — drafts are kept")


async def test_a_held_reply_is_not_promised_back_while_the_server_is_lost(
    world: FakeServer, tmp_path: Path
) -> None:
    world.hold_ms = 9_000
    async with console(world, tmp_path, offline_after=1.0) as hands:
        await write(hands, "held")
        await hands.press("ctrl+j")
        await hands.sees("sending 1 (undo u 9 s)")
        world.go_silent()
        await hands.sees("1 reply was held, whether it left is not known")
        await hands.sees_no("undo u")
        await hands.press("u")
        await hands.sees("offline: it cannot be taken back from here now")
        world.silent = False
        await hands.sees_no("offline — ")
        await hands.sees("sending 1 (undo u 9 s)")
        await hands.press("u")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "back as a draft")
        assert hands.screen.pane is not None
        assert hands.screen.pane.composer.text == "held"


async def test_on_return_there_is_no_gap_and_no_repeat_in_any_pane_or_list(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path, size=(160, 50)) as hands:
        await hands.press("1", "|")
        await hands.until(lambda: len(hands.screen.grid.conversations()) == 2, "two panes")
        for turn in range(3):
            await world.customer_writes(IVAN, f"before {turn}")
            await world.cut()
            await world.customer_writes(IVAN, f"ivan {turn}")
            await world.customer_writes(ANNA, f"anna {turn}")
            await world.customer_writes(PHONE, f"phone {turn}")
        wanted = [f"{who} {turn}" for turn in range(3) for who in ("before", "ivan", "anna")]
        for words in wanted:
            await hands.sees(words)
        rivers = "\n".join(line[40:] for line in hands.lines())
        assert {words: rivers.count(words) for words in wanted} == dict.fromkeys(wanted, 1)
        await hands.press("]")
        await hands.until(lambda: hands.text().count("phone 2") == 1, "the newest words in the queue")
        listed = [world.conversations[key].customer for key in (5, 6, 7, 8)]
        names = "\n".join(line[:38] for line in hands.lines())
        assert [names.count(name) for name in listed] == [1, 1, 1, 1]


async def test_a_history_that_does_not_come_says_so_and_how_to_ask_again(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path, size=(200, 60)) as hands:
        await hands.sees("Anna Schmidt")
        world.fail_next[f"/conversations/{IVAN}"] = "503"
        hands.screen.browsing.open(IVAN)
        await hands.sees("this could not be loaded; ctrl+l tries again")
        await hands.sees_no("loading…")  # nor does the card say that something is on its way
        await hands.press("ctrl+l")
        await hands.sees("нечем заплатить")
        await hands.sees_no("could not be loaded")


async def test_a_list_that_does_not_come_is_asked_for_again(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.sees("Anna Schmidt")
        world.fail_next["/v1/conversations"] = "503"
        await hands.press("]", "]")  # to a list that was not shown yet
        await hands.sees("the disk is full")
        await hands.until(lambda: hands.app.desk.windows["waiting"].loaded, "it came all the same")
