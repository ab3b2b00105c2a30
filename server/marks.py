"""The one-cell marks of the configured channels, put on what goes to consoles."""

from __future__ import annotations

from collections.abc import Mapping

from server.cases.media import MARK_OF_EVENT, mark_of_channel
from server.protocol import Conversation, Message

NOTE = "#"
GONE = "·"  # a channel that is no longer configured


class Marks:
    def __init__(self, marks: Mapping[str, str]) -> None:
        self._marks = dict(marks)

    def of(self, channel_id: str) -> str:
        if not channel_id:
            return ""
        return self._marks.get(channel_id) or mark_of_channel(channel_id) or GONE

    def conversation(self, row: Conversation) -> Conversation:
        """The store names channels; consoles are shown marks."""
        row.mark = self.of(row.channel_id)
        row.marks = list(dict.fromkeys(self.of(channel_id) for channel_id in row.marks))
        return row

    def message(self, row: Message) -> Message:
        spoken = MARK_OF_EVENT.get(row.kind_of_event)
        row.mark = NOTE if row.kind == "note" else spoken or self.of(row.channel_id)
        return row
