"""How far each folder was read, and what that means when the server renumbers it.

One bookmark a folder, written in the transaction that journals the mails it covers. Within one
UIDVALIDITY a UID above `last_uid` is a mail we have not seen (RFC 3501 2.3.1.1).

When UIDVALIDITY changes, or a folder was put back from a backup, no UID means anything any more. Then the
folder is *surveyed*. Mails that arrived since two weeks before the newest one we took are fetched again
and submitted: the journal knows them by their dedupe key. Older ones, but none that lay there before our
first contact, are compared by what a listing shows (Message-ID, Date, From, size, arrival), and fetched
only where that is unknown. The same keys make harmless: a crash in the middle of a survey, a mail moved
out of the folder and back, and a mail that lies in two watched folders of the account.

The boundaries are INTERNALDATEs, so the server's clock decides and ours cannot be wrong about it.
"""

from __future__ import annotations

import msgspec

SURVEY_MARGIN_MS = 14 * 24 * 3600 * 1000


class Bookmark(msgspec.Struct, frozen=True, kw_only=True):
    """`floor`: mails with an INTERNALDATE up to this (UTC ms) lay there before our first contact.

    `newest`: highest INTERNALDATE that was taken, never later than our own clock.
    `start_uid`: UIDs up to this lay there too; 0 once the folder was renumbered.
    """

    uidvalidity: int
    last_uid: int
    floor: int = 0
    newest: int = 0
    start_uid: int = 0


class Continue(msgspec.Struct, frozen=True):
    """Take every UID above the bookmark's."""

    bookmark: Bookmark


class Survey(msgspec.Struct, frozen=True):
    """Take what arrived after `since` (INTERNALDATE, UTC ms), and begin a new bookmark.

    What arrived up to `listed` may be known by its listing alone.
    """

    since: int
    listed: int = 0


class SkipPresent(msgspec.Struct, frozen=True):
    """First contact: leave what is there, begin with the next mail."""


Plan = Continue | Survey | SkipPresent


def plan(
    bookmark: Bookmark | None,
    uidvalidity: int,
    uidnext: int | None,
    days: int | None,
    now: int,
    restored: bool = False,
) -> Plan:
    """What to take from a folder with these numbers. `days` as in the setting first_contact.

    A UIDNEXT that fell below what we have taken means renumbering too, although a server that does so
    (restored from a backup) should have changed its UIDVALIDITY; so does a number under which another
    mail lies than the one we took (`restored`).
    """
    if bookmark is None:
        return SkipPresent() if days is None else Survey(now - days * 24 * 3600 * 1000)
    same = bookmark.uidvalidity == uidvalidity and (uidnext is None or uidnext > bookmark.last_uid)
    if same and not restored:
        return Continue(bookmark)
    return Survey(bookmark.floor, listed=bookmark.newest - SURVEY_MARGIN_MS)


def advanced(bookmark: Bookmark, uid: int, internal_date: int | None, now: int) -> Bookmark:
    """The bookmark after the mail with this UID was taken."""
    date = min(internal_date or 0, now)
    return msgspec.structs.replace(
        bookmark, last_uid=max(bookmark.last_uid, uid), newest=max(bookmark.newest, date)
    )


def state_key(folder: str) -> str:
    return f"imap/{folder}"


def encode(bookmark: Bookmark) -> bytes:
    return msgspec.json.encode(bookmark)


def decode(value: bytes) -> Bookmark:
    """Raises msgspec.DecodeError for what we did not write."""
    return msgspec.json.decode(value, type=Bookmark)
