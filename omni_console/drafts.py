"""What operators have begun to write and not sent: kept here, saved on the server. Plain Python.

A text that is here and not saved yet always wins over what the server says.
"""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from server.protocol import Draft, DraftKind, Upload

ComposeKind = Literal["reply", "note", "first"]  # what the editor writes; first: without being asked
DraftKey = tuple[int, DraftKind]


class DraftBook:
    def __init__(self) -> None:
        self._drafts: dict[DraftKey, Draft] = {}
        self._unsaved: dict[DraftKey, int] = {}  # to the number of the change, to notice later ones
        self._change = 0
        self.attached: dict[int, list[Upload]] = {}  # files put up for a reply, by conversation

    def get(self, conversation_id: int, kind: ComposeKind) -> Draft | None:
        draft = self._drafts.get((conversation_id, kind))
        return draft if draft is not None and draft.text else None

    def forward(self, conversation_id: int, message_id: int) -> Draft | None:
        """What was begun of a forward of this message."""
        draft = self._drafts.get((conversation_id, "forward"))
        return (
            draft
            if draft is not None and draft.forwards and draft.forwards.message_id == message_id
            else None
        )

    def sent_forward(self, draft: Draft) -> None:
        """The server has the forward: what was begun of it is gone, unless something was written since."""
        known = self._drafts.get((draft.conversation_id, "forward"))
        if known is not None and replace(known, updated_at=draft.updated_at) == draft:
            self.write(Draft(conversation_id=draft.conversation_id, kind="forward"))

    def waits(self, conversation_id: int) -> bool:
        """Is there anything unsent in this conversation?"""
        return any(self.get(conversation_id, kind) is not None for kind in ("reply", "note", "first"))

    def write(self, draft: Draft) -> bool:
        """The operator wrote this. False when nothing changed. An empty one removes the draft."""
        key = (draft.conversation_id, draft.kind)
        known = self._drafts.get(key)
        if known is None and not _has_words(draft):
            return False
        if known is not None and replace(known, updated_at=draft.updated_at) == draft:
            return False
        self._drafts[key] = draft
        self._change += 1
        self._unsaved[key] = self._change
        return True

    def come_back(self, draft: Draft, words: str) -> None:
        """What was sent was taken back. The server put its words before the draft that it knew; what was
        written here since, and is not saved yet, stays behind them."""
        key: DraftKey = (draft.conversation_id, draft.kind)
        ours = self._drafts.get(key) if key in self._unsaved else None
        if draft.kind == "reply":
            known = [file.id for file in draft.files]
            kept = [file for file in self.attached.get(draft.conversation_id, []) if file.id not in known]
            self.attached[draft.conversation_id] = [*draft.files, *kept]
        if ours is None:
            self._drafts[key] = draft
        else:
            self.write(replace(draft, text="\n\n".join(filter(None, (words, ours.text)))))

    def take(self, draft: Draft) -> bool:
        """The server has this. False when ours is newer or the same."""
        key = (draft.conversation_id, draft.kind)
        if draft.files and draft.conversation_id not in self.attached:
            self.attached[draft.conversation_id] = list(draft.files)
        if key in self._unsaved:
            return False
        known = self._drafts.get(key)
        if known is not None and known.updated_at > draft.updated_at:
            return False
        if _has_words(draft):
            self._drafts[key] = draft
        else:
            self._drafts.pop(key, None)
        return known is None or known.text != draft.text

    def forget(self, conversation_id: int) -> None:
        """Everything written in a conversation that is no more."""
        self.attached.pop(conversation_id, None)
        for key in [key for key in self._drafts if key[0] == conversation_id]:
            del self._drafts[key]
            self._unsaved.pop(key, None)

    def unsaved(self) -> list[tuple[Draft, int]]:
        """What to save, each with the ticket for `saved`."""
        return [(self._drafts[key], ticket) for key, ticket in self._unsaved.items()]

    def saved(self, draft: Draft, ticket: int) -> None:
        """The server has taken `draft`; later changes of it stay unsaved."""
        key = (draft.conversation_id, draft.kind)
        if self._unsaved.get(key) == ticket:
            del self._unsaved[key]
            if not _has_words(draft):
                self._drafts.pop(key, None)
            else:
                self._drafts[key] = replace(self._drafts[key], updated_at=draft.updated_at)

    def unsaved_texts(self) -> int:
        """How many unsent texts would be lost if the console ended now."""
        return sum(1 for draft, _ticket in self.unsaved() if _has_words(draft))


def _has_words(draft: Draft) -> bool:
    """A forward says whom it is for, even where nothing is said above it."""
    return bool(draft.text or draft.forwards)
