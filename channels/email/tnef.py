"""winmail.dat: what Outlook and Exchange wrap a mail in when they take the receiver for their like.

A strict reader of [MS-OXTNEF] streams: text and attached files, nothing else. No recursion, every length is
checked, and what does not fit raises TnefError.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

from channels.email import charset

SIGNATURE = 0x223E9F78
MAX_FILES = 100
MAX_PROPERTIES = 5_000
MAX_UNPACKED_RTF = 5_000_000

_BODY, _MESSAGE_PROPERTIES, _CODEPAGE = 0x800C, 0x9003, 0x9007
_RENDER_DATA, _TITLE, _FILE_DATA, _FILE_PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005
_LEVEL_MESSAGE, _LEVEL_FILE = 1, 2

_PR_BODY, _PR_HTML, _PR_RTF = 0x1000, 0x1013, 0x1009
_PR_DATA, _PR_NAME, _PR_LONG_NAME, _PR_TYPE = 0x3701, 0x3704, 0x3707, 0x370E

# Sizes of the fixed property types ([MS-OXCDATA] 2.11.1) as they stand in a stream, padded to four bytes.
_FIXED = {0x01: 4, 0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8}
_FIXED[0x48] = 16
_STRING, _WIDE, _BINARY, _OBJECT = 0x1E, 0x1F, 0x102, 0x0D
_MANY = 0x1000


class TnefError(Exception):
    """The stream is cut, or is none."""


class TnefFile(msgspec.Struct):
    name: str = ""
    content_type: str = ""
    data: bytes = b""


class Unpacked(msgspec.Struct, kw_only=True):
    text: str = ""
    html: str = ""
    files: list[TnefFile] = []


def unpack(data: bytes) -> Unpacked:
    """Raises TnefError."""
    result = Unpacked(files=[])
    codepage = "cp1252"
    for level, identifier, value in _attributes(data):
        if level == _LEVEL_MESSAGE:
            if identifier == _CODEPAGE and len(value) >= 4:
                codepage = f"cp{struct.unpack_from('<I', value)[0]}"
            elif identifier == _BODY:
                result.text = _text(value, codepage)
            elif identifier == _MESSAGE_PROPERTIES:
                _take_message(result, value, codepage)
        elif level == _LEVEL_FILE:
            if identifier == _RENDER_DATA:
                if len(result.files) >= MAX_FILES:
                    break
                result.files.append(TnefFile())
            elif result.files:
                _take_file(result.files[-1], identifier, value, codepage)
    result.files = [file for file in result.files if file.data or file.name]
    return result


def _attributes(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    if len(data) < 6 or struct.unpack_from("<I", data)[0] != SIGNATURE:
        raise TnefError("no TNEF stream")
    position = 6
    while position + 9 <= len(data):
        level, identifier, _kind, size = struct.unpack_from("<BHHI", data, position)
        position += 9
        if position + size + 2 > len(data):
            raise TnefError("the TNEF stream is cut")
        yield level, identifier, data[position : position + size]
        position += size + 2  # a checksum that Outlook ignores, too


def _take_message(result: Unpacked, value: bytes, codepage: str) -> None:
    for name, kind, content in _properties(value):
        if name == _PR_BODY:
            result.text = _string(kind, content, codepage) or result.text
        elif name == _PR_HTML:
            result.html = _string(kind, content, "utf-8" if kind == _BINARY else codepage)
        elif name == _PR_RTF and content:
            rtf = unpack_rtf(content)
            if rtf:
                result.files.append(TnefFile("body.rtf", "application/rtf", rtf))


def _take_file(file: TnefFile, identifier: int, value: bytes, codepage: str) -> None:
    if identifier == _TITLE:
        file.name = file.name or _text(value, codepage)
    elif identifier == _FILE_DATA:
        file.data = value
    elif identifier == _FILE_PROPERTIES:
        for name, kind, content in _properties(value):
            if name == _PR_LONG_NAME or (name == _PR_NAME and not file.name):
                file.name = _string(kind, content, codepage) or file.name
            elif name == _PR_TYPE:
                file.content_type = _string(kind, content, codepage)
            elif name == _PR_DATA and not file.data:
                # An embedded object begins with the identifier of its interface.
                file.data = content[16:] if kind == _OBJECT else content


def _properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(property, type, first value) of a property list; ends quietly where the list makes no sense."""
    try:
        (count,) = struct.unpack_from("<I", data)
        position = 4
        for _ in range(min(count, MAX_PROPERTIES)):
            kind, name = struct.unpack_from("<HH", data, position)
            position += 4
            if name >= 0x8000:  # a named property: its name comes first
                (is_text,) = struct.unpack_from("<I", data, position + 16)
                position += 20
                if is_text:
                    (size,) = struct.unpack_from("<I", data, position)
                    position += 4 + _padded(size)
                else:
                    position += 4
            many, kind = kind & _MANY, kind & ~_MANY
            variable = kind in (_STRING, _WIDE, _BINARY, _OBJECT)
            values = 1
            if many or variable:
                (values,) = struct.unpack_from("<I", data, position)
                position += 4
            first: bytes | None = None
            for _ in range(min(values, MAX_PROPERTIES)):
                if variable:
                    (size,) = struct.unpack_from("<I", data, position)
                    position += 4
                elif kind in _FIXED:
                    size = _FIXED[kind]
                else:
                    return
                if position + size > len(data):
                    return
                first = data[position : position + size] if first is None else first
                position += _padded(size)
            if first is not None:
                yield name, kind, first
    except struct.error:
        return


def _padded(size: int) -> int:
    return size + (-size % 4)


def _string(kind: int, content: bytes, codepage: str) -> str:
    if kind == _WIDE:
        return charset.whole(content.decode("utf-16-le", "replace")).rstrip("\x00")
    return _text(content, codepage)


def _text(value: bytes, codepage: str) -> str:
    return charset.decode(value.rstrip(b"\x00"), codepage).rstrip("\x00")


_RTF_START = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    b"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n"
    b"\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


def unpack_rtf(data: bytes) -> bytes:
    """[MS-OXRTFCP]: the formatted body, packed by Lempel-Ziv; b"" where it is not."""
    if len(data) < 16:
        return b""
    _size, raw_size, kind, _checksum = struct.unpack_from("<IIII", data)
    if kind == 0x414C454D:  # "MELA": stored as it is
        return data[16 : 16 + min(raw_size, MAX_UNPACKED_RTF)]
    if kind != 0x75465A4C or raw_size > MAX_UNPACKED_RTF:  # "LZFu"
        return b""
    window = bytearray(_RTF_START.ljust(4096, b"\x00"))
    write = len(_RTF_START)
    out = bytearray()
    position = 16
    while position < len(data) and len(out) < raw_size:
        control = data[position]
        position += 1
        for bit in range(8):
            if control & (1 << bit):
                if position + 2 > len(data):
                    return bytes(out)
                token = (data[position] << 8) | data[position + 1]
                position += 2
                offset, length = token >> 4, (token & 0xF) + 2
                if offset == write % 4096:
                    return bytes(out[:raw_size])
                for step in range(length):
                    byte = window[(offset + step) % 4096]
                    out.append(byte)
                    window[write % 4096] = byte
                    write += 1
            else:
                if position >= len(data):
                    return bytes(out[:raw_size])
                out.append(data[position])
                window[write % 4096] = data[position]
                write += 1
                position += 1
    return bytes(out[:raw_size])
