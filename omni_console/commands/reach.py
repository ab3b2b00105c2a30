"""How a command reaches its server: by socket, or by --url and --token-file; and what its errors mean."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from omni_console.commands.errors import Code, CommandError
from omni_console.commands.options import Options

if TYPE_CHECKING:
    from omni_console.client import ServerClient
    from server.protocol import ErrorBody

T = TypeVar("T")

_CODES = {"bad_request": Code.USAGE, "unauthenticated": Code.REFUSED, "forbidden": Code.REFUSED}


class Server:
    """Where it is. `run` opens a connection for one piece of work."""

    def __init__(self, socket: str | None, url: str = "", token: str = "") -> None:
        self.where = url or socket or ""
        self.socket = socket
        self.url = url
        self.token = token

    def run(self, work: Callable[[ServerClient], Awaitable[T]], *, client_id: str = "") -> T:
        """`client_id`: with which the work can be asked for again and is not done twice.

        Raises CommandError with what the server said, or that none is there.
        """
        if self.socket is not None:
            with no_authorities():
                import omni_console.client  # noqa: F401 - for what follows
        return asyncio.run(self._run(work, client_id))

    async def _run(self, work: Callable[[ServerClient], Awaitable[T]], client_id: str) -> T:
        from omni_console.client import RefusedError, ServerClient, UnreachableError

        link = (
            ServerClient(url=self.url, token=self.token) if self.socket is None else ServerClient(self.socket)
        )
        async with link as client:
            try:
                return await work(client)
            except RefusedError as error:
                raise refused(error.body, self.where) from error
            except UnreachableError as error:
                cause = error.__cause__
                if isinstance(cause, OSError) and cause.errno == errno.EACCES:
                    raise not_let_in(self.where) from error
                hint = "start it with: omni serve (or name its socket with --socket)"
                if error.maybe_done:
                    hint = "it may have been done all the same: look before you do it again"
                    if client_id:
                        hint = f"it may have been done: the same with --id {client_id} is not done twice"
                raise CommandError(
                    f"no server answers: {error}", where=self.where, hint=hint, code=Code.AWAY
                ) from error


@contextmanager
def no_authorities() -> Iterator[None]:
    """Import aiohttp without the certificates of all authorities there are.

    It reads them when it is imported, a seventh of the whole start, and a Unix socket has no use for them.
    Should something in this process speak TLS all the same, it trusts fewer, never more.
    """
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = os.devnull
    try:
        yield
    finally:
        if before is None:
            del os.environ["SSL_CERT_FILE"]  # the pager and the editor are started with this environment
        else:
            os.environ["SSL_CERT_FILE"] = before


def not_let_in(socket: str) -> CommandError:
    return CommandError(
        "this account may not use the server's socket",
        where=socket,
        hint="join the group in server.socket_group and log in anew, or ask the server's owner",
        code=Code.REFUSED,
    )


def refused(problem: ErrorBody, where: str) -> CommandError:
    code = _CODES.get(problem.code, Code.NOT_OK)
    return CommandError(problem.message, where=where, hint=problem.hint, code=code)


def place(options: Options, url: str | None, token_file: Path | None) -> Server:
    """The server that was named. Raises CommandError."""
    if url is None and token_file is None:
        return Server(str(options.socket_path()))
    if url is None or token_file is None:
        raise CommandError("--url and --token-file belong together", code=Code.USAGE)
    if options.socket is not None:
        raise CommandError("--socket and --url name two servers: give one", code=Code.USAGE)
    from omni_console.commands.distant import checked_url, read_token

    return Server(None, checked_url(url), read_token(token_file))


def at_server(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --url and --token-file; the command's first argument is the Server."""

    @click.option("--url", help="A server on another host: https://HOST:8481, with --token-file.")
    @click.option(
        "--token-file", type=click.Path(path_type=Path), help="Where the token for --url is; mode 600."
    )
    @click.pass_obj
    @wraps(command)
    def reached(
        options: Options, /, *args: Any, url: str | None, token_file: Path | None, **values: Any
    ) -> Any:
        return command(place(options, url, token_file), *args, **values)

    return reached
