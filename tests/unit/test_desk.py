from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from omni_console.desk import Desk
from omni_console.desk_events import apply
from server.protocol import (
    Conversation,
    ConversationPage,
    Counts,
    Draft,
    Envelope,
    EventBody,
    Hello,
    HistoryPage,
    Message,
    OperatorInfo,
    View,
)

ME = OperatorInfo(id=1, login="olga", name="Olga", role="operator")
COUNTS = Counts()


def row(key: int, seq: int, **more: Any) -> Conversation:
    fields: dict[str, Any] = {"customer_id": key, "customer": f"c{key}", "state": "open", "sort_at": key * 10}
    return Conversation(id=key, seq=seq, **(fields | more))


def mine(key: int, seq: int, **more: Any) -> Conversation:
    return row(key, seq, assignee_id=1, **more)


def message(key: int, seq: int, **more: Any) -> Message:
    fields: dict[str, Any] = {
        "conversation_id": 1,
        "customer_id": 1,
        "kind": "in",
        "text": f"m{key}",
        "at": key,
    }
    return Message(id=key, seq=seq, **(fields | more))


def event(seq: int, kind: str, **body: Any) -> Envelope:
    return Envelope(
        type="event", seq=seq, kind=kind, body=msgspec.Raw(msgspec.json.encode(EventBody(**body)))
    )


def page(*rows: Conversation, seq: int = 100, following: str | None = None) -> ConversationPage:
    return ConversationPage(items=list(rows), next=following, seq=seq, counts=COUNTS)


def desk() -> Desk:
    found = Desk()
    found.greet(Hello(protocol=1, version="0", site="", operator=ME, seq=0, now=0))
    return found


def loaded(*rows: Conversation, view: View = "mine") -> Desk:
    found = desk()
    found.put_page(view, page(*rows), first=True)
    return found


def test_an_older_row_never_replaces_a_newer_one() -> None:
    it = loaded(mine(1, 5, preview="new"))
    it.put_row(mine(1, 4, preview="old"))
    it.put_page("mine", page(mine(1, 3, preview="older")), first=True)
    assert it.conversations[1].preview == "new"
    it.put_row(mine(1, 6, preview="newest"))
    assert it.conversations[1].preview == "newest"


def test_a_page_that_is_older_than_what_was_heard_puts_rows_where_they_are_now() -> None:
    it = desk()
    apply(it, event(7, "conversation.assigned", conversation_id=1, conversation=mine(1, 7)))
    it.put_page("queue", page(row(1, 5), row(2, 4), seq=5), first=True)
    assert it.windows["queue"].ids() == [2]
    it.put_page("mine", page(seq=5), first=True)
    assert it.windows["mine"].ids() == [1]


def test_views_are_ordered_by_who_waits_longest_and_the_others_newest_first() -> None:
    it = loaded(mine(2, 1, sort_at=20), mine(1, 1, sort_at=10), mine(3, 1, sort_at=5))
    assert it.windows["mine"].ids() == [3, 1, 2]
    closed = [row(key, 1, state="closed", sort_at=key) for key in (1, 3, 2)]
    it.put_page("closed", page(*closed), first=True)
    it = loaded(*closed, view="closed")
    assert it.windows["closed"].ids() == [3, 2, 1]


def test_a_row_moves_between_views_with_its_state() -> None:
    it = loaded(mine(1, 1), mine(2, 2))
    it.put_page("waiting", page(), first=True)
    apply(it, event(3, "conversation.state", conversation=mine(1, 3, state="waiting")))
    assert it.windows["mine"].ids() == [2]
    assert it.windows["waiting"].ids() == [1]


def test_what_belongs_below_what_is_loaded_waits_for_its_page() -> None:
    it = desk()
    it.put_page("mine", page(mine(1, 1), mine(2, 2), following="k"), first=True)
    it.put_row(mine(9, 3))
    assert it.windows["mine"].ids() == [1, 2]
    it.put_page("mine", page(mine(3, 1), mine(9, 3)), first=False)
    assert it.windows["mine"].ids() == [1, 2, 3, 9]
    assert it.windows["mine"].complete


def test_a_repeated_event_changes_nothing() -> None:
    it = loaded(mine(1, 1))
    frame = event(5, "message.received", conversation=mine(1, 5), message=message(1, 5))
    first, again = apply(it, frame), apply(it, frame)
    assert first.lists
    assert [one.kind for one in first.happened] == ["message"]
    assert not again.lists
    assert again.happened == []
    assert not again.counts


