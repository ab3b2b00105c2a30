"""Bytes of unknown or wrongly named encoding → text. Never raises."""

from __future__ import annotations

import codecs
import functools
import re
from itertools import repeat

# What mailers write → what they mean. Supersets where the named set is regularly exceeded.
ALIASES = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "hz-gb-2312": "hz",
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
    "x-windows-949": "cp949",
    "big5": "cp950",
    "x-x-big5": "cp950",
    "iso-2022-jp": "iso2022_jp_ext",
    "x-euc-jp": "euc_jp",
    "koi8": "koi8-r",
    "koi8r": "koi8-r",
    "koi-8": "koi8-r",
    "koi8-ru": "koi8-u",
    "win-1251": "cp1251",
    "win1251": "cp1251",
    "x-cp1251": "cp1251",
    "dos-866": "cp866",
    "x-cp866": "cp866",
    "tis-620": "cp874",
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

# Percent of a letter in Russian texts; what Ukrainian and Belarusian add counts as rare.
_FREQUENCY = {
    "о": 10.97, "е": 8.45, "а": 8.01, "и": 7.35, "н": 6.70, "т": 6.26, "с": 5.47, "р": 4.73, "в": 4.54,
    "л": 4.40, "к": 3.49, "м": 3.21, "д": 2.98, "п": 2.81, "у": 2.62, "я": 2.01, "ы": 1.90, "ь": 1.74,
    "г": 1.70, "з": 1.65, "б": 1.59, "ч": 1.44, "й": 1.21, "х": 0.97, "ж": 0.94, "ш": 0.73, "ю": 0.64,
    "ц": 0.48, "щ": 0.36, "э": 0.32, "ф": 0.26, "ъ": 0.04, "ё": 0.04, "і": 5.0, "ї": 0.6, "є": 0.6, "ґ": 0.1,
    "ў": 1.0,
}  # fmt: skip
_CYRILLIC_SHARE = {letter: 0.2 + 0.8 * min(1.0, percent / 5.0) for letter, percent in _FREQUENCY.items()}
_CYRILLIC = ("cp1251", "koi8-r", "cp866")
# Sets that can hold anything: what they make of a text proves nothing.
_SINGLE_BYTE = frozenset(
    ["cp1251", "koi8-r", "koi8-u", "cp866", "iso8859-5", "mac-cyrillic", "cp1252", "iso8859-15", "cp1250"]
)
_NOT_FOR_TEXT = frozenset(
    ["idna", "punycode", "unicode_escape", "unicode-escape", "raw-unicode-escape", "raw_unicode_escape"]
)
MIN_PROOF = 8  # 8-bit characters from which a guess may overrule a label


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
        if info._is_text_encoding and info.name not in _NOT_FOR_TEXT and info.name != "undefined":
            return info.name
    return ""


_ASCII = bytes(range(128))


