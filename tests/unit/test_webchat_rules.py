"""Settings, origins, files, rates and contacts of the site chat."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from channels.base import ChannelError
from channels.contacts import email_address
from channels.secret import Secret
from channels.webchat import ContinueLink, WebchatChannel, WebchatSettings
from channels.webchat.access import origin_allowed
from channels.webchat.identity import Identity
from channels.webchat.incoming import page_detail
from channels.webchat.page import SCRIPTS, STYLE, asset, frame_page, frame_policy
from channels.webchat.rate import Buckets
from channels.webchat.session import Session
from channels.webchat.upload import attachment, sniff

SHOP = "https://shop.example"


def channel(**settings: Any) -> WebchatChannel:
    return WebchatChannel("site", WebchatSettings(**{"kind": "webchat", "origins": [SHOP], **settings}))


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"origins": []}, "origins"),
        ({"origins": ["*"]}, "origins"),
        ({"origins": ["https://*.shop.example"]}, "origins"),
        ({"origins": ["https://shop.example/"]}, "origins"),
        ({"origins": ["https://shop.example/chat"]}, "origins"),
        ({"origins": ["https://Shop.example"]}, "origins"),
        ({"origins": ["https://shop.example:443"]}, "origins"),
        ({"origins": ["shop.example"]}, "origins"),
        ({"origins": ["null"]}, "origins"),
        ({"origins": ["https://shop.example; script-src *"]}, "origins"),
        ({"allow_anonymous": False}, "identity_secret"),
        ({"identity_secret": Secret("short")}, "identity_secret"),
        ({"accent": "red;}"}, "accent"),
        ({"continue_links": [ContinueLink(title="x", url="javascript:alert(1)")]}, "continue_links"),
        ({"privacy_url": "javascript:alert(1)"}, "privacy_url"),
        ({"greeting_by_language": {"Russian": "x"}}, "greeting_by_language"),
        ({"file_bytes_max": -1}, "file_bytes_max"),
        ({"session_days": 0}, "session_days"),
        ({"visitors_per_minute": 0}, "visitors_per_minute"),
    ],
)
def test_unsafe_settings_refuse_to_start(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(ChannelError) as caught:
        channel(**settings)
    assert caught.value.key == key


def test_good_settings() -> None:
    assert channel(
        origins=[SHOP, "http://localhost:8000"],
        identity_secret=Secret("s" * 32),
        allow_anonymous=False,
        continue_links=[ContinueLink(title="Phone", url="tel:+74950000000")],
    )


@pytest.mark.parametrize(
    ("origin", "fetch_site", "reads", "allowed"),
    [
        (SHOP, "cross-site", False, True),
        (SHOP, None, True, True),
        ("https://shop.example.evil.example", None, True, False),
        ("http://shop.example", None, True, False),
        ("null", None, True, False),
        ("", None, True, False),
        (None, None, True, True),
        (None, "same-origin", True, True),
        (None, "cross-site", True, False),
        (None, "same-site", True, False),
        (None, "same-origin", False, False),
    ],
)
def test_origins(origin: str | None, fetch_site: str | None, reads: bool, allowed: bool) -> None:
    assert origin_allowed(origin, fetch_site, frozenset({SHOP}), reads=reads) is allowed


def test_the_frame_may_stand_only_on_the_sites_pages() -> None:
    policy = frame_policy([SHOP, "https://m.shop.example"])
    assert policy.endswith("frame-ancestors https://shop.example https://m.shop.example")
    assert "unsafe" not in policy


def test_configuration_cannot_break_out_of_the_page() -> None:
    page = frame_page({"title": '"><script>alert(1)</script>', "greeting": "$title & '"})
    assert "<script>alert" not in page


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (b"\xff\xd8\xff\xe0", "a.exe", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "a.html", "image/png"),
        (b"RIFF0000WEBP", "a", "image/webp"),
        (b"\x00\x00\x00\x18ftypheic", "IMG.HEIC", "image/heic"),
        (b"%PDF-1.7", "a.pdf", "application/pdf"),
        (
            b"PK\x03\x04",
            "a.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (b"PK\x03\x04", "a.zip", "application/zip"),
        ("Привет\n".encode(), "a.txt", "text/plain"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.png", None),
        (b"  <!DOCTYPE html>", "a.txt", None),
        (b"hello <script>alert(1)</script>", "a.txt", None),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "a.txt", None),
        (b"MZ\x90\x00", "a.jpg", None),
        (b"\x7fELF", "a.png", None),
        (b"", "a.txt", None),
    ],
)
def test_files_are_known_by_their_content(content: bytes, name: str, expected: str | None) -> None:
    found = sniff(content, name)
    assert (found[0] if found else None) == expected


def test_a_file_name_is_text_and_nothing_else() -> None:
    file = attachment("\udcff\x00\u202egpj.exe", b"%PDF-")
    assert file is not None
    file.name.encode()
    assert file.name.isprintable()
    assert attachment(None, b"%PDF-") is not None


def test_ten_at_once_then_one_a_second() -> None:
    buckets = Buckets(per_second=1, burst=10)
    assert [buckets.take("a", 0) for _ in range(10)] == [0.0] * 10
    assert buckets.take("a", 0) == 1.0
    assert buckets.take("b", 0) == 0.0
    assert buckets.take("a", 500) == 0.5
    assert buckets.take("a", 1000) == 0.0
    assert buckets.take("a", -50_000) > 0
    assert buckets.take("a", 1_000_000) == 0.0


def test_what_a_visitor_typed_is_never_verified() -> None:
    session = Session(visitor="v", created_at=0, expires_at=1, email="a@b.example", phone="+79161234567")
    assert not any(contact.verified for contact in session.sender("site").contacts)


def test_what_the_site_signed_is_verified_where_it_says_so() -> None:
    known = Identity(sub="42", name="Иван", email="a@b.example", email_verified=True, phone="+79161234567")
    session = Session(
        visitor="v", created_at=0, expires_at=1, identity=known, name="Tsar", email="a@b.example"
    )
    sender = session.sender("site")
    assert sender.external_id == "v"
    assert sender.name == "Иван"
    assert [(contact.scheme, contact.external_id, contact.verified) for contact in sender.contacts] == [
        ("webchat-user", "site:42", True),
        ("email", "a@b.example", True),
        ("phone", "+79161234567", False),
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (" Ivan@Example.ORG ", "ivan@example.org"),
        ("иван@пример.рф", "иван@пример.рф"),
        ("a@b@c", None),
        ("a b@c.example", None),
        ("<a@b.example>", None),
        ("a@", None),
        ("@b", None),
        ("a\r\nBcc: c@d.example", None),
        ("x" * 250 + "@b.example", None),
    ],
)
def test_email_addresses(given: str, expected: str | None) -> None:
    assert email_address(given) == expected


def test_only_web_pages_are_shown_as_pages() -> None:
    assert page_detail({"url": "javascript:alert(1)", "title": "Cart", "referrer": "https://a.example/"}) == {
        "title": "Cart",
        "referrer": "https://a.example/",
    }
    assert page_detail(["x"]) == {}


def test_it_stays_small() -> None:
    loader, *panel = (len(gzip.compress(asset(name)[0])) for name in ("widget.js", *SCRIPTS, STYLE))
    assert loader <= 5 * 1024
    assert sum(panel) <= 30 * 1024
