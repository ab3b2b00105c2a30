"""Automatic answers: marked as such, rare, and never to machines."""

from __future__ import annotations

import asyncio

from server.acknowledging import ALL_AN_HOUR
from server.queue.silence import SilenceSettings
from tests.fakes.post_office import post_office

ANNA = "anna@x.example"


async def test_who_begins_a_conversation_hears_once_that_it_came() -> None:
    async with post_office(acknowledge="We have your letter.") as post:
        first = await post.receive(ANNA, subject="Order 12")
        await post.server.settled()
        mail = post.sent()
        assert mail["To"] == ANNA
        assert mail["Subject"] == "Re: Order 12"
        assert mail["In-Reply-To"] == "<in1@x.example>"
        assert (mail["Auto-Submitted"], mail["Precedence"]) == ("auto-replied", "bulk")
        assert mail["X-Auto-Response-Suppress"] == "All"
        detail = await post.detail(first.conversation_id)
        assert (detail.conversation.state, detail.conversation.waiting_since is None) == ("open", False)
        assert [(one.kind, one.automatic) for one in detail.history.messages] == [
            ("in", False),
            ("out", True),
        ]
        # Another matter on the same day, and what machines write: nothing. A person's answer is a person's.
        await post.receive(ANNA, subject="Another matter")
        await post.receive("bot@y.example", auto_submitted="auto-generated")
        await post.receive("news@y.example", precedence="bulk")
        await post.answer(first.conversation_id)
        assert len(post.smtp.mails) == 2
        assert post.sent()["Auto-Submitted"] is None
        post.server.clock.advance(25 * 3_600_000)
        await post.receive(ANNA, subject="A day later")
        await post.server.settled()
        assert len(post.smtp.mails) == 3


async def test_two_robots_that_hide_it_stop_by_themselves() -> None:
    """Each answer begins a new conversation from a new address: no header says what it is."""
    async with post_office(acknowledge="We have your letter.") as post:
        for number in range(ALL_AN_HOUR + 5):
            await post.receive(f"robot{number}@y.example", f"ticket {number}")
        await post.server.settled()
        assert len(post.smtp.mails) == ALL_AN_HOUR


async def test_an_automatic_answer_holds_nobodys_reply() -> None:
    async with post_office(acknowledge="We have your letter.") as post:
        first = await post.receive(ANNA)
        detail = await post.detail(first.conversation_id)
        command = post.server.command("Hello", detail.ways[0], first.seq)
        assert (await post.client.reply(first.conversation_id, command)).id


async def test_the_announcement_of_a_closing_is_a_mail_of_its_thread_and_marked_as_automatic() -> None:
    async with post_office(tables={"silence": (SilenceSettings(announce_after="7d"),)}) as post:
        first = await post.receive(ANNA, subject="Order 12")
        await post.answer(first.conversation_id)
        post.server.clock.advance(7 * 24 * 3_600_000)
        async with asyncio.timeout(10):
            while True:
                found = await post.server.read("SELECT step FROM silence WHERE step = 'close'")
                if found:
                    break
                await asyncio.sleep(0.01)
        mail = post.sent()
        assert (mail["To"], mail["Subject"]) == (ANNA, "Re: Order 12")
        assert mail["In-Reply-To"] == "<in1@x.example>"
        assert "<in1@x.example>" in mail["References"]
        assert (mail["Auto-Submitted"], mail["Precedence"]) == ("auto-replied", "bulk")
        # An answer to it is an answer to the conversation, and a machine's stops nothing.
        machine = await post.receive(
            ANNA, subject="Out of office", in_reply_to=mail["Message-ID"], auto_submitted="auto-replied"
        )
        assert machine.conversation_id == first.conversation_id
        assert (await post.detail(first.conversation_id)).conversation.state == "waiting"
        late = await post.receive(ANNA, subject="Re: Order 12", in_reply_to=mail["Message-ID"])
        detail = await post.detail(first.conversation_id)
        assert (late.conversation_id, detail.conversation.state) == (first.conversation_id, "open")
        await post.answer(first.conversation_id)
        assert post.sent()["In-Reply-To"] == "<in3@x.example>"
