"""Which files are looked at, and how their pixels become characters: two in a cell, upper and lower. Pure.

Half blocks and colours, nothing else: that goes through tmux and ssh, into every terminal, and nothing of a
customer's file reaches the terminal but numbers between 0 and 255.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

UPPER = "▀"
GREYS = (0, 85, 170, 255)  # black, bright black, white and bright white, as Rich takes them to be
SHADES = {0: " ", 64: "░", 128: "▒", 191: "▓", 255: "█"}
COLUMNS_MAX = ROWS_MAX = 1000  # of pixels on a screen
SHOWN = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg", ".jfif"),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
}
_ENDINGS = tuple(ending for endings in SHOWN.values() for ending in endings)

Colour = tuple[int, int, int]


class Picture(msgspec.Struct, frozen=True):
    """`width` × `height` and `format` of the file; `columns` × `rows` pixels of it, three bytes each."""

    width: int
    height: int
    format: str
    columns: int
    rows: int
    pixels: bytes


class Run(msgspec.Struct, frozen=True):
    """Cells of the same two colours. Below the last row of a picture there is no colour."""

    cells: int
    upper: Colour
    lower: Colour | None


def is_shown(content_type: str, name: str) -> bool:
    """Is it of a kind that is decoded here, by what is said of it? What it is, the decoder finds out."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in SHOWN:
        return True
    return kind in ("", "application/octet-stream") and name.lower().endswith(_ENDINGS)


def pixels_in(cells: int, lines: int) -> tuple[int, int]:
    """How many pixels there is room for, across and down."""
    return max(1, min(cells, COLUMNS_MAX)), max(1, min(lines * 2, ROWS_MAX))


def lines_of(picture: Picture) -> int:
    return (picture.rows + 1) // 2


def half_blocks(picture: Picture) -> list[list[Run]]:
    """Line by line, as few pieces as there are changes of colour."""
    lines = []
    for row in range(0, picture.rows, 2):
        below: Iterator[Colour | None] = iter(_row(picture, row + 1))
        runs: list[Run] = []
        for upper in _row(picture, row):
            lower = next(below, None)
            if runs and (runs[-1].upper, runs[-1].lower) == (upper, lower):
                runs[-1] = Run(runs[-1].cells + 1, upper, lower)
            else:
                runs.append(Run(1, upper, lower))
        lines.append(runs)
    return lines


def _row(picture: Picture, row: int) -> list[Colour]:
    if row >= picture.rows:
        return []
    raw = picture.pixels[row * picture.columns * 3 : (row + 1) * picture.columns * 3]
    return list(zip(raw[::3], raw[1::3], raw[2::3], strict=True))


def in_greys(picture: Picture) -> Picture:
    """For terminals of sixteen colours: in their four greys."""
    lights = [[_light(colour) for colour in _row(picture, row)] for row in range(picture.rows)]
    mixed = _mixed(lights, GREYS)
    return replace(picture, pixels=bytes(grey for row in mixed for grey in row for _ in range(3)))


def shaded(picture: Picture) -> list[str]:
    """Without colours: characters that cover more of a dark ground the lighter it is there."""
    lights = []
    for row in range(0, picture.rows, 2):
        upper = _row(picture, row)
        lower = _row(picture, row + 1) or upper
        lights.append([(_light(one) + _light(two)) / 2 for one, two in zip(upper, lower, strict=True)])
    return ["".join(SHADES[level] for level in row) for row in _mixed(lights, tuple(SHADES))]


def _light(colour: Colour) -> float:
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _mixed(lights: list[list[float]], levels: Sequence[int]) -> list[list[int]]:
    """Every value as the nearest of few; what is missing goes to those not yet done (Floyd–Steinberg)."""
    columns = len(lights[0])
    carried = [0.0] * (columns + 2)
    rows = []
    for row in lights:
        ahead = [0.0] * (columns + 2)
        made = []
        for column, light in enumerate(row):
            wanted = light + carried[column + 1]
            level = min(levels, key=lambda one: abs(one - wanted))
            missing = wanted - level
            carried[column + 2] += missing * 7 / 16
            ahead[column] += missing * 3 / 16
            ahead[column + 1] += missing * 5 / 16
            ahead[column + 2] += missing * 1 / 16
            made.append(level)
        carried = ahead
        rows.append(made)
    return rows
