"""Pictures as customers send them, and as nobody should: whole, cut off, lying about their size."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from omni_console.demo.play import png

ORIENTATION = 0x0112
RED, BLUE = (220, 20, 20), (20, 20, 220)


def halves(size: tuple[int, int], kind: str = "PNG", *, turned: int = 1, **more: Any) -> bytes:
    """Red at the left, blue at the right. `turned`: what a telephone notes of how it was held."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, size[0], size[1]))
    if turned != 1:
        exif = Image.Exif()
        exif[ORIENTATION] = turned
        more["exif"] = exif
    return saved(image, kind, **more)


def saved(image: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def png_that_says(width: int, height: int, rows: bytes = b"\0" * 64) -> bytes:
    """A PNG whose header promises what its rows do not hold."""
    return png(width, height, rows)
