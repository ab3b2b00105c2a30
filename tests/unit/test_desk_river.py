from __future__ import annotations

from typing import Any

from omni_console.river import River
from server.protocol import Conversation, HistoryPage, Message


def message(key: int, **more: Any) -> Message:
    fields: dict[str, Any] = {
        "conversation_id": 1,
        "customer_id": 1,
        "kind": "in",
        "text": "x",
        "at": key * 10,
    }
    return Message(id=key, seq=key, **(fields | more))


def page(*keys: int, before: str | None = None, seq: int = 100) -> HistoryPage:
    rows = [Conversation(id=1, seq=1, customer_id=1, customer="c", state="open")]
    return HistoryPage(messages=[message(key) for key in keys], conversations=rows, before=before, seq=seq)


def ids(river: River) -> list[int]:
    return [one.id for one in river.messages()]


def river(*keys: int, before: str | None = None) -> River:
    found = River(1)
    found.put_page(page(*keys, before=before), older=False)
    return found


def test_pages_join_and_messages_are_in_order_of_time() -> None:
    it = river(5, 6, before="k")
    it.put_page(page(3, 4, before="j"), older=True)
    it.put(message(9, at=55), 101)
    assert ids(it) == [3, 4, 5, 9, 6]
    assert it.before == "j"
    assert it.index_of(9) == 3


def test_an_older_copy_of_a_message_does_not_come_back() -> None:
    it = river(1)
    assert it.put(message(1, status="delivered"), 120)
    assert not it.put(message(1, status="sent"), 110)
    it.put_page(page(1, seq=115), older=False)
    found = it.get(1)
    assert found is not None
    assert found.status == "delivered"


def test_the_answer_to_a_reply_does_not_undo_the_status_that_came_first() -> None:
    it = river(1)
    it.put(message(2, kind="out", status="sent"), 130)
    assert not it.put(message(2, kind="out", status="queued"), 2)
    found = it.get(2)
    assert found is not None
    assert found.status == "sent"


def test_what_is_older_than_what_is_loaded_waits_for_its_page() -> None:
    it = river(5, 6, before="k")
    assert not it.put(message(2, status="read"), 140)
    assert ids(it) == [5, 6]
    whole = river(5, 6)
    assert whole.put(message(2), 140)
    assert ids(whole) == [2, 5, 6]


def test_a_river_has_no_holes() -> None:
    it = river(1, 2, before=None)
    it.put_page(page(50, 51, before="k"), older=False)
    assert ids(it) == [50, 51]
    assert it.before == "k"


def test_the_newest_page_again_keeps_the_older_ones() -> None:
    it = river(5, 6, before="k")
    it.put_page(page(3, 4, before=None), older=True)
    it.put_page(page(6, 7, before="z"), older=False)
    assert ids(it) == [3, 4, 5, 6, 7]
    assert it.before is None


def test_the_version_rises_only_when_there_is_something_to_paint() -> None:
    it = river(1)
    version = it.version
    it.put(message(1), 150)
    assert it.version == version
    it.put(message(1, text="edited"), 151)
    assert it.version > version
    assert it.newest_seq() == 1


def test_after_a_merge_the_newest_page_begins_anew_without_holes() -> None:
    it = river(5, 6, before="k")
    it.put_page(page(3, 4, before="j"), older=True)
    it.stale = True
    it.put_page(page(1, 2, before=None), older=True)
    assert ids(it) == [3, 4, 5, 6], "an older page on its way belongs to what was"
    it.put_page(page(5, 7, before="x", seq=200), older=False)
    assert ids(it) == [5, 7]
    assert it.before == "x"
    assert not it.stale
