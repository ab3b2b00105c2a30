"""The settings of a site chat, and what is wrong with them."""

from __future__ import annotations

import re

import msgspec
from yarl import URL

from channels.base import ChannelError, ChannelSettings
from channels.secret import Secret
from channels.webchat.identity import SECRET_BYTES_MIN

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


class ContinueLink(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Another way to write to us, shown as a quiet link: `title` "Telegram", `url` "https://t.me/shop_bot"."""

    title: str
    url: str


class WebchatSettings(ChannelSettings, kw_only=True, forbid_unknown_fields=True):
    """`origins` are the exact origins of the pages that may show the widget: "https://shop.example"."""

    origins: list[str] = msgspec.field(default_factory=list)
    identity_secret: Secret | None = None  # signs who the visitor is; see docs/channels/webchat.md
    allow_anonymous: bool = True
    accent: str = "#2f6f5e"
    greeting: str = ""  # empty: a built-in one in the visitor's language
    greeting_by_language: dict[str, str] = msgspec.field(default_factory=dict)
    continue_links: list[ContinueLink] = msgspec.field(default_factory=list)
    privacy_url: str = ""
    page_url: str = ""  # of the site, where the widget stands: links lead there; empty: the first origin
    default_country: str = ""  # ISO 3166 code for phone numbers without a country code
    file_bytes_max: int = 20 * 1024 * 1024
    files_per_message: int = 5
    visitors_per_minute: int = 10  # new ones from one address; three minutes' worth at once
    session_days: int = 180  # a visitor who stays away for longer begins anew


def origin_problem(text: str) -> str | None:
    """Why this is no exact origin as browsers send it, or None."""
    if "*" in text:
        return "wildcards would let any page speak for its visitors"
    try:
        url = URL(text)
        exact = str(url.origin())
    except ValueError:
        return "it is not of the form https://host or https://host:port"
    if url.scheme not in {"http", "https"}:
        return "it must begin with https:// or http://"
    if exact != text:
        return f"write it as browsers send it: {exact}"
    return None


def check(channel_id: str, settings: WebchatSettings) -> None:
    """Raises ChannelError for the first thing with which the chat could not be served safely."""

    def refuse(key: str, problem: str, hint: str = "") -> None:
        raise ChannelError(f"channel {channel_id}: {key}: {problem}", key=key, hint=hint)

    if not settings.origins:
        refuse(
            "origins",
            "no page may show the chat",
            'list the exact origins of the site, such as ["https://shop.example"]',
        )
    for origin in settings.origins:
        problem = origin_problem(origin)
        if problem:
            refuse("origins", f"{origin!r}: {problem}")
    secret = settings.identity_secret
    if secret is None and not settings.allow_anonymous:
        refuse(
            "identity_secret",
            "anonymous visitors are refused, and without it nobody could prove who he is",
            "make one: openssl rand -base64 48, and name it as env:NAME or file:PATH",
        )
    if secret is not None and len(secret.reveal().encode()) < SECRET_BYTES_MIN:
        refuse(
            "identity_secret",
            f"shorter than {SECRET_BYTES_MIN} bytes",
            "make one: openssl rand -base64 48",
        )
    if not _COLOUR.fullmatch(settings.accent):
        refuse("accent", f"{settings.accent!r} is not a colour of the form #rrggbb")
    for link in settings.continue_links:
        if not link.title or not _link_fine(link.url):
            refuse("continue_links", f"{link.url!r} needs a title and an https:, mailto: or tel: address")
    if settings.privacy_url and not _link_fine(settings.privacy_url):
        refuse("privacy_url", "it must be an https: address")
    if settings.page_url and (
        not settings.page_url.isprintable()
        or "#" in settings.page_url
        or not any(
            settings.page_url == origin or settings.page_url.startswith(f"{origin}/")
            for origin in settings.origins
        )
    ):
        refuse("page_url", "it must be a page on one of the origins, without a #")
    for language in settings.greeting_by_language:
        if not _LANGUAGE.fullmatch(language):
            refuse("greeting_by_language", f"{language!r} is not a language code such as en or ru")
    if settings.file_bytes_max < 0 or settings.files_per_message < 0:
        refuse("file_bytes_max", "limits are not negative; 0 files_per_message turns files off")
    if settings.visitors_per_minute < 1:
        refuse("visitors_per_minute", "at least one")
    if settings.session_days < 1:
        refuse("session_days", "at least one day")


def _link_fine(url: str) -> bool:
    scheme, colon, rest = url.partition(":")
    return bool(colon) and bool(rest) and scheme in {"https", "mailto", "tel"} and url.isprintable()
