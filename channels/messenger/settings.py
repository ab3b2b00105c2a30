"""Settings of every channel that speaks to a messenger over HTTP, and what of them is refused."""

from __future__ import annotations

import re
from typing import ClassVar, Literal, NamedTuple
from urllib.parse import urlsplit

from channels import dialling
from channels.base import ChannelError, ChannelSettings
from channels.loopback import is_loopback
from channels.secret import Secret


class MessengerSettings(ChannelSettings, kw_only=True, forbid_unknown_fields=True):
    """Times in seconds."""

    default_country: str = ""  # ISO 3166 code for shared phone numbers without a country code
    proxy: str = ""  # http://HOST:PORT
    proxy_login: Secret | None = None  # "user:password"
    ca_file: str = ""  # certificate authorities to trust instead of the system's
    networks: tuple[str, ...] = ()  # not on the internet, and the API or the proxy may be there all the same
    timeout: float = 20.0


class Shape(NamedTuple):
    """What a secret looks like: a regular expression, and in words for whoever gave another."""

    pattern: str
    what: str  # "bot token": for "PLACE holds no bot token"
    hint: str


class BotSettings(MessengerSettings, kw_only=True, forbid_unknown_fields=True):
    """Of a bot that is heard by polling or by a webhook. A platform's own says where its API is and what its
    secrets look like. Times in seconds."""

    token: Secret
    username: str = ""  # of the bot, without "@", for links that lead to it; empty: the platform is asked
    mode: Literal["polling", "webhook"] = "polling"
    secret: Secret | None = None  # for mode = "webhook": by which its requests are known
    groups: bool = False  # take in what is written in groups, too
    quote: bool = True  # a reply quotes the customer's message that it answers
    api_base: str
    poll_seconds: float = 25.0  # how long the platform holds an empty answer

    home: ClassVar[str]  # what api_base mostly is
    token_shape: ClassVar[Shape]
    secret_shape: ClassVar[Shape]

    def addresses(self) -> dict[str, str]:
        """Where our secrets go, by key; "": the same as api_base."""
        return {"api_base": self.api_base}

    def bot_id(self) -> str:
        """The bot's own user id, by which its words are known; "": unknown."""
        return ""


def check_bot(settings: BotSettings) -> None:
    """Raise ChannelError (with the key and what to do) for what cannot or must not work."""
    check_secret("token", settings.token, settings.token_shape)
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
        check_secret("secret", settings.secret, settings.secret_shape)
    for key, address in settings.addresses().items():
        if address or key == "api_base":
            check_base(key, address, settings.home)
    check_common(settings)
    check_between("poll_seconds", settings.poll_seconds, 0, 50)


def check_common(settings: MessengerSettings) -> None:
    """Raise ChannelError for what cannot or must not work."""
    if settings.proxy and not _is_web_address(settings.proxy):
        raise ChannelError(
            "not the address of an HTTP proxy",
            key="proxy",
            hint='write "http://HOST:PORT", and its "user:password" by proxy_login; SOCKS is not supported',
        )
    try:
        dialling.networks(settings.networks)
    except ValueError as error:
        raise ChannelError(str(error), key="networks", hint='such as "10.1.0.0/16"') from error
    check_between("timeout", settings.timeout, 0.001, 300)


def check_between(key: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ChannelError(f"{key} must be between {low:g} and {high:g}", key=key)


def check_base(key: str, address: str, example: str) -> None:
    """The address of an API to which our secret goes: nothing but https, unless it is this machine's."""
    if not _is_web_address(address):
        raise ChannelError(f"{address!r} is not a web address", key=key, hint=f'such as "{example}"')
    if address.startswith("http:") and not is_loopback(urlsplit(address).hostname or ""):
        raise ChannelError(
            f"{address} would send the token in the clear",
            key=key,
            hint="use https; http is for a server of the API on this machine (127.0.0.1)",
        )


def check_secret(key: str, secret: Secret, shape: Shape) -> None:
    if not re.fullmatch(shape.pattern, secret.reveal()):
        raise ChannelError(f"{secret.source} holds no {shape.what}", key=key, hint=shape.hint)


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    plain = parts.username is None and not parts.query and not parts.fragment
    return parts.scheme in ("https", "http") and bool(parts.hostname) and plain
