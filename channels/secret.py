"""Secrets come from outside of the configuration file: `env:NAME` or `file:PATH`."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path


class SecretError(ValueError):
    """A secret reference that cannot be read; the text says which and why."""


class Secret:
    """A secret value that never shows itself by accident. `reveal()` gives it."""

    __slots__ = ("_base", "_value", "source")

    def __init__(self, value: str, source: str = "given", base: Path | None = None) -> None:
        if not value:
            raise SecretError(f"{source} is empty")
        self._value = value
        self._base = base
        self.source = source

    @classmethod
    def from_reference(cls, reference: str, base: Path | None = None) -> Secret:
        """Resolve `env:NAME` or `file:PATH` (relative paths against `base`).

        Raises SecretError for anything else: a secret written into the file itself is refused.
        """
        scheme, _, rest = reference.partition(":")
        if scheme == "env" and rest:
            value = os.environ.get(rest)
            if not value:
                raise SecretError(f"the environment variable {rest} is not set")
            return cls(value, reference)
        if scheme == "file" and rest:
            path = Path(rest) if base is None else base / rest
            try:
                mode = path.stat().st_mode
                text = path.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SecretError(f"cannot read {path}: {error}") from error
            if mode & (stat.S_IRWXO | stat.S_IWGRP):
                raise SecretError(f"{path} is open to others; run: chmod 600 {path}")
            return cls(text, reference, base)
        raise SecretError("a secret must be written as env:NAME or file:PATH, never as itself")

    def reveal(self) -> str:
        return self._value

    def again(self) -> Secret:
        """The secret as its file holds it now. Raises SecretError."""
        return Secret.from_reference(self.source, self._base) if self.source.startswith("file:") else self

    def fingerprint(self) -> str:
        """Eight hex digits that tell two secrets apart without showing either."""
        return hashlib.sha256(self._value.encode()).hexdigest()[:8]

    def __repr__(self) -> str:
        return f"Secret({self.source})"

    __str__ = __repr__
