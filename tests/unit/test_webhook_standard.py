"""Signatures of Standard Webhooks, against the specification's own vector."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest

from channels.base import ChannelError, HookRequest, Rejected, Verified
from channels.secret import Secret
from channels.webhook import WebhookChannel, WebhookSettings, standard

# From the specification's reference libraries.
SPEC_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SPEC_HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
SPEC_BODY = b'{"test": 2432232314}'
SPEC_TIME = 1614265330


def secret(fill: int, size: int = 32) -> str:
    return "whsec_" + base64.b64encode(bytes([fill]) * size).decode()


def channel(*secrets: str, **settings: object) -> WebhookChannel:
    return WebhookChannel(
        "shop",
        WebhookSettings(kind="webhook", secrets=[Secret(item) for item in secrets], **settings),  # type: ignore[arg-type]
    )


def request(headers: Mapping[str, str], body: bytes = SPEC_BODY, at: int = SPEC_TIME) -> HookRequest:
    return HookRequest(method="POST", headers=headers, body=body, received_at=at * 1000)


def test_the_published_vector_is_reproduced_and_verified() -> None:
    key = standard.read_secret(SPEC_SECRET)
    made = standard.headers([key], SPEC_HEADERS["webhook-id"], SPEC_TIME, SPEC_BODY)
    assert made == SPEC_HEADERS
    assert isinstance(channel(SPEC_SECRET).verify(request(SPEC_HEADERS)), Verified)


@pytest.mark.parametrize("shift", [-300, 0, 300])
def test_clocks_may_differ_by_five_minutes(shift: int) -> None:
    assert isinstance(channel(SPEC_SECRET).verify(request(SPEC_HEADERS, at=SPEC_TIME + shift)), Verified)


@pytest.mark.parametrize("shift", [-301, 301, 86_400])
def test_an_old_or_future_request_is_refused(shift: int) -> None:
    answer = channel(SPEC_SECRET).verify(request(SPEC_HEADERS, at=SPEC_TIME + shift))
    assert isinstance(answer, Rejected)


def test_during_a_rotation_either_secret_and_any_listed_signature_will_do() -> None:
    old, new = (standard.read_secret(secret(fill)) for fill in (1, 2))
    for keys in ([old], [new], [old, new], [new, old]):
        headers = standard.headers(keys, "a", SPEC_TIME, b"{}")
        both = channel(secret(2), secret(1))
        assert isinstance(both.verify(request(headers, b"{}")), Verified)
    foreign = standard.headers([standard.read_secret(secret(3))], "a", SPEC_TIME, b"{}")
    assert isinstance(channel(secret(2), secret(1)).verify(request(foreign, b"{}")), Rejected)
    mixed = {
        **foreign,
        "webhook-signature": "v1a,AAAA "
        + foreign["webhook-signature"]
        + " "
        + standard.sign(old, "a", SPEC_TIME, b"{}"),
    }
    assert isinstance(channel(secret(1)).verify(request(mixed, b"{}")), Verified)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": ""},
        {"webhook-timestamp": ""},
        {"webhook-signature": ""},
        {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek, msg_p5jXN8AQM9LWM0D4loKWxJek"},
        {"webhook-timestamp": "1614265330, 1614265330"},
        {"webhook-timestamp": "+1614265330"},
        {"webhook-timestamp": "١٦١٤٢٦٥٣٣٠"},
        {"webhook-timestamp": "1614265330.0"},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-signature": ", ".join([SPEC_HEADERS["webhook-signature"]] * 2)},
        {"webhook-signature": SPEC_HEADERS["webhook-signature"].replace("v1,", "")},
        {"webhook-signature": SPEC_HEADERS["webhook-signature"].replace("v1,", "v2,")},
        {"webhook-signature": " ".join(["v1,AAAA"] * 20 + [SPEC_HEADERS["webhook-signature"]])},
        {"webhook-signature": "v1,\ud800"},
    ],
)
def test_missing_repeated_and_malformed_headers_are_refused(change: dict[str, str]) -> None:
    assert isinstance(channel(SPEC_SECRET).verify(request({**SPEC_HEADERS, **change})), Rejected)


def test_bytes_cannot_move_between_id_time_and_body() -> None:
    key = standard.read_secret(SPEC_SECRET)
    body = f"{SPEC_TIME}.{{}}".encode()
    headers = {
        "webhook-id": f"a.{SPEC_TIME}",
        "webhook-timestamp": str(SPEC_TIME),
        "webhook-signature": standard.sign(key, "a", SPEC_TIME, body),
    }
    assert standard.sign(key, f"a.{SPEC_TIME}", SPEC_TIME, b"{}") == headers["webhook-signature"]
    assert isinstance(channel(SPEC_SECRET).verify(request(headers, b"{}")), Rejected)


@pytest.mark.parametrize(
    "wrong", [secret(1, 23), secret(1, 65), "whsec_", "whsec_not base64!", "password", "whsec_AAAA"]
)
def test_a_weak_or_broken_secret_refuses_to_start(wrong: str) -> None:
    with pytest.raises(ChannelError) as caught:
        channel(secret(1), wrong)
    assert caught.value.key == "secrets"
    assert wrong not in str(caught.value)


@pytest.mark.parametrize("size", [24, 64])
def test_secrets_of_24_to_64_bytes_are_taken(size: int) -> None:
    assert channel(secret(1, size)).id == "shop"


def test_no_secret_refuses_to_start() -> None:
    with pytest.raises(ChannelError, match="would believe anybody"):
        channel()


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://crm.example/in", True),
        ("http://127.0.0.1:9000/in", True),
        ("http://localhost/in", True),
        ("http://[::1]:80/", True),
        ("http://crm.example/in", False),
        ("http://127.0.0.1.crm.example/", False),
        ("https://user:word@crm.example/", False),
        ("ftp://crm.example/", False),
        ("crm.example", False),
        ("https://", False),
    ],
)
def test_where_replies_may_go(url: str, fine: bool) -> None:
    if fine:
        assert channel(secret(1), deliver_url=url)
    else:
        with pytest.raises(ChannelError) as caught:
            channel(secret(1), deliver_url=url)
        assert caught.value.key == "deliver_url"
