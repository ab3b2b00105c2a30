"""How a file is shown: what it is, and where its sender says otherwise."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from omni_console import i18n, own_programs
from omni_console.commands import spoken
from omni_console.own_programs import OwnProgramError
from omni_console.own_settings import read
from omni_console.screens.things_screen import FileRows
from omni_console.timing import Clock
from omni_console.widgets.message_lines import Context, message_lines
from omni_console.widgets.paint import width_of
from server.protocol import CustomerFile, File, Message
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
        "en": "by its content a Windows program, though sent as application/pdf",
        "ru": "по содержимому программа для Windows, хотя прислан как application/pdf",
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


def row(rows: FileRows, width: int) -> str:
    return "".join(piece.plain for piece, _role in rows.row_line(0, 0, width, selected=False))


def test_the_list_of_all_files_says_it_however_long_the_name_and_narrow_the_window() -> None:
    rows = FileRows(Clock(now=lambda: NOW))
    facts = {name: getattr(INVOICE, name) for name in INVOICE.__struct_fields__} | {"name": "invoice " * 30}
    rows.files = [CustomerFile(message_id=1, conversation_id=1, at=NOW, **facts)]
    for width in (60, 78, 120):
        assert "! a Windows program" in row(rows, width)


def test_line_mode_says_it_too() -> None:
    [_, line] = spoken.message(MAIL)
    assert line == f"    file 3: invoice.pdf, {EXE}, though sent as application/pdf, 2048 bytes"


def test_a_program_is_not_opened_whatever_its_name() -> None:
    assert own_programs.runs("invoice.pdf", EXE)
    with pytest.raises(OwnProgramError, match="save it instead"):
        own_programs.open_file(b"MZ", "invoice.pdf", EXE, ["true"])


PHOTO = File(id=4, name="bumper.jpg", content_type="image/jpeg", size=2_048, width=1280, height=960)


def test_width_and_height_are_shown_wherever_the_file_is() -> None:
    mail = replace(MAIL, files=[PHOTO])
    assert "1280×960  2 KB" in shown(mail)[0]
    assert "1280×960" not in "".join(shown(mail, width=30))
    rows = FileRows(Clock(now=lambda: NOW))
    facts = {name: getattr(PHOTO, name) for name in PHOTO.__struct_fields__}
    rows.files = [CustomerFile(message_id=1, conversation_id=1, at=NOW, **facts)]
    assert "image/jpeg  1280×960" in row(rows, 100)
    assert list(spoken.message(mail))[-1] == "    file 4: bumper.jpg, image/jpeg, 1280×960, 2048 bytes"


def test_the_program_that_opens_files_is_ones_own(tmp_path: Path) -> None:
    seen, own = tmp_path / "seen", tmp_path / "viewer"
    own.write_text(f'#!/bin/sh\necho "$1 $(cat "$2")" > {seen}\n')
    own.chmod(0o700)
    found = read({"open": [str(own), "--fit"]})
    assert found.problems == ()
    command = own_programs.opener(found.settings.open)
    own_programs.open_file(b"data", "a.jpg", "image/jpeg", command)
    for _ in range(500):
        if seen.exists() and seen.read_text():
            break
        time.sleep(0.01)
    assert seen.read_text() == "--fit data\n"
    with pytest.raises(OwnProgramError, match="no program nowhere: change open"):
        own_programs.opener(["nowhere"])
    assert read({"open": "feh"}).problems == ("console.toml: open: Expected `array`, got `str`",)
