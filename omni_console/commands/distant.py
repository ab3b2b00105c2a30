"""A server on another host: its address, the token in a file, and whether it lets us in."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from channels.loopback import is_loopback
from channels.secret import Secret, SecretError
from omni_console.client import RefusedError, ServerClient, UnreachableError
from omni_console.commands.errors import Code, CommandError


def checked_url(url: str) -> str:
    """`https://host:8481`; http only for this very host, since the token travels with it. Raises
    CommandError."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    usable = parts.scheme in ("http", "https") and host and parts.path in ("", "/")
    if not usable or parts.query or parts.fragment or parts.username or parts.password:
        raise CommandError(
            f"{url!r} is not the address of a server", hint="write https://HOST:8481", code=Code.USAGE
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise CommandError(
            "the token would travel in clear text",
            where=url,
            hint="use https, or forward the server's socket by ssh (docs/api.md)",
            code=Code.USAGE,
        )
    return f"{parts.scheme}://{parts.netloc}"


def read_token(path: Path) -> str:
    """The token in a file that nobody else can read. Raises CommandError."""
    try:
        token = Secret.from_reference(f"file:{path.absolute()}").reveal()
    except SecretError as error:
        raise CommandError(
            str(error), where=str(path), hint="put the token there: chmod 600", code=Code.USAGE
        ) from error
    if not token.startswith("omni_") or not token.isascii() or len(token.split()) != 1:
        raise CommandError(
            "there is no token in this file",
            where=str(path),
            hint="an administrator makes one: omni operators token LOGIN",
            code=Code.USAGE,
        )
    return token


def knock(url: str, token: str) -> None:
    """Ask once. Raises CommandError where the server says no; one that is away may come back."""
    try:
        asyncio.run(_hello(url, token))
    except RefusedError as error:
        hint = error.body.hint
        if error.status == 401:
            hint = "the token is wrong, revoked or expired, or its account disabled: ask for a new one"
        raise CommandError(error.body.message, where=url, hint=hint, code=Code.REFUSED) from error
    except UnreachableError as error:
        if _is_certificate(error.__cause__):
            raise CommandError(
                f"its certificate is not trusted: {error}",
                where=url,
                hint="for a certificate authority of your own: SSL_CERT_FILE=ca.pem omni console ...",
                code=Code.REFUSED,
            ) from error


async def _hello(url: str, token: str) -> None:
    async with ServerClient(url=url, token=token) as client:
        await client.hello()


def _is_certificate(error: BaseException | None) -> bool:
    import aiohttp

    return isinstance(error, aiohttp.ClientConnectorCertificateError)
