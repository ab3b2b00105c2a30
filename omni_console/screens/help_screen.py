"""All keys on one page, as they are in force now; typing narrows it."""

from __future__ import annotations

import msgspec
from textual import events
from textual.content import Content

from omni_console.actions import ACTIONS, WHERE_TITLES, Action, name_of
from omni_console.i18n import _
from omni_console.keymap import keys_of, shown, usage
from omni_console.own import Own
from omni_console.text import fit, safe_line
from omni_console.widgets.finder import Finder
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line

KEY_CELLS = 21
LABEL_CELLS = 31
COLUMNS_FROM = 90  # cells; below that what it does stands under what it is called


class Row(msgspec.Struct, frozen=True):
    """`hay`: what is looked in. What it does takes as many lines as it needs, behind its name or under it."""

    hay: str
    keys: str
    label: str
    text: str

    def lines(self, width: int) -> list[Line]:
        keys = (fit(safe_line(self.keys, before="  "), KEY_CELLS), "strong")
        if width < COLUMNS_FROM:
            return [[keys, (safe_line(self.label), "base")], *_block(self.text, "dim", KEY_CELLS, width)]
        head: Line = [keys, (fit(safe_line(self.label), LABEL_CELLS), "base")]
        lines = _block(self.text, "dim", KEY_CELLS + LABEL_CELLS, width) or [[]]
        return [[*head, *lines[0][1:]], *lines[1:]]


class Wrong(msgspec.Struct, frozen=True):
    hay: str
    text: str

    def lines(self, width: int) -> list[Line]:
        return _block(self.text, "bad", 2, width)


def _block(text: str, role: str, indent: int, width: int) -> list[Line]:
    if not text:
        return []
    room = max(8, width - indent)
    return [[(Content(" " * indent), "base"), (part, role)] for part in safe_line(text).wrap(room)]


class Section(msgspec.Struct):
    title: str
    rows: list[Row | Wrong] = []


def _row(keys: str, label: str, text: str, more: str = "") -> Row:
    return Row(f"{keys} {label} {text} {more}".casefold(), keys, label, text)


def _action_row(action: Action, own: Own) -> Row:
    keys = "  ".join(shown(key) for key in keys_of(action, own.keys.changes)) or f":{name_of(action)}"
    if action.argument:
        keys = keys.replace("1", "1…7")
    return _row(keys, _(action.label), _(action.help), f"{action.id} {usage(action)}")


def sections(own: Own) -> list[Section]:
    """What is wrong first, then the operator's own, then every action."""
    found = []
    if own.problems:
        wrong = Section(_("Not used"))
        for problem in own.problems:
            wrong.rows.append(Wrong(problem.casefold(), problem))
        found.append(wrong)
    if own.keys.macros:
        macros = Section(_("Your macros"))
        macros.rows = [_row(shown(key), " · ".join(lines), "") for key, lines in own.keys.macros.items()]
        found.append(macros)
    for where, title in WHERE_TITLES.items():
        section, seen = Section(_(title)), set[str]()
        for action in ACTIONS:
            if action.where != where or action.label in seen:
                continue
            if action.argument:
                seen.add(action.label)
            section.rows.append(_action_row(action, own))
        found.append(section)
    return found


class KeyTable(LineList):
    def __init__(self, own: Own) -> None:
        super().__init__()
        self._sections = sections(own)
        self._wanted: list[str] = []
        self._lines: list[Line] = []

    def narrow(self, words: str) -> None:
        """Rows in which every word stands."""
        self._wanted = words.casefold().split()
        self.cursor = 0
        self.rows_changed()

    def rows_changed(self) -> None:
        width = self.scrollable_size.width
        self._lines = []
        for section in self._sections:
            found = [row for row in section.rows if all(word in row.hay for word in self._wanted)]
            if found:
                gap: list[Line] = [[]] if self._lines else []
                self._lines += [*gap, [(safe_line(section.title), "accent")]]
                self._lines += [line for row in found for line in row.lines(width)]
        super().rows_changed()

    def row_count(self) -> int:
        return len(self._lines)

    def empty(self) -> str:
        return _("nothing is called so")

    def shows_cursor(self) -> bool:
        return False

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        return self._lines[index]


class HelpScreen(Finder[None]):
    BINDINGS = [("f1", "leave", "")]  # noqa: RUF012 - Textual's

    def __init__(self, own: Own) -> None:
        self.table = KeyTable(own)
        super().__init__(_("Keys"), self.table)

    def words_changed(self, words: str) -> None:
        self.table.narrow(words)
        self.foot.say(_("type to narrow · letters work on a Russian layout too"))

    def chosen(self, index: int) -> None:
        self.dismiss(None)

    def on_key(self, event: events.Key) -> None:
        """No row is chosen here: the whole page moves."""
        steps = {"down": 1.0, "up": -1.0}
        pages = {"pagedown": 0.9, "pageup": -0.9}
        if event.key in steps:
            event.stop()
            self.table.scroll_relative(y=steps[event.key], animate=False)
        elif event.key in pages:
            event.stop()
            self.table.scroll_relative(y=pages[event.key] * self.table.size.height, animate=False)
