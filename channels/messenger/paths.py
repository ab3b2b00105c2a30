"""Where things stand in a stranger's JSON: dotted paths, followed without ever failing. Pure.

A step names a field; of a list each object is entered. `-1` keeps the last object of a list, `name=value`
those that say so: `photo.-1.file_id`, `attachments.type=image.payload.url`, `type=message_new.object`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from channels.json_input import string, table


def objects(value: Any) -> list[dict[str, Any]]:
    """The object that this is, or those of the list that this is."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def found(value: Any, path: str) -> list[Any]:
    """Everything that stands at the path, in order; nulls are nothing, and "" is the value itself."""
    here = [value]
    for step in path.split(".") if path else ():
        name, says, wanted = step.partition("=")
        if step == "-1":
            here = [one for listed in here if isinstance(listed, list) for one in objects(listed)[-1:]]
        elif says:
            here = [one for entered in here for one in objects(entered) if one.get(name) == wanted]
        else:
            here = [one[step] for entered in here for one in objects(entered) if one.get(step) is not None]
    return here


def at(value: Any, path: str) -> Any:
    """The first that stands at the path, or None."""
    return next(iter(found(value, path)), None)


def table_at(value: Any, path: str) -> dict[str, Any]:
    return table(at(value, path))


def text_at(value: Any, paths: str | Iterable[str], limit: int) -> str:
    """The first of the paths where a text (or a number) stands, cut at `limit`; "": nowhere."""
    each = (paths,) if isinstance(paths, str) else paths
    return next(filter(None, (string(at(value, path), limit) for path in each)), "")


def raw_at(raw: bytes, path: str) -> bytes | None:
    """The JSON of what stands at a path of names, whatever else in it could not be read; None: nothing."""
    try:
        for step in path.split(".") if path else ():
            raw = bytes(msgspec.json.decode(raw, type=dict[str, msgspec.Raw])[step])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError):
        return None
    return raw


def value_at(raw: bytes, path: str) -> Any:
    """What stands at a path of names in JSON, or None."""
    try:
        return msgspec.json.decode(raw_at(raw, path) or b"null")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
