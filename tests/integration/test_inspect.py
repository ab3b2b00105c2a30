"""`omni inspect webhook` as scripts call it: one JSON object a file, whatever is in the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MESSAGE = {
    "update_id": 9,
    "message": {
        "message_id": 5,
        "date": 1_795_262_400,
        "from": {"id": 77, "first_name": "Иван"},
        "chat": {"id": 77, "type": "private"},
        "caption": "вот",
        "document": {"file_id": "d", "file_name": "a.pdf", "mime_type": "application/pdf", "file_size": 9},
        "reply_to_message": {"message_id": 3},
    },
}


def omni(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    hidden = {"OMNI_CONFIG", "OMNI_SOCKET", "XDG_RUNTIME_DIR"}
    environ = {name: value for name, value in os.environ.items() if name not in hidden} | {
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        **environ,
    }
    return subprocess.run(
        [sys.executable, "-m", "omni_console", "inspect", "webhook", *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def written(folder: Path, **bodies: bytes) -> list[str]:
    for name, body in bodies.items():
        (folder / name).write_bytes(body)
    return list(bodies)


def shown(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_kind_needs_no_configuration_and_a_broken_body_is_told(tmp_path: Path) -> None:
    files = written(
        tmp_path,
        good=json.dumps(MESSAGE).encode(),
        again=json.dumps(MESSAGE).encode(),
        half=json.dumps({**MESSAGE, "update_id": 10}).replace("a.pdf", "\\ud800.pdf").encode(),
        place=b'{"update_id":11,"message":{"message_id":6,"from":{"id":77},"chat":{"id":77,"type":"private"},'
        b'"location":{"latitude":55.751244,"longitude":-37.5}}}',
        phone=b'{"update_id":12,"message":{"message_id":7,"from":{"id":77},"chat":{"id":77,"type":"private"},'
        b'"contact":{"phone_number":"79161234567","user_id":77}}}',
        broken=b'{"update_id',
        binary=bytes(range(256)),
        nothing=b"",
    )
    good, again, half, place, phone, *bad = shown(omni(tmp_path, "telegram", *files))
    assert good == {
        "file": "good",
        "events": [
            {
                "kind": "message",
                "dedupe_key": good["events"][0]["dedupe_key"],
                "remote_sender": "77",
                "sender_name": "Иван",
                "phone": None,
                "text": "вот",
                "attachments": [
                    {"kind": "file", "name": "a.pdf", "content_type": "application/pdf", "size": 9}
                ],
                "location": None,
                "reply_to": "77:3",
                "remote_message_id": "77:5",
                "occurred_at": 1_795_262_400_000,
                "is_echo": False,
            }
        ],
        "problems": [],
    }
    assert again["events"] == good["events"]
    assert half["events"][0]["dedupe_key"] != good["events"][0]["dedupe_key"]
    assert half["events"][0]["attachments"][0]["name"] == "\ufffd.pdf"
    assert place["events"][0]["location"] == {"lat": 55.751244, "lon": -37.5}
    assert phone["events"][0]["phone"] == "+79161234567"
    assert [one["events"][0]["kind"] for one in bad] == ["unsupported"] * 3
    assert all(one["problems"] for one in bad)


def test_other_kinds_and_channels_by_name(tmp_path: Path) -> None:
    body = {"type": "message", "data": {"sender": {"id": "7"}, "text": "hi", "attachments": [{"name": "f"}]}}
    [file] = written(tmp_path, body=json.dumps(body).encode())
    [by_kind] = shown(omni(tmp_path, "webhook", file))
    assert by_kind["events"][0]["remote_sender"] == "7"
    assert by_kind["problems"] == ["f: it came without content"]
    (tmp_path / "omni.toml").write_text(
        '[channels.forms]\nkind = "webhook"\nsecrets = ["env:FORMS"]\n'
        '[channels.bot]\nkind = "telegram"\ntoken = "env:BOT"\ngroups = true\n'
    )
    secrets = {"FORMS": "whsec_" + "c2VjcmV0" * 6, "BOT": "1:bot"}
    assert shown(omni(tmp_path, "forms", file, **secrets)) == [by_kind]
    group = {**MESSAGE["message"], "chat": {"id": -5, "type": "group"}}  # type: ignore[dict-item]
    [said] = written(tmp_path, group=json.dumps({"update_id": 1, "message": group}).encode())
    [by_name] = shown(omni(tmp_path, "bot", said, **secrets))
    assert [event["kind"] for event in by_name["events"]] == ["message"]
    [ignored] = shown(omni(tmp_path, "telegram", said))  # also while the configuration's secrets are missing
    assert ignored["events"] == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--config", "missing.toml", "pigeon", "body"], "missing.toml"),
        (["email", "body"], "takes no webhooks"),
        (["telegram"], "FILES"),
        (["telegram", "missing"], "missing"),
    ],
)
def test_wrong_usage(arguments: list[str], told: str, tmp_path: Path) -> None:
    written(tmp_path, body=b"{}")
    done = omni(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "") and told in done.stderr


def test_an_unknown_channel_is_told_with_the_known_ones(tmp_path: Path) -> None:
    written(tmp_path, body=b"{}")
    (tmp_path / "omni.toml").write_text('[channels.bot]\nkind = "telegram"\ntoken = "env:BOT"\n')
    done = omni(tmp_path, "pigeon", "body", BOT="1:bot")
    assert done.returncode == 2
    assert "channels: bot" in done.stderr and "telegram" in done.stderr
