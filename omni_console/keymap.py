"""Which key does what: the registry's defaults, with the operator's own changes laid over them.

A changed keymap names actions by id (docs/keys.md lists them):

    [keys]
    "reply.start" = "r,i"
    "compose.send" = "ctrl+j,alt+s"

In browse mode every Latin letter gets its twin on the Russian keyboard, alone and with alt, so that
nobody has to change the layout to press a key.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path

from textual import _ansi_sequences
from textual.binding import Binding, BindingsMap
from textual.keys import _character_to_key
from textual.widget import Widget

from omni_console.actions import ACTIONS, BY_ID, WHERE_TITLES, Action, Where, command_of
from omni_console.i18n import _

_LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,.QWERTYUIOP{}ASDFGHJKL:\"ZXCVBNM<>?|/`"
_RUSSIAN = "йцукенгшщзхъфывапролджэячсмитьбюЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮ,/.ё"
_TWINS = {key: russian for key, russian in zip(_LATIN, _RUSSIAN, strict=True) if russian.isalpha()}
_LATIN_OF = {russian: key for key, russian in _TWINS.items()}
_TWINS["comma"] = "б"  # as Textual names it: where keys are written, a comma stands between two

# These characters are a Mac's option + digit; Textual 8.2.8 reads ESC 1 (alt+1 everywhere else) as one.
_ALT_DIGITS = tuple(f"\x1b{digit}" for digit in range(10))

# Together in one mode: the same key twice among them would be a clash.
_MODES: Mapping[str, tuple[Where, ...]] = {
    "browse": ("anywhere", "browse", "panes", "list"),
    "card": ("anywhere", "browse", "card"),
    "compose": ("anywhere", "compose"),
}


class KeymapError(Exception):
    """A keymap that cannot be used; every line says what is wrong and what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def repair_alt_digits() -> None:
    """Let alt+1 … alt+9 arrive as such; without this they come as "¡", "™", "£", …"""
    table = _ansi_sequences.ANSI_SEQUENCES_KEYS
    if isinstance(table, dict):
        for sequence in _ALT_DIGITS:
            table.pop(sequence, None)


def normal(key: str) -> str:
    """A key as Textual compares it: "?" is "question_mark"."""
    key = key.strip()
    *modifiers, last = key.split("+") if key not in ("+", "") else [key]
    if len(last) == 1 and not last.isascii():
        return key
    return "+".join([*modifiers, _character_to_key(last) if len(last) == 1 else last])


def keys_of(action: Action, changes: Mapping[str, str] | None = None) -> list[str]:
    """The keys of an action as written, without twins."""
    text = (changes or {}).get(action.id, action.keys)
    return [key.strip() for key in text.split(",") if key.strip()]


def load(path: Path) -> dict[str, str]:
    """Read and check a keymap file. A missing file is no changes. Raises KeymapError."""
    if not path.exists():
        return {}
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KeymapError([f"{path}: {error}"]) from error
    keys = data.get("keys", {})
    if not isinstance(keys, dict):
        raise KeymapError([_("{path}: [keys] must be a table of action = key").format(path=path)])
    changes = {str(action): str(key) for action, key in keys.items()}
    problems = check(changes)
    if problems:
        raise KeymapError(problems)
    return changes


def check(changes: Mapping[str, str]) -> list[str]:
    """What is wrong with these changes, one sentence each; nothing when they can be used."""
    problems: list[str] = []
    for action_id, keys in changes.items():
        if action_id not in BY_ID:
            near = difflib.get_close_matches(action_id, BY_ID, n=1)
            hint = _(" (did you mean {near}?)").format(near=near[0]) if near else ""
            problems.append(_("there is no action {action}").format(action=action_id) + hint)
        elif not [key for key in keys.split(",") if key.strip()]:
            problems.append(_("{action} has no key").format(action=action_id))
        elif BY_ID[action_id].where == "compose" or BY_ID[action_id].where == "anywhere":
            problems.extend(
                _("{key} for {action} would be typed into the editor; use ctrl, alt or an F key").format(
                    key=key.strip(), action=action_id
                )
                for key in keys.split(",")
                if len(key.strip()) == 1
            )
    told: set[tuple[str, str]] = set()
    for mode, wheres in _MODES.items():
        owner: dict[str, Action] = {}
        for action in ACTIONS:
            if action.where not in wheres:
                continue
            for key in keys_of(action, changes):
                other = owner.setdefault(normal(key), action)
                if other is not action and (other.id, action.id) not in told:
                    told.add((other.id, action.id))
                    problems.append(
                        _("in {mode} mode {key} is both {one} and {two}").format(
                            mode=mode, key=key, one=other.id, two=action.id
                        )
                    )
    return problems


