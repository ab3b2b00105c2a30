"""Where a case stopped, priority, promises, tags, marks, splits, spam, first messages, contacts by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from server.protocol import Obstacle, Stopped
from tests.fakes.console_hands import console
from tests.fakes.operator_api_books import HOUR, MINUTE, NOW
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_people import ANNA_NOW, IVAN_NOW, acquainted

IVAN, ANNA, MARIA = IVAN_NOW, ANNA_NOW, 4


@pytest.fixture
def known(world: FakeServer) -> FakeServer:
    return acquainted(world)


async def test_where_it_stopped(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await hands.press("enter")
        await hands.sees("разблокировать карту за границей")
        lines = hands.lines()
        assert "urgent" in lines[1]
        assert "wants" in lines[2]
        assert "by 11:58  позвонить в банк" in lines[3]
        assert "Olga made a note, 9m ago: block code 14" in lines[4]
        assert "yours · from Доставка и оплата (shop.example/delivery) · 1 other case · #карта" in lines[5]
        await hands.press("J")
        await hands.sees("late 20m  send the corrected invoice")
        await hands.sees("Boris assigned it, 2h00 ago")


async def test_two_lines_in_a_small_terminal(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path, size=(80, 24)) as hands:
        await hands.press("enter")
        await hands.sees("by 11:58  позвонить в банк и ответить · разблокир")
        assert "Olga made a note, 9m ago" in hands.lines()[2]
        assert not hands.lines()[3].strip(), "the history begins in the fourth line"


async def test_who_is_known_is_asked_for_a_code_only_if_the_operator_insists(
    known: FakeServer, tmp_path: Path
) -> None:
    known.stopped[IVAN] = Stopped(known_by="site chat", known_until=NOW + 20 * 24 * HOUR)
    async with console(known, tmp_path) as hands:
        await hands.press("enter")
        await hands.sees("identified by site chat until 11 Dec")
        for key, said in (("1", ""), ("2", "Where should the code go?")):
            await hands.press("ctrl+p")
            await hands.type("ask for a code")
            await hands.press("enter")
            await hands.sees("site chat shows who he is, until 11 Dec. Ask him all the same?")
            await hands.press(key)
            await hands.sees(said)
        assert not any(path.endswith("/codes") for path in known.asked)
        await hands.press("1")
        await hands.sees("a code goes to")


async def test_urgent_comes_first_and_says_so(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await hands.sees("!!")
        await hands.sees("late 20m")
        await hands.press("]")
        await hands.sees("Пётр")
        await hands.press("G", "!")
        await hands.sees("How urgent is Пётр?")
        await hands.press("1")
        await hands.sees("urgent: Пётр")
        await hands.until(lambda: "Пётр" in hands.lines()[1], "the first row")
        await hands.press("u")
        await hands.until(lambda: "Пётр" in hands.lines()[7], "where it was")


async def test_what_it_is_about_is_written_in_one_form(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("late 20m")
        await hands.press("d")
        await hands.sees("What it is about: Anna Schmidt")
        await hands.type("invoice")
        await hands.press("enter", "ctrl+u")
        await hands.type("a corrected invoice")
        await hands.press("enter", "enter", "ctrl+u")
        await hands.type("sometime")
        await hands.press("enter")
        await hands.sees("not a time: sometime")
        await hands.press("ctrl+u")
        await hands.type("2h")
        await hands.press("enter")
        await hands.sees("noted: until 13:20")
        row = known.conversations[ANNA]
        assert (row.topic, row.summary, row.next_step, row.due_at) == (
            "invoice", "a corrected invoice", "send the corrected invoice", NOW + 2 * HOUR,
        )  # fmt: skip
        await hands.sees("invoice — a corrected invoice")
        await hands.press("e")
        await hands.sees("close this case")
        pane = hands.screen.pane
        assert pane is not None and pane.form.query_one(".topic", Input).value == "invoice"
        await hands.press("escape")
        await hands.press("u")
        await hands.until(lambda: known.conversations[ANNA].summary == "", "as it was")
        assert known.conversations[ANNA].topic == ""
        await hands.press("t")
        await hands.sees("Tags of this conversation")
        await hands.type("#invoice urgent")
        await hands.press("enter")
        await hands.until(lambda: known.conversations[ANNA].tags == ["invoice", "urgent"], "tagged")


async def test_spam_of_marked_rows_and_back(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await hands.press("]")
        await hands.sees("Chloé")
        await hands.press("g", "space", "space")
        await hands.press("X")
        await hands.sees("2 conversations: spam?")
        await hands.press("1")
        await hands.sees("2 are spam · 2 addresses barred")
        await hands.sees_no("山田太郎")
        await hands.press("[", "[")
        await hands.sees("山田太郎")
        await hands.press("X")
        await hands.sees("no spam")
        await hands.press("2")
        await hands.sees("1 let in again")
        await hands.press("u")
        await hands.until(lambda: not any(row.spam for row in known.conversations.values()), "let in")


async def test_messages_are_marked_split_off_and_put_back(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await hands.press("enter")
        await hands.sees("нечем заплатить")
        await hands.press("S")
        await hands.sees("mark the messages first")
        await hands.press("space", "k", "k", "space")
        await hands.sees("2 messages marked")
        await hands.press("S")
        await hands.sees("Split off 2 messages")
        await hands.type("карта")
        await hands.press("enter")
        await hands.sees("2 messages are a case of their own")
        assert len({one.conversation_id for one in known.messages if one.customer_id == 1}) == 3
        await hands.press("u")
        await hands.sees("together again")
        assert len({one.conversation_id for one in known.messages if one.customer_id == 1}) == 2


async def test_conversations_are_joined_and_parted(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await hands.press("enter")
        await hands.sees("нечем заплатить")
        await hands.press("ctrl+p")
        await hands.type("join with")
        await hands.press("enter")
        await hands.sees("Which conversation goes on in this one?")
        await hands.press("1")
        await hands.sees("joined: one conversation now")
        assert {one.conversation_id for one in known.messages if one.customer_id == 1} == {IVAN}
        await hands.press("ctrl+p")
        await hands.type("splits and")
        await hands.press("enter")
        await hands.sees("Take back which?")
        await hands.press("1")
        await hands.sees("taken back")
        assert {one.conversation_id for one in known.messages if one.customer_id == 1} == {1, IVAN}


async def test_from_case_to_case(known: FakeServer, tmp_path: Path) -> None:
    for number in range(60):
        known.add_message(IVAN, "in", f"straw {number}", at=NOW - HOUR + number)
        known.add_message(1, "in", f"old straw {number}", at=NOW - 400 * HOUR + number)
    async with console(known, tmp_path) as hands:
        await hands.press("enter")
        await hands.sees("нечем заплатить")
        await hands.press("{")
        await hands.until(lambda: "straw 0" in hands.lines()[7], "the beginning of this case")
        await hands.press("{")
        await hands.until(lambda: "Заказ 1187" in hands.lines()[7], "the case before")
        await hands.press("}")
        await hands.until(lambda: "straw 0" in hands.lines()[7], "this one again")
        await hands.press("}")
        await hands.sees("нечем заплатить")


async def test_search_inside_this_person_and_everywhere(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await hands.press("enter")
        await hands.sees("нечем заплатить")
        await hands.press("slash")
        await hands.sees("Search with Иван Петров")
        await hands.type("invoice")
        await hands.sees("nothing found")
        await hands.press("tab")
        await hands.sees("Search all messages")
        await hands.sees("1 message")
        await hands.press("enter")
        await hands.sees("Kind regards")


async def test_a_first_message_is_held_with_its_reasons(known: FakeServer, tmp_path: Path) -> None:
    known.obstacles = [Obstacle(kind="open_conversation", text="about the card")]
    async with console(known, tmp_path) as hands:
        await hands.press("enter")
        await hands.sees("нечем заплатить")
        await hands.press("C")
        await hands.sees("first message")
        await hands.type("Добрый день!")
        await hands.press("ctrl+j")
        await hands.sees("not sent yet. ctrl+j sends it all the same")
        await hands.sees("· there is an open conversation: about the card")
        assert known.messages[-1].text != "Добрый день!"
        known.obstacles.append(Obstacle(kind="order", text="order 1187 is on its way"))
        await hands.press("ctrl+j")
        await hands.sees("order 1187 is on its way")
        await hands.press("ctrl+j")
        await hands.until(lambda: known.messages[-1].text == "Добрый день!", "sent at last")
        pane = hands.screen.pane
        assert pane is not None
        await hands.until(lambda: pane.composer.kind == "reply" and not pane.composer.text, "done")


async def test_nothing_goes_past_what_blocks(known: FakeServer, tmp_path: Path) -> None:
    known.obstacles = [Obstacle(kind="consent", text="no consent to marketing", blocks=True)]
    async with console(known, tmp_path) as hands:
        await hands.press("enter")
        await hands.sees("нечем заплатить")
        await hands.press("C")
        await hands.type("Скидки!")
        for _time in range(2):
            await hands.press("ctrl+j")
            await hands.sees("not sent, and cannot be:")
        assert known.messages[-1].text != "Скидки!"


async def test_a_first_letter_has_a_subject_and_its_draft_stays(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("Kind regards")
        await hands.press("C")
        await hands.type("Your invoice is ready")
        await hands.press("escape")
        await hands.press("1")
        await hands.sees("нечем заплатить")
        await hands.press("2")
        await hands.sees("Your invoice is ready")
        await hands.press("C", "ctrl+j")
        await hands.sees("First message to Anna Schmidt")
        await hands.press("enter")
        await hands.sees("a first letter needs a subject")
        await hands.type("Invoice 2231")
        await hands.press("enter")
        await hands.until(lambda: known.messages[-1].subject == "Invoice 2231", "sent")


async def test_a_call_is_logged_in_three_keys_and_its_words(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await hands.press("enter")
        await hands.sees("нечем заплатить")
        await hands.press("L")
        await hands.press("1")
        await hands.sees("Иван Петров: the customer called")
        await hands.press("ctrl+j")
        await hands.sees("a few words")
        await hands.type("карта работает")
        await hands.press("enter")
        await hands.type("доволен")
        await hands.press("ctrl+j")
        await hands.sees("карта работает")
        await hands.sees("call · доволен")
        call = known.messages[-1]
        assert (call.conversation_id, call.kind, call.kind_of_event) == (IVAN, "in", "call")


async def test_a_call_of_somebody_new_opens_a_conversation(known: FakeServer, tmp_path: Path) -> None:
    async with console(known, tmp_path) as hands:
        await hands.press("L", "7")
        await hands.sees("somebody new: the customer called")
        await hands.press("ctrl+j")
        await hands.sees("a name or a phone")
        await hands.type("Вера")
        await hands.press("enter")
        await hands.type("+7 916 111-22-33")
        await hands.press("enter")
        await hands.type("хочет лампу")
        await hands.press("enter", "enter")
        await hands.type("вчера 14:00")
        await hands.press("enter")
        await hands.sees("Olga → Вера")
        assert known.messages[-1].at == NOW - 21 * HOUR - 20 * MINUTE
