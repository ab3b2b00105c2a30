"""What the table of a Telegram channel may hold in omni.toml, and what of it is refused."""

from __future__ import annotations

import ipaddress
import re
from typing import Literal
from urllib.parse import urlsplit

from channels.base import ChannelError, ChannelSettings
from channels.secret import Secret
from channels.telegram.const import API

_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{1,200}")
_USERNAME = re.compile(r"[A-Za-z0-9_]{0,64}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")


class TelegramSettings(ChannelSettings, kw_only=True, forbid_unknown_fields=True):
    """Times in seconds."""

    token: Secret
    username: str = ""  # of the bot, without "@", for links that lead to it; empty: Telegram is asked
    mode: Literal["polling", "webhook"] = "polling"
    secret: Secret | None = None  # for mode = "webhook": Telegram repeats it in a header of each request
    groups: bool = False  # take in what is written in groups, too
    quote: bool = True  # a reply quotes the customer's message that it answers
    default_country: str = ""  # ISO 3166 code for shared phone numbers without a country code
    api_base: str = API
    file_base: str = ""  # empty: api_base
    proxy: str = ""  # http://HOST:PORT
    proxy_login: Secret | None = None  # "user:password"
    ca_file: str = ""  # certificate authorities to trust instead of the system's
    timeout: float = 20.0
    poll_seconds: float = 25.0  # how long Telegram holds an empty answer


def bot_id(settings: TelegramSettings) -> str:
    """The bot's own user id: the part of its token that is no secret."""
    return settings.token.reveal().partition(":")[0]


def check(settings: TelegramSettings) -> None:
    """Raise ChannelError (with the key and what to do) for what cannot or must not work."""
    if not _TOKEN.fullmatch(settings.token.reveal()):
        raise ChannelError(
            f"{settings.token.source} holds no bot token",
            key="token",
            hint="@BotFather gives one: digits, a colon, and letters, as one line without spaces",
        )
    if not _USERNAME.fullmatch(settings.username):
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
        if not _SECRET.fullmatch(settings.secret.reveal()):
            raise ChannelError(
                f"{settings.secret.source} is no secret that Telegram takes",
                key="secret",
                hint="1 to 256 of A-Z a-z 0-9 _ -, such as openssl rand -hex 32 makes",
            )
    for key, address in (("api_base", settings.api_base), ("file_base", settings.file_base)):
        if (address or key == "api_base") and not _is_web_address(address, ("https", "http")):
            raise ChannelError(f"{address!r} is not a web address", key=key, hint=f'such as "{API}"')
        if address.startswith("http:") and not _is_loopback(urlsplit(address).hostname or ""):
            raise ChannelError(
                f"{address} would send the token in the clear",
                key=key,
                hint="use https; http is for a Bot API server on this machine (127.0.0.1)",
            )
    if settings.proxy and not _is_web_address(settings.proxy, ("http", "https")):
        raise ChannelError(
            "not the address of an HTTP proxy",
            key="proxy",
            hint='write "http://HOST:PORT", and its "user:password" by proxy_login; SOCKS is not supported',
        )
    if not 0 < settings.timeout <= 300:
        raise ChannelError("timeout must be between 0 and 300", key="timeout")
    if not 0 <= settings.poll_seconds <= 50:
        raise ChannelError("poll_seconds must be between 0 and 50", key="poll_seconds")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_web_address(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    plain = parts.username is None and not parts.query and not parts.fragment
    return parts.scheme in schemes and bool(parts.hostname) and plain
