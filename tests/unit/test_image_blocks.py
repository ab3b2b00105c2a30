"""How pixels become characters, and which files are tried."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color, ColorSystem

from omni_console.images.blocks import (
    COLUMNS_MAX,
    GREYS,
    ROWS_MAX,
    Picture,
    Run,
    half_blocks,
    in_greys,
    is_shown,
    lines_of,
    pixels_in,
    shaded,
)

RED, BLUE, GREY = (255, 0, 0), (0, 0, 255), (128, 128, 128)


def picture(*rows: list[tuple[int, int, int]]) -> Picture:
    pixels = bytes(part for row in rows for colour in row for part in colour)
    return Picture(9, 9, "PNG", len(rows[0]), len(rows), pixels)


def test_two_rows_of_pixels_are_one_line() -> None:
    assert half_blocks(picture([RED, RED, BLUE], [BLUE, BLUE, BLUE])) == [
        [Run(2, RED, BLUE), Run(1, BLUE, BLUE)],
    ]


def test_below_an_odd_row_there_is_no_colour() -> None:
    shown = picture([RED, BLUE], [RED, BLUE], [BLUE, BLUE])
    assert lines_of(shown) == 2
    assert half_blocks(shown)[1] == [Run(2, BLUE, None)]


@given(st.integers(1, 12), st.integers(1, 9), st.randoms())
def test_every_pixel_is_in_its_place(columns: int, rows: int, chance: random.Random) -> None:
    colours = [[chance.choice([RED, BLUE, GREY]) for _ in range(columns)] for _ in range(rows)]
    lines = half_blocks(picture(*colours))
    assert len(lines) == (rows + 1) // 2
    for number, runs in enumerate(lines):
        assert [run.upper for run in runs for _ in range(run.cells)] == colours[number * 2]
        below = colours[number * 2 + 1] if number * 2 + 1 < rows else [None] * columns
        assert [run.lower for run in runs for _ in range(run.cells)] == below


def test_four_greys_are_mixed_to_every_other_one() -> None:
    for level in range(0, 256, 15):
        mixed = in_greys(picture(*[[(level,) * 3] * 40] * 40))
        assert set(mixed.pixels) <= set(GREYS)
        assert abs(sum(mixed.pixels) / len(mixed.pixels) - level) < 4
    assert in_greys(picture([RED, BLUE])).pixels[0] > in_greys(picture([BLUE, BLUE])).pixels[0]


def test_without_colours_the_shades_are_as_dense_as_the_picture_is_light() -> None:
    parts = {" ": 0.0, "░": 0.25, "▒": 0.5, "▓": 0.75, "█": 1.0}
    for level in range(0, 256, 15):
        drawn = "".join(shaded(picture(*[[(level,) * 3] * 40] * 40)))
        assert len(drawn) == 40 * 20
        assert abs(sum(parts[char] for char in drawn) / len(drawn) - level / 255) < 0.02
    assert shaded(picture([(255, 255, 255)])) == ["█"]


@pytest.mark.parametrize("grey", GREYS)
def test_each_of_them_is_one_of_a_terminals_sixteen(grey: int) -> None:
    told = Color.from_rgb(grey, grey, grey).downgrade(ColorSystem.STANDARD)
    assert told.number == {0: 0, 85: 8, 170: 7, 255: 15}[grey]


@pytest.mark.parametrize(
    ("content_type", "name", "shown"),
    [
        ("image/png", "", True),
        ("IMAGE/JPEG; charset=binary", "x", True),
        ("application/octet-stream", "IMG_1.JPG", True),
        ("", "a.webp", True),
        ("image/svg+xml", "a.svg", False),
        ("image/tiff", "a.png", False),
        ("application/pdf", "a.png", False),
        ("", "a.png.exe", False),
    ],
)
def test_which_files_are_looked_at(content_type: str, name: str, shown: bool) -> None:
    assert is_shown(content_type, name) is shown


def test_the_room_has_bounds() -> None:
    assert pixels_in(80, 20) == (80, 40)
    assert pixels_in(0, 0) == (1, 1)
    assert pixels_in(5000, 5000) == (COLUMNS_MAX, ROWS_MAX)
