"""A lost server, as an operator sees it."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_server import FakeServer

IVAN = 2


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
        await hands.sees("while you were away … queued")


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
