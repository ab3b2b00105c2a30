"""Opens IMAP sessions as a channel is configured: encryption, password or token."""

from __future__ import annotations

from channels.email.imap import Credentials, Endpoint, ImapSession, LoginRefusedError
from channels.email.oauth import TokenSource
from channels.email.pace import Pace
from channels.email.settings import EmailSettings, imap_login, imap_port


async def open_session(settings: EmailSettings, pace: Pace, tokens: TokenSource | None) -> ImapSession:
    """A session that is logged in. Raises ImapError, LoginRefusedError, TokenError.

    A refused token is renewed once: it may have been withdrawn before its time.
    """
    login = imap_login(settings)
    if login.password is not None or tokens is None:
        password = login.password.reveal() if login.password is not None else ""
        return await _open(settings, pace, Credentials(login.username, password=password))
    token = await tokens.current()
    try:
        return await _open(settings, pace, Credentials(login.username, token=token))
    except LoginRefusedError:
        newer = await tokens.instead_of(token)
        if newer == token:
            raise
        return await _open(settings, pace, Credentials(login.username, token=newer))


async def _open(settings: EmailSettings, pace: Pace, credentials: Credentials) -> ImapSession:
    endpoint = Endpoint(
        host=settings.imap.host,
        port=imap_port(settings.imap),
        tls=settings.imap.tls,
        ca_file=settings.ca_file,
    )
    return await ImapSession.open(endpoint, credentials, connect=pace.connect, command=pace.command)
