"""Pictures that customers sent, looked at without leaving the terminal."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from msgspec.structs import replace
from rich.console import Console
from rich.segment import Segment

from omni_console import own_programs
from omni_console.app import OmniConsole
from omni_console.images import decoder
from omni_console.images.blocks import GREYS
from omni_console.own_programs import OwnProgramError
from omni_console.screens.picture_screen import PictureScreen
from omni_console.screens.things_screen import ThingsScreen
from omni_console.widgets.picture_view import PictureView
from server.protocol import File
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.pictures import BLUE, RED, halves, png_that_says

EVIL = "[@click=app.quit]\x1b]0;owned\x07\u202egnp.exe[/x]\n.png"


@pytest.fixture(autouse=True)
def _many_colours() -> Iterator[None]:
    """Whatever terminal the tests run in."""
    with patch.object(Console, "color_system", "truecolor"):
        yield


@pytest.fixture
def pictures(world: FakeServer) -> FakeServer:
    """Anna's letter has two pictures and what is none."""
    files = [
        File(id=31, name="dent.png", content_type="image/png", size=2_048),
        File(id=32, name="receipt.pdf", content_type="application/pdf", size=10),
        File(id=33, name=EVIL, content_type="image/jpeg", size=10),
        File(id=34, name="late.png", content_type="image/png", size=10, problem="it was too large"),
    ]
    for number, one in enumerate(world.messages):
        if one.files and one.files[0].name == "invoice-2231.pdf":
            world.messages[number] = replace(one, files=files)
    world.bytes_of |= {31: halves((400, 200)), 33: halves((200, 400), "JPEG")}
    return world


def colours(app: OmniConsole) -> set[tuple[int, ...]]:
    view = app.screen.query_one(PictureView)
    strips = [view.render_line(y) for y in range(view.size.height)]
    segments: Iterator[Segment] = itertools.chain.from_iterable(strips)
    return {
        tuple(segment.style.color.triplet)
        for segment in segments
        if "▀" in segment.text and segment.style is not None and segment.style.color is not None
        if segment.style.color.triplet is not None
    }


@asynccontextmanager
async def asked(world: FakeServer, tmp_path: Path) -> AsyncIterator[Hands]:
    """What to do with the first picture of the message?"""
    async with console(world, tmp_path) as hands:
        await hands.press("1")
        await hands.sees("Kind regards")
        await hands.press("D")
        await hands.sees("Which file?")
        await hands.press("1")
        await hands.sees("look at it here")
        yield hands


@asynccontextmanager
async def looking(world: FakeServer, tmp_path: Path) -> AsyncIterator[tuple[Hands, PictureScreen]]:
    """It is on the screen."""
    async with asked(world, tmp_path) as hands:
        await hands.press("enter")
        await hands.sees("400×200 PNG")
        assert isinstance(hands.app.screen, PictureScreen)
        yield hands, hands.app.screen


async def test_a_picture_is_looked_at_and_left(pictures: FakeServer, tmp_path: Path) -> None:
    async with looking(pictures, tmp_path) as (hands, window):
        assert "dent.png" in hands.text() and "2 KB" in hands.text() and "1 of 2" in hands.text()
        assert colours(hands.app) >= {RED, BLUE}
        lines = [line for line in hands.lines() if "▀" in line]
        assert 20 <= len(lines) <= window.view.size.height
        assert max(line.count("▀") for line in lines) <= window.view.size.width
        await hands.press("escape")
        assert hands.app.screen is hands.screen


async def test_from_picture_to_picture_of_one_message(pictures: FakeServer, tmp_path: Path) -> None:
    async with looking(pictures, tmp_path) as (hands, _window):
        await hands.press("n")
        await hands.sees("200×400 JPEG")
        await hands.sees("2 of 2")
        await hands.press("n")
        await hands.sees("400×200 PNG")
        await hands.press("left")
        await hands.sees("200×400 JPEG")
        await hands.press("q")
        assert hands.app.screen is hands.screen


