"""A window with a field to type in and rows below it: the switcher and the search are made of this."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.suggester import Suggester
from textual.widgets import Input

from omni_console.cleaning import typed
from omni_console.i18n import _
from omni_console.screens.choice_screen import TextLines
from omni_console.screens.window import Window
from omni_console.widgets.foot import Foot, Hint
from omni_console.widgets.line_list import LineList

R = TypeVar("R")


class Finder(Window[R], Generic[R]):
    """Typing filters; up and down move without leaving the field; enter chooses.

    `keys`: what can be pressed besides, escape last.
    """

    def __init__(self, title: str, rows: LineList, *keys: Hint, suggester: Suggester | None = None) -> None:
        super().__init__()
        self._suggester = suggester
        self.title_line = TextLines(title, role="strong", classes="title")
        self.rows = rows
        self.foot = Foot(*keys, ("esc", _("close")))
        self.begin_with = ""  # what stands in the field when the window opens

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield self.title_line
            yield Input(compact=True, max_length=400, suggester=self._suggester)
            yield self.rows
            yield self.foot

    def opened(self) -> None:
        field = self.query_one(Input)
        field.cursor_blink = False
        field.value = typed(self.begin_with)
        field.focus()
        self.words_changed(self.begin_with)

    def words_changed(self, words: str) -> None:
        raise NotImplementedError

    def chosen(self, index: int) -> None:
        raise NotImplementedError

    @on(Input.Changed)
    def field_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.words_changed(event.value)

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self.rows.row_count() and self.current():
            self.chosen(self.rows.cursor)

    def current(self) -> bool:
        """Do the rows answer what is in the field now?"""
        return True

    @on(LineList.Chosen)
    def clicked(self, event: LineList.Chosen) -> None:
        event.stop()
        self.chosen(event.index)

    def on_key(self, event: events.Key) -> None:
        moves = {"down": 1, "up": -1, "ctrl+n": 1}
        if event.key in moves:
            event.stop()
            self.rows.move(moves[event.key])
        elif event.key in ("pagedown", "pageup"):
            event.stop()
            self.rows.move_pages(0.9 if event.key == "pagedown" else -0.9)
