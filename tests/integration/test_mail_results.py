"""What becomes of a mail: by recipient, by report, by a channel that is at fault."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from omni_console.client import RefusedError
from server.protocol import FirstMessage, ForwardCommand, Message
from tests.fakes.post_office import PostOffice, post_office, written

ANNA, BOB, CAROL = "anna@x.example", "bob@y.example", "carol@z.example"


def fates(message: Message) -> dict[str, tuple[str, str]]:
    return {one.address: (one.state, one.detail) for one in message.recipients}


def rcpts(post: PostOffice) -> list[list[str]]:
    return [list(mail.rcpt_tos) for mail in post.smtp.mails]


async def to_three(post: PostOffice, *, settled: bool = True) -> Message:
    first = await post.receive(ANNA, subject="Order 12", cc=BOB)
    return await post.answer(
        first.conversation_id,
        "**Answer**",
        to=written(ANNA),
        cc=written(BOB),
        bcc=written(CAROL),
        settled=settled,
    )


async def test_everybody_gets_one_mail_and_hidden_ones_stay_hidden() -> None:
    async with post_office(signature="Shop\nMon-Fri") as post:
        reply = await to_three(post)
        assert reply.status == "sent"
        assert {state for state, _ in fates(reply).values()} == {"sent"}
        assert rcpts(post) == [[ANNA, BOB, CAROL]]
        mail = post.sent()
        assert (mail["To"], mail["Cc"], mail["Bcc"]) == (ANNA, BOB, None)
        assert CAROL not in (post.smtp.mails[0].original_content or b"").decode()
        plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
        assert plain is not None
        assert rich is not None
        below = "On 21 Sep 2026 at 14:13 UTC, anna@x.example wrote:\n> Hello"
        text = plain.get_content().replace("\r\n", "\n")
        assert text == f"**Answer**\n\n-- \nShop\nMon-Fri\n\n{below}\n"
        assert "<strong>Answer</strong>" in rich.get_content()


async def test_a_refused_recipient_is_told_and_the_others_get_it_once() -> None:
    async with post_office() as post:
        post.smtp.answers[f"RCPT {BOB}"] = "550 5.1.1 no such user"
        reply = await to_three(post)
        assert reply.status == "failed"
        assert fates(reply)[BOB] == ("failed", "550 5.1.1 no such user")
        assert fates(reply)[ANNA][0] == fates(reply)[CAROL][0] == "sent"
        assert reply.error == f"not delivered to {BOB} (550 5.1.1 no such user); delivered to {ANNA}, {CAROL}"
        assert (await post.client.counts()).unsettled == 1
        # Sent again, it goes to him alone, and is the same mail.
        post.smtp.answers.clear()
        await post.client.settle("again", [reply.id])
        await post.server.settled()
        assert rcpts(post) == [[ANNA, CAROL], [BOB]]
        assert post.sent(0)["Message-ID"] == post.sent(1)["Message-ID"]
        assert post.sent(1)["Cc"] == BOB
        again = await post.message(reply.id)
        assert again.status == "sent"
        assert (await post.client.counts()).unsettled == 0


async def test_who_is_asked_to_wait_is_tried_again_alone() -> None:
    async with post_office() as post:
        post.smtp.answers[f"RCPT {BOB}"] = "451 4.7.1 greylisted"
        reply = await to_three(post)
        assert reply.status == "retrying"
        assert fates(reply)[BOB][0] == "retry"
        assert "not yet to bob@y.example" in reply.error
        post.smtp.answers.clear()
        post.server.clock.advance(3_600_000)
        await _until(post, reply.id, "sent")
        assert rcpts(post) == [[ANNA, CAROL], [BOB]]


async def test_an_unknown_end_is_unknown_for_whom_it_was_taken() -> None:
    async with post_office() as post:
        post.smtp.answers = {f"RCPT {BOB}": "451 later", "DATA": "hang up"}
        reply = await to_three(post)
        assert reply.status == "unknown"
        assert {address: state for address, (state, _) in fates(reply).items()} == {
            ANNA: "unknown",
            BOB: "retry",
            CAROL: "unknown",
        }


async def test_a_sending_limit_pauses_the_channel_and_no_message_loses_its_time() -> None:
    async with post_office() as post:
        post.smtp.answers["DATA"] = "550 5.4.5 daily user sending limit exceeded"
        reply = await to_three(post)
        assert reply.status == "retrying"
        other = await post.receive(CAROL)
        second = await post.answer(other.conversation_id, settled=False)
        [channel] = [one for one in await post.client.channels() if one.id == "mail"]
        assert "sending pauses" in channel.detail
        assert len(post.smtp.mails) == 1
        # However long it lasts: what waits was never refused for its own sake.
        rows = await post.server.read("SELECT message_id, tried_at, attempts FROM outbox ORDER BY message_id")
        assert [(row["message_id"], row["tried_at"]) for row in rows] == [(reply.id, None), (second.id, None)]
        assert rows[1]["attempts"] == 0


async def test_who_answers_a_doubtful_mail_has_it() -> None:
    async with post_office() as post:
        post.smtp.answers["DATA"] = "hang up"
        first = await post.receive(ANNA)
        reply = await post.answer(first.conversation_id)
        assert reply.status == "unknown"
        assert (await post.client.counts()).unsettled == 1
        await post.receive(ANNA, in_reply_to=post.sent()["Message-ID"])
        assert (await post.message(reply.id)).status == "sent"
        assert (await post.client.counts()).unsettled == 0


# --- reports ------------------------------------------------------------------------------------------

REPORT = """\
From: MAILER-DAEMON@mx.example (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Message-ID: <report{number}@mx.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
{envelope}
{blocks}
--b
Content-Type: text/rfc822-headers

From: support@shop.example
{returned}
Subject: Re: Order 12

--b--
"""

BLOCK = """\
Final-Recipient: rfc822; {who}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {said}

"""


async def report(post: PostOffice, blocks: str, *, returned: str = "", **more: Any) -> Message:
    values = {"to": "support@shop.example", "number": 1, "envelope": ""} | more
    header = f"Message-ID: {returned}" if returned else "X-None: 1"
    text = REPORT.format(blocks=blocks, returned=header, **values)
    return await post.receive_raw(text.replace("\n", "\r\n").encode())


async def test_a_report_marks_each_recipient_it_names() -> None:
    async with post_office() as post:
        reply = await to_three(post)
        ours = post.sent()["Message-ID"]
        blocks = BLOCK.format(who=BOB, action="failed", status="5.1.1", said="550 no such user")
        blocks += BLOCK.format(who=CAROL, action="delayed", status="4.4.1", said="no answer")
        bounce = await report(post, blocks, returned=ours)
        assert bounce.conversation_id == reply.conversation_id
        assert bounce.automatic
        assert bounce.reason == "by the mail it reports"
        shown = await post.message(reply.id)
        assert shown.status == "failed"
        assert fates(shown)[ANNA] == ("sent", "")
        assert fates(shown)[BOB] == ("failed", "5.1.1 550 no such user")
        assert fates(shown)[CAROL] == ("delayed", "4.4.1 no answer")
        assert shown.error.startswith(f"not delivered to {BOB} (5.1.1 550 no such user); delayed to {CAROL}")
        assert (await post.client.counts()).unsettled == 1
        # What failed is not undone by an older word, and a late one goes on where it was.
        await report(
            post,
            BLOCK.format(who=BOB, action="delayed", status="4.4.1", said="later"),
            returned=ours,
            number=2,
        )
        assert fates(await post.message(reply.id))[BOB][0] == "failed"


async def test_a_report_takes_nobodys_next_try_away() -> None:
    async with post_office() as post:
        post.smtp.answers[f"RCPT {CAROL}"] = "451 4.7.1 greylisted"
        reply = await to_three(post)
        assert reply.status == "retrying"
        block = BLOCK.format(who=BOB, action="failed", status="5.1.1", said="550 no such user")
        await report(post, block, returned=post.sent()["Message-ID"])
        shown = await post.message(reply.id)
        assert (shown.status, fates(shown)[BOB][0]) == ("retrying", "failed")
        post.smtp.answers.clear()
        post.server.clock.advance(3_600_000)
        await _until(post, reply.id, "failed")
        assert rcpts(post) == [[ANNA, BOB], [CAROL]]
        states = {address: state for address, (state, _) in fates(await post.message(reply.id)).items()}
        assert states == {ANNA: "sent", BOB: "failed", CAROL: "sent"}


async def test_a_report_is_known_by_its_envelope_and_by_our_return_path() -> None:
    async with post_office(plus_address=True, signed_return_path=True) as post:
        first = await post.receive(ANNA)
        reply = await post.answer(first.conversation_id)
        return_path = post.smtp.mails[-1].mail_from or ""
        assert return_path.startswith("support+c")
        block = BLOCK.format(who="anna@new-home.example", action="failed", status="5.2.2", said="full")
        # Nothing of our header came back, and he has his mail sent on to another address.
        bounce = await report(post, block, to=return_path)
        assert bounce.conversation_id == first.conversation_id
        assert fates(await post.message(reply.id))[ANNA] == ("failed", "5.2.2 full")

        second = await post.answer(first.conversation_id, "again")
        identifier = post.sent()["Message-ID"][1:].partition("@")[0]
        block = BLOCK.format(who=ANNA, action="failed", status="5.1.1", said="gone")
        await report(post, block, envelope=f"Original-Envelope-Id: {identifier}\n", number=2)
        assert fates(await post.message(second.id))[ANNA] == ("failed", "5.1.1 gone")


async def test_a_first_message_that_bounces_is_marked_too() -> None:
    async with post_office() as post:
        first = await post.receive(ANNA)
        detail = await post.detail(first.conversation_id)
        [way] = [one for one in detail.ways if one.channel_id == "mail"]
        command = FirstMessage(
            client_id="first-1",
            text="A word of ours",
            channel_id="mail",
            address_id=way.address_id,
            subject="News",
            despite=["open_conversation", "consent"],
        )
        sent = await post.client.people.first_message(detail.customer.id, command)
        await post.server.settled()
        block = BLOCK.format(who=ANNA, action="failed", status="5.1.1", said="gone")
        await report(post, block, returned=post.sent()["Message-ID"])
        shown = await post.message(sent.id)
        assert (shown.status, fates(shown)) == ("failed", {ANNA: ("failed", "5.1.1 gone")})


async def test_a_report_of_a_mail_that_is_not_ours_changes_nothing() -> None:
    async with post_office() as post:
        reply = await to_three(post)
        forged = post.sent()["Message-ID"].replace("@shop", "@elsewhere")
        block = BLOCK.format(who=BOB, action="failed", status="5.1.1", said="no")
        for number, returned in enumerate(("", "<c1.m2.aaaaaaaaaaaaaaaaaaaa@shop.example>", forged), 1):
            bounce = await report(post, block, returned=returned, number=number)
            assert bounce.automatic
            shown = await post.message(reply.id)
            if returned != forged:  # that one bears our MAC, wherever it says it is from
                assert shown.status == "sent"
                assert bounce.conversation_id != reply.conversation_id
        stranger = BLOCK.format(who="somebody@else.example", action="failed", status="5.1.1", said="no")
        await report(post, stranger, returned=post.sent()["Message-ID"], number=9)
        assert "somebody" not in (await post.message(reply.id)).error


async def test_automatic_mail_neither_reopens_nor_starts_the_clock() -> None:
    async with post_office() as post:
        first = await post.receive(ANNA)
        await post.answer(first.conversation_id)
        ours = post.sent()["Message-ID"]
        waiting = (await post.detail(first.conversation_id)).conversation
        assert (waiting.state, waiting.waiting_since) == ("waiting", None)
        away = await post.receive(
            ANNA, "I am away", in_reply_to=ours, auto_submitted="auto-replied", subject="Out of office"
        )
        assert away.conversation_id == first.conversation_id
        assert away.automatic
        after = (await post.detail(first.conversation_id)).conversation
        assert (after.state, after.waiting_since) == ("waiting", None)
        await post.client.close_conversation(first.conversation_id, "order", "answered")
        await post.receive(ANNA, "still away", in_reply_to=ours, auto_submitted="auto-replied")
        assert (await post.detail(first.conversation_id)).conversation.state == "closed"
        # It is not what an answer refers to either.
        await post.client.reopen(first.conversation_id)
        await post.answer(first.conversation_id, "once more")
        assert post.sent()["In-Reply-To"] == "<in1@x.example>"


# --- forwards -----------------------------------------------------------------------------------------


async def test_a_forward_and_its_answers_are_a_conversation_of_their_own() -> None:
    async with post_office() as post:
        first = await post.receive(ANNA, "My [secret](http://evil.example) is 42", subject="Order 12")
        command = ForwardCommand(
            client_id="f-1", channel_id="mail", to=written(CAROL), text="Can you *help*?"
        )
        sent = await post.client.forward(first.id, command)
        again = await post.client.forward(first.id, command)
        assert again.id == sent.id
        await post.server.settled()
        assert sent.conversation_id != first.conversation_id
        mail = post.sent()
        assert rcpts(post) == [[CAROL]]
        assert mail["Subject"] == "Fwd: Order 12"
        assert mail["References"] is None
        rich = mail.get_body(("html",))
        assert rich is not None
        html = rich.get_content()
        assert "<em>help</em>" in html
        # What the customer wrote is shown as he wrote it, and becomes no link.
        assert "[secret](http://evil.example)" in html
        child = (await post.detail(sent.conversation_id)).conversation
        assert (child.state, child.parent_id) == ("waiting", first.conversation_id)
        told = (await post.detail(first.conversation_id)).history.messages
        assert any(one.kind == "note" and "forwarded" in one.text for one in told)

        back = await post.receive(CAROL, "Yes", in_reply_to=mail["Message-ID"], references="<in1@x.example>")
        assert back.conversation_id == sent.conversation_id
        assert not back.stranger
        assert (await post.detail(first.conversation_id)).conversation.state == "open"


@pytest.mark.parametrize("to", [[], written("support@shop.example"), written("nobody")])
async def test_a_forward_needs_somebody_else(to: Any) -> None:
    async with post_office() as post:
        first = await post.receive(ANNA)
        with pytest.raises(RefusedError):
            await post.client.forward(first.id, ForwardCommand(client_id="f-1", channel_id="mail", to=to))
        assert post.smtp.mails == []


async def _until(post: PostOffice, message_id: int, status: str) -> None:
    async with asyncio.timeout(10):
        while (await post.message(message_id)).status != status:  # noqa: ASYNC110 - another task's data
            await asyncio.sleep(0.02)


# --- files --------------------------------------------------------------------------------------------


async def test_files_go_along_and_nobody_elses_do() -> None:
    async with post_office() as post:
        first = await post.receive(ANNA)
        other = await post.receive(BOB)
        upload = await post.client.put_up(first.conversation_id, "счёт 7.pdf", b"%PDF-")
        assert (upload.name, upload.content_type, upload.size) == ("счёт 7.pdf", "application/pdf", 5)
        with pytest.raises(RefusedError, match="was not put up"):
            await post.answer(other.conversation_id, upload_ids=[upload.id])
        reply = await post.answer(first.conversation_id, "", upload_ids=[upload.id])
        assert [(file.name, file.size) for file in reply.files] == [("счёт 7.pdf", 5)]
        [attached] = post.sent().iter_attachments()
        assert (attached.get_filename(), attached.get_content()) == ("счёт 7.pdf", b"%PDF-")
        with pytest.raises(RefusedError, match="was not put up"):  # it is a file of that message now
            await post.answer(first.conversation_id, "x", upload_ids=[upload.id])
        big = await post.client.put_up(first.conversation_id, "big.bin", bytes(19 * 1024 * 1024))
        with pytest.raises(RefusedError, match="takes 18874368"):
            await post.answer(first.conversation_id, "x", upload_ids=[big.id])
        for name, left in (("", "file"), ("../a\n.pdf", "a.pdf"), ("\x1b[31m\u202e", "[31m")):
            assert (await post.client.put_up(first.conversation_id, name, b"x")).name == left


async def test_an_answer_comes_from_the_address_that_was_written_to() -> None:
    more: dict[str, Any] = {
        "aliases": ("billing@shop.example",),
        "signature": "Support",
        "signatures": {"billing@shop.example": "Billing"},
        "quote": False,
    }
    async with post_office(**more) as post:
        first = await post.receive(ANNA)
        await post.answer(first.conversation_id)
        assert post.sent()["From"] == "Shop <support@shop.example>"
        second = await post.receive(ANNA, to="Billing <billing@shop.example>")
        assert second.recipients == []
        await post.answer(second.conversation_id)
        mail = post.sent()
        assert mail["From"] == "Shop <billing@shop.example>"
        assert post.smtp.mails[-1].mail_from == "support@shop.example"
        plain = mail.get_body(("plain",))
        assert plain is not None
        assert plain.get_content().endswith("Billing\r\n") or plain.get_content().endswith("Billing\n")
