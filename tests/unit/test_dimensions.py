"""Dimensions from headers: real pictures, what is cut off, and whatever else is sent."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from server.dimensions import PARTS_MAX, dimensions


def picture(form: str, **how: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1280, 960), "red").save(out, form, **how)
    return out.getvalue()


def box(kind: bytes, inside: bytes) -> bytes:
    return struct.pack(">I", 8 + len(inside)) + kind + inside


def film(width: int = 640, height: int = 360) -> bytes:
    sound = box(b"trak", box(b"tkhd", bytes(76) + struct.pack(">II", 0, 0)))
    seen = box(b"trak", box(b"tkhd", bytes(76) + struct.pack(">II", width << 16, height << 16)))
    movie = box(b"moov", box(b"mvhd", bytes(9)) + sound + seen)
    return box(b"ftyp", b"mp42") + box(b"mdat", bytes(100)) + movie


LONG = {"exif": b"Exif\0\0" + bytes(900), "icc_profile": bytes(70_000)}
PICTURES = {
    "png": picture("PNG"),
    "gif": picture("GIF"),
    "jpeg": picture("JPEG"),
    "progressive jpeg": picture("JPEG", progressive=True, **LONG),
    "webp": picture("WEBP"),
    "lossless webp": picture("WEBP", lossless=True),
    "extended webp": picture("WEBP", icc_profile=bytes(100)),
}


@pytest.mark.parametrize("name", PICTURES)
def test_real_pictures(name: str) -> None:
    assert dimensions(PICTURES[name]) == (1280, 960)


def test_a_film_has_those_of_what_is_seen() -> None:
    assert dimensions(film()) == (640, 360)
    assert dimensions(film(0, 0)) is None


def test_a_box_that_names_a_long_length() -> None:
    whole = film()
    inside = whole[20 + 100 :]  # behind ftyp and mdat
    long = struct.pack(">I", 1) + b"moov" + struct.pack(">Q", 8 + len(inside)) + inside[8:]
    assert dimensions(whole[:12] + long) == (640, 360)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + bytes(40),
        PICTURES["png"][:16] + bytes(8),
        PICTURES["png"][:16] + b"\xff" * 8,
        b"GIF89a\x01",
        b"\xff\xd8\xff" + b"\xff" * 10_000,
        b"\xff\xd8" + b"\xff\xe0\x00\x00" * 10_000,
        b"RIFF0000WEBPVP8X",
        box(b"ftyp", b"mp42") + b"\x00\x00\x00\x00moov",
        box(b"ftyp", b"mp42") + struct.pack(">I", 1) + b"moov" + bytes(8),
    ],
)
def test_what_says_nothing_has_none(content: bytes) -> None:
    assert dimensions(content) is None


def test_only_so_many_parts_are_looked_at() -> None:
    head, rest = PICTURES["jpeg"][:2], PICTURES["jpeg"][2:]
    assert dimensions(head + b"\xff\xfe\x00\x02" * (PARTS_MAX - 50) + rest) == (1280, 960)
    assert dimensions(head + b"\xff\xfe\x00\x02" * PARTS_MAX + rest) is None


HEADS = [PICTURES["jpeg"][:700], *(one[:60] for one in PICTURES.values()), film()]


@given(st.sampled_from(HEADS), st.integers(0, 700), st.integers(0, 12), st.binary(max_size=60))
def test_whatever_is_sent_raises_nothing(head: bytes, at: int, gone: int, put: bytes) -> None:
    found = dimensions(head[:at] + put + head[at + gone :])
    assert found is None or all(0 < side <= 1_000_000 for side in found)
