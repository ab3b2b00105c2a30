"""A file of the operator's own machine, picked by a few letters or by its path."""

from __future__ import annotations

from pathlib import Path

from textual import events
from textual.content import Content
from textual.widgets import Input

from omni_console.folder import Entry, Folder, place_of
from omni_console.i18n import _
from omni_console.text import safe_line
from omni_console.timing import Clock
from omni_console.widgets.file_lines import size
from omni_console.widgets.finder import Finder
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line, spread


class EntryRows(LineList):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.found: list[Entry] = []

    def row_count(self) -> int:
        return len(self.found)

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        entry = self.found[index]
        name = safe_line(entry.name, after="/" if entry.is_folder else "")
        left: Line = [
            (Content("▌ " if selected else "  "), "accent"),
            (name, "strong" if selected else "dim" if entry.is_folder else "base"),
        ]
        about = ""
        if entry.size is not None and entry.changed_at is not None:
            about = f"  {size(entry.size):>8}  {self._clock.moment(entry.changed_at):>16} "
        return spread(left, [(Content(about), "dim")], width)


class PickerScreen(Finder[Path]):
    """Ends with a file that was there. `folder`: where it begins."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._entries = EntryRows(clock)
        super().__init__(
            _("Attach a file"),
            self._entries,
            ("enter", _("take it, or go in")),
            ("backspace", _("folder above")),
        )
        self._folder: Folder | None = None
        self._here = folder

    def words_changed(self, words: str) -> None:
        path, letters = place_of(words, self._here)
        self.title_line.say(_("Attach a file from {folder}").format(folder=path), "strong")
        if self._folder is None or self._folder.path != path:
            self._folder = self._read(path)
        self._entries.found = [] if self._folder is None else self._folder.answering(letters)
        self._entries.cursor = 0
        self._entries.rows_changed()
        if self._folder is not None:
            self.foot.say("" if self._entries.found else _("nothing here answers that"))

    def _read(self, path: Path) -> Folder | None:
        try:
            return Folder(path)
        except OSError as error:
            self.foot.say(_("cannot be read: {why}").format(why=error.strerror or str(error)), "bad")
            return None

    def chosen(self, index: int) -> None:
        entry = self._entries.found[index]
        if entry.is_folder:
            self._go_to(entry.path)
        elif not entry.path.is_file():
            self.foot.say(_("there is no such file: {path}").format(path=str(entry.path)), "bad")
        else:
            self.dismiss(entry.path)

    def _go_to(self, folder: Path) -> None:
        self._here = folder
        field = self.query_one(Input)
        if field.value:
            field.value = ""  # it tells what changed
        else:
            self.words_changed("")

    def on_key(self, event: events.Key) -> None:
        if event.key == "backspace" and not self.query_one(Input).value:
            event.stop()
            event.prevent_default()
            self._go_to(self._here.parent)
        else:
            super().on_key(event)
