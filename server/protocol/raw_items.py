"""Raw items: imported by hand, from archives, and reconciled with the providers."""

from __future__ import annotations

import msgspec


class Imported(msgspec.Struct, kw_only=True):
    """What became of an item that was in quarantine. Without a conversation it was nothing to show."""

    journal_id: int
    message_id: int | None = None
    conversation_id: int | None = None


class Archived(msgspec.Struct, kw_only=True):
    """Of the items of one request: how many are new, and how many were here already."""

    new: int
    known: int


class Missing(msgspec.Struct, kw_only=True):
    """An item that its provider keeps and we cannot account for."""

    number: int
    why: str


class BoxLedger(msgspec.Struct, kw_only=True):
    """One box of a provider (a folder of a mailbox) against the journal.

    `kept` = `taken` + `waiting` + `quarantined` + `before` + `arriving` + unaccounted.
    """

    box: str
    epoch: int
    kept: int  # items that the provider keeps there now
    taken: int = 0
    waiting: int = 0  # journaled, and not parsed yet
    quarantined: int = 0
    before: int = 0  # lay there before our first contact
    arriving: int = 0  # newer than what was read so far
    gone: int = 0  # taken, and since deleted or moved away at the provider
    unaccounted: list[Missing] = []
    problem: str = ""  # the box cannot be looked at
