"""The command palette: every action of the registry by its name, with its key."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from omni_console.actions import Action, command_of, for_palette
from omni_console.i18n import _
from omni_console.keymap import keys_of, shown
from omni_console.text import fit, safe_line
from omni_console.widgets.finder import Finder
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line, spread

LABEL_CELLS = 28


def matching(words: str) -> list[Action]:
    """Actions whose label, id or help holds every word; those named so first, then those that begin so."""
    wanted = words.lower().split()

    def hay(action: Action) -> str:
        return f"{_(action.label)} {action.id} {_(action.help)}".lower()

    found = [action for action in for_palette() if all(word in hay(action) for word in wanted)]
    if wanted:
        phrase = " ".join(wanted)
        found.sort(
            key=lambda action: (
                phrase not in _(action.label).lower(),
                not _(action.label).lower().startswith(wanted[0]),
            )
        )
    return found


class PaletteRows(LineList):
    def __init__(self, changes: Mapping[str, str]) -> None:
        super().__init__()
        self._changes = changes
        self.actions: list[Action] = []

    def row_count(self) -> int:
        return len(self.actions)

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        action = self.actions[index]
        keys = " ".join(shown(key) for key in keys_of(action, self._changes)[:1])
        left: Line = [
            (Content("▌ " if selected else "  "), "accent"),
            (fit(Content(_(action.label)), LABEL_CELLS), "strong" if selected else "base"),
            (Content(_(action.help)), "dim"),
        ]
        return spread(left, [(safe_line(keys, before="  ", after=" "), "strong")], width)


class PaletteScreen(Finder[str]):
    """Ends with the command to carry out, or None."""

    def __init__(self, changes: Mapping[str, str]) -> None:
        self.table = PaletteRows(changes)
        super().__init__(_("All actions"), self.table, ("enter", _("do it")))

    def words_changed(self, words: str) -> None:
        self.table.actions = matching(words)
        self.table.cursor = 0
        self.table.rows_changed()
        self.foot.say("" if self.table.actions else _("there is no such action"))

    def chosen(self, index: int) -> None:
        self.dismiss(command_of(self.table.actions[index]))
