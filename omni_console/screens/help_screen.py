"""All keys on one page, as they are in force now; typing narrows it."""

from __future__ import annotations

from dataclasses import dataclass, field

from textual import events

from omni_console.actions import ACTIONS, WHERE_TITLES, Action
from omni_console.i18n import _
from omni_console.keymap import keys_of, shown, usage
from omni_console.own import Own
from omni_console.text import fit, safe_line
from omni_console.widgets.finder import Finder
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line, spread

KEY_CELLS = 18
LABEL_CELLS = 26


@dataclass
class Section:
    """`rows`: what is looked in, and the line that is painted."""

    title: str
    rows: list[tuple[str, Line]] = field(default_factory=list)


def _row(keys: str, label: str, text: str, more: str = "") -> tuple[str, Line]:
    line: Line = [
        (fit(safe_line(keys, before="  "), KEY_CELLS), "strong"),
        (fit(safe_line(label), LABEL_CELLS), "base"),
        (safe_line(text, before=" "), "dim"),
    ]
    return f"{keys} {label} {text} {more}".casefold(), line


def _action_row(action: Action, own: Own) -> tuple[str, Line]:
    keys = "  ".join(shown(key) for key in keys_of(action, own.keys.changes))
    if action.argument:
        keys = keys.replace("1", "1…7")
    return _row(keys, _(action.label), _(action.help), f"{action.id} {usage(action)}")


def sections(own: Own) -> list[Section]:
    """What is wrong first, then the operator's own, then every action."""
    found = []
    if own.problems:
        wrong = Section(_("Not used"))
        for problem in own.problems:
            wrong.rows.append((problem.casefold(), [(safe_line(problem, before="  "), "bad")]))
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
        self._lines: list[Line] = []

    def narrow(self, words: str) -> None:
        """Rows in which every word stands."""
        wanted = words.casefold().split()
        self._lines = []
        for section in self._sections:
            found = [line for hay, line in section.rows if all(word in hay for word in wanted)]
            if found:
                gap: list[Line] = [[]] if self._lines else []
                self._lines += [*gap, [(safe_line(section.title), "accent")], *found]
        self.cursor = 0
        self.rows_changed()

    def row_count(self) -> int:
        return len(self._lines)

    def empty(self) -> str:
        return _("nothing is called so")

    def shows_cursor(self) -> bool:
        return False

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        return spread(self._lines[index], [], width)


class HelpScreen(Finder[None]):
    BINDINGS = [("f1", "leave", "")]  # noqa: RUF012 - Textual's

    def __init__(self, own: Own) -> None:
        self.table = KeyTable(own)
        super().__init__(_("Keys"), self.table)

    def words_changed(self, words: str) -> None:
        self.table.narrow(words)
        self.foot.say(_("type to narrow · letters work on a Russian layout too · docs/keys.md: other keys"))

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
