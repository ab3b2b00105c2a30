"""The layouts one has kept: one is opened, the present one is kept under the name that is typed."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec
from textual.binding import Binding
from textual.content import Content

from omni_console.i18n import _, ngettext
from omni_console.layouts import NAME_MAX, Layout
from omni_console.text import safe_line
from omni_console.widgets.finder import Finder
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line, balanced


class Deed(msgspec.Struct, frozen=True):
    kind: Literal["open", "keep", "forget"]
    name: str


class LayoutRows(LineList):
    def __init__(self, named: dict[str, Layout]) -> None:
        super().__init__()
        self.named = named
        self.deeds: list[Deed] = []

    def row_count(self) -> int:
        return len(self.deeds)

    def empty(self) -> str:
        return _("no layout is kept yet: type a name for what is on the screen now")

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        deed = self.deeds[index]
        edge = (Content("▌ " if selected else "  "), "accent")
        if deed.kind == "keep":
            words = _("replace {name} with what is on the screen now")
            if deed.name not in self.named:
                words = _("keep what is on the screen now as {name}")
            return [edge, (safe_line(words.format(name=deed.name)), "strong" if selected else "base")]
        layout = self.named[deed.name]
        detail = ngettext("{n} pane", "{n} panes", layout.panes).format(n=layout.panes)
        name = safe_line(deed.name) if deed.name.strip() else Content("·")
        return balanced(
            [edge, (name, "strong" if selected else "base")],
            [(safe_line(detail, before="  ", after=" "), "dim")],
            width,
        )


class LayoutsScreen(Finder[Deed]):
    """Ends with what is to be done, or None."""

    BINDINGS: ClassVar = [Binding("ctrl+x", "forget", "", priority=True)]

    def __init__(self, named: dict[str, Layout]) -> None:
        self.table = LayoutRows(named)
        super().__init__(_("Layouts"), self.table, ("enter", _("open or keep")), ("ctrl+x", _("delete")))
        self._doomed = ""  # a name that one more key takes away

    def words_changed(self, words: str) -> None:
        name, named = words.strip()[:NAME_MAX], self.table.named
        found = [one for one in named if name.lower() in one.lower()]
        self.table.deeds = [Deed("open", one) for one in sorted(found, key=lambda one: (one != name, one))]
        if name:
            self.table.deeds.append(Deed("keep", name))
        self.table.cursor = 0
        self._doomed = ""
        self.table.rows_changed()
        self.foot.say("")

    def chosen(self, index: int) -> None:
        self.dismiss(self.table.deeds[index])

    def action_forget(self) -> None:
        """The first time it asks."""
        deed = self.table.deeds[self.table.cursor] if self.table.deeds else None
        if deed is None or deed.kind != "open":
            return
        if self._doomed == deed.name:
            self.dismiss(Deed("forget", deed.name))
        else:
            self._doomed = deed.name
            self.foot.say(_("ctrl+x again deletes {name}").format(name=deed.name), "bad")
