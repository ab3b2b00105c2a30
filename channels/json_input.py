"""JSON from strangers: decoded once, under one policy, or refused with a reason.

msgspec already refuses NaN, infinities, numbers out of range, lone surrogates and wrong UTF-8. What is
left to decide is depth and NUL, which SQLite stores and PostgreSQL refuses.
"""

from __future__ import annotations

from typing import Any

import msgspec

DEPTH_MAX = 32


class JsonInputError(ValueError):
    """The body is not JSON that we take; the text says why, in words fit for an operator."""


def decode(raw: bytes) -> Any:
    """Decode a body into plain objects. Raises JsonInputError and nothing else."""
    try:
        value = msgspec.json.decode(raw)
    except RecursionError as error:
        raise JsonInputError(f"nested deeper than {DEPTH_MAX} levels") from error
    except UnicodeDecodeError as error:
        raise JsonInputError("not valid UTF-8") from error
    except msgspec.MsgspecError as error:
        raise JsonInputError(f"not valid JSON: {error}") from error
    level: list[Any] = [value]
    for _ in range(DEPTH_MAX):
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                if "\x00" in item:
                    raise JsonInputError("holds a NUL character")
            elif isinstance(item, dict):
                below.extend(item)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        if not below:
            return value
        level = below
    raise JsonInputError(f"nested deeper than {DEPTH_MAX} levels")


def string(value: Any, limit: int) -> str:
    """A string field: numbers are taken as written, anything else is empty; cut at `limit` characters."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)[:limit]


def table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
