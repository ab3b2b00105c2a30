"""A question to the running server, or to its database while none runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from omni_console.commands.errors import Code, CommandError
from omni_console.commands.options import Options
from omni_console.commands.output import quiet_logs

if TYPE_CHECKING:
    from omni_console.commands.api import Api

T = TypeVar("T")


def ask(options: Options, online: Callable[[Api], T], offline: Callable[[Path], T]) -> T:
    """Ask the running server; where none runs, work on its database under the data lock."""
    from omni_console.commands.api import Api, AwayError

    try:
        return online(Api(options.socket_path()))
    except AwayError as away:
        if options.socket is not None:
            raise  # a server that was named is meant, and no other
        from server.lock import DataLock
        from server.tables import ConfigError

        try:
            data_dir = options.server().data_dir
        except ConfigError:
            raise away from None
        if not data_dir.is_dir():
            raise CommandError(
                "no server answers, and there is no database yet",
                where=str(data_dir),
                hint="omni init makes it",
                code=Code.AWAY,
            ) from None
        quiet_logs()
        with DataLock(data_dir):
            return offline(data_dir)
