"""Which key does what: the registry's defaults, with the operator's own changes laid over them.

A changed keymap names actions by id (docs/keys.md lists them):

    [keys]
    "reply.start" = "r,i"
    "compose.send" = "ctrl+j,alt+s"

In browse mode every Latin letter gets its twin on the Russian keyboard, alone and with alt, so that
nobody has to change the layout to press a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from textual import _ansi_sequences
from textual.app import App
from textual.binding import Binding, BindingsMap
from textual.keys import _character_to_key
from textual.widget import Widget

from omni_console.actions import (
    ACTIONS,
    ARGUMENT_WORDS,
    BY_ID,
    WHERE_TITLES,
    Action,
    Where,
    command_of,
    name_of,
)
from omni_console.i18n import _

_LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,.QWERTYUIOP{}ASDFGHJKL:\"ZXCVBNM<>?|/`"
_RUSSIAN = "йцукенгшщзхъфывапролджэячсмитьбюЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮ,/.ё"
_TWINS = {key: russian for key, russian in zip(_LATIN, _RUSSIAN, strict=True) if russian.isalpha()}
_LATIN_OF = {russian: key for key, russian in _TWINS.items()}
_TWINS["comma"] = "б"  # as Textual names it: where keys are written, a comma stands between two

# These characters are a Mac's option + digit; Textual 8.2.8 reads ESC 1 (alt+1 everywhere else) as one.
_ALT_DIGITS = tuple(f"\x1b{digit}" for digit in range(10))

# Together in one mode: the same key twice among them would be a clash.
MODES: Mapping[str, tuple[Where, ...]] = {
    "browse": ("anywhere", "browse", "panes", "list"),
    "card": ("anywhere", "browse", "card"),
    "compose": ("anywhere", "compose"),
}


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


def typable(key: str) -> bool:
    """Would the editor take it for a letter?"""
    return len(key.strip()) == 1 or normal(key) == "space"


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
        for key in _spelled(keys_of(action, changes)):
            found.append(
                Binding(
                    normal(key),
                    f"screen.do('{command_of(action)}')",
                    _(action.label),
                    show=False,
                    id=action.id,
                    # Before the widget's own queue: the next key must meet what this one did.
                    priority=True,
                )
            )
    return found


def _spelled(keys: Iterable[str]) -> Iterator[str]:
    """Each key, and its twin where it has one."""
    for key in keys:
        yield key
        other = twin(key)
        if other is not None:
            yield other


def install(widget: Widget, wheres: tuple[Where, ...], changes: Mapping[str, str] | None = None) -> None:
    """Give a widget the keys of these places; the widget's own keys stay where they do not clash."""
    mine: BindingsMap = widget._bindings
    for where in wheres:
        for binding in bindings(where, changes):
            mine.key_to_bindings[binding.key] = [binding]


def install_quit(app: App[int], changes: Mapping[str, str] | None = None) -> None:
    """The key that quits is the app's own: it acts in every window too."""
    for key in _spelled(keys_of(BY_ID["app.quit"], changes)):
        binding = Binding(normal(key), "app.quit", show=False, priority=True)
        app._bindings.key_to_bindings[binding.key] = [binding]


def macro_bindings(keys: Iterable[str]) -> list[Binding]:
    """They are of the screen: what has the focus comes first, and letters are text in an editor."""
    found = []
    for number, key in enumerate(keys):
        for spelled in _spelled([key]):
            # A letter must not come before the editor; anything else must.
            priority = not typable(key)
            found.append(Binding(normal(spelled), f"screen.macro({number})", show=False, priority=priority))
    return found


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


def usage(action: Action) -> str:
    """How it is typed behind `:` — "assign COLLEAGUE WORDS…"."""
    return " ".join([name_of(action), *(_(ARGUMENT_WORDS[takes]) for takes in action.takes)])


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
        '"app.quit" = "ctrl+x"',
        "",
        "[macros]                                 # a key of your own, and commands one after the other",
        '"H" = ["tag hotel", "priority high", "snooze 2h"]',
        "```",
        "",
        "`:` takes any action by its name, with what it needs (`close delivery moved`, `assign boris`,",
        "`tag vip -new`); tab completes, ↑ brings back what was typed. `.` does the last deed again, here or",
        "on the marked rows. What is wrong in `keys.toml` is said at the start and on the page of keys",
        "(`?`), and the rest of it is used.",
        "",
        "Terminals do not deliver every key: `ctrl+enter` needs the kitty protocol, `ctrl+j` sends anywhere.",
        "Where alt+digit changes the terminal's tabs, use the digit alone in browse mode.",
    ]
    for where, title in WHERE_TITLES.items():
        lines += ["", f"## {title}", "", "| key | action | command | id | |", "|---|---|---|---|---|"]
        for action in ACTIONS:
            if action.where != where:
                continue
            given = keys_of(action, changes) or keys_of(BY_ID["palette.open"], changes)
            keys = " ".join(
                "`` ` ``" if key == "`" else f"`{shown(key)}`".replace("|", "\\|") for key in given
            )
            command = usage(action).replace("|", "\\|")
            lines.append(f"| {keys} | {action.label} | `{command}` | `{action.id}` | {action.help} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(keys_page(), end="")  # docs/keys.md
