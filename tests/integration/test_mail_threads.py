"""Which conversation a mail belongs to: what it proves decides, and nothing else joins anything."""

from __future__ import annotations

import re
from typing import Any

import pytest

from omni_console.client import RefusedError
from tests.fakes.post_office import SUPPORT, post_office, written

BOB = "bob@elsewhere.example"


async def test_an_answer_finds_its_conversation_by_our_own_id() -> None:
    async with post_office() as post:
        first = await post.receive(subject="Order 12")
        assert first.reason == "new conversation"
        await post.answer(first.conversation_id)
        ours = post.sent()["Message-ID"]
        again = await post.receive(subject="something else", in_reply_to=ours)
        assert again.conversation_id == first.conversation_id
        assert again.reason == "by In-Reply-To, our own id"
        by_chain = await post.receive(references=f"<a@b.example> {ours} <c@d.example>")
        assert by_chain.conversation_id == first.conversation_id
        assert by_chain.reason == "by References, our own id"


async def test_an_id_with_a_wrong_mac_leads_nowhere() -> None:
    async with post_office() as post:
        first = await post.receive(subject="Order 12")
        await post.answer(first.conversation_id)
        ours = post.sent()["Message-ID"]
        mac = re.search(r"\.([a-z2-7]{20})@", ours)
        assert mac is not None
        forged = ours.replace(mac[1], "a" * 20)
        foreign = await post.receive(BOB, in_reply_to=forged)
        assert foreign.conversation_id != first.conversation_id
        assert foreign.suggest_id is None


async def test_a_signed_address_is_enough_and_a_forged_one_is_noted() -> None:
    async with post_office(plus_address=True) as post:
        first = await post.receive(subject="Order 12")
        await post.answer(first.conversation_id)
        [reply_to] = post.sent()["Reply-To"].addresses
        assert reply_to.addr_spec.startswith("support+c")
        back = await post.receive(to=reply_to.addr_spec.upper(), subject="new words")
        assert back.conversation_id == first.conversation_id
        assert back.reason == "by our signed address"
        assert [one.address for one in back.recipients] == []  # our own address, however it is signed
        delivered = await post.receive(to=SUPPORT, delivered_to=reply_to.addr_spec)
        assert delivered.conversation_id == first.conversation_id

        forged = reply_to.addr_spec.replace(f"c{first.conversation_id}.", f"c{first.conversation_id + 1}.")
        elsewhere = await post.receive(BOB, to=forged)
        assert elsewhere.reason == "new conversation"
        assert elsewhere.detail["forged"] == "1"


async def test_markers_in_the_text_and_tokens_in_the_subject() -> None:
    async with post_office(body_marker=True, subject_token=True) as post:
        first = await post.receive(subject="Order 12")
        await post.answer(first.conversation_id)
        mail = post.sent()
        body = mail.get_body(("plain",))
        assert body is not None
        marker = re.search(r"\[ref:[^\]]+\]", body.get_content())
        token = re.search(r"\[#\d+-\w+\]", mail["Subject"])
        assert marker is not None
        assert token is not None
        by_marker = await post.receive(text=f"Thanks\n\n> {marker[0]}\n", subject="x")
        assert (by_marker.conversation_id, by_marker.reason) == (
            first.conversation_id,
            "by our marker in the text",
        )
        by_token = await post.receive(subject=f"AW: whatever {token[0]}")
        assert (by_token.conversation_id, by_token.reason) == (
            first.conversation_id,
            "by our token in the subject",
        )
        # Subjects travel in forwards: of somebody who takes no part a token is only a hint.
        stranger = await post.receive(BOB, subject=f"Re: {token[0]}")
        assert stranger.conversation_id != first.conversation_id
        assert stranger.suggest_id == first.conversation_id
        guessed = await post.receive(subject=f"[#{first.conversation_id}-aaaaaa] let me in")
        assert guessed.conversation_id != first.conversation_id
        assert guessed.detail["forged"] == "1"


async def test_the_same_subject_joins_nothing_by_itself() -> None:
    async with post_office() as post:
        first = await post.receive(subject="Invoice")
        second = await post.receive(subject="RE: Fwd: invoice")
        assert second.conversation_id != first.conversation_id
        assert (second.suggest_id, second.suggest_why) == (first.conversation_id, "same subject")
        other = await post.receive(BOB, subject="Invoice")
        assert other.suggest_id is None  # somebody else's: not even suggested
        third = await post.receive(subject="Another matter")
        assert third.suggest_why == "the customer's open conversation"


async def test_ids_of_a_stranger_count_only_where_he_takes_part() -> None:
    async with post_office() as post:
        first = await post.receive(subject="Order 12", message_id="<m1@x.example>", cc="carol@x.example")
        thief = await post.receive(BOB, in_reply_to="<m1@x.example>", subject="Re: Order 12")
        assert thief.conversation_id != first.conversation_id
        assert thief.suggest_id == first.conversation_id
        # Whom the customer named takes part.
        carol = await post.receive("carol@x.example", in_reply_to="<m1@x.example>")
        assert carol.conversation_id == first.conversation_id
        assert carol.stranger