def decode(data: bytes, charset: str = "") -> str:
    """Text of these bytes: by the label where it fits, else by guess, else with U+FFFD in the gaps.

    A label of a single-byte set fits anything; where the bytes are surely something else it is overruled.
    """
    name = codec_name(charset)
    if name in _SINGLE_BYTE and (better := _contradicted(data, name)):
        name = better
    if name:
        try:
            return whole(data.decode(name))
        except (UnicodeError, ValueError, LookupError):
            # One broken byte in a long text is damage; an ASCII label over 8-bit text is a lie.
            if name != "ascii":
                damaged = data.decode(name, "replace")
                if damaged.count("\ufffd") <= max(1, len(damaged) // 50):
                    return whole(damaged)
    return guess(data)


def whole(text: str) -> str:
    """Without halves of characters (UTF-7 and broken UTF-16 make them), which nothing can store or send."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def guess(data: bytes) -> str:
    """UTF-8, UTF-16 by its mark, ISO-2022-JP by its escapes, a Cyrillic or East Asian set by its letters,
    else Windows Latin."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return whole(data.decode("utf-16", "replace"))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        if b"\x1b$" in data[:20_000] and data.isascii():
            return whole(data.decode("iso2022_jp_ext", "replace"))
        return text
    sample = data[:20_000]
    if _mostly_utf8(sample):
        return data.decode("utf-8", "replace")
    scored = [(_cyrillic_likelihood(sample, name), name) for name in _CYRILLIC]
    best, name = max(scored)
    if best < 0.45:
        name = _east_asian(sample) or "cp1252"
    return data.decode(name, "replace")


def _contradicted(data: bytes, name: str) -> str:
    """The set in which these bytes surely are, though the label says `name`; "" where nothing is sure."""
    sample = data[:20_000]
    high = len(sample.translate(None, _ASCII))
    if high < MIN_PROOF:
        return ""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8"
    own = _cyrillic_likelihood(sample, name)
    # What the letters of a set amount to at best says nearly always that the label fits.
    letters = sample.translate(None, _ASCII)
    scored = {
        other: _cyrillic_likelihood(sample, other)
        for other in _CYRILLIC
        if other != name and _share_of(letters, other) > max(0.6, own + 0.12) * high
    }
    best = max(scored, key=lambda other: scored[other], default="")
    return best if best and scored[best] > 0.6 and scored[best] - own > 0.12 else ""


def _mostly_utf8(sample: bytes) -> bool:
    """A text in UTF-8 that was cut or damaged somewhere."""
    text = sample.decode("utf-8", "replace")
    proper = sum(char > "\u007f" and char != "\ufffd" for char in text)
    return proper >= MIN_PROOF and text.count("\ufffd") * 10 <= proper


def _east_asian(sample: bytes) -> str:
    """GB18030, EUC-KR, Shift_JIS or Big5, if the bytes are well-formed in it and the letters common ones."""
    high = sum(byte > 127 for byte in sample)
    if high < MIN_PROOF or high * 3 < len(sample.replace(b" ", b"")):
        return ""
    best = (0.7, "")
    for name in ("gb18030", "euc_kr", "shift_jis", "big5"):
        try:
            text = sample.decode(name)
        except UnicodeDecodeError as error:
            if error.start < len(sample) - 4:
                continue
            text = sample[: error.start].decode(name, "replace")
        best = max(best, (_commonness(text, name), name))
    return best[1]


def _commonness(text: str, name: str) -> float:
    """How much of the letters is what people write. A wrong set makes rare ones: Japanese always has kana,
    Korean is all hangul, everyday Chinese stays in the first level of GB 2312."""
    letters = [char for char in text if char.isalpha() and char > "\u007f"]
    if not letters:
        return 0.0
    kana = sum("\u3040" <= char <= "\u30ff" for char in letters)
    hangul = sum("\uac00" <= char <= "\ud7a3" for char in letters)
    han = [char for char in letters if "\u4e00" <= char <= "\u9fa5"]
    share = (kana + hangul + len(han)) / len(letters)
    if name == "shift_jis":
        return share if kana * 5 >= len(letters) else share - 0.5
    if name == "euc_kr":
        return 1.2 if hangul * 10 >= len(letters) * 9 else 0.0
    if name == "gb18030":
        first_level = sum(0xB0 <= char.encode("gb18030")[0] <= 0xD7 for char in han)
        return share - 0.1 + 0.2 * first_level / len(letters)
    return share


@functools.cache
def _byte_shares(name: str) -> list[float]:
    """Of each byte of a single-byte set the share of the letter that it is."""
    letters = [bytes([byte]).decode(name, "replace").lower() for byte in range(256)]
    return [_CYRILLIC_SHARE.get(letter, 0.0) for letter in letters]


def _share_of(data: bytes, name: str) -> float:
    return sum(map(_byte_shares(name).__getitem__, data))


def _cyrillic_likelihood(sample: bytes, name: str) -> float:
    """How much the 8-bit characters look like Russian, 0 to 1: frequent letters in words of a proper case.

    The sets differ by a permutation of letters and by their case, so that a text read in the wrong one has
    rare letters, and words such as "зДРАВСТВУЙТЕ".
    """
    text = sample.decode(name, "replace")
    high = len(text) - len(text.encode("ascii", "ignore"))
    if not high:
        return 0.0
    # A Latin text has single accented letters inside of ASCII words; a Cyrillic one has runs.
    runs = re.findall(r"[\u0400-\u04ff]{3,}", text)
    if sum(len(run) for run in runs) * 2 < high:
        return 0.0
    good = _share_of(sample, name)
    for word in re.findall(r"[^\W\d_]+", text):
        if not (word.islower() or word[1:].islower()):
            misfit = 0.05 if word.isupper() else 0.7
            good -= misfit * sum(map(_CYRILLIC_SHARE.get, word.lower(), repeat(0.0)))
    return good / high
