"""The operator API for commands: one question, one answer, over the Unix socket."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TypeVar

import aiohttp
import msgspec

from omni_console.commands.errors import Code, CommandError
from omni_console.commands.reach import not_let_in, refused
from server.protocol import PROTOCOL, ErrorAnswer

T = TypeVar("T")
TIMEOUT_S = 10.0


class AwayError(CommandError):
    """No server answers at the socket."""

    def __init__(self, socket: Path, why: str) -> None:
        super().__init__(
            f"no server answers: {why}",
            where=str(socket),
            hint="start it with: omni serve (or name its socket with --socket)",
            code=Code.AWAY,
        )


class Api:
    """Asks the server at `socket`. Raises AwayError, or CommandError with what the server said."""

    def __init__(self, socket: Path, timeout_s: float = TIMEOUT_S) -> None:
        self.socket = socket
        self._timeout_s = timeout_s

    def fetch(self, path: str) -> bytes:
        """The bytes of an answer that is no JSON."""
        return asyncio.run(self._ask("GET", path, None))

    def download(self, path: str) -> tuple[bytes, str]:
        """The bytes of an answer, and its Content-Disposition."""
        return asyncio.run(self._exchange("GET", path, None))

    def send(self, path: str, data: bytes, kind: type[T]) -> T:
        """Send bytes as they are."""
        return self._decode(asyncio.run(self._ask("POST", path, data)), kind)

    def get(self, path: str, kind: type[T]) -> T:
        return self._decode(asyncio.run(self._ask("GET", path, None)), kind)

    def post(self, path: str, body: msgspec.Struct | None, kind: type[T]) -> T:
        return self._decode(asyncio.run(self._ask("POST", path, body)), kind)

    def _decode(self, data: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(data, type=kind)
        except msgspec.DecodeError as error:
            raise CommandError(
                f"the server's answer cannot be read: {error}",
                where=str(self.socket),
                hint="let server and command be of the same version (omni --version)",
            ) from error

    async def _ask(self, method: str, path: str, body: msgspec.Struct | bytes | None) -> bytes:
        return (await self._exchange(method, path, body))[0]

    async def _exchange(
        self, method: str, path: str, body: msgspec.Struct | bytes | None
    ) -> tuple[bytes, str]:
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        headers = {"Omni-Protocol": str(PROTOCOL), "Content-Type": kind}
        data = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=aiohttp.UnixConnector(str(self.socket)),
                    timeout=aiohttp.ClientTimeout(total=self._timeout_s),
                ) as session,
                session.request(method, f"http://omni{path}", data=data, headers=headers) as answer,
            ):
                received = await answer.read()
        except TimeoutError as error:
            raise AwayError(self.socket, f"nothing within {self._timeout_s:g} s") from error
        except aiohttp.ClientConnectorError as error:
            raise not_connected(self.socket, error.os_error) from error
        except aiohttp.ClientError as error:
            raise AwayError(self.socket, f"the connection broke ({type(error).__name__})") from error
        if 200 <= answer.status < 300:
            return received, answer.headers.get("Content-Disposition", "")
        raise refusal(self.socket, answer.status, received)


def refusal(socket: Path, status: int, data: bytes) -> CommandError:
    """What the server said no to, and why."""
    try:
        error = msgspec.json.decode(data, type=ErrorAnswer).error
    except msgspec.DecodeError:
        return CommandError(
            f"the server answered {status}",
            where=str(socket),
            hint="is this the socket of an Omni server?",
        )
    return refused(error, str(socket))


def not_connected(socket: Path, error: OSError) -> CommandError:
    """Is there nobody, or are we not let in?"""
    if isinstance(error, PermissionError):
        return not_let_in(str(socket))
    return AwayError(socket, error.strerror or "cannot connect")