async def test_somebody_who_takes_an_id_for_his_own_hides_nobodys_mail() -> None:
    async with post_office() as post:
        first = await post.receive(message_id="<m1@x.example>")
        await post.receive(BOB, message_id="<m1@x.example>")
        again = await post.receive(in_reply_to="<m1@x.example>")
        assert again.conversation_id == first.conversation_id


async def test_two_mails_below_a_mail_that_never_came_are_one_matter() -> None:
    async with post_office() as post:
        first = await post.receive(references="<root@x.example>")
        second = await post.receive(references="<root@x.example> <other@x.example>", subject="elsewhere")
        assert second.conversation_id == first.conversation_id
        assert second.reason == "by References"
        foreign = await post.receive(BOB, references="<root@x.example>")
        assert foreign.conversation_id != first.conversation_id


async def test_an_account_knows_only_its_own_ids() -> None:
    async with post_office() as post:
        first = await post.receive(message_id="<m1@x.example>", subject="Order 12")
        await post.answer(first.conversation_id)
        ours = post.sent()["Message-ID"]
        for identifier in (ours, "<m1@x.example>"):
            elsewhere = await post.receive(BOB, channel="sales", in_reply_to=identifier)
            assert elsewhere.conversation_id != first.conversation_id
            assert elsewhere.suggest_id != first.conversation_id


async def test_a_stranger_is_marked_and_never_answered_by_himself() -> None:
    async with post_office() as post:
        first = await post.receive(subject="Order 12", cc="Carol <carol@x.example>")
        await post.answer(first.conversation_id, cc=written("dave@x.example"))
        ours = post.sent()["Message-ID"]
        guest = await post.receive(BOB, in_reply_to=ours, cc="eve@x.example")
        assert guest.conversation_id == first.conversation_id
        assert guest.stranger
        detail = await post.detail(first.conversation_id)
        assert detail.ways[0].label == "anna@x.example"
        known = {one.address for one in detail.ways[0].known}
        assert known == {"anna@x.example", "carol@x.example", "dave@x.example"}
        assert [one.address for one in detail.ways[0].others] == ["dave@x.example"]

        uninvited = [detail.ways[0].known[0], *written("anna@x.example")]
        uninvited[0].address = BOB
        with pytest.raises(RefusedError, match="takes no part"):
            await post.answer(first.conversation_id, to=uninvited)
        reply = await post.answer(first.conversation_id, to=written("anna@x.example", BOB))
        assert [one.address for one in reply.recipients] == ["anna@x.example", BOB]


async def test_recipients_are_checked() -> None:
    async with post_office() as post:
        first = await post.receive(reply_to="desk@other.example")
        wrongs: list[tuple[dict[str, Any], str]] = [
            ({"to": written(BOB)}, "customer himself"),
            ({"to": written("anna@x.example", "nobody")}, "not an e-mail address"),
            ({"to": written("anna@x.example"), "bcc": written(SUPPORT)}, "our own address"),
            ({"to": written("anna@x.example"), "cc": written("sales@shop.example")}, "our own address"),
            ({"to": written("anna@x.example", *(f"p{n}@x.example" for n in range(60)))}, "too many"),
        ]
        for wrong, why in wrongs:
            with pytest.raises(RefusedError, match=why):
                await post.answer(first.conversation_id, **wrong)
        assert post.smtp.mails == []
        # Where the customer asked for answers is his as well.
        detail = await post.detail(first.conversation_id)
        asked = [one for one in detail.ways[0].known if one.address == "desk@other.example"]
        reply = await post.answer(first.conversation_id, to=asked)
        assert [one.address for one in reply.recipients] == ["desk@other.example"]


async def test_chats_go_on_by_mail_and_a_new_mail_is_a_new_matter() -> None:
    async with post_office() as post:
        visitor = await post.server.visitor(sub="7", email="anna@x.example", email_verified=True)
        said = await visitor.say("I am here")
        assert said
        chat = (await post.client.conversations("all")).items[0]
        mail = await post.receive(subject="and by mail")
        assert mail.conversation_id == chat.id
        assert mail.reason == "the customer's open conversation"
        further = await post.receive(subject="something new")
        assert further.conversation_id != chat.id
        assert further.suggest_id == chat.id


async def test_a_relay_that_gives_mails_ids_of_its_own_is_learned_from_the_sent_folder() -> None:
    async with post_office() as post:
        first = await post.receive(subject="Order 12")
        await post.answer(first.conversation_id)
        ours = post.sent()["Message-ID"].encode()
        raw = (post.smtp.mails[-1].original_content or b"").replace(
            b"Message-ID: " + ours, b"Message-ID: <made@relay.example>"
        )
        assert b"\r\nMessage-ID: <made@relay.example>" in raw
        await post.receive_raw(raw, role="sent")
        assert len((await post.detail(first.conversation_id)).history.messages) == 2  # and no third
        back = await post.receive(in_reply_to="<made@relay.example>", subject="x")
        assert (back.conversation_id, back.reason) == (first.conversation_id, "by In-Reply-To")
        # From outside the header says nothing.
        forged = raw.replace(b"support@shop.example", BOB.encode()).replace(b"made@", b"other@")
        shown = await post.receive_raw(forged)
        assert shown.conversation_id != first.conversation_id
