"""One line of `omni doctor`."""

from __future__ import annotations

import pwd
from typing import Literal

import msgspec


class Finding(msgspec.Struct, kw_only=True):
    """`hint` says what to do where the state is not ok."""

    name: str
    state: Literal["ok", "warning", "broken"] = "ok"
    detail: str = ""
    hint: str = ""


def account(uid: int) -> str:
    """A Unix account as a person names it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
