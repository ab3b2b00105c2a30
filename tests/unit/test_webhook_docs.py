"""The examples in the channels' documentation work."""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

from channels.testkit import Conformance
from channels.webchat import WebchatSettings, identity
from channels.webhook import WebhookSettings, standard
from channels.webhook.parse import parse_event

DOCS = Path(__file__).parents[2] / "docs" / "channels"


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / name).read_text(encoding="utf-8"), re.DOTALL)


def defined(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the documentation's own example
    return names


def test_the_identity_example_is_believed() -> None:
    token = defined(blocks("webchat.md", "python")[0])["identity_token"]
    secret = "s" * 40
    made = token(secret, "42", "Иван", "ivan@example.org", True)
    known = identity.read(made, secret.encode(), "chat", time.time())
    assert (known.sub, known.name, known.email, known.email_verified) == (
        "42",
        "Иван",
        "ivan@example.org",
        True,
    )


def test_the_signing_example_is_believed() -> None:
    signed = defined(blocks("webhook.md", "python")[0])["signed_headers"]
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    keys = [standard.read_secret(secret)]
    assert standard.check(keys, signed(secret, "msg_1", b"{}"), b"{}", int(time.time())) == "msg_1"


def test_the_event_example_is_understood() -> None:
    example = blocks("webhook.md", "json")[0].replace("…", "AAAA")
    event = parse_event("msg_1", example.encode(), "")
    assert event.kind == "message"
    assert "problem" not in event.detail
    assert not any(file.problem for file in event.attachments)
    for block in blocks("webhook.md", "json"):
        json.loads(block)


def test_the_examples_of_calls_and_records_are_understood() -> None:
    call, record = (parse_event("msg_2", text.encode(), "RU") for text in blocks("webhook.md", "json")[1:3])
    assert (call.kind, call.detail["number"], call.references[0].conversation_id) == (
        "call",
        "+79161234567",
        17,
    )
    assert record.kind == "record" and record.record is not None
    assert (record.record.number, record.record.scheme, record.record.version) == ("1187", "email", 3)


def test_every_setting_is_described() -> None:
    for name, settings in (("webchat.md", WebchatSettings), ("webhook.md", WebhookSettings)):
        text = (DOCS / name).read_text(encoding="utf-8")
        own = set(settings.__struct_fields__) - {"kind", "title", "owner", "hours", "enabled"}
        assert [field for field in sorted(own) if f"`{field}`" not in text] == []


def test_every_check_of_the_kit_is_named() -> None:
    text = (DOCS / "writing-an-adapter.md").read_text(encoding="utf-8")
    checks = [name for name in vars(Conformance) if name.startswith("check_")]
    assert [name for name in checks if f"`{name}`" not in text] == []
