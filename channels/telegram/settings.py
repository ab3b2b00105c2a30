"""What the table of a Telegram channel may hold in omni.toml, and what of it is refused."""

from __future__ import annotations

import re
from typing import Final, Literal

from channels.base import ChannelError
from channels.messenger.settings import (
    MessengerSettings,
    check_base,
    check_between,
    check_common,
    check_secret,
)
from channels.secret import Secret

API: Final = "https://api.telegram.org"


class TelegramSettings(MessengerSettings, kw_only=True, forbid_unknown_fields=True):
    """Times in seconds."""

    token: Secret
    username: str = ""  # of the bot, without "@", for links that lead to it; empty: Telegram is asked
    mode: Literal["polling", "webhook"] = "polling"
    secret: Secret | None = None  # for mode = "webhook": Telegram repeats it in a header of each request
    groups: bool = False  # take in what is written in groups, too
    quote: bool = True  # a reply quotes the customer's message that it answers
    api_base: str = API
    file_base: str = ""  # empty: api_base
    poll_seconds: float = 25.0  # how long Telegram holds an empty answer


def bot_id(settings: TelegramSettings) -> str:
    """The bot's own user id: the part of its token that is no secret."""
    return settings.token.reveal().partition(":")[0]


def check(settings: TelegramSettings) -> None:
    """Raise ChannelError (with the key and what to do) for what cannot or must not work."""
    from_whom = "@BotFather gives one: digits, a colon, and letters, as one line without spaces"
    check_secret("token", settings.token, r"[0-9]{1,20}:[A-Za-z0-9_-]{1,200}", "bot token", from_whom)
    if not re.fullmatch(r"[A-Za-z0-9_]{0,64}", settings.username):
        raise ChannelError(
            f"{settings.username!r} is no bot's name", key="username", hint="write it without @ and https"
        )
    if settings.mode == "webhook":
        if settings.secret is None:
            raise ChannelError(
                "a webhook without a secret would believe anybody",
                key="secret",
                hint="make one: openssl rand -hex 32, and name it as env:NAME or file:PATH",
            )
        made_of = "1 to 256 of A-Z a-z 0-9 _ -, such as openssl rand -hex 32 makes"
        what = "secret that Telegram takes"
        check_secret("secret", settings.secret, r"[A-Za-z0-9_-]{1,256}", what, made_of)
    check_base("api_base", settings.api_base, API)
    if settings.file_base:
        check_base("file_base", settings.file_base, API)
    check_common(settings)
    check_between("poll_seconds", settings.poll_seconds, 0, 50)
