"""A mail of which only the header was taken, fetched whole because somebody asks for it."""

from __future__ import annotations

from collections.abc import Mapping

from channels.base import ChannelError
from channels.email.imap import ImapSession

LARGEST = 100 * 1024 * 1024


async def fetch_whole(session: ImapSession, meta: Mapping[str, str]) -> bytes:
    """By the meta of its delivery. Raises ChannelError, ImapError, ImapRefusedError."""
    folder, uid = meta.get("folder", ""), int(meta.get("uid") or 0)
    box = await session.select(folder)
    if str(box.uidvalidity) != meta.get("uidvalidity"):
        raise ChannelError(
            f"folder {folder} was renumbered since: the mail cannot be found by its number any more",
            hint="look for it in the mailbox, save it as a file, and run: omni mail import eml FILE",
        )
    sizes = await session.metas([uid])
    if uid not in sizes:
        raise ChannelError(f"the mail is not in folder {folder} any more")
    if sizes[uid].size > LARGEST:
        raise ChannelError(f"the mail has {sizes[uid].size} bytes, and at most {LARGEST} are fetched")
    raw = await session.body(uid, sizes[uid].size)
    if raw is None:
        raise ChannelError("the mail server does not hand it out")
    return raw
