"""The operator's own editor: what it gives back, and what stays of a draft when it fails."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from omni_console import own_programs
from omni_console.own_programs import OwnProgramError
from omni_console.quoting import own_words, quoted
from server.protocol import Fold, Message


def program(folder: Path, body: str) -> str:
    path = folder / "my editor"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return f"'{path}' --wait 'two words'"


def test_its_text_comes_back_and_nothing_stays_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    seen = tmp_path / "seen"
    command = program(
        tmp_path,
        f'[ "$1" = --wait ] && [ "$2" = "two words" ] || exit 9; cp -p "$3" "{seen}";'
        f' ls -ld "$(dirname "$3")" > "{seen}.folder"; printf "new \\303\\251\\n" > "$3"; touch "$3~"',
    )
    assert own_programs.edit("old", {"EDITOR": command, "PATH": "/usr/bin:/bin"}) == "new é"
    assert seen.read_text() == "old"
    assert stat.S_IMODE(seen.stat().st_mode) == 0o600
    assert Path(f"{seen}.folder").read_text().startswith("drwx------")
    assert not list(tmp_path.glob("omni-draft-*"))


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"VISUAL": "no-such-editor-here"}, "no program no-such-editor-here: change $VISUAL"),
        ({"EDITOR": "'unfinished"}, "$EDITOR cannot be read"),
        ({"EDITOR": "false"}, "false ended with 1"),
    ],
)
def test_an_editor_that_fails_says_so(environment: dict[str, str], words: str) -> None:
    with pytest.raises(OwnProgramError, match=words.replace("$", r"\$").split(":")[0]):
        own_programs.edit("text", environment)


def test_visual_goes_before_editor() -> None:
    assert own_programs.editor({"VISUAL": "true -w", "EDITOR": "false"}) == ["true", "-w"]
    with pytest.raises(OwnProgramError):
        own_programs.edit("text", {"VISUAL": "false", "EDITOR": "true"})


def said(text: str, **more: object) -> Message:
    return Message(id=1, seq=1, conversation_id=1, customer_id=1, kind="in", text=text, **more)  # type: ignore[arg-type]


def test_a_quotation_leaves_out_what_is_folded_and_ends_somewhere() -> None:
    text = "When?\n\nOn Monday X wrote:\n> before"
    fold = Fold(kind="quoted", start=7, end=len(text))
    assert quoted(said(text, folds=[fold])) == "> When?"
    assert quoted(said("a\n\nb")) == "> a\n>\n> b"
    assert quoted(said("")) == ""
    long = quoted(said("x" * 9_000))
    assert len(long) < 4_100
    assert long.endswith("> […]")


def test_own_words_end_where_the_quotation_begins() -> None:
    assert own_words(said("yes\n\n> no", detail={"quote_at": "5"})) == "yes"
    assert own_words(said("yes")) == "yes"
