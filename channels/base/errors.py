"""What a channel and its host may raise."""

from __future__ import annotations


class ChannelError(Exception):
    """A channel cannot be set up or used as configured; `hint` says what to do next."""

    def __init__(self, message: str, *, key: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.key = key
        self.hint = hint


class HostUnavailableError(Exception):
    """The server cannot commit now (disk full, database locked, stopping); nothing was acknowledged."""