async def test_a_hostile_name_is_only_text(pictures: FakeServer, tmp_path: Path) -> None:
    async with looking(pictures, tmp_path) as (hands, _window):
        await hands.press("p")
        await hands.sees("[@click=app.quit]")
        text = hands.text()
        assert "\x1b" not in text and "\u202e" not in text and "[/x]" in text
        for segment in itertools.chain.from_iterable(hands.app.screen.head.render_line(0) for _ in "x"):  # type: ignore[attr-defined]
            assert segment.style is None or not segment.style.meta


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (png_that_says(60_000, 60_000), "more than 64 megapixels"),
        (halves((400, 200))[:200], "damaged, or not all of it came"),
        (b"MZ" + b"\0" * 400, "whatever its name says"),
    ],
    ids=["bomb", "cut off", "another kind"],
)
async def test_what_cannot_be_shown_is_a_sentence(
    pictures: FakeServer, tmp_path: Path, data: bytes, said: str
) -> None:
    pictures.bytes_of[33] = data
    async with looking(pictures, tmp_path) as (hands, _window):
        await hands.press("n")
        await hands.sees(said)
        await hands.press("n")
        await hands.sees("400×200 PNG")


async def test_a_file_that_is_gone_and_one_that_is_too_large(pictures: FakeServer, tmp_path: Path) -> None:
    del pictures.bytes_of[33]
    async with looking(pictures, tmp_path) as (hands, window):
        await hands.press("n")
        await hands.sees_no("loading…")
        assert hands.text().count("▀") == 0
        window.files = [replace(one, size=40_000_000) for one in window.files]
        await hands.press("n")
        await hands.sees("more than 25 MB")
        assert pictures.asked.count("GET /v1/files/31") == 1, "it is not even fetched"


async def test_without_the_extra_the_window_says_what_to_install(
    pictures: FakeServer, tmp_path: Path
) -> None:
    with patch.object(decoder, "available", lambda: False):
        async with asked(pictures, tmp_path) as hands:
            await hands.press("enter")
            await hands.sees("pip install pillow")
            assert "GET /v1/files/31" not in pictures.asked
            await hands.press("escape")
            assert hands.app.screen is hands.screen


async def test_it_is_opened_and_saved_from_there(pictures: FakeServer, tmp_path: Path) -> None:
    down = tmp_path / "down"
    async with looking(pictures, tmp_path) as (hands, _window):
        with patch.dict(os.environ, XDG_DOWNLOAD_DIR=str(down)):
            await hands.press("s")
            await hands.sees("saved: ")
        assert (down / "dent.png").read_bytes() == pictures.bytes_of[31]
        with patch.object(own_programs, "opener", lambda wanted: ["true"]):
            await hands.press("o")
            await hands.sees("opened")
        with patch.object(own_programs, "opener", side_effect=OwnProgramError("no program here")):
            await hands.press("o")
            await hands.sees("not opened: no program here")
        assert isinstance(hands.app.screen, PictureScreen)


async def test_the_list_of_all_files_leads_to_pictures(pictures: FakeServer, tmp_path: Path) -> None:
    async with console(pictures, tmp_path) as hands:
        await hands.press("1")
        await hands.sees("Kind regards")
        await hands.press("F")
        await hands.sees("dent.png")
        await hands.press("v")
        await hands.sees("400×200 PNG")
        await hands.press("escape")
        assert isinstance(hands.app.screen, ThingsScreen)
        await hands.press("j", "v")
        await hands.sees("only PNG, JPEG, GIF and WebP are shown here")
        await hands.press("j", "j", "v")
        await hands.sees("it was too large")


async def test_another_size_is_another_picture(pictures: FakeServer, tmp_path: Path) -> None:
    async with looking(pictures, tmp_path) as (hands, window):
        await hands.pilot.resize_terminal(60, 20)
        await hands.until(lambda: 0 < max(line.count("▀") for line in hands.lines()) <= 60, "smaller")
        assert window.view.size.width <= 60
        assert pictures.asked.count("GET /v1/files/31") == 1, "its bytes are kept"


async def test_with_sixteen_colours_it_is_drawn_in_greys(pictures: FakeServer, tmp_path: Path) -> None:
    with patch.object(Console, "color_system", "standard"):
        async with looking(pictures, tmp_path) as (hands, _window):
            found = colours(hands.app)
        assert len(found) > 1 and {part for colour in found for part in colour} <= set(GREYS)


async def test_without_colours_it_is_drawn_in_shades(
    pictures: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with looking(pictures, tmp_path) as (hands, _window):
        text = hands.text()
        assert len({"░", "▒", "▓"} & set(text)) > 1 and "▀" not in text
