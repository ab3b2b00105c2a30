"""The checker finds what it is there to find: one planted fault a test."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.checker import (
    ConversationRow,
    EventRow,
    Heard,
    History,
    JournalRow,
    MessageRow,
    OutboxRow,
    Reply,
    Said,
    Stored,
    Verdict,
    judge,
)


def good() -> tuple[History, Stored]:
    """Anna wrote twice by mail, Boris once in the site chat; both were answered, and it all went well."""
    history = History(
        said=[Said("Anna", "a1"), Said("Anna", "a2", files=1), Said("Boris", "b1")],
        replies=[Reply("ra", "mail", "Anna", 3), Reply("rb", "site", "Boris", 5)],
        heard=[Heard("Anna", "ra"), Heard("Boris", "rb")],
        console_seqs=[2, 3, 4, 5, 6, 7, 8, 9],
        console_from=1,
        console_to=9,
    )
    stored = Stored(
        messages=[
            MessageRow(1, "in", "a1", "mail", 1, 1, seq=2, visible_seq=2),
            MessageRow(2, "in", "a2", "mail", 1, 1, seq=3, visible_seq=3, files=1),
            MessageRow(3, "out", "ra", "mail", 1, 1, seq=4, visible_seq=5, status="sent"),
            MessageRow(4, "in", "b1", "site", 2, 2, seq=7, visible_seq=7),
            MessageRow(5, "out", "rb", "site", 2, 2, seq=8, visible_seq=9, status="read"),
        ],
        outbox=[OutboxRow(3, "mail", "sent"), OutboxRow(5, "site", "sent")],
        journal=[
            JournalRow(1, "mail", "taken", 1),
            JournalRow(2, "mail", "taken", 2),
            JournalRow(3, "site", "taken", 4),
            JournalRow(4, "site", "taken", None),  # a read receipt
        ],
        events=[
            EventRow(1, "conversation.opened", 1),
            EventRow(2, "message.received", 1, 1),
            EventRow(3, "message.received", 1, 2),
            EventRow(4, "message.queued", 1, 3),
            EventRow(5, "message.status", 1, 3),
            EventRow(6, "conversation.opened", 2),
            EventRow(7, "message.received", 2, 4),
            EventRow(8, "message.queued", 2, 5),
            EventRow(9, "message.status", 2, 5),
        ],
        conversations=[ConversationRow(1, 1), ConversationRow(2, 2)],
    )
    return history, stored


def verdict_of(history: History, stored: Stored) -> Verdict:
    return judge(history, stored, lambda channel_id: channel_id == "site")


def change(rows: list[Any], place: int, **fields: Any) -> None:
    rows[place] = replace(rows[place], **fields)


def test_a_good_run_has_no_findings() -> None:
    verdict = verdict_of(*good())
    assert verdict.findings() == []
    assert verdict.unknown == []
    assert verdict.acknowledged == 5


def test_every_kind_of_finding_is_reported() -> None:
    kinds = {field.name for field in dataclasses.fields(Verdict)} - {"acknowledged", "unknown"}
    verdict = Verdict()
    for name in kinds:
        getattr(verdict, name).append(f"planted {name}")
    assert len(verdict.findings()) == len(kinds)


def test_a_lost_message() -> None:
    history, stored = good()
    history.said.append(Said("Boris", "b2"))
    assert verdict_of(history, stored).lost == ["Boris was acknowledged 'b2'"]


def test_what_was_never_acknowledged_may_be_missing_or_there() -> None:
    history, stored = good()
    history.said.append(Said("Boris", "b2", acknowledged=False))
    change(history.said, 0, acknowledged=False)
    history.replies.append(Reply("rc", "mail", "Anna", None))
    change(history.replies, 1, message_id=None)
    assert verdict_of(history, stored).findings() == []


def test_a_doubled_message() -> None:
    history, stored = good()
    stored.messages.append(MessageRow(6, "in", "b1", "site", 2, 2, seq=10))
    stored.journal.append(JournalRow(5, "site", "taken", 6))
    stored.events.append(EventRow(10, "message.received", 2, 6))
    assert verdict_of(history, stored).duplicated == ["'b1' is stored 2 times"]


def test_a_message_that_nobody_wrote() -> None:
    history, stored = good()
    del history.said[2]
    assert verdict_of(history, stored).invented == ["nobody said 'b1'"]


def test_a_lost_reply() -> None:
    history, stored = good()
    history.replies.append(Reply("rc", "mail", "Anna", 9))
    assert verdict_of(history, stored).lost == ["reply 9 was acknowledged: 'rc'"]


def test_a_reply_that_counts_as_sent_and_never_arrived() -> None:
    history, stored = good()
    del history.heard[0]
    assert verdict_of(history, stored).lost == ["reply 3 on mail counts as sent and was never heard"]


@pytest.mark.parametrize("place", [0, 1])
def test_a_reply_heard_twice_on_any_channel(place: int) -> None:
    history, stored = good()
    history.heard.append(history.heard[place])
    assert len(verdict_of(history, stored).duplicated) == 1


def test_a_repeated_command_that_wrote_two_replies() -> None:
    history, stored = good()
    stored.messages.append(MessageRow(6, "out", "ra", "mail", 1, 1, seq=10, visible_seq=10, status="sent"))
    stored.outbox.append(OutboxRow(6, "mail", "sent"))
    stored.events.append(EventRow(10, "message.queued", 1, 6))
    assert verdict_of(history, stored).duplicated == ["reply 'ra' is stored as [3, 6]"]


def test_a_reply_to_the_wrong_person() -> None:
    history, stored = good()
    history.heard[0] = Heard("Boris", "ra")
    assert verdict_of(history, stored).wrong_person == ["Boris heard 'ra', which was for Anna"]


def test_something_heard_that_no_operator_wrote() -> None:
    history, stored = good()
    history.heard.append(Heard("Anna", "who is this"))
    assert verdict_of(history, stored).invented == ["Anna heard 'who is this', which nobody wrote"]


@pytest.mark.parametrize("heard", [0, 1])
def test_unknown_is_allowed_where_a_repeat_would_do_harm(heard: int) -> None:
    history, stored = good()
    change(stored.outbox, 0, state="unknown")
    change(stored.messages, 2, status="unknown", visible_seq=None)
    history.heard = history.heard[1 - heard :]
    verdict = verdict_of(history, stored)
    assert verdict.findings() == []
    assert verdict.unknown == ["reply 3 on mail"]


def test_unknown_is_a_fault_where_a_repeat_is_harmless() -> None:
    history, stored = good()
    change(stored.outbox, 1, state="unknown")
    change(stored.messages, 4, status="unknown")
    assert len(verdict_of(history, stored).unsettled) == 1


def test_an_unknown_result_that_is_not_shown() -> None:
    history, stored = good()
    change(stored.outbox, 0, state="unknown")
    assert verdict_of(history, stored).half_written == [
        "reply 3 on mail is unknown in the outbox and shown as sent"
    ]


@pytest.mark.parametrize("state", ["queued", "sending", "retrying", "failed"])
def test_a_reply_that_is_never_settled(state: str) -> None:
    history, stored = good()
    change(stored.outbox, 1, state=state)
    assert len(verdict_of(history, stored).unsettled) == 1


@pytest.mark.parametrize(
    ("table", "place", "says"),
    [
        ("conversations", 1, "message 4 has no conversation"),
        ("journal", 1, "message 2 came in and has no row in the journal"),
        ("outbox", 0, "message 3 is a reply and has no row in the outbox"),
        ("events", 6, "message 4 has no event"),
        ("events", 5, "conversation 2 was never opened"),
    ],
)
def test_half_of_a_transaction(table: str, place: int, says: str) -> None:
    history, stored = good()
    del getattr(stored, table)[place]
    assert says in verdict_of(history, stored).half_written


def test_rows_without_their_message() -> None:
    history, stored = good()
    del stored.messages[3:]
    found = verdict_of(history, stored).half_written
    assert "conversation 2 is empty" in found
    assert "outbox row 5 has no message" in found
    assert "journal item 3 names message 4, which is not there" in found


def test_a_file_that_is_gone() -> None:
    history, stored = good()
    change(stored.messages, 1, files=0)
    assert verdict_of(history, stored).half_written == ["'a2' came with 1 files and has 0"]


@pytest.mark.parametrize("state", ["received", "quarantined"])
def test_an_item_that_was_not_taken_in(state: str) -> None:
    history, stored = good()
    change(stored.journal, 3, state=state)
    assert len(verdict_of(history, stored).unsettled) == 1


def test_two_people_in_one() -> None:
    history, stored = good()
    for place in (3, 4):
        change(stored.messages, place, customer_id=1)
    change(stored.conversations, 1, customer_id=1)
    assert verdict_of(history, stored).wrong_person == ["Boris and Anna are both customer 1"]


def test_one_person_in_two() -> None:
    history, stored = good()
    change(stored.messages, 1, customer_id=3)
    assert "Anna is customer 1 and 3" in verdict_of(history, stored).wrong_person


def test_a_customer_read_backwards() -> None:
    history, stored = good()
    history.said[0], history.said[1] = history.said[1], history.said[0]
    assert verdict_of(history, stored).disorder == ["Anna: 'a1' is stored before 'a2'"]


def test_event_numbers_that_do_not_rise() -> None:
    history, stored = good()
    stored.events[3], stored.events[4] = stored.events[4], stored.events[3]
    assert verdict_of(history, stored).disorder == ["event 4 was written after 5"]


def test_what_the_console_missed_heard_twice_or_out_of_order() -> None:
    history, stored = good()
    history.console_seqs = [2, 4, 3, 5, 5, 7, 8, 9, 77]
    verdict = verdict_of(history, stored)
    assert verdict.unheard == ["event 6"]
    assert verdict.duplicated == ["the console heard event 5 twice"]
    assert verdict.disorder == ["the console heard event 3 after 4"]
    assert verdict.invented == ["the console heard event 77, which the log does not hold"]


def test_a_broken_database() -> None:
    history, stored = good()
    stored.broken.append("row 3 missing from index message_once")
    assert verdict_of(history, stored).findings() == ["broken: row 3 missing from index message_once"]


def test_a_reply_that_was_taken_back_does_not_leave() -> None:
    history, stored = good()
    change(history.replies, 0, taken_back=True)
    assert verdict_of(history, stored).invented == ["reply 3 was taken back, and left all the same"]
    change(stored.messages, 2, kind="system", status="withdrawn")
    del history.heard[0], stored.outbox[0]
    assert verdict_of(history, stored).findings() == []
