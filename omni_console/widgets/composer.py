"""The editor of a reply, a note or a first message."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote

from rich.text import Text
from textual import events, on
from textual.message import Message
from textual.widgets import TextArea

from omni_console.cleaning import typed
from omni_console.drafts import ComposeKind
from omni_console.keymap import install
from server.protocol.templates import VARIABLE

PATH_MAX = 4_096


def dropped_file(text: str) -> Path | None:
    """The file whose path was pasted, and nothing else; as terminals write it: quoted, with backslashes, or
    as a file:// address."""
    text = text.strip()
    if not text or len(text) > PATH_MAX or "\n" in text or text[0] not in "/~'\"f":
        return None
    if text.startswith("file://"):
        text = unquote(text.removeprefix("file://"))
        words = [text]
    else:
        try:
            words = shlex.split(text)
        except ValueError:
            return None
    if len(words) != 1 or words[0][:1] not in ("/", "~"):
        return None
    try:
        path = Path(words[0]).expanduser()
        return path if path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


class Composer(TextArea):
    """Compose mode is: this has the focus. What is pasted or restored is cleaned on its way in."""

    class FileDropped(Message):
        """A terminal pastes the path of a file that is dropped on it. `text`: what was pasted."""

        def __init__(self, path: Path, text: str) -> None:
            super().__init__()
            self.path = path
            self.text = text

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
        self._doubted: tuple[str, ...] = ()
        install(self, ("compose",), changes)

    def get_line(self, line_index: int) -> Text:
        """Variables that still stand in the text are marked: they would reach the customer."""
        line = super().get_line(line_index)
        if self.kind != "note":
            line.highlight_regex(VARIABLE, "bold underline")
        for word in self._doubted:
            line.highlight_regex(rf"(?<!\w){re.escape(word)}(?!\w)", "underline")
        return line

    def doubt(self, words: Iterable[str]) -> None:
        """Words to underline until another text is put here."""
        self._doubted = tuple(words)
        self._line_cache.clear()
        self.refresh()

    def turn(self, kind: ComposeKind) -> None:
        self.kind = kind
        self.set_class(kind == "note", "-note")

    def put(self, text: str) -> None:
        """Replace the text without the undo history of another conversation."""
        if text != self.text:
            self._doubted = ()
            self.load_text(typed(text))
            self.move_cursor(self.document.end)

    @on(TextArea.Changed)
    def follow_cursor(self) -> None:
        """Textual scrolls before it has wrapped: a letter that begins a line would be seen with the next."""
        if self.wrapped_document.height > self.size.height:
            self.call_after_refresh(self.scroll_cursor_visible)

    async def _on_key(self, event: events.Key) -> None:
        """A letter that was pressed before the focus went away must not land in another conversation. What
        a key does is done here: the app would hear of it only by way of every widget above, and the letters
        behind it would be written first."""
        away = self.app.focused is not self
        if away or (not event.is_printable and await self.app._check_bindings(event.key)):
            event.prevent_default()
            event.stop()

    async def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        if self.read_only or self.app.focused is not self:
            return
        path = dropped_file(event.text) if self.kind == "reply" else None
        if path is not None:
            self.post_message(self.FileDropped(path, typed(event.text)))
            return
        if result := self._replace_via_keyboard(typed(event.text), *self.selection):
            self.move_cursor(result.end_location)
