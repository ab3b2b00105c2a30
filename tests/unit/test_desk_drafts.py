from __future__ import annotations

from msgspec.structs import replace

from omni_console.drafts import DraftBook
from server.protocol import Addressee, Draft, Forwarded


def draft(text: str, at: int = 0) -> Draft:
    return Draft(conversation_id=1, text=text, updated_at=at)


def test_a_written_text_is_unsaved_until_the_server_has_exactly_it() -> None:
    book = DraftBook()
    book.write(draft("a"))
    [(first, ticket)] = book.unsaved()
    book.write(draft("ab"))
    book.saved(replace(first, updated_at=5), ticket)
    assert book.unsaved_texts() == 1
    [(second, ticket)] = book.unsaved()
    book.saved(replace(second, updated_at=6), ticket)
    assert book.unsaved() == []
    assert book.get(1, "reply") == draft("ab", 6)


def test_emptied_text_is_saved_as_a_removal() -> None:
    book = DraftBook()
    assert not book.write(draft(""))
    book.write(draft("a"))
    book.write(draft(""))
    assert book.get(1, "reply") is None
    assert not book.waits(1)
    [(removal, ticket)] = book.unsaved()
    assert removal.text == ""
    assert book.unsaved_texts() == 0
    book.saved(removal, ticket)
    assert book.unsaved() == []


def test_the_servers_word_counts_only_where_nothing_is_unsaved() -> None:
    book = DraftBook()
    assert book.take(draft("from the server", 5))
    assert not book.take(draft("older", 4))
    book.write(draft("typed"))
    assert not book.take(draft("newer there", 9))
    found = book.get(1, "reply")
    assert found is not None
    assert found.text == "typed"


def test_replies_and_notes_are_apart_and_so_are_conversations() -> None:
    book = DraftBook()
    book.write(Draft(conversation_id=1, kind="note", text="for us"))
    assert book.get(1, "reply") is None
    assert book.get(2, "note") is None
    assert book.waits(1)


def test_a_first_message_is_saved_like_any_draft() -> None:
    book = DraftBook()
    first = replace(draft("hello"), kind="first")
    assert book.write(first)
    assert not book.write(first)
    assert book.get(1, "reply") is None
    assert book.get(1, "first") == first
    assert book.waits(1)
    assert [one for one, _ticket in book.unsaved()] == [first]
    assert book.write(replace(first, text=""))
    assert not book.waits(1)


def test_a_forward_without_a_word_of_its_own_is_a_draft_too() -> None:
    book = DraftBook()
    forward = Draft(
        conversation_id=1,
        kind="forward",
        to=[Addressee(address="carol@example.org")],
        forwards=Forwarded(message_id=7),
    )
    assert book.take(forward)
    assert book.forward(1, 7) == forward
    assert book.forward(1, 8) is None, "of another message"
    assert not book.waits(1), "it is no text of an editor"
    other = replace(forward, text="look at this")
    assert book.write(other)
    book.sent_forward(forward)
    assert book.forward(1, 7) == other, "written since"
    [(unsaved, ticket)] = book.unsaved()
    book.saved(replace(unsaved, updated_at=9), ticket)
    book.sent_forward(other)
    assert book.forward(1, 7) is None, "sent, though it was saved meanwhile"
    # It may reach the server after the forward did: that it is gone is said once more.
    assert [one.forwards for one, _ticket in book.unsaved()] == [None]
