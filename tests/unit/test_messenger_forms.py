"""Another platform's updates, read by forms alone: the ones of docs/channels/writing-an-adapter.md."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from channels.base import InboundEvent
from channels.messenger import forms
from channels.messenger.forms import UpdateForm
from channels.messenger.paths import at, found, objects, raw_at, text_at, value_at
from channels.messenger.updates import Reader, Reading

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs/channels/writing-an-adapter.md").read_text()
ANNA = {"id": 5, "name": "Анна", "username": "anna"}
DIALOG = {"id": 50, "type": "dialog"}


def chatter() -> UpdateForm:
    [block] = [block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "UPDATES" in block]
    names: dict[str, Any] = {"re": re, **vars(forms)}
    exec(block, names)  # noqa: S102 - our own page
    form: UpdateForm = names["UPDATES"]
    return form


def read(kind: str, **message: Any) -> list[InboundEvent]:
    given = {"id": 7, "sent": 1_795_262_400, "from": ANNA, "chat": DIALOG, **message}
    body = json.dumps({"update_id": 1, "update_type": kind, "message": given}).encode()
    return Reader(chatter(), Reading()).events(body)


def test_a_message_with_files_and_what_it_answers() -> None:
    image, file = {"url": "https://x/1"}, {"url": "https://x/2", "filename": "счёт.pdf", "size": 9}
    [event] = read(
        "created",
        text="вот",
        attachments=[
            {"type": "file", "payload": file},
            {"type": "image", "payload": image},
            {"type": "hologram", "payload": {}},
            {"type": "image", "payload": {**image, "url": "https://x/3"}},
        ],
        link={"type": "reply", "id": 6},
    )
    assert (event.kind, event.text, event.thread, event.remote_message_id) == ("message", "вот", "50", "50:7")
    assert (event.sender.external_id, event.sender.name) == ("5", "Анна")
    assert [(one.name, one.ref) for one in event.attachments] == [
        ("image.jpg", "https://x/1"),
        ("image.jpg", "https://x/3"),
        ("счёт.pdf", "https://x/2"),
    ]
    assert [one.remote_id for one in event.references] == ["50:6"]


def test_an_edit_a_forward_and_what_no_form_knows() -> None:
    [edit] = read("edited", text="иначе", edited=1_795_262_500)
    assert (edit.kind, edit.target, edit.occurred_at) == ("edit", "50:7", 1_795_262_500_000)
    [forward] = read("created", text="x", link={"type": "forward", "id": 6})
    assert forward.references == ()
    [odd] = read("created", hologram={})
    assert (odd.kind, odd.sender.external_id) == ("unsupported", "5") and "hologram" in odd.detail["problem"]
    [new] = read("vanished")
    assert new.kind == "unsupported" and not new.sender.reachable
    assert read("created", text="x", chat={"id": -1, "type": "chat"}) == []


def test_paths() -> None:
    value = {
        "a": [{"b": 1}, 5, {"b": None}, {"b": 2, "kind": "x"}],
        "c": {"d": True},
        "e": "text",
        "n": [[{}]],
    }
    assert found(value, "a.b") == [1, 2]
    assert (at(value, "a.-1.b"), at(value, "a.kind=x.b"), at(value, "c.d")) == (2, 2, True)
    for nowhere in ("a.x", "e.b", "e.-1", "c.-1", "a.kind=y.b", "n.b", "a.-1.-1"):
        assert found(value, nowhere) == []
    assert found(value, "") == [value] and at(5, "a") is None
    assert text_at(value, ("c", "c.d", "e"), 3) == "tex"
    assert objects([1, {"x": 1}]) == [{"x": 1}] and objects("x") == []


@pytest.mark.parametrize("raw", [b"", b"[]", b"\xff", b"{", b'{"a":5}', b"[" * 100_000, b'{"a":{"c":1}}'])
def test_what_is_not_there_in_raw_json_is_nothing(raw: bytes) -> None:
    assert raw_at(raw, "a.b") is None and value_at(raw, "a.b") is None


def test_raw_json_is_given_as_it_came_also_beside_what_cannot_be_read() -> None:
    raw = b'{"bad": "\\u0000\xff", "deep": ' + b"[" * 99 + b"]" * 99 + b', "a": {"b": [1,  {"c":2}]}}'
    assert raw_at(raw, "a.b") == b'[1,  {"c":2}]' and value_at(raw, "a.b") == [1, {"c": 2}]


def test_an_adapter_stays_small_and_the_shared_room_knows_no_platform() -> None:
    lines = sum(len(path.read_text().splitlines()) for path in (TOP / "channels/telegram").glob("*.py"))
    assert lines <= 300
    for page in ("docs/architecture.md", "docs/channels/telegram.md", "docs/channels/writing-an-adapter.md"):
        [told] = re.findall(r"(\d+) lines of\s+Python", (TOP / page).read_text())
        assert int(told) == lines, page
    for path in (TOP / "channels/messenger").glob("*.py"):
        assert not re.search(r"telegram|whatsapp|\bvk\b|\bmax\.ru\b", path.read_text(), re.IGNORECASE), path
