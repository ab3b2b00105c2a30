"""console.toml, beside keys.toml: how one's own console behaves. Every key has a default.

What cannot be used is said in words, and the console starts with the defaults.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from omni_console.i18n import _

Way = Literal["bell", "line", "command", "terminal"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HourText = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
TellKind = Literal["message", "queue", "mention", "handover", "urgent", "risk", "breach", "failed", "lost"]


class Ways(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How each kind is told."""

    message: tuple[Way, ...] = ()  # a customer of mine writes
    queue: tuple[Way, ...] = ()  # somebody writes whom nobody has
    mention: tuple[Way, ...] = ()
    handover: tuple[Way, ...] = ()
    urgent: tuple[Way, ...] = ()
    risk: tuple[Way, ...] = ()  # a deadline comes near
    breach: tuple[Way, ...] = ()  # a deadline is over
    failed: tuple[Way, ...] = ()  # a reply of mine did not go
    lost: tuple[Way, ...] = ()  # the server


_BELL: tuple[Way, ...] = ("bell",)
_LINE: tuple[Way, ...] = ("line",)
HERE = Ways(mention=_LINE, handover=_LINE, urgent=_LINE, breach=_LINE, failed=_LINE)
AWAY = Ways(
    message=_BELL,
    queue=_BELL,
    mention=_BELL,
    handover=_BELL,
    urgent=_BELL,
    risk=_BELL,
    breach=_BELL,
    failed=_BELL,
)


class Quiet(
    msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename={"start": "from", "but": "except"}
):
    """A span of the day in which nothing is told `but` these kinds; over midnight it belongs to the day on
    which it begins."""

    start: HourText
    to: HourText
    days: tuple[Day, ...] = DAYS
    but: tuple[TellKind, ...] = ()


class Tell(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    words: bool = False  # the beginning of a message too, not only who writes
    terminal: Literal["", "9", "777", "99"] = ""  # the notification that the terminal knows
    command: list[str] = []  # a program and its arguments; no shell
    gather_seconds: Annotated[float, msgspec.Meta(ge=0, le=600)] = 3.0
    here: dict[TellKind, tuple[Way, ...]] = {}
    away: dict[TellKind, tuple[Way, ...]] = {}
    quiet: list[Quiet] = []

    def ways(self, kind: TellKind, *, away: bool) -> tuple[Way, ...]:
        own, usual = (self.away, AWAY) if away else (self.here, HERE)
        found: tuple[Way, ...] = own[kind] if kind in own else getattr(usual, kind)
        return found


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    theme: Literal["dark", "light", "ansi"] = "dark"
    layout: Literal["last", "none"] = "last"  # begin with the panes of the last time
    history: bool = True  # what was typed behind : is there again after a restart
    title: bool = True  # "(3) Omni" in the terminal's title
    open: list[str] = []  # a program and its arguments, given a copy of the file; none: the desktop's own
    spelling: list[str] = []  # a program that reads a text and prints the words it does not know; no shell
    tell: Tell = Tell()


class OwnSettings(msgspec.Struct, frozen=True):
    settings: Settings = msgspec.field(default_factory=Settings)
    problems: tuple[str, ...] = ()


def load(path: Path) -> OwnSettings:
    """A missing file is the defaults."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return OwnSettings()
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return OwnSettings(problems=(f"{path}: {error}",))
    return read(data)


def read(data: Mapping[str, Any]) -> OwnSettings:
    try:
        return OwnSettings(msgspec.convert(data, Settings))
    except msgspec.ValidationError as error:
        return OwnSettings(problems=("console.toml: " + in_words(str(error)),))


_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`(?: - at `\$\.?(.*)`)?")
_BAD_KEY = re.compile(r"Invalid enum value '(.*)' - at `key` in `\$\.(.*)`")
_PLACE = re.compile(r"(.*) - at `\$\.?(.*)`")


def in_words(error: str) -> str:
    """What msgspec says, with the place as one writes it and the nearest known key."""
    if found := _UNKNOWN.fullmatch(error):
        name, place = found[1], found[2] or ""
        text = _("there is no setting {name}").format(name=f"{place}.{name}".strip("."))
        return text + _near(name, _fields(place))
    if found := _BAD_KEY.fullmatch(error):
        text = _("there is no setting {name}").format(name=f"{found[2]}.{found[1]}")
        return text + _near(found[1], _names(Ways))
    if found := _PLACE.fullmatch(error):
        return f"{found[2]}: {found[1]}"
    return error


def _fields(place: str) -> list[str]:
    if place == "":
        return _names(Settings)
    return _names(Tell) if place == "tell" else _names(Quiet)


def _names(kind: type[msgspec.Struct]) -> list[str]:
    return [one.encode_name for one in msgspec.structs.fields(kind)]


def _near(name: str, known: list[str]) -> str:
    found = difflib.get_close_matches(name, known, n=1)
    return _(" (did you mean {near}?)").format(near=found[0]) if found else ""
