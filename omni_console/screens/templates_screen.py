"""Texts kept ready: found by a few letters, with what each says to this person."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from omni_console.i18n import _
from omni_console.screens.choice_screen import TextLines
from omni_console.short_code import find
from omni_console.text import fit, safe_line
from omni_console.widgets.finder import Finder
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line, spread
from server.protocol import FilledTemplate

CODE_CELLS = 16


class TemplateRows(LineList):
    def __init__(self, moved: Callable[[], None]) -> None:
        super().__init__()
        self.found: list[FilledTemplate] = []
        self._moved = moved

    def row_count(self) -> int:
        return len(self.found)

    def cursor_moved(self) -> None:
        self._moved()

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        template = self.found[index]
        left: Line = [
            (Content("▌ " if selected else "  "), "accent"),
            (fit(safe_line(template.code), CODE_CELLS), "strong" if selected else "base"),
            (safe_line(template.title, before=" "), "dim"),
        ]
        right: Line = []
        if template.missing:
            names = ", ".join(template.missing)
            right.append((safe_line(_("lacks {names}").format(names=names), before="  ", after=" "), "bad"))
        if template.language:
            right.append((safe_line(template.language, before=" ", after=" "), "dim"))
        return spread(left, right, width)


class TemplatesScreen(Finder[FilledTemplate]):
    """Ends with the template to put into what is being written, or None."""

    def __init__(self, templates: Sequence[FilledTemplate]) -> None:
        self.table = TemplateRows(self._show)
        self.templates = templates
        self.preview = TextLines("", classes="preview")
        super().__init__(_("Templates"), self.table, ("enter", _("put it in")))

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield self.title_line
            yield Input(compact=True, max_length=200)
            yield self.rows
            yield self.preview
            yield self.foot

    def words_changed(self, words: str) -> None:
        self.table.found = find(self.templates, words)
        self.table.cursor = 0
        self.table.rows_changed()
        if self.table.found:
            text = ""
        elif self.templates:
            text = _("no template is like that")
        else:
            text = _("there are no templates for this channel; a lead makes them: omni templates set")
        self.foot.say(text)
        self._show()

    def _show(self) -> None:
        rows = self.table
        self.preview.say(rows.found[rows.cursor].text if rows.found else "")

    def chosen(self, index: int) -> None:
        self.dismiss(self.table.found[index])
