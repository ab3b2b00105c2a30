"""Automatic answers: marked as such, rare, and never to machines."""

from __future__ import annotations

from server.acknowledging import ALL_AN_HOUR
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
