"""A copy of what we sent in the account's Sent folder, where the provider files none itself."""

from __future__ import annotations

from channels.email.imap import ImapError, ImapRefusedError, LoginRefusedError
from channels.email.imap_link import open_session
from channels.email.oauth import TokenError, TokenSource
from channels.email.pace import Pace
from channels.email.settings import EmailSettings

# They file what their own SMTP servers take over.
_FILE_THEMSELVES = (
    "smtp.gmail.com",
    "smtp-relay.gmail.com",
    "smtp.office365.com",
    "smtp-mail.outlook.com",
    "smtp.mail.me.com",
)


class CopyError(Exception):
    """No copy could be filed; the text says why."""


def files_itself(settings: EmailSettings) -> bool:
    """Whether the provider files what it sends; "auto" knows the large ones that do."""
    if settings.sent_copy == "auto":
        return settings.smtp.host.lower().rstrip(".") in _FILE_THEMSELVES
    return settings.sent_copy == "provider"


async def file_copy(
    settings: EmailSettings, pace: Pace, tokens: TokenSource | None, message_id: str, raw: bytes
) -> None:
    """Append the mail to the Sent folder unless it is there already. Raises CopyError."""
    try:
        session = await open_session(settings, pace, tokens)
    except (ImapError, LoginRefusedError, TokenError) as error:
        raise CopyError(str(error)) from error
    try:
        named = settings.sent_folder if settings.sent_folder not in ("", "auto") else None
        folder = named or (await session.special_folders()).sent
        if folder is None:
            raise CopyError('the account names no Sent folder; name it: sent_folder = "Sent"')
        await session.select(folder)
        quoted = message_id.replace("\\", "\\\\").replace('"', '\\"')
        if not await session.search("HEADER", "Message-ID", f'"{quoted}"'):
            await session.append(folder, raw, timeout=pace.smtp_data)
    except (ImapError, ImapRefusedError) as error:
        raise CopyError(str(error)) from error
    finally:
        session.drop()
