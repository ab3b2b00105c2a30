from __future__ import annotations

from itertools import count
from typing import Any

from omni_console.outgoing import Outgoing
from omni_console.river import River
from server.protocol import HistoryPage, Message, ReplyWay

CHAT = ReplyWay(channel_id="chat", channel_title="chat", mark="w", address_id=1, label="", why="")
MAIL = ReplyWay(channel_id="mail", channel_title="mail", mark="@", address_id=2, label="", why="")


def outgoing() -> Outgoing:
    numbers = count(1)
    return Outgoing(lambda: f"id{next(numbers)}")


def river(*messages: Message) -> River:
    found = River(1)
    found.put_page(HistoryPage(messages=list(messages), conversations=[], before=None, seq=1), older=False)
    return found


def out(key: int, text: str, **more: Any) -> Message:
    fields: dict[str, Any] = {"kind": "out", "author_id": 1, "conversation_id": 1, "customer_id": 1}
    return Message(id=key, seq=key, text=text, **(fields | more))


def test_the_same_words_keep_their_id_however_often_they_are_sent() -> None:
    it = outgoing()
    first = it.reply("hello", CHAT, 5, 0)
    it.unanswered(maybe_done=True)
    assert it.reply("hello", CHAT, 9, 0).client_id == first.client_id
    it.taken()
    assert it.reply("hello", CHAT, 9, 0).client_id != first.client_id


def test_other_words_or_another_way_are_another_reply() -> None:
    it = outgoing()
    ids = {it.reply("hello", CHAT, 1, 0).client_id, it.reply("hello", MAIL, 1, 0).client_id}
    ids.add(it.reply("hello!", MAIL, 1, 0).client_id)
    assert len(ids) == 3


def test_sending_again_after_a_hold_is_the_consent() -> None:
    it = outgoing()
    assert it.reply("x", CHAT, 5, 0).after_seq == 5
    it.held(8)
    assert it.reply("x", CHAT, 5, 0).after_seq == 8
    assert it.reply("x", CHAT, 11, 0).after_seq == 11


def test_changed_words_after_a_lost_answer_are_checked_first() -> None:
    it = outgoing()
    it.reply("hello", CHAT, 5, newest_id=3)
    it.unanswered(maybe_done=True)
    assert not it.must_check("hello")
    assert it.must_check("hello there")
    assert it.checked(river(out(4, "hello")), me=1)
    assert not it.must_check("hello there")


def test_an_earlier_reply_with_the_same_words_is_not_taken_for_the_lost_one() -> None:
    it = outgoing()
    it.reply("hello", CHAT, 5, newest_id=3)
    it.unanswered(maybe_done=True)
    assert not it.checked(river(out(3, "hello"), out(4, "hello", author_id=2)), me=1)


def test_what_never_left_needs_no_check() -> None:
    it = outgoing()
    it.reply("hello", CHAT, 5, 3)
    it.unanswered(maybe_done=False)
    assert not it.must_check("other")


def test_a_note_keeps_its_id_too() -> None:
    it = outgoing()
    first = it.note("n")
    assert it.note("n").client_id == first.client_id
    it.taken()
    assert it.note("n").client_id != first.client_id
