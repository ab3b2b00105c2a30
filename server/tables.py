"""One table of omni.toml → one typed struct; what is wrong in it is told with its place and what to write."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec.inspect import (
    AnyType,
    CollectionType,
    DictType,
    LiteralType,
    NoneType,
    StructType,
    Type,
    UnionType,
)

from channels.base import ChannelError
from channels.secret import Secret, SecretError
from server.people.card_settings import SettingError

T = TypeVar("T", bound=msgspec.Struct)


class ConfigError(Exception):
    """What is wrong (`message`), where (`file`, `key`), and what to do (`hint`)."""

    def __init__(self, message: str, *, file: Path | None = None, key: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.key = key
        self.hint = hint

    def __str__(self) -> str:
        place = ": ".join(part for part in (str(self.file or ""), self.key) if part)
        return f"{place}: {self.message}" if place else self.message


def table_of(table: object, path: Path, key: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise ConfigError("must be a table", file=path, key=key, hint=f"write [{key}]")
    return table


def setting_error(error: SettingError, path: Path, key: str) -> ConfigError:
    return ConfigError(str(error), file=path, key=f"{key}.{error.key}" if error.key else key, hint=error.hint)


def listed(tables: dict[Any, Any], kind: type[T], path: Path, key: str) -> tuple[T, ...]:
    """Tables of one kind, by their place in the file."""
    return tuple(
        convert(table_of(table, path, f"{key}[{number}]"), kind, path, f"{key}[{number}]")
        for number, table in tables.items()
    )


_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<where>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<field>.*)`$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(?P<field>.*)`$", re.DOTALL)


def convert(table: dict[str, Any], kind: type[T], path: Path, key: str) -> T:
    base = path.parent

    def hook(wanted: type, value: object) -> object:
        if wanted is Secret:
            if not isinstance(value, str):
                raise SecretError("a secret must be written as env:NAME or file:PATH, never as itself")
            return Secret.from_reference(value, base)
        if wanted is Path:
            if not isinstance(value, str) or not value:
                raise ValueError("expected the path of a file or directory")
            return base / Path(value).expanduser()
        raise NotImplementedError(f"settings of type {wanted!r} cannot be read from TOML")

    try:
        return msgspec.convert(table, kind, dec_hook=hook)
    except msgspec.ValidationError as error:
        raise _explain(error, kind, path, key) from error
    except ChannelError as error:
        raise ConfigError(
            str(error), file=path, key=f"{key}.{error.key}" if error.key else key, hint=error.hint
        ) from error


def _explain(error: msgspec.ValidationError, kind: type[msgspec.Struct], path: Path, key: str) -> ConfigError:
    found = _AT.match(str(error))
    what, where = (found["what"], found["where"] or "") if found else (str(error), "")
    place = key + where
    at = _type_at(kind, where)
    if unknown := _UNKNOWN.match(what):
        known = [field.encode_name for field in at.fields] if isinstance(at, StructType) else []
        field = unknown["field"]
        return ConfigError("unknown key", file=path, key=f"{place}.{field}", hint=nearest(field, known))
    if missing := _MISSING.match(what):
        return ConfigError(
            "is missing", file=path, key=f"{place}.{missing['field']}", hint="it has no default"
        )
    hint = ""
    if isinstance(error.__cause__, SecretError):
        hint = "put the secret into the environment (env:NAME) or a file of mode 0600 (file:PATH)"
    elif isinstance(at, LiteralType):
        hint = "known: " + ", ".join(str(value) for value in at.values)
    return ConfigError(what[:1].lower() + what[1:], file=path, key=place, hint=hint)


def _type_at(kind: type[msgspec.Struct], where: str) -> Type:
    """The type at `where` (`.limits`, `.inboxes[0]`) below `kind`, as msgspec names places."""
    here: Type = msgspec.inspect.type_info(kind)
    for step in re.findall(r"\.([^.\[]+)|\[[^\]]*\]", where):
        if isinstance(here, UnionType):
            here = next((one for one in here.types if not isinstance(one, NoneType)), here)
        if step and isinstance(here, StructType):
            here = next((field.type for field in here.fields if field.encode_name == step), AnyType())
        elif isinstance(here, DictType):
            here = here.value_type
        elif isinstance(here, CollectionType):
            here = here.item_type
    return here


def nearest(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(known)}" if known else ""
