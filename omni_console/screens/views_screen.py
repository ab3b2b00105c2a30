"""Saved views: open one, save the present filter, share, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from omni_console.cleaning import typed
from omni_console.i18n import _
from omni_console.keymap import key_for
from omni_console.screens.choice_screen import TextLines
from omni_console.screens.window import Window
from omni_console.state_words import view_word
from omni_console.text import fit, safe_line
from omni_console.widgets.foot import Foot, Hint
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line, balanced
from server.protocol import SavedView

NAME_MAX = 40


class Wish(msgspec.Struct, frozen=True):
    kind: Literal["open", "save", "share", "remove"]
    view: SavedView | None = None
    name: str = ""


class ViewRows(LineList):
    def __init__(self, views: Sequence[SavedView], me: int) -> None:
        super().__init__()
        self.views = list(views)
        self._me = me

    def row_count(self) -> int:
        return len(self.views)

    def get_content_height(self, *_sizes: object) -> int:
        return len(self.views) or 3

    def empty(self) -> str:
        return _("no saved views yet")

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        view = self.views[index]
        names = max(cell_len(safe_line(one.name).plain) for one in self.views)
        bases = max(cell_len(view_word(one.base)) for one in self.views)
        left: Line = [
            (Content("▌ " if selected else "  "), "accent"),
            (fit(safe_line(view.name), min(names, width // 3)), "strong" if selected else "base"),
            (fit(safe_line(view_word(view.base), before="  "), bases + 2), "dim"),
            (safe_line(view.filter, before="  "), "dim"),
        ]
        whose = _("everybody's, by {name}").format(name=view.by) if view.shared else ""
        return balanced(left, [(safe_line(whose, before="  ", after=" "), "dim")] if whose else [], width)


class ViewsScreen(Window[Wish]):
    """`filtered`: what the list is filtered by now, to be saved; `name`: of the saved view that is shown."""

    def __init__(self, views: Sequence[SavedView], me: int, filtered: str, name: str, *, leads: bool) -> None:
        super().__init__()
        self.rows = ViewRows(views, me)
        self._filtered = filtered
        self._named = name
        self._leads = leads
        self.foot = Foot()
        self._doomed: int | None = None  # to be deleted when the key comes once more

    def compose(self) -> ComposeResult:
        with Vertical(classes="window -small -views"):
            yield TextLines(_("Saved views"), role="strong", classes="title")
            yield self.rows
            yield Input(compact=True, max_length=NAME_MAX, select_on_focus=True)
            yield self.foot

    def opened(self) -> None:
        field = self.query_one(Input)
        field.cursor_blink = False
        field.display = False
        self.rows.focus()
        self._say_keys()

    def _say_keys(self) -> None:
        keys: list[Hint] = [("enter", _("open it")), ("d", _("delete"))] if self.rows.views else []
        if self._filtered:
            keys.append(("s", _("save the filter {filter}").format(filter=self._filtered)))
        if self._leads and any(not view.shared for view in self.rows.views):
            keys.append(("t", _("give it to the team")))
        key = key_for("filter.list")
        self.foot.say("" if self._filtered else _("a filter ({key}) can be saved as a view").format(key=key))
        self.foot.offer(*keys, ("esc", _("close")))

    def action_leave(self) -> None:
        if self.stands and self.query_one(Input).display:
            self.query_one(Input).display = False
            self.rows.focus()
            self._say_keys()
        else:
            super().action_leave()

    @property
    def _view(self) -> SavedView | None:
        return self.rows.views[self.rows.cursor] if self.rows.views else None

    def on_key(self, event: events.Key) -> None:
        if isinstance(self.focused, Input):
            return
        moves = {"down": 1, "j": 1, "о": 1, "up": -1, "k": -1, "л": -1}
        if event.key in moves:
            event.stop()
            self.rows.move(moves[event.key])
        elif event.key == "enter":
            event.stop()
            self.rows.choose()
        elif event.key in ("s", "ы", "V", "М") and self._filtered:
            event.stop()
            event.prevent_default()
            self._ask_name()
        elif event.key in ("d", "в"):
            event.stop()
            self._delete()
        elif event.key in ("t", "е"):
            event.stop()
            self._share()
        elif event.key in ("q", "й"):
            event.stop()
            self.dismiss(None)

    def _ask_name(self) -> None:
        field = self.query_one(Input)
        field.display = True
        field.value = typed(self._named)
        field.focus()
        self.foot.say(_("Name of the view; one of yours that is called so becomes this"))
        self.foot.offer(("enter", _("save")), ("esc", _("not now")))

    @on(Input.Submitted)
    def named(self, event: Input.Submitted) -> None:
        event.stop()
        name = " ".join(event.value.split())
        if name:
            self.dismiss(Wish("save", name=name))

    @on(LineList.Chosen)
    def chosen(self, event: LineList.Chosen) -> None:
        event.stop()
        self.dismiss(Wish("open", self.rows.views[event.index]))

    def _delete(self) -> None:
        view = self._view
        if view is None:
            return
        if view.shared and not self._leads:
            self.foot.say(_("it is everybody's: only a lead may delete it"), "bad")
        elif self._doomed == view.id:
            self.dismiss(Wish("remove", view))
        else:
            self._doomed = view.id
            self.foot.say(_("d once more deletes {name}").format(name=view.name), "bad")

    def _share(self) -> None:
        view = self._view
        if view is None or view.shared:
            return
        if self._leads:
            self.dismiss(Wish("share", view))
        else:
            self.foot.say(_("only a lead may give a view to everybody"), "bad")
