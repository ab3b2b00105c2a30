"""What an operator does all day, key by key, against the fake operator API."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.events import Key

from omni_console.widgets.river_view import RiverView
from server.protocol import Draft
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_books import HOUR, MINUTE, NOW
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_world import BORIS, conversation, crowd, customer, empty_shop, said

IVAN, ANNA, MARIA, PHONE = 2, 3, 4, 5


def row_of(text: str, lines: list[str]) -> int:
    return next(number for number, line in enumerate(lines) if text in line)


async def test_the_list_says_who_waits_how_long_and_where(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.sees("Anna Schmidt")
        lines = hands.lines()
        assert "mine 3" in lines[0]
        assert "queue 4 (oldest 2h44)" in lines[0]
        assert "waiting 2" in lines[0]
        anna, ivan = row_of("Anna Schmidt", lines), row_of("Иван Петров", lines)
        assert anna < ivan, "who waits longest comes first"
        assert "●" in lines[ivan], "unread has a mark"
        assert "3h10" in lines[anna]
        assert "✗" in lines[row_of("Мария К.", lines)], "a reply that failed shows in the list"


async def test_open_read_reply(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.sees("closed: доставка — перенесли на завтра")
        await hands.until(lambda: world.seen.get(IVAN, 0) >= world.conversations[IVAN].customer_seq, "seen")
        await hands.press("r")
        await hands.until(lambda: hands.screen.pane is not None and hands.screen.pane.writing, "writing")
        await hands.sees("Olga → Иван Петров  by w site chat")
        await hands.type("Снимаю блокировку")
        await hands.press("ctrl+j")
        await hands.sees("Снимаю блокировку ↑ queued")
        sent = world.messages[-1]
        assert (sent.text, sent.channel_id, sent.conversation_id) == ("Снимаю блокировку", "chat", IVAN)
        assert hands.screen.pane is not None
        assert hands.screen.pane.composer.text == ""
        await world.set_status(sent.id, "delivered")
        await hands.sees("Снимаю блокировку ✓✓")
        await hands.sees("mine 2")


async def test_letters_are_text_while_writing_and_escape_keeps_the_draft(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.press("r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.press("e", "space", "j", "a", "x", "q", "question_mark", "j")
        await hands.press("escape")
        await hands.until(lambda: (IVAN, "reply") in world.drafts, "the draft on the server")
        assert world.drafts[IVAN, "reply"].text == "e jaxq?j"
        assert world.conversations[IVAN].state == "open"
        assert isinstance(hands.app.focused, RiverView)


async def test_a_note_is_not_a_reply(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.press("m")
        await hands.sees("private note  the customer does not see it")
        pane = hands.screen.pane
        assert pane is not None
        assert pane.composer.has_class("-note")
        await hands.type("rule 7")
        await hands.press("ctrl+j")
        await hands.until(lambda: world.messages[-1].kind == "note", "the note")
        assert world.messages[-1].text == "rule 7"
        await hands.sees("# Olga       rule 7")


async def test_another_way_to_answer_with_one_key(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.press("r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.press("alt+w")
        await hands.sees("by @ e-mail  ivan@example.org")
        await hands.type("by mail")
        await hands.press("ctrl+j")
        await hands.until(lambda: world.messages[-1].text == "by mail", "sent")
        assert world.messages[-1].channel_id == "mail"
        assert world.messages[-1].address_id == world.ways[1][1].address_id


async def test_an_empty_composer_follows_the_customer_and_a_begun_reply_does_not(
    world: FakeServer, tmp_path: Path
) -> None:
    async def writes_by_mail(text: str) -> None:
        ways = world.ways[world.conversations[IVAN].customer_id]
        ways.sort(key=lambda way: way.channel_id != "mail")
        await world.customer_writes(IVAN, text, channel_id="mail", address_id=ways[0].address_id)

    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("Olga → Иван Петров  by w site chat")
        await writes_by_mail("пишу с почты")
        await hands.sees("Olga → Иван Петров  by @")

    async with console(world, tmp_path) as hands:
        ways = world.ways[world.conversations[IVAN].customer_id]
        ways.sort(key=lambda way: way.channel_id != "chat")
        await hands.press("j", "enter", "r")
        await hands.sees("Olga → Иван Петров  by w site chat")
        await hands.type("Уже пишу")
        await writes_by_mail("и ещё раз с почты")
        await hands.sees("и ещё раз с почты")
        await hands.until(
            lambda: hands.screen.desk.ways[IVAN][0].channel_id == "mail", "the better way is known"
        )
        await hands.sees("Olga → Иван Петров  by w site chat")


async def test_what_came_meanwhile_holds_the_reply_until_it_was_seen(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.press("r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.type("our answer")
        # A colleague writes, and the event has not reached us yet.
        world.silent = True
        await world.colleague_writes(IVAN, BORIS.id, "already solved by phone")
        world.silent = False
        await hands.press("ctrl+j")
        await hands.sees("not sent yet: this came meanwhile")
        await hands.sees("Boris Berg  already solved by phone")
        pane = hands.screen.pane
        assert pane is not None
        assert pane.composer.text == "our answer", "the words stay"
        assert world.messages[-1].text == "already solved by phone"
        await hands.press("ctrl+j")
        await hands.until(lambda: world.messages[-1].text == "our answer", "sent with consent")
        await hands.sees_no("not sent yet")


async def test_pressing_send_twice_sends_once(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.press("r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.type("once")
        await hands.pilot.press("ctrl+j", "ctrl+j", "ctrl+j")
        await hands.sees("once ↑ queued")
        assert [message.text for message in world.messages].count("once") == 1


async def test_a_lost_answer_is_asked_again_without_doubling(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.press("r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.type("once more")
        world.fail_next["/reply"] = "drop"
        await hands.press("ctrl+j")
        await hands.sees("no answer: it may have been sent")
        await hands.press("ctrl+j")
        await hands.until(lambda: hands.screen.pane and not hands.screen.pane.composer.text, "taken")
        assert [message.text for message in world.messages].count("once more") == 1
        assert world.asked.count(f"POST /v1/conversations/{IVAN}/reply") == 2


async def test_other_words_after_a_lost_answer_wait_for_the_truth(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.press("r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.type("first")
        world.fail_next["/reply"] = "drop"
        await hands.press("ctrl+j")
        await hands.sees("no answer: it may have been sent")
        await hands.type(" and more")
        await hands.press("ctrl+j")
        await hands.sees("the earlier words did arrive")
        assert [message.text for message in world.messages][-1] == "first"


async def test_claim_release_assign(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("]")
        await hands.sees("+7 916 000-00-68")
        await hands.press("a")
        await hands.until(lambda: world.conversations[PHONE].assignee == "Olga Orlova", "mine")
        await hands.sees("+7 916 000-00-68 is yours")
        await hands.press("[")
        await hands.press("g")
        await hands.until(lambda: hands.screen.target and hands.screen.target.id == ANNA, "on Anna")
        await hands.press("x")
        await hands.until(lambda: world.conversations[ANNA].assignee_id is None, "released")
        await hands.sees("Anna Schmidt is back in the queue")
        await hands.until(lambda: hands.screen.target and hands.screen.target.id != ANNA, "gone")
        key = hands.screen.target.id if hands.screen.target else 0
        await hands.press("A")
        await hands.sees("Who takes over")
        await hands.press("enter")
        await hands.sees("What must Boris Berg know")
        await hands.press("enter")
        await hands.sees("a hand-over needs a note")
        await hands.type("wants her money back")
        await hands.press("enter")
        await hands.until(lambda: world.conversations[key].assignee_id == BORIS.id, "with Boris")
        assert (world.messages[-1].kind, world.messages[-1].text) == ("note", "wants her money back")


async def test_what_was_handed_over_can_be_declined(world: FakeServer, tmp_path: Path) -> None:
    world.change(ANNA, assigned_why="skill refunds; spoke with the customer last")
    async with console(world, tmp_path) as hands:
        await hands.until(lambda: hands.screen.list.select(ANNA), "on Anna")
        await hands.press("N")
        await hands.sees("nothing was handed over here")
        row = world.change(ANNA, decline_until=world.now + 60_000)
        await world.push("conversation.assigned", conversation_id=ANNA, seq=row.seq)
        await hands.press("enter")
        await hands.sees("handed to you: N declines")
        await hands.sees("skill refunds, spoke with the customer last")
        await hands.press("N")
        await hands.sees("Why is Anna Schmidt not yours?")
        await hands.type("I know no refunds")
        await hands.press("enter")
        await hands.until(lambda: world.conversations[ANNA].assignee_id is None, "declined")
        await hands.sees("Anna Schmidt goes back")
        assert world.messages[-1].text == "I know no refunds"


async def test_what_was_handed_to_a_team_can_be_declined_by_whoever_is_in_it(
    world: FakeServer, tmp_path: Path
) -> None:
    world.change(ANNA, assignee="", assignee_id=None, decline_until=world.now + 60_000)
    async with console(world, tmp_path) as hands:
        await hands.press("]")  # the queue
        await hands.until(lambda: hands.screen.list.select(ANNA), "on Anna")
        await hands.press("enter")
        await hands.sees("handed to a team: N declines")
        await hands.press("N")
        await hands.sees("Why is Anna Schmidt not yours?")
        await hands.type("sales do not refund")
        await hands.press("enter")
        await hands.sees("Anna Schmidt goes back")
        assert world.messages[-1].text == "sales do not refund"


async def test_for_how_long_a_customer_has_been_silent(world: FakeServer, tmp_path: Path) -> None:
    world.change(ANNA, state="waiting", waiting_since=None, sort_at=world.now - 17 * 60_000)
    async with console(world, tmp_path) as hands:
        await hands.press("]", "]")
        await hands.until(lambda: hands.screen.list.select(ANNA), "on Anna")
        await hands.press("enter")
        await hands.sees("silent 17m")


async def test_an_operator_says_how_he_is(world: FakeServer, tmp_path: Path) -> None:
    world.me = replace(world.me, presence="available", room=7)
    world.operators[world.me.id] = world.me
    async with console(world, tmp_path) as hands:
        await hands.sees(f"available {world.counts().mine}/7")
        await hands.press("P")
        await hands.sees("How are you?")
        await hands.press("2")
        await hands.until(lambda: world.me.presence == "pause", "pausing")
        await hands.sees("you are: pause")
        await hands.sees(f"pause {world.counts().mine}/7")


async def test_somebody_was_faster(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("]")
        await hands.sees("+7 916 000-00-68")
        row = world.conversations[PHONE]
        world.conversations[PHONE] = replace(row, assignee_id=BORIS.id, assignee=BORIS.name, seq=row.seq)
        await hands.press("a")
        await hands.sees("not yours: Boris Berg has it")


async def test_taking_from_a_colleague_asks(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("]", "]", "]")
        await hands.sees("thanks, that worked")
        key = next(row.id for row in world.conversations.values() if row.assignee_id == BORIS.id)
        await hands.until(lambda: hands.screen.list.select(key), "on Jo")
        await hands.press("a")
        await hands.sees("Boris Berg has Jo. Take over?")
        await hands.press("escape")
        assert world.conversations[key].assignee_id == BORIS.id
        await hands.press("a")
        await hands.sees("Take over?")
        await hands.press("2")
        await hands.until(lambda: world.conversations[key].assignee_id == 1, "taken over")


async def test_closing_asks_for_topic_and_result(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.press("e")
        await hands.sees("close this case")
        await hands.press("enter", "enter")
        await hands.sees("topic cannot be empty")
        await hands.type("card")
        await hands.press("enter", "enter")
        await hands.sees("result cannot be empty")
        assert world.conversations[IVAN].state == "open"
        await hands.type("unblocked")
        await hands.press("enter")
        await hands.until(lambda: world.conversations[IVAN].state == "closed", "closed")
        assert (world.conversations[IVAN].topic, world.conversations[IVAN].result) == ("card", "unblocked")
        await hands.sees("closed: card")
        await hands.until(lambda: isinstance(hands.app.focused, RiverView), "reading again")
        await hands.press("E")
        await hands.until(lambda: world.conversations[IVAN].state == "open", "open again")


async def test_snooze(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("s")
        await hands.sees("Snooze Anna Schmidt until…")
        await hands.press("2")
        await hands.until(lambda: world.conversations[ANNA].state == "snoozed", "snoozed")
        assert world.conversations[ANNA].snooze_until == NOW + 3 * HOUR
        await hands.press("s")
        await hands.sees("or for another time")
        key = hands.screen.target.id if hands.screen.target else 0
        await hands.press("down", "down", "down")
        await hands.type("45m")
        await hands.press("enter")
        await hands.until(lambda: world.conversations[key].snooze_until == NOW + 45 * MINUTE, "45 minutes")


async def test_events_do_not_move_what_the_operator_looks_at(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "j")
        assert hands.screen.list.conversation_id == MARIA
        row = world.conversations[MARIA]
        world.conversations[MARIA] = replace(row, sort_at=NOW - 9 * HOUR, seq=world.next_seq())
        await world.push("conversation.state", conversation_id=MARIA)
        await hands.until(lambda: hands.screen.list.cursor == 0, "she moved up, the cursor with her")
        assert hands.screen.list.conversation_id == MARIA


async def test_reading_back_stays_put_when_something_new_comes(world: FakeServer, tmp_path: Path) -> None:
    for number in range(200):
        said(world, IVAN, ("in", 7 * MINUTE - number, f"line {number}"))
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("line 199")
        await hands.press("ctrl+u", "ctrl+u", "k")
        pane = hands.screen.pane
        assert pane is not None
        assert not pane.river.following
        before = [line[39:] for line in hands.lines() if "line" in line]
        await world.customer_writes(IVAN, "something new")
        await hands.until(lambda: pane.river.river.get(len(world.messages)) is not None, "heard")
        assert [line[39:] for line in hands.lines() if "line" in line] == before
        await hands.press("G")
        await hands.sees("something new")
        await hands.press("g")
        await hands.until(lambda: pane.river.river.before is None, "older pages load on the way up")
        await hands.press("g")
        await hands.sees("Когда приедет заказ 1187?")


async def test_unread_is_not_read_while_nobody_looks(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.until(lambda: world.seen.get(IVAN), "seen")
        await hands.press("|")
        await hands.until(lambda: len(hands.screen.grid.conversations()) == 2, "two panes")
        before = world.seen[IVAN]
        message = await world.customer_writes(IVAN, "and one more thing")
        await hands.sees("and one more thing")
        assert world.seen[IVAN] == before, "painted in a pane without the focus is not read"
        await hands.press("shift+tab")
        await hands.until(lambda: world.seen[IVAN] == message.seq, "read with the focus")


async def test_panes_split_zoom_close(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path, size=(160, 48)) as hands:
        await hands.press("enter")
        await hands.sees("Kind regards")
        await hands.press("|", "-")
        await hands.until(lambda: len(hands.screen.grid.conversations()) == 3, "three panes")
        assert len(set(hands.screen.grid.conversations())) == 3
        await hands.press("z")
        await hands.sees_no("Kind regards")
        await hands.press("z")
        await hands.sees("Kind regards")
        await hands.press("q", "q")
        await hands.until(lambda: len(hands.screen.grid.panes) == 1, "one pane")
        assert not hands.app._exit


async def test_small_terminal_shows_the_list_or_a_conversation(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path, size=(80, 24)) as hands:
        await hands.sees("Мария К.")
        await hands.press("enter")
        await hands.sees("Kind regards")
        assert "Мария К." not in hands.text()
        await hands.press("r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.type("\n".join(f"l{number}" for number in range(12)))
        pane = hands.screen.pane
        assert pane is not None
        assert pane.composer.size.height <= 8, "the editor takes at most a third"
        await hands.press("escape", "q")
        await hands.sees("Мария К.")


async def test_numbers_and_attention(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("w")
        await hands.sees("Kind regards")
        await hands.until(lambda: world.seen.get(ANNA), "read")
        await hands.press("w")
        await hands.sees("нечем заплатить")
        await hands.press("1")
        await hands.sees("Kind regards")
        await hands.press("r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.press("alt+2")
        await hands.sees("нечем заплатить")
        await hands.press("ctrl+t")
        await hands.sees("Kind regards")
        await hands.press("7")
        await hands.sees("nothing has the number 7")


async def test_letters_work_on_a_russian_layout(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("о", "д")
        await hands.sees("нечем заплатить")
        await hands.press("к")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.press("alt+ф")
        await hands.until(lambda: hands.screen.pane and not hands.screen.pane.writing, "went on")


async def test_send_and_go_on(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("enter")
        await hands.sees("Kind regards")
        await hands.press("r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.type("corrected")
        await hands.press("alt+j")
        await hands.sees("нечем заплатить")
        assert world.messages[-1].text == "corrected"


async def test_drafts_come_back(world: FakeServer, tmp_path: Path) -> None:
    world.drafts[IVAN, "reply"] = Draft(
        conversation_id=IVAN, text="begun yesterday", channel_id="mail", address_id=11, updated_at=NOW
    )
    async with console(world, tmp_path) as hands:
        await hands.sees("✎")
        await hands.press("j", "enter")
        await hands.sees("begun yesterday")
        await hands.sees("by @ e-mail  ivan@example.org")
        await hands.press("k", "1")
        await hands.sees("Kind regards")
        await hands.sees_no("begun yesterday")
        assert hands.app.desk.drafts.unsaved() == [], "showing a draft is not writing it"


async def test_a_draft_is_saved_while_typing(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.press("r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.type("half a sen")
        await hands.until(
            lambda: (IVAN, "reply") in world.drafts and world.drafts[IVAN, "reply"].text == "half a sen",
            "saved without leaving",
        )


async def test_one_channel_of_the_river(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("Когда приедет заказ 1187?")
        await hands.press("c")
        await hands.sees_no("Когда приедет заказ 1187?")
        await hands.sees("only site chat (c)")
        await hands.press("c")
        await hands.sees("only e-mail (c)")
        await hands.press("c")
        await hands.sees("нечем заплатить")


async def test_too_long_for_the_channel_is_not_sent(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("]", "enter")
        await hands.sees("call me back")
        await hands.press("r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        pane = hands.screen.pane
        assert pane is not None
        pane.composer.put("x" * 170)
        await hands.sees("170/160")
        await hands.press("ctrl+j")
        await hands.sees("10 characters too many for SMS: not sent")
        assert world.messages[-1].text != "x" * 170


async def test_replying_to_nobodys_conversation_makes_it_mine(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("]", "enter")
        await hands.sees("call me back")
        await hands.press("r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.type("gladly")
        await hands.press("ctrl+j")
        await hands.until(lambda: world.conversations[PHONE].assignee_id == 1, "mine")
        await hands.sees("yours")


async def test_a_crowd_is_loaded_page_by_page(tmp_path: Path, world: FakeServer) -> None:
    crowd(world, 5_000)
    async with console(world, tmp_path) as hands:
        await hands.press("]")
        await hands.sees("Customer")
        window = hands.app.desk.windows["queue"]
        assert len(window) == 100
        await hands.press("G")
        await hands.until(lambda: len(window) == 200, "the next page")
        assert not window.complete


async def test_quitting_saves_what_is_written(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.press("r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        await hands.pilot.press("h", "i")
        await hands.pilot.press("ctrl+q")
        await hands.until(lambda: hands.app._exit, "the end")
        assert world.drafts[IVAN, "reply"].text == "hi"


async def test_a_mail_that_is_pasted_with_escapes_is_harmless(world: FakeServer, tmp_path: Path) -> None:
    from textual.events import Paste

    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.press("r")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing")
        assert hands.screen.pane is not None
        hands.screen.pane.composer.post_message(Paste("a\x1b]0;owned\x07b\r\nc"))
        await hands.until(
            lambda: hands.screen.pane and hands.screen.pane.composer.text == "a\u241b]0;owned\u2407b\nc",
            "pasted once, clean",
        )


async def test_a_new_customer_is_one_more_in_the_queue(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("]")
        await hands.sees("Chloé Lefèvre")
        who = customer(world, "New Person", [("chat", "site chat", True)])
        key = conversation(world, who, "chat", waits=0)
        await world.customer_writes(key, "is anybody there?")
        await hands.sees("New Person")
        await hands.sees("queue 5")


async def test_the_first_one_of_the_day_is_seen_without_a_key(tmp_path: Path) -> None:
    world = empty_shop()
    async with console(world, tmp_path) as hands:
        await hands.sees("nobody waits for you")
        await first_asks(world)
        await hands.sees("Nina")
        await hands.press("enter")
        await hands.sees("is somebody there?")


async def test_who_went_to_his_own_list_is_left_there(tmp_path: Path) -> None:
    world = empty_shop()
    async with console(world, tmp_path) as hands:
        await hands.sees("nobody waits for you")
        await hands.press("]")
        await hands.sees("the queue is empty")
        await hands.press("[")
        await hands.sees("nobody waits for you")
        await first_asks(world)
        await hands.until(lambda: "queue 1" in hands.lines()[0])
        assert "Nina" not in hands.text()


async def first_asks(world: FakeServer) -> None:
    person = customer(world, "Nina", [("chat", "site chat", True)])
    await world.customer_writes(conversation(world, person, "chat", waits=MINUTE), "is somebody there?")


async def test_keys_pressed_faster_than_the_screen_are_text(world: FakeServer, tmp_path: Path) -> None:
    """A key that starts writing must not let the next one through as a command."""
    async with console(world, tmp_path) as hands:
        await hands.press("j")
        await hands.pilot.press("r", "x", "e", "a", "o")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.composer.text == "xeao", "all text")
        await hands.press("escape")
        await hands.pilot.press("e", "x", "E", "q")
        await hands.pilot.pause()
        assert world.conversations[IVAN].state == "open"
        assert world.conversations[IVAN].assignee_id == 1


async def at_once(hands: Hands, *keys: str) -> None:
    """Keys as a slow line delivers them: many in one piece, faster than anything is handled."""
    for key in keys:
        hands.app.post_message(Key(key, key if len(key) == 1 else None))
    await hands.pilot.pause()


async def test_a_whole_reply_in_one_piece_is_sent_whole(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await at_once(hands, "r", *"wholesentence", "ctrl+j")
        await hands.until(lambda: world.messages[-1].text == "wholesentence", "all of it")
        pane = hands.screen.pane
        assert pane is not None
        await hands.until(lambda: pane.composer.text == "", "nothing left over")


async def test_going_on_in_the_middle_takes_no_letter_along(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await at_once(hands, "r", *"forivan", "alt+1", *"xyz")
        await hands.sees("Kind regards")
        pane = hands.screen.pane
        assert pane is not None
        assert pane.conversation_id == ANNA
        assert pane.composer.text == "", "nothing meant for Ivan is with Anna"
        await hands.until(lambda: world.drafts, "the draft")
        assert {key: draft.text for key, draft in world.drafts.items()} == {(IVAN, "reply"): "forivan"}


@pytest.mark.parametrize("key", ["enter", "tab"])
async def test_a_close_form_filled_in_one_piece(key: str, world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await at_once(hands, "e", *"card", key, *"solved", "enter")
        await hands.until(lambda: world.conversations[IVAN].state == "closed", "closed")
        assert (world.conversations[IVAN].topic, world.conversations[IVAN].result) == ("card", "solved")
