"""`omni inspect mail` as scripts call it: one JSON object a file, whatever is in the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.fakes.mail_corpus import POISON

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "corpus" / "mail"
KEYS = [
    "file",
    "subject",
    "from",
    "to",
    "cc",
    "reply_to",
    "message_id",
    "in_reply_to",
    "references",
    "date",
    "text",
    "new_text",
    "folds",
    "attachments",
    "automatic",
    "bounce",
    "problems",
]


def inspect(folder: Path, *arguments: str | bytes) -> list[dict[str, Any]]:
    """Run outside of any installation; the exit code is 0 whatever is in the files."""
    hidden = {"OMNI_CONFIG", "OMNI_SOCKET", "XDG_RUNTIME_DIR"}
    environ = {name: value for name, value in os.environ.items() if name not in hidden} | {
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-m", "omni_console", "inspect", "mail", *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]


def test_the_whole_contract(tmp_path: Path) -> None:
    (one,) = inspect(tmp_path, str(CORPUS / "gmail-web-reply-ru-signature.eml"))
    assert list(one) == KEYS
    assert one["from"] == {"name": "Анна Петрова", "address": "anna.petrova@gmail.example"}
    assert one["to"] == [{"name": "", "address": "support@shop.example"}]
    assert one["in_reply_to"] == one["references"] == ["<c42.m7.abcdefghijklmnopqrst@shop.example>"]
    assert (one["message_id"], one["date"]) == ("<CAGx3=abc+1dEf@mail.gmail.com>", "2026-11-21T09:34:56Z")
    assert one["new_text"] == "Спасибо, заказ получила. Всё в порядке!"
    position, left = 0, ""
    for fold in one["folds"]:
        left += one["text"][position : fold["start"]]
        position = fold["end"]
    assert left + one["text"][position:] == one["new_text"]
    assert [fold["kind"] for fold in one["folds"]] == ["quoted", "signature"]
    assert (one["automatic"], one["bounce"], one["problems"]) == (None, None, [])


def test_a_bounce_and_attachments(tmp_path: Path) -> None:
    bounce, files = inspect(
        tmp_path, str(CORPUS / "bounce-postfix.eml"), str(CORPUS / "gmail-web-inline-image.eml")
    )
    assert bounce["automatic"] == "bounce"
    assert bounce["bounce"] == {
        "action": "failed",
        "status": "5.1.1",
        "recipient": "ivan@nowhere.example",
        "original_message_id": "<c42.m977.abcdefghijklmnopqrst@shop.example>",
    }
    [picture] = files["attachments"]
    assert (picture["name"], picture["content_type"], picture["inline"]) == (
        "IMG_2041.png",
        "image/png",
        True,
    )
    assert len(picture["sha256"]) == 64
    assert picture["size"] > 60


def test_what_can_not_be_read_is_told_and_the_exit_code_is_0(tmp_path: Path) -> None:
    names: list[bytes] = []
    for number, name in enumerate(sorted(POISON)):
        path = os.fsencode(tmp_path) + f"/{number}\udcff.eml".encode("utf-8", "surrogateescape")
        with open(path, "wb") as file:
            file.write(POISON[name])
        names.append(path)
    found = inspect(tmp_path, *names, b"no-such-file", os.fsencode(tmp_path))
    assert len(found) == len(names) + 2
    assert all(list(one) == KEYS for one in found)
    by_name = dict(zip(sorted(POISON), found, strict=False))
    assert by_name["empty"]["problems"]
    assert "part delimiters" in by_name["many parts"]["problems"][0]
    assert found[-2]["problems"] == ["the file cannot be read: No such file or directory"]
    assert "cannot be read" in found[-1]["problems"][0]


def test_our_own_address_is_told_by_an_option(tmp_path: Path) -> None:
    raw = b"From: a@x.example\nList-Id: <support.shop.example>\nPrecedence: list\n\nhello"
    (tmp_path / "group.eml").write_bytes(raw)
    (stranger,) = inspect(tmp_path, "group.eml")
    (ours,) = inspect(tmp_path, "--address", "support@shop.example", "group.eml")
    assert (stranger["automatic"], ours["automatic"]) == ("list", None)
