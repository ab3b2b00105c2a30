"""Decodes one picture, in a process of its own: python worker.py COLUMNS ROWS < PICTURE.

A script that needs nothing of ours. It answers with one line of JSON and, where that names no problem, with
rows × columns × 3 bytes of red, green and blue.
"""

from __future__ import annotations

import io
import json
import resource
import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
BYTES_MAX = 25 * 1024 * 1024
PIXELS_MAX = 64_000_000
MEMORY_BYTES = 1024 * 1024 * 1024  # 64 megapixels with four bytes each, and what decoders need beside them
CPU_S = 10
ANSWER_MAX = 4_000_000  # a thousand pixels across and down, and what is said of them
ORIENTATION = 0x0112  # what a telephone notes instead of turning its pixels


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (ANSWER_MAX, ANSWER_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _opened(data: bytes) -> Image.Image:
    """What the header says, nothing decoded yet."""
    from PIL import GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

    # Named here, because Pillow would else load every format that it knows to find one of these.
    assert all((GifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin))  # noqa: S101
    Image.MAX_IMAGE_PIXELS = PIXELS_MAX
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    return Image.open(io.BytesIO(data), formats=FORMATS)


def _scaled(image: Image.Image, columns: int, rows: int) -> Image.Image:
    """The first frame, as people see it, in at most this many pixels; a small picture stays small."""
    from PIL import Image

    turn = _turn(image)
    if _lies(turn):
        columns, rows = rows, columns
    if image.mode in ("P", "PA", "LA", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode.startswith("I"):
        image = image.point(lambda value: value / 256).convert("L")  # sixteen bits of grey
    elif image.mode not in ("RGB", "RGBA", "CMYK", "YCbCr"):
        image = image.convert("L")
    # A JPEG is decoded at an eighth, a quarter or a half of its size where that is enough.
    image.thumbnail((columns, rows), reducing_gap=2.0)
    if turn is not None:
        image = image.transpose(turn)
    if image.mode == "RGBA":
        paper = Image.new("RGB", image.size, "white")
        paper.paste(image, mask=image.getchannel("A"))
        return paper
    return image.convert("RGB")


def _turn(image: Image.Image) -> Image.Transpose | None:
    from PIL import Image

    if "exif" not in image.info:
        return None
    return {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }.get(image.getexif().get(ORIENTATION, 1))


def _lies(turn: Image.Transpose | None) -> bool:
    """Do its rows stand up when it is turned?"""
    return turn is not None and turn.name in ("TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90")


def _decoded(data: bytes, columns: int, rows: int) -> tuple[dict[str, object], bytes]:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        return {"problem": "missing"}, b""
    try:
        image = _opened(data)
        width, height = image.size[::-1] if _lies(_turn(image)) else image.size
        kind = image.format
        small = _scaled(image, columns, rows)
    except UnidentifiedImageError:
        return {"problem": "format"}, b""
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return {"problem": "pixels"}, b""
    except MemoryError:
        return {"problem": "memory"}, b""
    except Exception:  # decoders raise whatever they come upon: OSError, SyntaxError, struct.error, …
        return {"problem": "damaged"}, b""
    facts: dict[str, object] = {
        "width": width,
        "height": height,
        "format": kind,
        "columns": small.width,
        "rows": small.height,
    }
    return facts, small.tobytes()


def main() -> None:
    _limit()
    facts, pixels = _decoded(sys.stdin.buffer.read(BYTES_MAX + 1), int(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n" + pixels)


if __name__ == "__main__":
    main()
