"""The console with the real server behind it: what is done by keys is done, and can be taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC

import pytest

from omni_console.app import OmniConsole
from omni_console.screens.people_screen import PeopleScreen
from omni_console.timing import Clock
from omni_console.widgets.card.entries import Deed
from server.store import operators as accounts
from tests.fakes.console_hands import Hands
from tests.fakes.running_server import OLGA, Running, running_server


@asynccontextmanager
async def console_of(
    run: Running, *, size: tuple[int, int] = (200, 60), uid: int = OLGA
) -> AsyncIterator[Hands]:
    app = OmniConsole(await run.client(uid), clock=Clock(run.clock.now, UTC))
    async with app.run_test(size=size) as pilot:
        hands = Hands(app, pilot)
        await hands.until(lambda: app.desk_screen.online and app.desk.windows["queue"].loaded, "online")
        if uid == OLGA:
            await hands.press("]")  # to the queue
        yield hands


async def palette(hands: Hands, words: str) -> None:
    await hands.press("ctrl+p")
    await hands.sees("All actions")
    await hands.type(words)
    await hands.press("enter")


async def doubtful(run: Running) -> None:
    """Anna by mail; somebody in the chat who types her address; both of them open."""
    await run.letters.hear("anna@example.org", "the invoice 2231 is wrong, call +49 30 901820", "Anna")
    visitor = await run.visitor()
    await visitor.say("any news of my invoice?")
    await visitor.post("/contact", {"name": "Ann", "email": "anna@example.org"})


async def test_a_suggestion_is_taken_and_taken_back() -> None:
    async with running_server() as run, console_of(run) as hands:
        await doubtful(run)
        await hands.sees("≈ 1 (I)")
        await hands.press("I")
        await hands.sees("same e-mail anna@example.org")
        await hands.press("y")
        await hands.sees("one person")
        await hands.press("escape")
        await hands.press("g", "enter")
        await hands.press("i")
        await hands.sees("was another card")
        await hands.sees("any news of my invoice?")
        await hands.sees("the invoice 2231 is wrong")
        await palette(hands, "take a merge")
        await hands.sees("a card of its own again")
        await hands.press("2")
        await hands.sees("two people again")
        await hands.sees_no("was another card")
        await hands.until(
            lambda: ("any news" in hands.text()) != ("2231 is wrong" in hands.text()),
            "one of the two histories",
        )


async def test_who_is_erased_leaves_the_screen_at_once() -> None:
    """Also while somebody reads his history, and writes to him."""
    async with running_server() as run, console_of(run) as hands:
        await run.letters.hear("anna@example.org", "a word of Anna", "Anna")
        await run.letters.hear("boris@example.org", "a word of Boris", "Boris")
        await hands.sees("Boris")
        await hands.press("g", "enter", "r")
        await hands.type("dear Anna")
        await hands.sees("dear Anna")
        [row] = await run.read("SELECT id FROM customer WHERE name = 'Anna'")
        body = b'{"name":"Anna","reason":"asked"}'
        status, _ = await run.ask("POST", f"/v1/customers/{row['id']}/erase", body, uid=None)
        assert status == 200
        await hands.sees_no("Anna")
        await hands.sees("Boris")
        assert hands.screen.desk.drafts.unsaved() == []
        assert await run.read("SELECT * FROM draft") == []


async def test_a_collaborator_sees_what_is_shared_with_him_and_while_it_is() -> None:
    async with running_server() as run:
        await run.server.database.write(lambda tx: accounts.add(tx, "carl", "Carl", "collaborator", 4801))
        await run.letters.hear("anna@example.org", "a word of Anna", "Anna")
        await run.letters.hear("boris@example.org", "a word of Boris", "Boris")
        async with console_of(run) as olga, console_of(run, uid=4801) as carl:
            await olga.press("[")
            await olga.sees("Boris")
            assert "Anna" not in carl.text() and "Boris" not in carl.text()
            await olga.press("g", "&")
            await olga.sees("Who of another department sees Anna?")
            await olga.press("1")
            await olga.sees("Carl sees Anna now")
            await carl.sees("a word of Anna")
            await carl.press("g", "enter", "m")
            await carl.type("it needs a new seal, @olga")
            await carl.press("ctrl+j")
            await olga.press("enter")
            await olga.sees("it needs a new seal")
            await carl.press("escape", "r")
            await carl.sees("your role does not answer customers")
            await olga.press("escape", "&")
            await olga.sees("sees it")
            await olga.press("1")
            await olga.sees("does not see Anna any more")
            await carl.sees_no("Anna")
            assert "Boris" not in carl.text()


async def test_the_card_is_filled_in() -> None:
    async with running_server() as run, console_of(run) as hands:
        await run.letters.hear("anna@example.org", "call me: +49 30 901820", "Anna")
        await hands.sees("Anna")
        await hands.press("enter", "i")
        await hands.sees("+49 30 901820")
        await hands.press("p")
        await hands.sees("is on the card, as a claim")
        await hands.sees("? +49")
        await hands.press("u")
        await hands.sees("is forgotten")
        lines = hands.screen.card.lines
        lines.select(Deed("name"))
        await hands.press("enter", "end", "space")
        await hands.type("Schmidt")
        await hands.press("enter")
        await hands.sees("name is changed")
        await hands.sees("Anna Schmidt")
        await hands.press("h")
        await hands.sees("name: how it was")
        await hands.press("escape")
        await hands.press("+")
        await hands.sees("What do you know")
        await hands.press("1")
        await hands.type("vip wholesale")
        await hands.press("enter")
        await hands.sees("#vip")
        await hands.press("+", "6", "1")
        await hands.sees("marketing, all channels")


async def test_a_case_says_where_it_stopped_and_how_urgent_it_is() -> None:
    async with running_server() as run, console_of(run) as hands:
        await run.letters.hear("anna@example.org", "the invoice is wrong", "Anna")
        await hands.sees("Anna")
        await hands.press("enter", "a")
        await hands.sees("took it")
        await hands.press("!", "1")
        await hands.sees("urgent")
        await hands.press("d")
        await hands.sees("What it is about: Anna")
        await hands.type("invoices")
        await hands.press("enter", "ctrl+u")
        await hands.type("a corrected invoice")
        await hands.press("enter")
        await hands.type("send it")
        await hands.press("enter")
        await hands.type("2h")
        await hands.press("enter")
        await hands.sees("noted: until")
        await hands.sees("send it")
        await hands.press("t")
        await hands.type("invoice")
        await hands.press("enter")
        await hands.sees("#invoice")
        await hands.press("u", "u")
        await hands.sees_no("send it")


async def test_messages_are_split_off_and_put_back() -> None:
    async with running_server() as run, console_of(run) as hands:
        await run.hook("the lamp is broken")
        await run.hook("and when does order 9 come?")
        await hands.sees("order 9")
        await hands.press("enter")
        await hands.sees("lamp is broken")
        await hands.press("space", "S")
        await hands.sees("Split off 1 message")
        await hands.type("order 9")
        await hands.press("enter")
        await hands.sees("1 message is a case of its own")
        await hands.sees("queue 2")
        await hands.press("u")
        await hands.sees("together again")
        await hands.sees("queue 1")


async def test_a_call_and_a_first_letter() -> None:
    async with running_server() as run, console_of(run) as hands:
        await run.letters.hear("anna@example.org", "the invoice is wrong", "Anna")
        await hands.sees("Anna")
        await hands.press("enter")
        await hands.press("L", "2")
        await hands.sees("Anna: we called")
        await hands.type("promised a new invoice")
        await hands.press("ctrl+j")
        await hands.sees("written down")
        await hands.sees("promised a new invoice")
        await hands.press("C")
        await hands.type("Here it is")
        await hands.press("ctrl+j")
        await hands.sees("First message to Anna")
        await hands.type("Your invoice")
        await hands.press("enter")
        await hands.sees("not sent yet")
        await hands.sees("there is an open conversation")
        await hands.press("ctrl+j")
        await run.settled()
        await hands.until(lambda: any(one.text == "Here it is" for one in run.letters.sent), "sent at last")


async def test_spam_is_kept_apart_and_let_in_again() -> None:
    async with running_server() as run, console_of(run) as hands:
        await run.letters.hear("seo@example.org", "your site on the first page", "Anna")
        await hands.sees("Anna")
        await hands.press("X")
        await hands.sees("Is Anna spam?")
        await hands.press("1")
        await hands.sees("1 is spam · 1 address barred")
        await hands.press("u")
        await hands.sees("1 let in again")
        await hands.sees("queue 1")


@pytest.mark.parametrize("words", ["continue in", "ask for a code"])
async def test_codes_and_links_are_asked_for(words: str) -> None:
    async with running_server() as run, console_of(run) as hands:
        await run.hook("hello", person={"name": "Berta", "email": "berta@example.org"})
        await hands.sees("Berta")
        await hands.press("enter")
        await hands.sees("hello")
        await palette(hands, words)
        if words == "continue in":
            await hands.sees("Continue with Berta in…")
            await hands.press("1")
            await hands.sees("sent: a link that leads to site chat")
        else:
            await hands.sees("ask for the six digits")
            await run.settled()
            assert run.letters.sent, "the code went by letter"


async def test_a_conversation_goes_on_in_a_mailbox_that_he_named() -> None:
    async with running_server() as run, console_of(run) as hands:
        await run.hook("hello", person={"name": "Berta", "email": "berta@example.org"})
        await hands.sees("Berta")
        await hands.press("enter")
        await hands.sees("hello")
        await palette(hands, "continue in")
        await hands.sees("Continue with Berta in…")
        await hands.sees("berta@example.org")
        await hands.press("2")
        await hands.sees("sent: a link that leads to mail")
        await run.settled()
        [sent] = run.letters.sent
        assert sent.to == "berta@example.org" and "/confirm/" in sent.text


async def test_one_text_goes_to_many_and_whoever_should_not_get_it_is_named_first() -> None:
    async with running_server() as run, console_of(run) as hands:
        await run.letters.hear("anna@example.org", "a word of Anna", "Anna")
        await run.letters.hear("boris@example.org", "a word of Boris", "Boris")
        await hands.sees("Boris")
        client = await run.client()
        [boris] = [row for row in (await client.conversations("queue")).items if row.customer == "Boris"]
        await client.claim(boris.id, None)
        await client.close_conversation(boris.id, "lamp", "told")
        await palette(hands, "write to many")
        await hands.sees("see who would get it")
        await hands.press("tab", "tab", "tab")
        await hands.type("We move on Monday, {name}.")
        await hands.press("ctrl+j")
        await hands.sees("to whom?")
        await hands.type("*")
        await hands.press("ctrl+j")
        await hands.sees("1 person gets it, 1 does not")
        await hands.sees("there is an open conversation")
        assert run.letters.sent == []
        await hands.press("ctrl+j")
        await hands.sees("1 message is on its way, 1 is held")
        await run.settled()
        assert [one.text for one in run.letters.sent] == ["We move on Monday, Boris."]


async def test_who_never_spoke_to_us_can_be_written_to() -> None:
    async with running_server() as run, console_of(run) as hands:
        vera = b'{"id":"crm-1","name":"Vera","emails":["vera@example.org"]}'
        lines = b'{"vouch":true,"lines":[{"line":1,"person":' + vera + b"}]}"
        status, said = await run.ask("POST", "/v1/people/import", lines, uid=None)
        assert status == 200, said
        await palette(hands, "find a person")
        await hands.sees("Find a person")
        await hands.type("Vera")
        finder = hands.app.screen
        assert isinstance(finder, PeopleScreen)
        await hands.until(finder.current, "the answer to what was typed")
        await hands.press("enter")
        await hands.sees("Write to Vera")
        await hands.type("Your lamp is ready.")
        await hands.press("ctrl+j")
        await hands.sees("gets it")
        await hands.press("ctrl+j")
        await hands.sees("1 message is on its way")
        await run.settled()
        assert [one.to for one in run.letters.sent] == ["vera@example.org"]
