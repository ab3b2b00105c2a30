"""First messages and forwards come back with one key too: their words stand where they were written."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_console.screens.form_screen import FormScreen
from server.protocol import ForwardCommand
from server.settings import SendingSettings
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.post_desk import desk, opened
from tests.fakes.post_office import written

IVAN, ANNA = 2, 3
HOLD = {"sending": SendingSettings(hold_letters_seconds=9, hold_chats_seconds=9)}
LAMP = "Anna <anna@x.example>"


@pytest.fixture
def holding(world: FakeServer) -> FakeServer:
    world.hold_ms = 9_000
    return world


def form(hands: Hands) -> list[str]:
    """What stands in the lines of the form that is open."""
    screen = hands.app.screen
    assert isinstance(screen, FormScreen)
    return [screen._field(question.key).value for question in screen._questions]


async def test_a_first_message_comes_back_to_where_it_was_written(
    holding: FakeServer, tmp_path: Path
) -> None:
    async with console(holding, tmp_path) as hands:
        await hands.press("j", "enter")
        await hands.sees("нечем заплатить")
        await hands.press("C")
        await hands.sees("first message")
        await hands.type("Добрый день")
        await hands.press("ctrl+j")
        await hands.sees("Добрый день ↑ first message, leaves in 9 s")
        await hands.sees("sending 1 (undo u 9 s)")
        await hands.press("u")
        pane = hands.screen.pane
        assert pane is not None
        await hands.until(lambda: pane.writing and pane.composer.text == "Добрый день", "it is back")
        assert pane.composer.kind == "first"
        await hands.until(lambda: "sending 1" not in hands.lines()[-1], "nothing held")
        await hands.type(", Иван")
        await hands.press("ctrl+j")
        await hands.sees("Добрый день, Иван ↑ first message")
        assert [one.text for one in holding.held()] == ["Добрый день, Иван"]
        await hands.until(lambda: (IVAN, "first") not in holding.drafts, "it is no draft any more")


async def test_the_subject_of_a_first_letter_comes_back_with_it(holding: FakeServer, tmp_path: Path) -> None:
    async with console(holding, tmp_path) as hands:
        await hands.press("enter")
        await hands.sees("Kind regards")
        await hands.press("C")
        await hands.type("Your invoice is ready")
        await hands.press("ctrl+j")
        await hands.sees("First message to Anna Schmidt")
        await hands.type("Invoice 2231")
        await hands.press("enter")
        await hands.sees("leaves in 9 s")
        await hands.press("u")
        await hands.until(lambda: hands.screen.pane and hands.screen.pane.writing, "writing again")
        await hands.press("ctrl+j")
        await hands.sees("First message to Anna Schmidt")
        assert form(hands) == ["Invoice 2231"]
        await hands.press("enter")
        await hands.until(lambda: len(holding.held()) == 1, "sent again")
        assert holding.held()[0].subject == "Invoice 2231"


async def test_a_forward_comes_back_in_its_form() -> None:
    async with desk(tables=HOLD) as (post, hands):
        await post.receive(LAMP, "My lamp is broken", subject="Lamp")
        await opened(hands, "My lamp is broken")
        await hands.press("f")
        await hands.sees("Forward the message of Anna")
        await hands.type("karol@z.example")
        await hands.press("down", "down")
        await hands.type("Can you mend it?")
        await hands.press("ctrl+j")
        await hands.sees("forward, leaves in 9 s, to karol@z.example")
        await hands.press("u")
        await hands.until(lambda: isinstance(hands.app.screen, FormScreen), "the form is back")
        assert form(hands) == ["karol@z.example", "", "Can you mend it?"]
        assert (await post.client.people.find("karol")).items == [], "no card of a wrong address"
        # Not now: it is all there at the next time, also for the next console.
        await hands.press("escape", "f")
        assert form(hands) == ["karol@z.example", "", "Can you mend it?"]
        await hands.press("ctrl+u")
        await hands.type("carol@z.example")
        await hands.press("ctrl+j")
        await hands.sees("forward, leaves in 9 s, to carol@z.example")
        [held] = await post.client.held()
        await post.client.leave(held.id)
        await hands.until(lambda: post.smtp.mails, "sent")
        assert post.smtp.mails[0].rcpt_tos == ["carol@z.example"]
        await hands.sees("forwarded to carol@z.example: #3")
        assert await post.client.drafts() == []


async def test_what_the_server_refuses_is_not_typed_twice() -> None:
    async with desk(tables=HOLD) as (post, hands):
        await post.receive(LAMP, "My lamp is broken")
        await opened(hands, "My lamp is broken")
        await hands.press("f")
        await hands.type("support@shop.example")
        await hands.press("ctrl+j")
        await hands.sees("not forwarded:")
        await hands.press("f")
        assert form(hands)[0] == "support@shop.example"


async def test_a_chats_message_is_forwarded_by_mail() -> None:
    """Its customer has no mail address, and its file need not be fetched to be sent on."""
    async with desk() as (post, hands):
        ivan = await post.server.visitor(sub="u-7")
        await ivan.say("my receipt")
        await hands.sees("my receipt")
        await hands.press("j", "enter", "f")
        await hands.sees("From which address?")
        await hands.press("1")
        await hands.sees("Forward the message of")
        await hands.type("carol@z.example")
        await hands.press("ctrl+j")
        await hands.until(lambda: post.smtp.mails, "sent")
        assert post.smtp.mails[0].rcpt_tos == ["carol@z.example"]


async def test_what_cannot_leave_any_more_says_so_where_it_was_written() -> None:
    async with desk(tables=HOLD) as (post, hands):
        first = await post.receive(LAMP, "My lamp is broken")
        await opened(hands, "My lamp is broken")
        command = ForwardCommand(
            client_id="f-1", channel_id="mail", to=written("carol@z.example"), text="Can you?", hold=True
        )
        await post.client.forward(first.id, command)
        await hands.sees("forward, leaves in 9 s, to carol@z.example")
        await post.server.server.database.write(
            lambda tx: tx.run("UPDATE message SET deleted = 1 WHERE id = ?", (first.id,))
        )
        post.server.clock.advance(10_000)
        await hands.sees("forward did not leave: it cannot be sent any more")
        assert post.smtp.mails == []
