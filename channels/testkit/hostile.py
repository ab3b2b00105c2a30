"""Bodies that parsers have fallen over, and small damage to genuine ones. Deterministic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

WRONG_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**53,
    1.5,
    "",
    "x" * 100_000,
    "\u202e\x1b]0;x\x07\ufeff",
    [],
    [[]],
    ["x"],
    {},
    {"a": {"b": []}},
)

BODIES: tuple[bytes, ...] = (
    b"",
    b" ",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b"null",
    b"true",
    b"0",
    b'""',
    b"[]",
    b"{}",
    b"[[]]",
    b"[null]",
    b"{",
    b'{"a"',
    b'{"a":}',
    b"{'a':1}",
    b"[" * 100_000,
    b"[" * 5000 + b"]" * 5000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b"NaN",
    b'{"type":NaN}',
    b'{"timestamp":Infinity}',
    b'{"timestamp":1e999}',
    b'{"timestamp":' + b"9" * 5000 + b"}",
    b'{"timestamp":-' + b"9" * 400 + b"}",
    b'{"text":"\\ud800"}',
    b'{"text":"\\udfff\\ud800"}',
    b'{"\\ud800":1}',
    b'{"text":"\xed\xa0\x80"}',
    b'{"text":"a\\u0000b"}',
    b'{"\\u0000":1}',
    b'{"text":"\xff"}',
    b'{"a":1,"a":2}',
    b"a=b&c=d",
    b"<xml/>",
    b"--x\r\n\r\n--x--",
    bytes(range(256)),
)


def damaged(body: bytes) -> Iterator[bytes]:
    """A genuine body, truncated, with bytes changed, and (where it is JSON) with wrong types at each path."""
    yield from BODIES
    step = max(1, len(body) // 60)
    for at in range(0, len(body), step):
        yield body[:at]
        yield body[:at] + bytes([body[at] ^ 0x80]) + body[at + 1 :]
        yield body[:at] + b"\x00" + body[at:]
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return
    for path in list(_paths(value)):
        for wrong in WRONG_VALUES:
            yield msgspec.json.encode(_replaced(value, path, wrong))
        if path:
            yield msgspec.json.encode(_removed(value, path))
            for raw in (b"NaN", b'"\\ud800"', b'"\\u0000"', b"9" * 5000):
                yield msgspec.json.encode(_replaced(value, path, msgspec.Raw(raw)))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, item in inner:
        yield from _paths(item, (*path, key))


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(copy[path[0]], path[1:], new)
    return copy


def _removed(value: Any, path: tuple[Any, ...]) -> Any:
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = _removed(copy[path[0]], path[1:])
    return copy


def changed_text(text: str) -> Iterator[str]:
    """A header's value with each character changed in turn, cut, doubled, and said twice."""
    for at, character in enumerate(text):
        yield text[:at] + ("A" if character != "A" else "B") + text[at + 1 :]
    yield ""
    yield text[:-1]
    yield text + "A"
    yield f"{text}, {text}"
