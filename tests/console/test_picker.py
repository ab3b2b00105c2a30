"""Files are picked by letters or by path, and their names are text like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_console.screens.picker_screen import PickerScreen
from tests.fakes.console_hands import Hands
from tests.fakes.post_desk import desk, opened
from tests.fakes.post_office import PostOffice


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "letters").mkdir()
    (tmp_path / "invoice 12.pdf").write_bytes(b"%PDF")
    (tmp_path / "letters" / "answer.txt").write_bytes(b"yes")
    (tmp_path / "[@click=app.quit]x\x1b]0;owned\x07\u202e.txt").write_bytes(b"!")
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def picking(post: PostOffice, hands: Hands) -> PickerScreen:
    await post.receive("Anna <anna@x.example>", "where is my invoice?")
    await opened(hands, "where is my invoice?")
    await hands.press("r", "alt+t")
    await hands.sees("Attach a file from")
    screen = hands.app.screen
    assert isinstance(screen, PickerScreen)
    return screen


@pytest.mark.usefixtures("folder")
async def test_by_a_few_letters() -> None:
    async with desk() as (post, hands):
        await picking(post, hands)
        await hands.sees("letters/")
        await hands.sees("[@click=app.quit]x")
        assert not set(hands.text()) & {"\x1b", "\x07", "\u202e"}
        await hands.type("inv")
        await hands.press("enter")
        await hands.sees("⊞ invoice 12.pdf")


async def test_in_and_out_of_a_folder(folder: Path) -> None:
    async with desk() as (post, hands):
        screen = await picking(post, hands)
        await hands.type("lett")
        await hands.press("enter")
        await hands.sees("answer.txt")
        await hands.press("backspace")
        await hands.sees("invoice 12.pdf")
        await hands.type(f"{folder}/letters/ans")
        await hands.press("enter")
        await hands.until(lambda: hands.app.screen is not screen, "taken")
        await hands.sees("⊞ answer.txt")
        # The next one is looked for where the last one was.
        await hands.press("alt+t", "1")
        await hands.sees("letters")
        await hands.sees("3 B")


async def test_what_is_not_there_or_cannot_be_read_is_said(folder: Path) -> None:
    async with desk() as (post, hands):
        screen = await picking(post, hands)
        await hands.type("/nowhere/at all")
        await hands.sees("cannot be read: No such file or directory")
        await hands.press("ctrl+u")
        await hands.type("zzz")
        await hands.sees("nothing here answers that")
        await hands.press("ctrl+u")
        await hands.sees("invoice 12.pdf")
        (folder / "invoice 12.pdf").unlink()
        await hands.type("inv")
        await hands.press("enter")
        await hands.sees("there is no such file")
        assert hands.app.screen is screen
