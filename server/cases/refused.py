"""A command that makes no sense as it is."""

from __future__ import annotations


class RefusedError(Exception):
    """The command makes no sense as it is; `hint` says what would."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
