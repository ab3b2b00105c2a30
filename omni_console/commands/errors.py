"""Errors as a person reads them: what is wrong, where, what to do; and the exit code for a script."""

from __future__ import annotations

import sys
import traceback
from enum import IntEnum

import click


class Code(IntEnum):
    """Exit codes of `omni`, documented in docs/operating.md."""

    OK = 0
    NOT_OK = 1  # what was checked or asked for is not so
    USAGE = 2  # wrong usage or configuration
    AWAY = 3  # no server there
    REFUSED = 4  # not permitted
    BUG = 70  # EX_SOFTWARE of sysexits.h


class CommandError(Exception):
    """Ends a command. `where` is a file, a key or a socket; `hint` says what to do."""

    def __init__(self, message: str, *, where: str = "", hint: str = "", code: Code = Code.NOT_OK) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint
        self.code = code


def explain(error: Exception) -> int:
    """Print an error to stderr in three lines at most; the exit code it leads to."""
    told = understand(error)
    if told is None:
        traceback.print_exception(error)
        click.echo("omni: this is a fault in omni itself; please report it with the lines above", err=True)
        return Code.BUG
    click.echo(f"omni: {plain(told.message)}", err=True)
    if told.where:
        click.echo(f"  where: {plain(told.where)}", err=True)
    if told.hint:
        click.echo(f"  to do: {plain(told.hint)}", err=True)
    return told.code


def understand(error: Exception) -> CommandError | None:
    """The error as a CommandError, or None where nobody foresaw it."""
    if isinstance(error, CommandError):
        return error
    if isinstance(error, click.ClickException):
        return CommandError(error.format_message(), code=Code.USAGE)
    if isinstance(error, PermissionError):
        return CommandError(
            f"not permitted: {error.strerror}", where=str(error.filename or ""), code=Code.REFUSED
        )
    # Typed errors of the server's modules are known only where those modules were loaded at all.
    for module, name, code in (
        ("server.tables", "ConfigError", Code.USAGE),
        ("server.failpoints", "FailpointError", Code.USAGE),
        ("channels.base", "ChannelError", Code.USAGE),
        ("server.lock", "DataLockedError", Code.NOT_OK),
        ("server.api.socket", "SocketError", Code.NOT_OK),
        ("server.public.listen", "ListenError", Code.NOT_OK),
        ("server.store.errors", "StoreError", Code.NOT_OK),
        ("server.store.operators", "OperatorExistsError", Code.NOT_OK),
        ("server.store.conversations", "NotFoundError", Code.NOT_OK),
        ("server.store.tokens", "TokenImpossibleError", Code.NOT_OK),
    ):
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(error, kind):
            places = (getattr(error, "file", None), getattr(error, "key", ""))
            return CommandError(
                getattr(error, "message", "; ".join(str(error).splitlines())),
                where=": ".join(str(place) for place in places if place),
                hint=getattr(error, "hint", ""),
                code=code,
            )
    if isinstance(error, OSError) and error.filename and error.strerror:
        return CommandError(error.strerror, where=str(error.filename))
    return None


def plain(text: str) -> str:
    """Text for a terminal: no control or direction characters of anybody else's making."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
