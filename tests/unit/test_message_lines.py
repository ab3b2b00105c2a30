"""The sign of a delivery stands behind a word, whatever the width; never alone on a line."""

from __future__ import annotations

from datetime import UTC

import pytest

from omni_console.timing import Clock
from omni_console.widgets.message_lines import Context, message_lines
from server.protocol import File, Message, Status

TEXT = "Which colour was the lamp that you ordered from us then, do you remember?"


def lines(width: int, text: str, status: Status, **more: object) -> list[str]:
    message = Message(
        id=1, seq=1, conversation_id=1, customer_id=1, kind="out", mark="@", author="Olga", text=text,
        status=status, **more,  # type: ignore[arg-type]
    )  # fmt: skip
    found = message_lines(message, Clock(lambda: 0, UTC), Context(width=width))
    return ["".join(content.plain for content, _role in line) for line in found]


@pytest.mark.parametrize("status", ["sent", "delivered", "read", "queued", "failed"])
def test_no_sign_stands_alone(status: Status) -> None:
    for width in (24, 36, 57, 58, 80, 93, 120):
        for end in range(8, len(TEXT)):
            found = lines(width, TEXT[:end].strip(), status)
            [signed] = [line for line in found if set(line) & set("✓↑✗")]
            words = signed[: min(signed.index(sign) for sign in "✓↑✗" if sign in signed)]
            assert words[20 if width >= 58 else 0 :].strip() or len(found) == 1, (width, end, found)
            assert max(map(len, found)) <= width
            assert " ".join(TEXT[:end].split()) in " ".join(" ".join(line[1:] for line in found).split())


def test_a_word_that_fills_its_line_keeps_it() -> None:
    *_, word, sign = lines(60, "https://shop.example/".ljust(39, "x"), "delivered")
    assert word.endswith("xxx") and sign.strip() == "✓✓"


def test_the_sign_stands_behind_a_file() -> None:
    file = File(id=1, name="invoice.pdf", content_type="application/pdf", size=84_120)
    assert lines(80, "here it is", "read", files=[file])[-1].strip() == "+ invoice.pdf  82 KB ✓✓ read"
