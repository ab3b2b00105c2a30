"""All keys on one page, made from the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from omni_console.actions import ACTIONS, WHERE_TITLES
from omni_console.i18n import _
from omni_console.keymap import keys_of, shown
from omni_console.screens.choice_screen import TextLines
from omni_console.text import fit, safe_line
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line

KEY_CELLS = 18
LABEL_CELLS = 26


class KeyTable(LineList):
    def __init__(self, changes: Mapping[str, str]) -> None:
        super().__init__()
        self._rows = self._make(changes)

    @staticmethod
    def _make(changes: Mapping[str, str]) -> list[Line]:
        rows: list[Line] = []
        for where, title in WHERE_TITLES.items():
            rows += [[(Content(_(title)), "accent")]] if not rows else [[], [(Content(_(title)), "accent")]]
            seen: set[str] = set()
            for action in ACTIONS:
                if action.where != where or action.label in seen:
                    continue
                if action.argument:
                    seen.add(action.label)
                keys = "  ".join(shown(key) for key in keys_of(action, changes))
                if action.argument:
                    keys = keys.replace("1", "1…7")
                rows.append(
                    [
                        (fit(safe_line(keys, before="  "), KEY_CELLS), "strong"),
                        (fit(Content(_(action.label)), LABEL_CELLS), "base"),
                        (Content(" " + _(action.help)), "dim"),
                    ]
                )
        return rows

    def row_count(self) -> int:
        return len(self._rows)

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        return self._rows[index]


class HelpScreen(ModalScreen[None]):
    BINDINGS: ClassVar = [("escape,q,й,question_mark,f1", "leave", "")]

    def __init__(self, changes: Mapping[str, str]) -> None:
        super().__init__()
        self._changes = changes

    def compose(self) -> ComposeResult:
        with Vertical(classes="window -help"):
            yield TextLines(_("Keys"), role="strong", classes="title")
            yield KeyTable(self._changes)
            text = _("esc closes · letters work on a Russian layout too · docs/keys.md: how to change keys")
            yield TextLines(text, role="dim", classes="foot")

    def on_mount(self) -> None:
        self.query_one(KeyTable).focus()

    def action_leave(self) -> None:
        self.dismiss(None)

    def on_key(self, event: events.Key) -> None:
        table = self.query_one(KeyTable)
        moves = {"j": 1, "о": 1, "down": 1, "k": -1, "л": -1, "up": -1}
        if event.key in moves:
            event.stop()
            table.move(moves[event.key])
        elif event.key in ("pagedown", "ctrl+d", "space"):
            event.stop()
            table.move_pages(0.9)
        elif event.key in ("pageup", "ctrl+u"):
            event.stop()
            table.move_pages(-0.9)