def twin(key: str) -> str | None:
    """The same key on a Russian keyboard: "j" → "о", "alt+a" → "alt+ф"; None where there is none."""
    head, plus, last = key.rpartition("+")
    if head not in ("", "alt") or last not in _TWINS:
        return None
    return head + plus + _TWINS[last]


def latin(text: str) -> str:
    """What the same keys give on a Latin layout: "сдщыу" is "close"."""
    return "".join(_LATIN_OF.get(char, char) for char in text)


def bindings(where: Where, changes: Mapping[str, str] | None = None) -> list[Binding]:
    """Textual's bindings for one place. What is pressed with alt, ctrl or F keys comes before the editor."""
    found: list[Binding] = []
    for action in ACTIONS:
        if action.where != where:
            continue
        for key in keys_of(action, changes):
            for spelled in (key, twin(key)):
                if spelled is None:
                    continue
                found.append(
                    Binding(
                        normal(spelled),
                        f"screen.do('{command_of(action)}')",
                        _(action.label),
                        show=False,
                        id=action.id,
                        # Before the widget's own queue: the next key must meet what this one did.
                        priority=True,
                    )
                )
    return found


def install(widget: Widget, wheres: tuple[Where, ...], changes: Mapping[str, str] | None = None) -> None:
    """Give a widget the keys of these places; the widget's own keys stay where they do not clash."""
    mine: BindingsMap = widget._bindings
    for where in wheres:
        for binding in bindings(where, changes):
            mine.key_to_bindings[binding.key] = [binding]


_SHOWN = {
    "question_mark": "?", "vertical_line": "|", "minus": "-", "left_square_bracket": "[",
    "right_square_bracket": "]", "slash": "/", "escape": "esc", "pagedown": "pgdn", "pageup": "pgup",
    "down": "↓", "up": "↑", "left": "←", "left_curly_bracket": "{", "right_curly_bracket": "}",
    "grave_accent": "`", "underscore": "_", "equals_sign": "=", "right": "→",
    "exclamation_mark": "!", "colon": ":", "full_stop": ".", "at": "@", "greater_than_sign": ">", "plus": "+",
    "comma": ",", "backslash": "\\",
}  # fmt: skip


_in_use: Mapping[str, str] = {}


def use(changes: Mapping[str, str]) -> None:
    """The changes that this console runs with, for the sentences that name a key."""
    global _in_use
    _in_use = dict(changes)


def key_for(action_id: str) -> str:
    """The first key of an action, as an operator reads it; the palette's where it has none."""
    keys = keys_of(BY_ID[action_id], _in_use) or keys_of(BY_ID["palette.open"], _in_use)
    return shown(keys[0])


def shown(key: str) -> str:
    """A key as an operator reads it."""
    head, plus, last = key.strip().rpartition("+")
    return head + plus + _SHOWN.get(last, last)


def keys_page(changes: Mapping[str, str] | None = None) -> str:
    """docs/keys.md."""
    lines = [
        "# Keys",
        "",
        "Made from the registry in `omni_console/actions.py`; a test keeps it current.",
        "",
        "Two modes: **browse**, where single letters act, and **compose**, where letters are text and only",
        "ctrl, alt and F keys act. Letters work on a Russian keyboard layout too: `j` is also `о`.",
        "Every action can be given other keys by its id, in `keys.toml` beside the console's configuration:",
        "",
        "```toml",
        "[keys]",
        '"reply.start" = "r,i"',
        "```",
        "",
        "Terminals do not deliver every key: `ctrl+enter` needs the kitty protocol, `ctrl+j` sends anywhere.",
        "Where alt+digit changes the terminal's tabs, use the digit alone in browse mode.",
    ]
    for where, title in WHERE_TITLES.items():
        lines += ["", f"## {title}", "", "| key | action | id | |", "|---|---|---|---|"]
        for action in ACTIONS:
            if action.where != where:
                continue
            given = keys_of(action, changes) or keys_of(BY_ID["palette.open"], changes)
            keys = " ".join(
                "`` ` ``" if key == "`" else f"`{shown(key)}`".replace("|", "\\|") for key in given
            )
            lines.append(f"| {keys} | {action.label} | `{action.id}` | {action.help} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(keys_page(), end="")  # docs/keys.md
