"""What can go wrong with the store, as something that a person can act on."""

from __future__ import annotations

import sqlite3


class StoreError(Exception):
    """`hint` says what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class StoreUnavailableError(StoreError):
    """Nothing was committed; the same call may succeed later (full disk, a foreign lock)."""


class StoreVersionError(StoreError):
    """The database was written by a newer version, or is not ours."""


def unavailable(error: sqlite3.Error) -> StoreUnavailableError:
    """Say in words why the database cannot be written now."""
    text = str(error)
    if "full" in text:
        return StoreUnavailableError(
            "the disk is full: nothing can be written", "free space on the disk of the data directory"
        )
    if "locked" in text or "busy" in text:
        return StoreUnavailableError(
            "another program holds the database's write lock", "stop the program that has it open"
        )
    if "readonly" in text:
        return StoreUnavailableError(
            "the database may not be written", "check the owner and the mode of the data directory"
        )
    return StoreUnavailableError(
        f"the database cannot be written: {text}", "run `omni doctor` and look at the disk"
    )
