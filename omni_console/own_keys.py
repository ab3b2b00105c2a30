"""keys.toml: the operator's own keys and macros, checked. What cannot be used is said in words, and the rest
is used: a slip in this file must not keep anybody from his customers.

    [keys]
    "reply.start" = "r,i"

    [macros]                              # a key, and what is typed behind : one after the other
    "H" = ["tag hotel", "priority high", "snooze 2h"]
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from omni_console.actions import ACTIONS, BY_ID, Where
from omni_console.command_line import Misread, action_called, check
from omni_console.i18n import _
from omni_console.keymap import MODES, keys_of, normal, typable

LINES_MAX = 20  # of one macro


class OwnKeys(msgspec.Struct, frozen=True):
    """`changes`: keys by action id; `macros`: command lines by key; `problems`: a sentence each."""

    changes: Mapping[str, str] = {}
    macros: Mapping[str, tuple[str, ...]] = {}
    problems: tuple[str, ...] = ()


class Problem(msgspec.Struct, frozen=True):
    sentence: str
    causes: frozenset[str]  # action ids and macro keys of the file that cannot be used because of it


def load(path: Path) -> OwnKeys:
    """A missing file is no changes; one that is no TOML is none either, and says so."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return OwnKeys()
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return OwnKeys(problems=(f"{path}: {error}",))
    return read(data)


def read(data: Mapping[str, Any]) -> OwnKeys:
    said: list[str] = []
    for name in data.keys() - {"keys", "macros"}:
        near = difflib.get_close_matches(name, ["keys", "macros"], n=1)
        said.append(_("there is no table {table}").format(table=f"[{name}]") + _meant(near))
    changes: dict[str, str] = {}
    keys = data.get("keys", {})
    if isinstance(keys, dict):
        changes = {str(action): str(key) for action, key in keys.items()}
    else:
        said.append(_("[keys] must be a table of action = key"))
    macros: dict[str, tuple[str, ...]] = {}
    table = data.get("macros", {})
    if not isinstance(table, dict):
        said.append(_("[macros] must be a table of key = list of commands"))
        table = {}
    for key, lines in table.items():
        listed = [lines] if isinstance(lines, str) else lines
        if isinstance(listed, list) and all(isinstance(line, str) for line in listed):
            macros[str(key)] = tuple(listed)
        else:
            said.append(_("macro {key} must be a list of commands").format(key=key))
    return usable(changes, macros, said)


def usable(
    changes: Mapping[str, str], macros: Mapping[str, tuple[str, ...]], said: list[str] | None = None
) -> OwnKeys:
    """What is left when everything that has a problem is put away; the problems say what that is."""
    left, kept, sentences = dict(changes), dict(macros), list(said or [])
    while found := problems(left, kept):
        sentences += [one.sentence for one in found if one.sentence not in sentences]
        causes = frozenset[str]().union(*(one.causes for one in found))
        if not causes & (left.keys() | kept.keys()):
            break  # the defaults themselves: a test sees to it that this is never so
        left = {key: value for key, value in left.items() if key not in causes}
        kept = {key: value for key, value in kept.items() if key not in causes}
    return OwnKeys(left, kept, tuple(sentences))


def problems(changes: Mapping[str, str], macros: Mapping[str, tuple[str, ...]]) -> list[Problem]:
    """What is wrong with these keys, one sentence each; nothing when they can be used."""
    found: list[Problem] = []
    for action_id, keys in changes.items():
        found += _action_problems(action_id, keys)
    for key, lines in macros.items():
        found += _macro_problems(key, lines)
    return found + _clashes(changes, macros)


def _action_problems(action_id: str, keys: str) -> list[Problem]:
    cause = frozenset({action_id})
    if action_id not in BY_ID:
        called = action_called(action_id)
        near = [called.id] if called else difflib.get_close_matches(action_id, BY_ID, n=1)
        text = _("there is no action {action}").format(action=action_id)
        return [Problem(text + _meant(near), cause)]
    if not [key for key in keys.split(",") if key.strip()]:
        return [Problem(_("{action} has no key").format(action=action_id), cause)]
    if BY_ID[action_id].where not in ("compose", "anywhere"):
        return []
    text = _("{key} for {action} would be typed into the editor; use ctrl, alt or an F key")
    return [
        Problem(text.format(key=key.strip(), action=action_id), cause)
        for key in keys.split(",")
        if typable(key)
    ]


def _macro_problems(key: str, lines: tuple[str, ...]) -> list[Problem]:
    cause = frozenset({key})
    if not lines or len(lines) > LINES_MAX:
        return [Problem(_("macro {key} must have 1 to {n} commands").format(key=key, n=LINES_MAX), cause)]
    found = []
    for line in lines:
        wrong = check(line)
        if isinstance(wrong, Misread):
            text = _("macro {key}, “{line}”: {why}")
            found.append(Problem(text.format(key=key, line=line, why=wrong.sentence), cause))
    return found


def _clashes(changes: Mapping[str, str], macros: Mapping[str, tuple[str, ...]]) -> list[Problem]:
    found: list[Problem] = []
    told: set[tuple[str, str]] = set()
    for mode, wheres in MODES.items():
        owner: dict[str, str] = {}
        named = [(one.id, key) for one in ACTIONS if one.where in wheres for key in keys_of(one, changes)]
        named += [(key, key) for key in macros if macro_where(key) in wheres]
        for name, key in named:
            other = owner.setdefault(normal(key), name)
            if other == name or (other, name) in told:
                continue
            told.add((other, name))
            text = _("in {mode} mode {key} is both {one} and {two}")
            sentence = text.format(mode=mode, key=key, one=_said(other, macros), two=_said(name, macros))
            causes = frozenset({other, name}) & (changes.keys() | macros.keys())
            found.append(Problem(sentence, causes))
    return found


def macro_where(key: str) -> Where:
    """With ctrl, alt or an F key a macro works anywhere, with a letter where letters are no text."""
    return "browse" if typable(key) else "anywhere"


def _said(name: str, macros: Mapping[str, tuple[str, ...]]) -> str:
    return _("a macro") if name in macros else name


def _meant(near: list[str]) -> str:
    return _(" (did you mean {near}?)").format(near=near[0]) if near else ""
