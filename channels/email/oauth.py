"""Access tokens (OAuth 2.0) for servers that take no password: from a file, or from a command.

How a token is got from the provider is not ours: another program writes it into a file, or a command
prints it. Either holds the bare token, or the JSON that token endpoints answer with (RFC 6749 5.1:
`access_token`, `expires_in`). IMAP and SMTP of one channel share one source, so that one refresh serves
both. Recipes for Gmail and Microsoft 365 are in docs/channels/email.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from channels.email.peer import one_line
from channels.secret import Secret, SecretError

EARLY_S = 300.0  # a token this close to its end is not begun with
UNKNOWN_LIFE_S = 900.0  # how long a token is used that does not say how long it lives
COMMAND_S = 30.0
OUTPUT_MAX = 64 * 1024


class TokenError(Exception):
    """There is no token to log in with; the text says why, never what."""


class Token(msgspec.Struct, frozen=True):
    """`expires_at` in seconds since 1970, None where nobody says."""

    value: str
    expires_at: float | None

    def __repr__(self) -> str:
        return "Token(…)"


class _Answer(msgspec.Struct):
    access_token: str = ""
    expires_in: float | str | None = None
    expires_at: float | None = None
    expiry: str = ""
    error: str = ""
    error_description: str = ""


def read_token(text: str, now: float) -> Token:
    """A bare token, or a token endpoint's JSON. Raises TokenError."""
    text = text.strip()
    expires_at: float | None = None
    if text.startswith("{"):
        try:
            answer = msgspec.json.decode(text, type=_Answer)
        except msgspec.DecodeError:
            raise TokenError("what should be a token is JSON that cannot be understood") from None
        if answer.error or not answer.access_token:
            reason = " ".join(filter(None, (answer.error, answer.error_description)))
            raise TokenError(one_line(reason) or "the JSON holds no access_token")
        text, expires_at = answer.access_token, _end(answer, now)
    if not re.fullmatch(r"[\x21-\x7e]{1,16384}", text):
        raise TokenError("there is no token" if not text else "what should be a token is not one word")
    return Token(text, expires_at)


def _end(answer: _Answer, now: float) -> float | None:
    if answer.expires_at is not None:
        return answer.expires_at
    if answer.expires_in is not None:
        with contextlib.suppress(ValueError):
            return now + float(answer.expires_in)
    if answer.expiry:
        with contextlib.suppress(ValueError, OverflowError):
            return datetime.fromisoformat(answer.expiry).timestamp()
    return None


class TokenSource:
    """The tokens of one account."""

    def __init__(
        self, file: Secret | None, command: Sequence[str] = (), clock: Callable[[], float] = time.time
    ) -> None:
        self._file = file
        self._command = tuple(command)
        self._clock = clock
        self._token: Token | None = None
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def current(self) -> str:
        """A token that is good for a while. Raises TokenError."""
        async with self._lock:
            if self._token is None or self._clock() >= self._until:
                await self._renew()
            return self._value()

    async def instead_of(self, refused: str) -> str:
        """A newer token than one that a server refused; the same where there is none. Raises TokenError."""
        async with self._lock:
            # Whoever was refused at the same time may have renewed it already.
            if self._token is None or self._token.value == refused:
                await self._renew()
            return self._value()

    def _value(self) -> str:
        if self._token is None:
            raise TokenError("there is no token")
        return self._token.value

    async def _renew(self) -> None:
        self._token = None
        now = self._clock()
        token = read_token(await self._text(), now)
        if token.expires_at is not None and token.expires_at <= now:
            raise TokenError("the token that was given has expired already")
        # A file is looked at again each time: whoever renews it tells us by that alone.
        life = 0.0
        if self._command:
            life = UNKNOWN_LIFE_S if token.expires_at is None else token.expires_at - now
        self._until = now + max(life - EARLY_S, life / 2)
        self._token = token

    async def _text(self) -> str:
        if self._command:
            return await _output_of(self._command)
        if self._file is None:
            raise TokenError("no token is configured")
        try:
            self._file = await asyncio.to_thread(self._file.again)
        except SecretError as error:
            raise TokenError(one_line(str(error))) from error
        return self._file.reveal()


async def _output_of(command: Sequence[str]) -> str:
    """What a command prints, run without a shell, within its time. Raises TokenError."""
    name = command[0]
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise TokenError(f"token_command {name} cannot be run: {error.strerror or error}") from error
    assert process.stdout is not None and process.stderr is not None  # noqa: S101 - both are pipes
    try:
        async with asyncio.timeout(COMMAND_S):
            output, words = await asyncio.gather(_all_of(process.stdout), _all_of(process.stderr))
            code = await process.wait()
    except TimeoutError:
        raise TokenError(f"token_command {name} did not end within {COMMAND_S:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    text = output.decode("utf-8", "replace")
    if code != 0:
        said = one_line(words) or _told(text)
        raise TokenError(f"token_command {name} ended with code {code}: {said}".rstrip(": "))
    return text


async def _all_of(stream: asyncio.StreamReader) -> bytes:
    """Everything up to a limit; the rest is read and dropped, so that the writer can end."""
    kept = bytearray()
    while piece := await stream.read(OUTPUT_MAX):
        kept += piece[: OUTPUT_MAX - len(kept)]
    return bytes(kept)


def _told(output: str) -> str:
    """The reason in a token endpoint's refusal; nothing else of an output is ever shown."""
    try:
        read_token(output, 0.0)
    except TokenError as error:
        return str(error)
    return ""
