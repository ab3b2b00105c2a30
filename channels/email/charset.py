"""Bytes of unknown or wrongly named encoding → text. Never raises."""

from __future__ import annotations

import codecs
import re

# What mailers write → what they mean. Supersets where the named set is regularly exceeded.
ALIASES = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso-gb2312": "gb18030",
    "x-gbk": "gb18030",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "us-ascii": "ascii",
    "ansi_x3.4-1968": "ascii",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "utf8mb4": "utf-8",
    "utf-8mb4": "utf-8",
    "utf8": "utf-8",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "windows-874": "cp874",
    "x-unknown": "",
    "unknown-8bit": "",
    "unknown": "",
    "8bit": "",
    "default": "",
    "none": "",
}

_CYRILLIC_COMMON = frozenset("оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфё")


def codec_name(charset: str) -> str:
    """Python's name of the codec meant by a charset label; "" where it must be guessed."""
    label = charset.strip().strip("\"'").lower().partition("*")[0]
    label = ALIASES.get(label, label)
    if not label or len(label) > 40 or not re.fullmatch(r"[a-z0-9][a-z0-9._:-]*", label):
        return ""
    for candidate in (label, label.replace("cp-", "cp"), label.replace("windows", "cp").replace("-", "")):
        try:
            info = codecs.lookup(candidate)
        except (LookupError, ValueError):
            continue
        # Only text encodings: "base64" or "zip" are codecs too, and one of them is a bomb.
        if info._is_text_encoding and info.name not in {"idna", "punycode", "unicode_escape", "undefined"}:
            return info.name
    return ""


def decode(data: bytes, charset: str = "") -> str:
    """Text of these bytes: by the label where it fits, else by guess, else with U+FFFD in the gaps."""
    name = codec_name(charset)
    if name:
        try:
            return data.decode(name)
        except (UnicodeError, ValueError, LookupError):
            # One broken byte in a long text is damage; an ASCII label over 8-bit text is a lie.
            if name != "ascii":
                damaged = data.decode(name, "replace")
                if damaged.count("\ufffd") <= max(1, len(damaged) // 50):
                    return damaged
    return guess(data)


def guess(data: bytes) -> str:
    """UTF-8, else the single-byte Cyrillic set whose letters are likeliest, else Windows Latin."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    sample = data[:20_000]
    scored = [(_cyrillic_likelihood(sample, name), name) for name in ("cp1251", "koi8-r", "cp866")]
    best, name = max(scored)
    if best < 0.55:
        name = "cp1252"
    return data.decode(name, "replace")


def _cyrillic_likelihood(sample: bytes, name: str) -> float:
    """Share of the 8-bit characters that are lower-case Russian letters, or capitals at a word's start."""
    text = sample.decode(name, "replace")
    high = good = 0.0
    previous = " "
    for char in text:
        if ord(char) > 127:
            high += 1
            if char in _CYRILLIC_COMMON:
                good += 1
            elif char.lower() in _CYRILLIC_COMMON:
                good += 1 if not previous.isalpha() else 0.3
        previous = char
    if not high:
        return 0.0
    # A Latin text has single accented letters inside of ASCII words; a Cyrillic one has runs.
    runs = re.findall(r"[\u0400-\u04ff]{3,}", text)
    in_runs = sum(len(run) for run in runs)
    return good / high if in_runs * 2 >= high else 0.0
