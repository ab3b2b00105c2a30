"""A reply that was just sent comes back with one key, as long as the server holds it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from textual import events

from server.protocol import Draft, Stopped
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_books import NOW
from tests.fakes.operator_api_server import FakeServer

IVAN, ANNA = 2, 3


@pytest.fixture
def holding(world: FakeServer) -> FakeServer:
    world.hold_ms = 9_000
    return world


async def sent(hands: Hands, text: str) -> None:
    await hands.press("r")
    await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
    await hands.type(text)
    await hands.press("ctrl+j")
    await hands.sees(f"{text} ↑ leaves in 9 s")


@pytest.mark.parametrize("key", ["u", "alt+u", "г"])
async def test_send_undo_edit_send(key: str, holding: FakeServer, tmp_path: Path) -> None:
    async with console(holding, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await sent(hands, "Wrong name")
        await hands.sees("sending 1 (undo u 9 s)")
        await hands.press(key)
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing again")
        assert hands.screen.pane is not None
        assert hands.screen.pane.composer.text == "Wrong name"
        await hands.until(lambda: "sending 1" not in hands.lines()[-1], "nothing held")
        assert not any("leaves in" in line for line in hands.lines())
        await hands.type(", corrected")
        await hands.press("ctrl+j")
        await hands.sees("Wrong name, corrected ↑ leaves in 9 s")
        assert [one.text for one in holding.held()] == ["Wrong name, corrected"]


async def test_taken_back_the_head_says_again_what_was_done_before_it(
    holding: FakeServer, tmp_path: Path
) -> None:
    before = Stopped(acted="claimed", acted_by="Boris Berg", acted_at=NOW)
    async with console(holding, tmp_path) as hands:
        holding.stopped[IVAN] = before
        await hands.press("j", "enter")
        await hands.sees("Boris took it")
        await sent(hands, "oops")
        holding.stopped[IVAN] = replace(before, acted="replied", acted_by=holding.me.name)
        await holding.push("conversation.assigned", conversation_id=IVAN)
        await hands.sees("Olga replied")
        holding.stopped[IVAN] = before
        await hands.press("u")
        await hands.sees("Boris took it")


async def test_what_was_begun_meanwhile_stays_behind_it(holding: FakeServer, tmp_path: Path) -> None:
    async with console(holding, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await sent(hands, "first")
        await hands.press("r")
        await hands.type("second")
        await hands.press("alt+u")
        pane = hands.screen.pane
        assert pane is not None
        await hands.until(lambda: pane.composer.text == "first\n\nsecond", "both texts")
        await hands.until(
            lambda: holding.drafts.get((IVAN, "reply"), Draft(conversation_id=0)).text == "first\n\nsecond",
            "both are saved",
        )


async def test_while_another_conversation_is_written_in_nobody_is_torn_away(
    holding: FakeServer, tmp_path: Path
) -> None:
    async with console(holding, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await sent(hands, "oops")
        await hands.press("1", "r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.type("to another person")
        await hands.press("alt+u")
        await hands.sees("taken back: it did not leave, and is a draft again")
        pane = hands.screen.pane
        assert pane is not None
        assert pane.composer.text == "to another person"
        draft = hands.app.desk.drafts.get(IVAN, "reply")
        assert draft is not None
        assert draft.text == "oops"


async def test_too_late_is_said(holding: FakeServer, tmp_path: Path) -> None:
    async with console(holding, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await sent(hands, "gone")
        holding.now += 60_000
        await hands.press("alt+u")
        await hands.sees("too late: it has left already, or is being sent now")
        await hands.press("alt+u")
        await hands.sees("nothing is held any more")


async def test_a_console_that_comes_back_learns_what_is_held(holding: FakeServer, tmp_path: Path) -> None:
    async with console(holding, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await sent(hands, "still here")
    async with console(holding, tmp_path) as hands:
        await hands.sees("sending 1 (undo u 9 s)")
        await hands.press("u")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        assert hands.screen.pane is not None
        assert hands.screen.pane.composer.text == "still here"


async def test_whoever_quits_is_told_what_still_leaves(holding: FakeServer, tmp_path: Path) -> None:
    async with console(holding, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await sent(hands, "bye")
        number = holding.messages[-1].id
        assert hands.screen.sending.farewell() == (
            f"1 reply still leaves, in 9 s: omni outbox withdraw {number} takes it back"
        )


# --- later ----------------------------------------------------------------------------------------


async def schedule(hands: Hands, text: str, when: str, *, keep: bool = False) -> None:
    await hands.press("r")
    await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
    await hands.type(text)
    await hands.press("alt+s")
    await hands.sees("When the reply to Иван Петров leaves")
    await hands.type(when)
    await hands.press("enter")
    await hands.sees("If the customer writes before?")
    await hands.press(*(("down", "enter") if keep else ("enter",)))


async def test_a_reply_for_later_says_when_it_leaves_and_stands_in_the_outbox(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await schedule(hands, "Good morning", "tomorrow 9:00", keep=True)
        await hands.sees("Good morning → leaves tomorrow 09:00")
        message = world.messages[-1]
        assert (message.status, world.kept[message.id]) == ("scheduled", True)
        assert hands.screen.pane is not None
        assert hands.screen.pane.composer.text == ""
        await hands.press("escape", "O")
        await hands.sees("leaves tomorrow 09:00, whatever comes")
        await hands.press("G", "end", "j", "j", "t")
        await hands.sees("When the reply to Иван Петров leaves")
        await hands.type("2h")
        await hands.press("enter")
        await hands.until(lambda: world.messages[-1].leaves_at == world.now + 2 * 3_600_000, "another time")
        await hands.sees("leaves 13:20, whatever comes")
        await hands.press("j", "j", "w")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "a draft again")
        assert hands.screen.pane.composer.text == "Good morning"


async def test_what_is_no_time_is_said_and_nothing_is_sent(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.press("r")
        await hands.type("Good morning")
        await hands.press("alt+s")
        await hands.type("whenever")
        await hands.press("enter")
        await hands.sees("not a time")
        await hands.press("escape")
        assert hands.screen.pane is not None
        assert hands.screen.pane.composer.text == "Good morning"
        assert world.by_client_id == {}


async def test_what_did_not_leave_is_a_line_that_says_why(world: FakeServer, tmp_path: Path) -> None:
    world.add_message(
        IVAN,
        "system",
        "Good morning",
        author_id=1,
        kind_of_event="cancelled",
        status="withdrawn",
        error="the customer wrote first",
    )
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("Olga's reply for later did not leave: the customer wrote first")


# --- an editor, and quotations --------------------------------------------------------------------


async def test_quote_puts_what_the_customer_said_before_the_answer(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        newest = next(
            one for one in reversed(world.messages) if one.conversation_id == IVAN and one.kind == "in"
        )
        await hands.press("quotation_mark")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        assert hands.screen.pane is not None
        first = newest.text.splitlines()[0]
        assert hands.screen.pane.composer.text == f"> {first}\n\n"


async def test_an_editor_that_cannot_run_leaves_the_draft(
    world: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "no-such-editor --wait")
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.press("r")
        await hands.type("half a sentence")
        await hands.press("alt+e")
        await hands.until(lambda: "cannot be lent" in hands.text() or "no program" in hands.text(), "said")
        assert hands.screen.pane is not None
        assert hands.screen.pane.composer.text == "half a sentence"


async def test_a_dropped_file_is_offered_and_its_path_may_be_text(world: FakeServer, tmp_path: Path) -> None:
    path = tmp_path / "map.png"
    path.write_bytes(b"png")
    for way in world.ways[world.conversations[IVAN].customer_id]:
        way.files_max = 3
        way.window_until = world.now + 70 * 60_000
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.press("r")
        await hands.sees("closes in 1h10")
        assert hands.screen.pane is not None
        hands.screen.pane.composer.post_message(events.Paste(str(path)))
        await hands.sees("The file map.png")
        await hands.press("down", "enter")
        await hands.until(
            lambda: hands.screen.pane and hands.screen.pane.composer.text == str(path), "the path as text"
        )


async def test_what_was_taken_back_may_be_gone_before_anybody_draws_anew(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("2")
        await hands.sees("нечем заплатить")
        assert hands.screen.pane is not None
        view = hands.screen.pane.river
        newest = view.items()[-1]
        hands.app.desk.put_message(replace(newest, kind_of_event="withdrawn"), hands.app.desk.seq + 1)
        lines = [view.laid_line(y) for y in range(view.size.height)]
        assert newest not in view.items()
        assert len(lines) == view.size.height
