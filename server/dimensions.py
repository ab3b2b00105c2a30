"""How wide and high a picture or a film is, from its header: pure, bounded, and never an error.

PNG (RFC 2083), GIF89a, JPEG (ITU-T T.81, B.2.2), WebP (RFC 9649), ISO base media files (ISO/IEC 14496-12).
What is read is what the file says of itself; nothing is decoded.
"""

from __future__ import annotations

from collections.abc import Iterator

Dimensions = tuple[int, int]  # pixels, across and down

PARTS_MAX = 200  # segments or boxes that are looked at
SIDE_MAX = 1_000_000  # pixels; whoever says more says nonsense

# SOF0 to SOF15 without DHT, JPG and DAC, which stand among them.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


def dimensions(content: bytes) -> Dimensions | None:
    """None where it is of another kind, cut off before it says so, or says nonsense."""
    found: Dimensions | None = None
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        found = _big(content, 16, 4) if content[12:16] == b"IHDR" else None
    elif content.startswith((b"GIF87a", b"GIF89a")):
        found = _little(content, 6, 2)
    elif content.startswith(b"\xff\xd8\xff"):
        found = _jpeg(content)
    elif content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        found = _webp(content)
    elif content[4:8] == b"ftyp":
        found = _film(content)
    return found if found is not None and all(0 < side <= SIDE_MAX for side in found) else None


def _big(content: bytes, at: int, width: int) -> Dimensions | None:
    sides = content[at : at + 2 * width]
    if len(sides) < 2 * width:
        return None
    return int.from_bytes(sides[:width], "big"), int.from_bytes(sides[width:], "big")


def _little(content: bytes, at: int, width: int) -> Dimensions | None:
    sides = content[at : at + 2 * width]
    if len(sides) < 2 * width:
        return None
    return int.from_bytes(sides[:width], "little"), int.from_bytes(sides[width:], "little")


def _jpeg(content: bytes) -> Dimensions | None:
    at = 2
    for _ in range(PARTS_MAX):
        if content[at : at + 1] != b"\xff" or len(content) < at + 4:
            return None
        marker = content[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in _FRAMES:
            sides = _big(content, at + 5, 2)
            return None if sides is None else (sides[1], sides[0])  # the height comes first
        else:
            at += 2 + max(2, int.from_bytes(content[at + 2 : at + 4], "big"))
    return None


def _webp(content: bytes) -> Dimensions | None:
    kind = content[12:16]
    if kind == b"VP8X":
        sides = _little(content, 24, 3)
        return None if sides is None else (sides[0] + 1, sides[1] + 1)
    if kind == b"VP8L" and content[20:21] == b"\x2f" and len(content) >= 25:
        bits = int.from_bytes(content[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        sides = _little(content, 26, 2)
        return None if sides is None else (sides[0] & 0x3FFF, sides[1] & 0x3FFF)  # the rest is scaling
    return None


def _film(content: bytes) -> Dimensions | None:
    """Of the first track that is seen; sound has a track, too, without width and height."""
    movie = next(_boxes(content, b"moov", 0, len(content)), (0, 0))
    for track in _boxes(content, b"trak", *movie):
        start, end = next(_boxes(content, b"tkhd", *track), (0, 0))
        sides = _big(content, end - 8, 4) if end - 8 >= start else None
        if sides is not None and all(side >> 16 for side in sides):
            return sides[0] >> 16, sides[1] >> 16  # fixed point, 16.16
    return None


def _boxes(content: bytes, kind: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the insides of the boxes of a kind begin and end."""
    for _ in range(PARTS_MAX):
        if start + 8 > end:
            return
        length, head = int.from_bytes(content[start : start + 4], "big"), 8
        if length == 1:
            length, head = int.from_bytes(content[start + 8 : start + 16], "big"), 16
        elif length == 0:
            length = end - start
        if length < head or start + length > end:
            return
        if content[start + 4 : start + 8] == kind:
            yield start + head, start + length
        start += length
