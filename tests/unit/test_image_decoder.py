"""Pictures of strangers, decoded apart: whole ones are shown, for all others there is a sentence."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import sys
import textwrap
from pathlib import Path
from unittest.mock import patch

import pytest
from PIL import Image

from omni_console.images import decoder, worker
from omni_console.images.blocks import Picture
from omni_console.images.decoder import UnreadableError, decode, read
from tests.fakes.pictures import BLUE, RED, halves, png_that_says, saved

ROOM = (80, 40)


def near(picture: Picture, column: int, row: int, colour: tuple[int, int, int]) -> bool:
    at = (row * picture.columns + column) * 3
    return all(
        abs(is_ - wanted) < 24 for is_, wanted in zip(picture.pixels[at : at + 3], colour, strict=True)
    )


async def problem_of(data: bytes) -> str:
    with pytest.raises(UnreadableError) as refused:
        await decode(data, ROOM)
    assert refused.value.why
    return refused.value.problem


@pytest.mark.parametrize("kind", worker.FORMATS)
async def test_every_format_is_scaled_to_its_room(kind: str) -> None:
    picture = await decode(halves((640, 400), kind), ROOM)
    assert (picture.width, picture.height, picture.format) == (640, 400, kind)
    assert (picture.columns, picture.rows) == (64, 40)
    assert near(picture, 2, 2, RED) and near(picture, 61, 37, BLUE)


async def test_a_small_picture_stays_small() -> None:
    picture = await decode(halves((6, 4)), ROOM)
    assert (picture.columns, picture.rows) == (6, 4)


async def test_a_thin_picture_keeps_a_pixel() -> None:
    picture = await decode(halves((2, 9000)), ROOM)
    assert (picture.columns, picture.rows) == (1, 40)


async def test_a_telephone_that_was_held_upright() -> None:
    picture = await decode(halves((640, 400), "JPEG", turned=6), ROOM)
    assert (picture.width, picture.height, picture.columns, picture.rows) == (400, 640, 25, 40)
    assert near(picture, 12, 2, RED) and near(picture, 12, 37, BLUE)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "I;16", "CMYK"])
async def test_what_is_behind_glass_stands_on_white(mode: str) -> None:
    kind = {"CMYK": "JPEG", "PA": "GIF"}.get(mode, "PNG")
    picture = await decode(saved(Image.new("P" if mode == "PA" else mode, (20, 20)), kind), ROOM)
    clear = mode in ("LA", "RGBA", "CMYK")  # no ink in CMYK is white as well
    assert near(picture, 3, 3, (255, 255, 255) if clear else (0, 0, 0))


async def test_sixteen_bits_of_grey() -> None:
    picture = await decode(saved(Image.new("I;16", (8, 8), 128 * 256)), ROOM)
    assert near(picture, 3, 3, (128, 128, 128))


async def test_of_a_film_the_first_frame() -> None:
    frames = [Image.new("RGB", (10, 10), colour) for colour in (RED, BLUE)]
    film = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert near(await decode(film, ROOM), 5, 5, RED)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "format"),
        (b"\0" * 5000, "format"),
        (b"<svg onload='alert(1)'/>", "format"),
        (saved(Image.new("RGB", (9, 9)), "BMP"), "format"),
        (saved(Image.new("RGB", (9, 9)), "TIFF"), "format"),
        (halves((900, 900), "JPEG")[:3000], "damaged"),
        (halves((900, 900), "WEBP")[:300], "damaged"),
        (png_that_says(900, 900), "damaged"),
        (png_that_says(100_000, 100_000), "pixels"),
        (png_that_says(9000, 8000), "pixels"),
        (png_that_says(2**31 - 1, 1), "pixels"),
        (halves((8, 8), "GIF").replace(b"\x08\x00\x08\x00", b"\xff\xff\xff\xff", 1), "pixels"),
    ],
    ids=itertools.count(),
)
async def test_what_is_no_picture_to_be_shown(data: bytes, problem: str) -> None:
    assert await problem_of(data) == problem


async def test_a_bomb_of_as_many_pixels_as_are_let_through() -> None:
    """Some kilobytes that become 190 megabytes: decoded within the limits, in the child alone."""
    bomb = saved(Image.new("RGB", (8000, 7900)), optimize=False, compress_level=9)
    assert len(bomb) < 300_000
    assert (await decode(bomb, ROOM)).columns == 41


async def test_a_file_that_is_too_long_is_never_handed_over() -> None:
    with patch.object(asyncio, "create_subprocess_exec", side_effect=AssertionError):
        assert await problem_of(b"\0" * (worker.BYTES_MAX + 1)) == "bytes"


async def test_without_the_extra_it_says_what_to_install() -> None:
    with patch.object(decoder, "available", lambda: False):
        with pytest.raises(UnreadableError, match="missing") as refused:
            decoder.check_size(10)
        assert "pip install pillow" in refused.value.why


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("bytearray(2 * 1024**3)", "crashed"),
        ("os.kill(os.getpid(), 11)", "crashed"),
        (f"os.kill(os.getpid(), {int(signal.SIGXCPU)})", "time"),
        ("time.sleep(60)", "time"),
        ("sys.stdout.buffer.write(b'x' * 9_000_000)", "crashed"),
        ("print('[]')", "crashed"),
        ("open(sys.argv[0] + '.left', 'w').write('x' * 9_000_000)", "crashed"),
    ],
)
async def test_a_decoder_that_goes_wrong_takes_nothing_with_it(
    body: str, problem: str, tmp_path: Path
) -> None:
    """Who takes over the worker, or breaks it, gets no further than its limits."""
    script = tmp_path / "worker.py"
    source = f"""
        import os, sys, time
        sys.path.insert(0, {str(Path(worker.__file__).parent)!r})
        import worker as real
        real._limit()
        sys.stdin.buffer.read()
        {body}
    """
    script.write_text(textwrap.dedent(source), encoding="utf-8")
    with (
        patch.object(worker, "__file__", str(script)),
        pytest.raises(UnreadableError) as refused,
    ):
        await decode(halves((8, 8)), ROOM, patience=3.0 if "sleep" in body else 30.0)
    assert refused.value.problem == problem


async def test_a_worker_that_does_not_listen() -> None:
    """It ends before it has read what it is given."""
    with patch.object(worker, "__file__", "/nowhere/worker.py"):
        assert await problem_of(halves((2000, 2000)) + b"\0" * 5_000_000) == "crashed"


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"columns": 81, "rows": 1, "format": "PNG"},
        {"columns": -1, "rows": -1, "format": "PNG"},
        {"columns": 1, "rows": 2, "format": "PNG"},
        {"columns": 1, "rows": 1, "format": "\x1b]0;x\x07"},
        {"columns": "1"},
        {"problem": "other"},
    ],
)
def test_an_answer_that_makes_no_sense(facts: dict[str, object]) -> None:
    with pytest.raises(UnreadableError, match="crashed"):
        read(json.dumps(facts).encode() + b"\nabc", ROOM)


async def test_where_nothing_starts_it_says_why() -> None:
    with (
        patch.object(sys, "executable", "/nowhere/python"),
        pytest.raises(UnreadableError) as refused,
    ):
        await decode(halves((8, 8)), ROOM)
    assert "/nowhere/python" in refused.value.why


async def test_who_turns_the_page_ends_the_decoder() -> None:
    """No process stays behind."""
    started: list[asyncio.subprocess.Process] = []
    begin = asyncio.create_subprocess_exec

    async def noted(*words: str, **more: object) -> asyncio.subprocess.Process:
        process = await begin(sys.executable, "-c", "import time; time.sleep(60)", **more)  # type: ignore[arg-type]
        started.append(process)
        return process

    with patch.object(asyncio, "create_subprocess_exec", noted):
        task = asyncio.create_task(decode(halves((8, 8)), ROOM))
        while not started:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert started[0].returncode == -signal.SIGKILL
