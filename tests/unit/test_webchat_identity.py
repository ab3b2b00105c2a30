"""The site's signed word for who its visitor is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from channels.webchat.identity import Identity, IdentityError, read, sign

KEY = b"k" * 32
NOW = 1_795_262_400.0
CLAIMS: dict[str, Any] = {"sub": "42", "exp": NOW + 300}


def test_a_whole_token() -> None:
    token = sign(
        KEY,
        {
            **CLAIMS,
            "name": "Иван",
            "email": "Ivan@Example.org",
            "email_verified": True,
            "phone": "8 916 123-45-67",
            "aud": "site",
        },
    )
    assert read(token, KEY, "site", NOW, "RU") == Identity(
        sub="42", name="Иван", email="ivan@example.org", email_verified=True, phone="+79161234567"
    )


@pytest.mark.parametrize("flag", ["true", 1, None, [True]])
def test_an_address_is_verified_only_by_a_plain_true(flag: Any) -> None:
    token = sign(KEY, {**CLAIMS, "email": "a@b.example", "email_verified": flag})
    assert not read(token, KEY, "site", NOW).email_verified


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"exp": NOW}, "identity_expired"),
        ({"exp": NOW - 1}, "identity_expired"),
        ({"exp": None}, "identity_invalid"),
        ({"exp": "tomorrow"}, "identity_invalid"),
        ({"exp": True}, "identity_invalid"),
        ({"exp": NOW + 200_000}, "identity_invalid"),
        ({"nbf": NOW + 100}, "identity_invalid"),
        ({"iat": NOW + 100}, "identity_invalid"),
        ({"aud": "another"}, "identity_invalid"),
        ({"aud": ["another"]}, "identity_invalid"),
        ({"sub": ""}, "identity_invalid"),
        ({"sub": 42}, "identity_invalid"),
        ({"sub": "a\u202eb"}, "identity_invalid"),
        ({"sub": "x" * 201}, "identity_invalid"),
    ],
)
def test_claims_that_are_not_believed(change: dict[str, Any], code: str) -> None:
    with pytest.raises(IdentityError) as caught:
        read(sign(KEY, {**CLAIMS, **change}), KEY, "site", NOW)
    assert caught.value.code == code


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def by_hand(header: Any, key: bytes = KEY, digest: str = "sha256") -> str:
    signed = f"{encoded(header)}.{encoded(CLAIMS)}"
    mac = hmac.new(key, signed.encode(), getattr(hashlib, digest)).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def test_a_token_made_by_hand_is_the_same() -> None:
    assert read(by_hand({"alg": "HS256"}), KEY, "site", NOW).sub == "42"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c.d",
        f"{encoded({'alg': 'none'})}.{encoded(CLAIMS)}.",
        by_hand({"alg": "none"}),
        by_hand({"alg": "hs256"}),
        by_hand({"alg": "HS512"}, digest="sha512"),
        by_hand({"alg": ["HS256"]}),
        by_hand({"alg": "HS256", "crit": ["b64"], "b64": False}),
        by_hand("HS256"),
        by_hand({"alg": "HS256"}, key=b"x" * 32),
        by_hand({"alg": "HS256"}) + "=",
        by_hand({"alg": "HS256"}) + "\n",
        by_hand({"alg": "HS256"}).replace(".", ".é", 1),
        "x" * 5000 + "." + "y" + "." + "z",
    ],
)
def test_forged_and_broken_tokens(token: str) -> None:
    with pytest.raises(IdentityError):
        read(token, KEY, "site", NOW)


def test_every_changed_character_is_noticed() -> None:
    token = sign(KEY, CLAIMS)
    for index in range(len(token)):
        changed = token[:index] + ("A" if token[index] != "A" else "B") + token[index + 1 :]
        with pytest.raises(IdentityError):
            read(changed, KEY, "site", NOW)
