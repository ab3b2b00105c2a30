"""What operators have begun to write and not sent: kept here, saved on the server. Plain Python.

A text that is here and not saved yet always wins over what the server says.
"""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from server.protocol import Draft, Upload

DraftKind = Literal["reply", "note"]
ComposeKind = Literal["reply", "note", "first"]  # first: written by us without being asked; kept here only
DraftKey = tuple[int, DraftKind]


class DraftBook:
    def __init__(self) -> None:
        self._drafts: dict[DraftKey, Draft] = {}
        self._unsaved: dict[DraftKey, int] = {}  # to the number of the change, to notice later ones
        self._firsts: dict[
            int, Draft
        ] = {}  # first messages, by conversation; the server has no place for them
        self._change = 0
        self.attached: dict[int, list[Upload]] = {}  # files put up for a reply, by conversation

    def get(self, conversation_id: int, kind: ComposeKind) -> Draft | None:
        if kind == "first":
            return self._firsts.get(conversation_id)
        draft = self._drafts.get((conversation_id, kind))
        return draft if draft is not None and draft.text else None

    def waits(self, conversation_id: int) -> bool:
        """Is there anything unsent in this conversation?"""
        return any(self.get(conversation_id, kind) is not None for kind in ("reply", "note", "first"))

    def write(self, draft: Draft, *, first: bool = False) -> bool:
        """The operator wrote this. False when nothing changed. Empty text removes the draft."""
        if first:
            before = self._firsts.pop(draft.conversation_id, None)
            if draft.text:
                self._firsts[draft.conversation_id] = draft
            return (before.text if before else "") != draft.text
        key = (draft.conversation_id, draft.kind)
        known = self._drafts.get(key)
        if known is None and not draft.text:
            return False
        if known is not None and replace(known, updated_at=draft.updated_at) == draft:
            return False
        self._drafts[key] = draft
        self._change += 1
        self._unsaved[key] = self._change
        return True

    def come_back(self, draft: Draft, words: str) -> None:
        """A reply was taken back. The server put its words before the draft that it knew; what was written
        here since, and is not saved yet, stays behind them."""
        key: DraftKey = (draft.conversation_id, draft.kind)
        ours = self._drafts.get(key) if key in self._unsaved else None
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
        if draft.text:
            self._drafts[key] = draft
        else:
            self._drafts.pop(key, None)
        return known is None or known.text != draft.text

    def forget(self, conversation_id: int) -> None:
        """Everything written in a conversation that is no more."""
        self._firsts.pop(conversation_id, None)
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
            if not draft.text:
                self._drafts.pop(key, None)
            else:
                self._drafts[key] = replace(self._drafts[key], updated_at=draft.updated_at)

    def unsaved_texts(self) -> int:
        """How many unsent texts would be lost if the console ended now."""
        return len(self._firsts) + sum(1 for draft, _ticket in self.unsaved() if draft.text)
