"""Settings of every channel that speaks to a messenger over HTTP, and what of them is refused."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from channels import dialling
from channels.base import ChannelError, ChannelSettings
from channels.secret import Secret


class MessengerSettings(ChannelSettings, kw_only=True, forbid_unknown_fields=True):
    """Times in seconds."""

    default_country: str = ""  # ISO 3166 code for shared phone numbers without a country code
    proxy: str = ""  # http://HOST:PORT
    proxy_login: Secret | None = None  # "user:password"
    ca_file: str = ""  # certificate authorities to trust instead of the system's
    networks: tuple[str, ...] = ()  # not on the internet, and the API or the proxy may be there all the same
    timeout: float = 20.0


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
    if address.startswith("http:") and not _is_loopback(urlsplit(address).hostname or ""):
        raise ChannelError(
            f"{address} would send the token in the clear",
            key=key,
            hint="use https; http is for a server of the API on this machine (127.0.0.1)",
        )


def check_secret(key: str, secret: Secret, shape: str, what: str, hint: str) -> None:
    """`shape`: a regular expression; `what` it should have been, for "PLACE holds no WHAT"."""
    if not re.fullmatch(shape, secret.reveal()):
        raise ChannelError(f"{secret.source} holds no {what}", key=key, hint=hint)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    plain = parts.username is None and not parts.query and not parts.fragment
    return parts.scheme in ("https", "http") and bool(parts.hostname) and plain
