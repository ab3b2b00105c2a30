"""What is nasty in a text, and what in a terminal's input the console did not write by itself."""

from __future__ import annotations

import re
import unicodedata

CANARY = "CANARY"

# Everything that Textual 8.2.8 and Rich 15 author: colours, cursor moves, modes, queries, and no more.
ALLOWED = re.compile(
    rb"\x1b\[[0-9;:]*m"  # colours
    rb"|\x1b\[[0-9;]*[HJKABCDG]"  # cursor and erasing
    rb"|\x1b\[\?[0-9;]+[hl]"  # modes
    rb"|\x1b\[\?[0-9;]+\$p"  # is this mode known?
    rb"|\x1b\[[<>=]?[0-9;]*u|\x1b\[\?u"  # keyboard protocol
    rb"|\x1b\[[0-9;]*t|\x1b\[c|\x1b\[[0-9]+n"  # sizes and identity
    rb"|\x1b\[6n|\x1b\[s|\x1b\[u|\x1b\[[0-9]* q"
    rb"|\x1b[78=>]"
    rb"|\x1b\]2;[^\x07\x1b]*\x07|\x1b\]22;[a-z-]*\x07"  # our window title, the shape of the mouse
    rb"|\x1bP\+q[0-9a-f]+\x1b\\\\|\x1b_G[ -~]*\x1b\\\\|\x1bP=[12]s\x1b\\\\"
)
NASTY = (
    "\x1b]0;{c}\x07",
    "\x1b]52;c;{c}\x07",
    "\x1b[2J{c}",
    "\x9b31m{c}",
    "\x90{c}\x9c",
    "[@click=app.quit]{c}[/]",
    "[@click=screen.do('thread.release')]{c}[/]",
    "[/{c}]",
    "[red]{c}",
    "\\[{c}",
    "$user {c}",
    "\u202e{c}\u202c",
    "\u2066{c}",
    "\x00\x08\x0b\x0c{c}\r",
    "{c}" + "\u0301" * 30,
    "\ud7ff{c}\ufffe",
    "{c}\U000e0041\u200b",
    "👩\u200d🚀{c}\ufe0f",
    "\x1b[?1049l{c}",
    "{c}\x7f\x85\u2028",
    "\x1bP$q{c}\x1b\\",
    "\x1b[6n{c}",
)


def foreign(raw: bytes) -> list[str]:
    """What in a terminal's input is neither plain text nor a sequence of ours."""
    found = []
    left = ALLOWED.sub(b"", raw)
    for match in re.finditer(rb"\x1b.{0,40}", left, re.DOTALL):
        found.append(f"escape {match.group()!r}")
    for match in ALLOWED.finditer(raw):
        if CANARY.encode() in match.group():
            found.append(f"a customer inside {match.group()!r}")
    for char in set(left.decode("utf-8", "replace")):
        if char not in "\r\n\x1b" and unicodedata.category(char) in ("Cc", "Cf", "Cs"):
            found.append(f"character U+{ord(char):04X}")
    return found
