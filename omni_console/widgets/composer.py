"""The editor of a reply, a note or a first message."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text
from textual import events
from textual.widgets import TextArea

from omni_console.drafts import ComposeKind
from omni_console.keymap import install
from omni_console.text import typed
from server.protocol.templates import VARIABLE


class Composer(TextArea):
    """Compose mode is: this has the focus. What is pasted or restored is cleaned on its way in."""

    def __init__(self, changes: Mapping[str, str]) -> None:
        super().__init__(
            classes="composer",
            compact=True,
            soft_wrap=True,
            tab_behavior="focus",
            highlight_cursor_line=False,
        )
        self.cursor_blink = False
        self.kind: ComposeKind = "reply"
        install(self, ("compose",), changes)

    def get_line(self, line_index: int) -> Text:
        """Variables that still stand in the text are marked: they would reach the customer."""
        line = super().get_line(line_index)
        if self.kind != "note":
            line.highlight_regex(VARIABLE, "bold underline")
        return line

    def turn(self, kind: ComposeKind) -> None:
        self.kind = kind
        self.set_class(kind == "note", "-note")

    def put(self, text: str) -> None:
        """Replace the text without the undo history of another conversation."""
        if text != self.text:
            self.load_text(typed(text))
            self.move_cursor(self.document.end)

    async def _on_key(self, event: events.Key) -> None:
        """A letter that was pressed before the focus went away must not land in another conversation."""
        if self.screen.focused is not self:
            event.prevent_default()
            event.stop()

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        if self.read_only or self.screen.focused is not self:
            return
        if result := self._replace_via_keyboard(typed(event.text), *self.selection):
            self.move_cursor(result.end_location)