def test_unknown_kinds_are_counted_and_skipped() -> None:
    it = desk()
    apply(it, event(5, "robot.danced"))
    apply(it, Envelope(type="event", seq=6, kind="message.received", body=msgspec.Raw(b'{"message": 5}')))
    assert it.unknown_kinds == {"robot.danced": 1, "message.received": 1}
    assert it.seq == 6


def test_unread_is_what_the_customer_wrote_after_what_was_seen() -> None:
    it = loaded(mine(1, 9, customer_seq=9, seen_seq=4))
    assert it.unread(it.conversations[1])
    apply(it, event(10, "conversation.seen", conversation_id=1, data={"seq": 9}))
    assert not it.unread(it.conversations[1])
    it.put_row(mine(1, 12, customer_seq=12, seen_seq=0))
    assert it.unread(it.conversations[1])
    it.mark_seen(1, 3)
    assert it.seen_seq(it.conversations[1]) == 9


def test_what_a_colleague_answered_at_once_is_unread_before_as_after_the_lists_are_loaded_anew() -> None:
    it = desk()
    asked = mine(1, 9, customer_seq=9)
    apply(it, event(9, "conversation.opened", conversation_id=1, conversation=asked))
    apply(
        it, event(10, "message.queued", conversation_id=1, conversation=replace(asked, seq=10, reply_seq=10))
    )
    assert it.unread(it.conversations[1])
    it.put_page("mine", page(replace(asked, seq=10, reply_seq=10, seen_seq=0)), first=True)
    assert it.unread(it.conversations[1])


def test_attention_goes_to_the_unread_then_to_the_oldest_and_then_round() -> None:
    it = loaded(
        mine(1, 1, sort_at=10, customer_seq=1, seen_seq=1),
        mine(2, 2, sort_at=20, customer_seq=2, seen_seq=0),
        mine(3, 3, sort_at=30, customer_seq=3, seen_seq=3),
    )
    it.put_page("queue", page(row(4, 4, sort_at=1, customer_seq=4, seen_seq=4)), first=True)
    assert it.next_attention(None) == 2
    it.mark_seen(2, 2)
    assert it.next_attention(2) == 3
    assert it.next_attention(None, besides=[2, 3]) == 1, "what a new pane shows is in no other one"
    assert it.next_attention(3) == 4
    assert it.next_attention(4) == 1
    assert it.next_attention(1, back=True) == 4
    assert desk().next_attention(None) is None


def test_the_only_one_who_waits_is_no_next_one() -> None:
    assert loaded(mine(1, 1)).next_attention(1) is None


def test_numbers_stay_with_their_conversations() -> None:
    it = loaded(*(mine(key, key) for key in range(1, 9)))
    assert it.slots == [1, 2, 3, 4, 5, 6, 7]
    it.put_row(mine(3, 20, state="closed"))
    assert it.slots[2] is None
    it.put_row(mine(8, 21))
    assert it.slot_of(8) == 3
    it.put_row(mine(5, 22, state="waiting"))
    assert it.slot_of(5) == 5, "waiting for the customer keeps the number while nobody needs it"
    it.put_row(mine(9, 23))
    assert it.slot_of(9) == 5


def test_trimming_forgets_what_nothing_shows() -> None:
    it = desk()
    for start in range(0, 4000, 1000):
        rows = [row(key, 1, sort_at=key) for key in range(start + 1, start + 1001)]
        it.put_page("queue", page(*rows, following=f"k{start}"), first=start == 0)
    it.trim([3999], "mine")
    assert len(it.windows["queue"]) == 2000
    assert it.windows["queue"].next == "k1000"
    assert set(it.conversations) == set(range(1, 2001)) | {3999}


