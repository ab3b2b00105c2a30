"""What stands below an e-mail answer: the customer's own letter, once, the same at every attempt, and
nothing of anybody or anywhere else."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage

import pytest

from server.protocol import (
    CardCommand,
    FirstMessage,
    ForwardCommand,
    MergeCommand,
    Message,
    NoteCommand,
)
from server.settings import SendingSettings
from server.store import messages
from server.store.transaction import Transaction
from tests.fakes.post_office import PostOffice, post_office, written

ANNA, BOB = "Anna Schmidt <anna@x.example>", "bob@y.example"
HOUR = 3_600_000


def text_of(mail: EmailMessage) -> str:
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert rich is not None
    text = str(plain.get_content()).replace("\r\n", "\n")
    below = " wrote:\n>" in text or " пишет:\n>" in text
    assert ('<blockquote class="gmail_quote"' in rich.get_content()) is below
    return text


def quoted(mail: EmailMessage) -> str:
    """Its lines behind "> ", without that."""
    return "\n".join(line[2:] for line in text_of(mail).splitlines() if line.startswith(">"))


async def quotes(post: PostOffice, conversation_id: int) -> bool:
    """What the composer is told."""
    return (await post.detail(conversation_id)).ways[0].quotes


async def gone(post: PostOffice, count: int) -> None:
    async with asyncio.timeout(10):
        while len(post.smtp.mails) < count:  # noqa: ASYNC110 - another task's data
            await asyncio.sleep(0.02)
    await post.server.settled()


async def test_the_letter_stands_below_the_answer_and_the_history_shows_our_own_words() -> None:
    async with post_office() as post:
        first = await post.receive(ANNA, "Where is my parcel?\n\n-- \nAnna Ltd", subject="Order 12")
        assert await quotes(post, first.conversation_id)
        reply = await post.answer(first.conversation_id, "It leaves today.")
        assert text_of(post.sent()) == (
            "It leaves today.\n\nOn 21 Sep 2026 at 14:13 UTC, Anna Schmidt wrote:\n> Where is my parcel?\n"
        )
        assert post.sent()["In-Reply-To"] == "<in1@x.example>"
        assert (reply.text, reply.folds) == ("It leaves today.", [])
        [hit] = (await post.client.search("parcel")).hits
        assert hit.message.id == first.id
        [row] = (await post.client.conversations("all")).items
        assert row.preview == "It leaves today."

        # Her answer quotes the whole of ours; from then on only what is new is quoted.
        ours = "\n".join(f"> {line}" for line in text_of(post.sent()).splitlines())
        await post.receive(
            ANNA,
            f"Thank you!\n\nOn 21 Sep 2026, 15:00, Shop wrote:\n{ours}",
            in_reply_to=post.sent()["Message-ID"],
        )
        await post.answer(first.conversation_id, "You are welcome.")
        assert quoted(post.sent()) == "Thank you!"


async def test_in_the_customers_language_hour_and_own_name() -> None:
    async with post_office() as post:
        first = await post.receive(ANNA)
        command = CardCommand(name="Anna (difficult)", language="ru", time_zone="Europe/Moscow")
        await post.client.people.change(first.customer_id, command)
        await post.answer(first.conversation_id)
        assert "\n\n21 сентября 2026 г. в 17:13 Anna Schmidt пишет:\n> Hello\n" in text_of(post.sent())
        assert "difficult" not in text_of(post.sent())


async def test_every_attempt_sends_the_same_bytes() -> None:
    async with post_office(signature="Shop") as post:
        first = await post.receive(ANNA, "Where is it?")
        post.smtp.answers["DATA"] = "451 4.3.0 later"
        reply = await post.answer(first.conversation_id)
        assert reply.status == "retrying"
        command = CardCommand(name="Somebody", language="ru", time_zone="Asia/Tokyo")
        await post.client.people.change(first.customer_id, command)
        await post.receive("Anna S. <anna@x.example>", "And one more", in_reply_to="<in1@x.example>")
        post.smtp.answers["DATA"] = "hang up"
        post.server.clock.advance(HOUR)
        await gone(post, 2)
        assert (await post.message(reply.id)).status == "unknown"
        post.smtp.answers.clear()
        await post.client.settle("again", [reply.id])
        await gone(post, 3)
        assert quoted(post.sent()) == "Where is it?"
        one, two, three = (mail.original_content for mail in post.smtp.mails)
        assert one == two == three


async def test_a_letter_that_is_deleted_or_elsewhere_is_not_quoted_any_more() -> None:
    async with post_office() as post:
        post.smtp.answers["DATA"] = "451 4.3.0 later"
        first = await post.receive(ANNA, "my password is 1234")
        await post.answer(first.conversation_id)
        other = await post.receive(BOB, "something else")
        second = await post.receive(BOB, "by the way", in_reply_to="<in2@x.example>")
        await post.answer(other.conversation_id)
        assert [quoted(post.sent(n)) for n in (0, 1)] == ["my password is 1234", "by the way"]
        await post.server.server.database.write(lambda tx: messages.mark_deleted(tx, first.id))
        await post.client.people.split(other.conversation_id, [second.id], "By the way")
        assert not await quotes(post, first.conversation_id)
        post.smtp.answers.clear()
        post.server.clock.advance(HOUR)
        await gone(post, 4)
        for mail in (post.sent(2), post.sent(3)):
            assert text_of(mail) == "Answer\n"


async def test_nothing_of_others_notes_or_other_channels() -> None:
    async with post_office() as post:
        first = await post.receive(ANNA, "My own words", cc=BOB)
        await post.client.note(first.conversation_id, NoteCommand(client_id="n", text="difficult customer"))
        await post.answer(first.conversation_id, cc=written(BOB), bcc=written("boss@shop2.example"))
        guest = await post.receive(BOB, "Words of Bob", in_reply_to=post.sent()["Message-ID"])
        assert guest.stranger
        await post.answer(first.conversation_id, "Both of you", cc=written(BOB))
        assert quoted(post.sent()) == "My own words"
        machine = await post.receive(
            ANNA, "I am away", in_reply_to=post.sent()["Message-ID"], auto_submitted="auto-replied"
        )
        assert machine.automatic
        await post.answer(first.conversation_id, "Still there?", to=written("anna@x.example"))
        assert quoted(post.sent()) == "My own words"
        whole = b"".join(mail.original_content or b"" for mail in post.smtp.mails).decode()
        for words in ("difficult", "boss@shop2.example", "Words of Bob", "I am away"):
            assert words not in whole

        # The other mailbox: what she wrote there is not quoted here.
        await post.receive(ANNA, "To the sales", channel="sales")
        await post.answer(first.conversation_id, "Here again")
        assert quoted(post.sent()) == "My own words"


async def test_whoever_has_become_one_with_somebody_is_quoted_to_his_own_address_only() -> None:
    async with post_office() as post:
        first = await post.receive(ANNA, "From Anna")
        other = await post.receive(BOB, "From Bob")
        await post.client.people.merge(first.customer_id, MergeCommand(other_id=other.customer_id))
        await post.client.people.join(first.conversation_id, other.conversation_id)
        detail = await post.detail(first.conversation_id)
        ways = {way.label: way for way in detail.ways if way.channel_id == "mail"}
        assert {label: way.quotes for label, way in ways.items()} == {"anna@x.example": False, BOB: True}
        for label, words in (("anna@x.example", ""), (BOB, "From Bob")):
            command = post.server.command("Answer", ways[label], detail.history.seq)
            await post.client.reply(first.conversation_id, command)
            await post.server.settled()
            assert post.smtp.mails[-1].rcpt_tos == [label]
            assert quoted(post.sent()) == words


async def test_whoever_quotes_by_himself_quotes_once() -> None:
    async with post_office() as post:
        first = await post.receive(ANNA, "Which size?\nWhich colour?")
        await post.answer(first.conversation_id, "> Which colour?\n\nRed.")
        assert text_of(post.sent()) == "> Which colour?\n\nRed.\n"
        # It is the operator's own words, and folded by nobody's rule but his reader's.
        await post.answer(first.conversation_id, "And XL.")
        assert quoted(post.sent()) == "Which size?\nWhich colour?"


async def test_what_begins_is_sent_on_or_said_by_itself_quotes_nothing() -> None:
    async with post_office(acknowledge="We have your letter.") as post:
        first = await post.receive(ANNA, "Hello there")
        await post.server.settled()
        assert text_of(post.sent()) == "We have your letter.\n"
        forward = ForwardCommand(client_id="f", channel_id="mail", to=written("carol@z.example"), text="Look")
        await post.client.forward(first.id, forward)
        await post.server.settled()
        assert "\n> " not in text_of(post.sent())
        assert text_of(post.sent()).count("Hello there") == 1
        await post.client.close_conversation(first.conversation_id, "order", "solved")
        way = (await post.detail(first.conversation_id)).ways[0]
        begun = FirstMessage(client_id="b", text="News", channel_id="mail", address_id=way.address_id)
        await post.client.people.first_message(first.customer_id, begun)
        await post.server.settled()
        assert text_of(post.sent()) == "News\n"


async def test_without_quoting() -> None:
    async with post_office(quote=False) as post:
        first = await post.receive(ANNA)
        assert not await quotes(post, first.conversation_id)
        await post.answer(first.conversation_id)
        assert text_of(post.sent()) == "Answer\n"


async def test_a_long_letter_is_cut_and_files_alone_are_no_letter() -> None:
    async with post_office(quote_max=200) as post:
        first = await post.receive(ANNA, "word " * 200)
        await post.answer(first.conversation_id)
        assert 150 < len(quoted(post.sent())) <= 204
        assert quoted(post.sent()).endswith("[…]")
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Message-ID"] = BOB, "support@shop.example", "<file@x.example>"
        mail.set_content("\n")
        mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="a.pdf")
        only = await post.receive_raw(mail.as_bytes())
        assert not await quotes(post, only.conversation_id)
        await post.answer(only.conversation_id)
        assert text_of(post.sent()) == "Answer\n"
        assert not list(post.sent().iter_attachments())


async def test_our_words_in_place_of_a_mail_are_not_quoted_as_his() -> None:
    async with post_office() as post:
        raw = b"From: bob@y.example\r\nMessage-ID: <big@y.example>\r\nSubject: Big\r\n\r\n"
        stub = await post.receive_raw(raw, stub="too_big", size="99999999", limit="1000")
        assert "Only its header was taken" in stub.text
        await post.answer(stub.conversation_id)
        assert text_of(post.sent()) == "Answer\n"


async def test_taken_back_and_written_anew() -> None:
    hold = SendingSettings(hold_letters_seconds=10, hold_chats_seconds=0)
    async with post_office(tables={"sending": hold}) as post:
        first = await post.receive(ANNA, "Where is it?")
        held = await _held(post, first, "Soom")
        back = await post.client.withdraw(held.id)
        assert (back.draft.text, post.smtp.mails) == ("Soom", [])
        await _held(post, first, "Soon")
        post.server.clock.advance(11_000)
        await gone(post, 1)
        assert text_of(post.sent()).startswith("Soon\n\nOn 21 Sep 2026")
        assert quoted(post.sent()) == "Where is it?"


async def test_what_was_scheduled_quotes_what_it_answered() -> None:
    async with post_office() as post:
        first = await post.receive(ANNA, "When do you open?")
        later = post.server.clock.now() + 2 * HOUR
        await post.answer(first.conversation_id, "At nine", at=later, keep=True, settled=False)
        post.server.clock.advance(HOUR)
        await post.receive(ANNA, "Never mind", in_reply_to="<in1@x.example>")
        post.server.clock.advance(HOUR + 1_000)
        await gone(post, 1)
        assert quoted(post.sent()) == "When do you open?"
        assert post.sent()["In-Reply-To"] == "<in1@x.example>"


async def _held(post: PostOffice, first: Message, text: str) -> Message:
    return await post.answer(first.conversation_id, text, settled=False)


@pytest.mark.parametrize("forget", [True, False])
async def test_our_copy_in_the_sent_folder_shows_our_own_words(forget: bool) -> None:
    """Where its id is known it is nothing new; where the database was lost it is shown, and folded."""
    async with post_office() as post:
        first = await post.receive(ANNA, "Where is my parcel?")
        reply = await post.answer(first.conversation_id, "It leaves today.")
        raw = post.smtp.mails[-1].original_content or b""
        if forget:
            await post.server.server.database.write(lambda tx: _forget_id(tx, reply.id))
        shown = await post.receive_raw(raw, role="sent")
        assert (shown.id == reply.id) is not forget
        if forget:
            [fold] = shown.folds
            assert shown.text[: fold.start].strip() == "It leaves today."
            assert shown.text[fold.end :] == ""


def _forget_id(tx: Transaction, message_id: int) -> None:
    tx.run("UPDATE message SET remote_id = NULL WHERE id = ?", (message_id,))
