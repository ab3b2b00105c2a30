"""What speaks for and against a sender: results of our own mail server, and addresses that look alike."""

from __future__ import annotations

import email
from email.policy import compat32

import pytest

from channels.email.authenticity import authentication
from channels.email.look_alike import mixes_scripts, skeleton, warnings

MX = frozenset({"mx.shop.example"})


def verdict(*headers: str, sender: str = "anna@x.example") -> str:
    raw = "".join(f"Authentication-Results: {one}\n" for one in headers)
    return authentication(email.message_from_string(raw + "\n", policy=compat32), sender, MX)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            "mx.shop.example; dmarc=pass header.from=x.example; dkim=pass header.d=x.example; spf=pass",
            "pass: dmarc=pass (x.example), dkim=pass (x.example), spf=pass",
        ),
        (
            "mx.shop.example 1; dkim=pass (2048-bit key; ok) header.i=@mail.x.example",
            "pass: dkim=pass (mail.x.example)",
        ),
        ("mx.shop.example; spf=pass smtp.mailfrom=bounce@x.example", "pass: spf=pass (x.example)"),
        ("mx.shop.example; spf=pass smtp.mailfrom=evil.example", "none: spf=pass (evil.example)"),
        ("mx.shop.example; dkim=pass header.d=ple", "none: dkim=pass (ple)"),
        ("mx.shop.example; dkim=fail header.d=x.example", "fail: dkim=fail (x.example)"),
        (
            "mx.shop.example; dkim=pass header.d=x.example; dmarc=fail header.from=x.example",
            "fail: dkim=pass (x.example), dmarc=fail (x.example)",
        ),
        ("mx.shop.example; none", "none: nothing was checked"),
        ("evil.example; dmarc=pass", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_only_our_own_server_is_believed(header: str, expected: str) -> None:
    assert verdict(header) == expected


def test_the_topmost_header_of_ours_counts() -> None:
    ours, forged = "mx.shop.example; dmarc=fail", "mx.shop.example; dmarc=pass"
    assert verdict("other.example; dmarc=pass", ours, forged).startswith("fail")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna@x.example", "аnnа@x.example"),  # Cyrillic
        ("support@paypal.com", "support@paypa1.com"),
        ("info@modern.example", "info@modem.example"),
        ("info@shop.example", "info@sh0p.example"),
        ("anna@x.example", "ANNA@X.example"),
    ],
)
def test_addresses_that_look_alike_have_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other) != ""


def test_others_do_not() -> None:
    assert skeleton("anna@x.example") != skeleton("anne@x.example")
    assert skeleton("nobody") == ""


def test_what_operators_are_warned_of() -> None:
    own = "support@shop.example"
    assert warnings("anna@x.example", "Anna", "", own) == {}
    assert warnings("anna@x.example", "Anna <anna@x.example>", "anna.b@x.example", own) == {}
    found = warnings("support@sh0p.example", "boss@bank.example", "thief@z.example", own)
    assert found == {
        "warn_like_ours": "shop.example",
        "warn_name": "boss@bank.example",
        "warn_reply_to": "thief@z.example",
    }
    assert "warn_mixed_script" in warnings("a@xn--pypal-4ve.com", "", "", own)


@pytest.mark.parametrize(
    ("domain", "mixed"),
    [("xn--pypal-4ve.com", True), ("почта.рф", False), ("shop.example", False), ("日本語abc.example", False)],
)
def test_mixed_alphabets(domain: str, mixed: bool) -> None:
    assert mixes_scripts(domain) is mixed