def test_how_far_a_forgotten_conversation_was_read_is_still_known_when_it_comes_back() -> None:
    it = loaded(mine(1, 9, customer_seq=9, seen_seq=9))
    it.put_row(row(1, 10, customer_seq=9, reply_seq=10, assignee_id=77))
    it.trim([], "queue")
    assert 1 not in it.conversations
    it.put_row(row(1, 11, customer_seq=9, reply_seq=11, assignee_id=77))
    assert it.seen_seq(it.conversations[1]) == 9


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(8)), st.lists(st.integers(0, 7), max_size=8))
def test_any_order_and_any_repetition_end_in_the_same_desk(order: list[int], again: list[int]) -> None:
    frames = [
        event(2, "conversation.assigned", conversation=mine(1, 2)),
        event(3, "message.received", conversation=mine(1, 3, customer_seq=3), message=message(1, 3)),
        event(
            4, "message.queued", conversation=mine(1, 4), message=message(2, 4, kind="out", status="queued")
        ),
        event(5, "message.status", conversation=mine(1, 5), message=message(2, 4, kind="out", status="sent")),
        event(6, "conversation.assigned", conversation=row(2, 6, assignee_id=2)),
        event(7, "conversation.state", conversation=mine(3, 7, state="waiting")),
        event(8, "conversation.opened", conversation=row(4, 8)),
        event(9, "conversation.state", conversation=row(4, 9, state="closed")),
    ]
    it = loaded(view="mine")
    it.put_page("waiting", page(), first=True)
    it.put_page("queue", page(), first=True)
    it.put_history(1, HistoryPage(messages=[], conversations=[], before=None, seq=1), older=False)
    for index in [*order, *again]:
        apply(it, frames[index])
    assert it.windows["mine"].ids() == [1]
    assert it.windows["waiting"].ids() == [3]
    assert it.windows["queue"].ids() == []
    assert [(one.id, one.status) for one in it.rivers[1].messages()] == [(1, "received"), (2, "sent")]
    assert it.seq == 9


def test_a_detail_does_not_overwrite_what_is_being_written() -> None:
    from server.protocol import Draft

    it = loaded(mine(1, 1))
    it.drafts.write(Draft(conversation_id=1, text="mine, newer"))
    it.put_draft(Draft(conversation_id=1, text="saved earlier", updated_at=9))
    draft = it.drafts.get(1, "reply")
    assert draft is not None
    assert draft.text == "mine, newer"


def test_rows_from_a_customer_reach_the_river_that_is_open() -> None:
    it = loaded(mine(1, 1))
    it.put_history(
        1, HistoryPage(messages=[message(1, 1)], conversations=[mine(1, 1)], before=None, seq=1), older=False
    )
    it.put_row(replace(mine(1, 5), topic="x"))
    assert it.rivers[1].conversations[1].topic == "x"


def test_urgent_work_comes_first_and_stays_there_while_pages_come() -> None:
    it = loaded(
        mine(1, 1, sort_at=10),
        mine(2, 1, sort_at=20, priority="high"),
        mine(3, 1, sort_at=30, priority="urgent"),
        mine(4, 1, sort_at=5, priority="low"),
    )
    assert it.windows["mine"].ids() == [3, 2, 1, 4]
    apply(it, event(9, "conversation.changed", conversation=mine(1, 9, sort_at=10, priority="urgent")))
    assert it.windows["mine"].ids() == [1, 3, 2, 4]
    assert it.next_attention(None) == 1


def test_spam_is_neither_open_nor_closed() -> None:
    it = loaded(row(1, 1, state="closed"), view="closed")
    it.put_page("spam", page(), first=True)
    apply(it, event(2, "conversation.state", conversation=row(1, 2, state="closed", spam=True)))
    assert (it.windows["closed"].ids(), it.windows["spam"].ids()) == ([], [1])


def test_merges_say_that_the_screen_must_be_asked_for_anew_once() -> None:
    it = loaded(mine(1, 1))
    merged = event(5, "customer.merged", customer_id=1, data={"from": 7})
    changed = apply(it, merged)
    assert changed.regrouped == {1, 7}
    assert changed.inbox
    again = apply(it, merged)
    assert not again.regrouped
    assert not again.inbox


def test_of_the_erased_nothing_is_kept() -> None:
    it = loaded(mine(1, 1), mine(2, 1))
    it.drafts.write(Draft(conversation_id=1, text="dear"))
    changed = apply(it, event(5, "customer.erased", customer_id=1, data={"conversations": [1, 77]}))
    assert changed.erased == {1, 77}
    it.erase(changed.erased)
    assert it.windows["mine"].ids() == [2]
    assert 1 not in it.conversations
    assert it.drafts.unsaved() == []
    assert 1 not in it.slots
