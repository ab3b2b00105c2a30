"""How a file is shown: what it is, and where its sender says otherwise."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from omni_console import i18n, own_programs
from omni_console.commands import spoken
from omni_console.own_programs import OwnProgramError
from omni_console.timing import Clock
from omni_console.widgets.message_lines import Context, message_lines
from omni_console.widgets.paint import width_of
from server.protocol import File, Message
from tests.fakes.operator_api_books import NOW
from tests.fakes.operator_world import HOSTILE

EXE = "application/vnd.microsoft.portable-executable"
INVOICE = File(id=3, name="invoice.pdf", content_type=EXE, size=2_048, stated="application/pdf")
MAIL = Message(id=1, seq=1, conversation_id=1, customer_id=1, kind="in", files=[INVOICE], at=NOW)


def shown(message: Message, width: int = 140, sign: str = "") -> list[str]:
    clock = Clock(now=lambda: NOW)
    lines = message_lines(message, clock, Context(width=width, sign=sign))
    assert all(width_of(line) <= width for line in lines)
    return ["".join(piece.plain for piece, _role in line).strip() for line in lines]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_file_that_is_not_what_it_was_sent_as(language: str) -> None:
    i18n.use(language)
    said = {
        "en": f"by its content {EXE}, though sent as application/pdf",
        "ru": f"по содержимому {EXE}, хотя прислан как application/pdf",
    }[language]
    for sign in ("", ">"):
        first, second = shown(MAIL, sign=sign)
        assert "invoice.pdf" in first and EXE not in first
        assert second.endswith(said)
    honest = replace(MAIL, files=[replace(INVOICE, stated="")])
    assert len(shown(honest)) == 1 and EXE in shown(honest, sign=">")[0]


def test_a_narrow_pane_wraps_it() -> None:
    assert len(shown(MAIL, width=40)) > 3


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_sender_states_is_text(text: str) -> None:
    file = File(id=3, name=text, content_type=text, size=1, kind=text, problem=text, stated=text)
    for line in shown(replace(MAIL, files=[file])):
        assert line.isprintable()


def test_line_mode_says_it_too() -> None:
    [_, line] = spoken.message(MAIL)
    assert line == f"    file 3: invoice.pdf, {EXE}, though sent as application/pdf, 2048 bytes"


def test_a_program_is_not_opened_whatever_its_name() -> None:
    assert own_programs.runs("invoice.pdf", EXE)
    with pytest.raises(OwnProgramError, match="save it instead"):
        own_programs.open_file(b"MZ", "invoice.pdf", EXE)
