"""What the provider holds for spam is said, and changes nothing else."""

from __future__ import annotations

import pytest

from channels.email.parse import parse

OWN = "support@shop.example"
FORGED = "Authentication-Results: mx.shop.example; dmarc=fail header.from=x.example"


def held(header: str = "", **meta: str) -> str:
    raw = f"From: anna@x.example\r\nMessage-ID: <1@x.example>\r\n{header}\r\n\r\nHello".replace(
        "\r\n\r\n\r\n", "\r\n\r\n"
    )
    told = {"address": OWN, "folder": "INBOX", "trusted_authserv": "mx.shop.example", **meta}
    [event] = parse(raw.encode(), told)
    assert event.kind == "message" and event.text == "Hello"
    assert not event.automatic
    return event.detail.get("held_for_spam", "")


@pytest.mark.parametrize(
    "header",
    [
        "X-Spam-Flag: YES",
        "X-Spam-Status: Yes, score=7.1 required=5.0",
        "X-Spam: yes",
        "X-Spam: Spam detected",
        "X-Yandex-Spam: 4",
        "X-MS-Exchange-Organization-SCL: 6",
        "X-Forefront-Antispam-Report: CIP:1.2.3.4;SFV:SPM;H:x",
    ],
)
def test_a_filter_says_so(header: str) -> None:
    assert held(header).startswith(header.partition(":")[0])


@pytest.mark.parametrize(
    "header",
    [
        "Subject: YES",
        "X-Spam-Flag: NO",
        "X-Spam-Status: No, score=-1.0 required=5.0",
        "X-Spam-Status: Yesterday",
        "X-Yandex-Spam: 1",
        "X-MS-Exchange-Organization-SCL: 1",
        "X-MS-Exchange-Organization-SCL: -1",
        "X-Forefront-Antispam-Report: SFV:NSPM",
    ],
)
def test_no_filter_says_so(header: str) -> None:
    assert held(header) == ""


@pytest.mark.parametrize("folder", ["Junk", "INBOX.Spam", "[Gmail]/Spam", "Спам", "Junk E-mail"])
def test_it_lies_where_spam_lies(folder: str) -> None:
    assert held(folder=folder) == f"it lies in {folder}"


def test_a_folder_that_the_server_marks() -> None:
    assert held(folder="Graveyard", junk="1") == "it lies in Graveyard"
    assert held(folder="Spam reports from colleagues") == ""


def test_only_a_mail_server_of_ours_is_believed() -> None:
    assert "not who it says" in held(FORGED)
    assert held(FORGED, trusted_authserv="") == ""
    assert held(FORGED.replace("mx.shop", "mx.thief")) == ""


def test_what_we_sent_ourselves_is_never_held_for_spam() -> None:
    raw = b"From: support@shop.example\r\nTo: anna@x.example\r\nX-Spam: yes\r\n\r\nHello"
    [event] = parse(raw, {"address": OWN, "folder": "Sent", "role": "sent"})
    assert "held_for_spam" not in event.detail
