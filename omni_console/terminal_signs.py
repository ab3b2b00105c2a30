"""What a terminal is told beside what is drawn: its title, and notifications. Pure: sequences as text.

OSC 2 sets the title, CSI 22;2 t and 23;2 t keep and bring back the one before (xterm, tmux). Notifications:
OSC 9 (iTerm2, ConEmu), OSC 777 (foot, urxvt, kitty), OSC 99 (kitty). Inside tmux they go through its
passthrough (`set -g allow-passthrough on`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from omni_console.cleaning import clean_line

ESC, BEL, ST = "\x1b", "\x07", "\x1b\\"
KEEP_TITLE, BRING_BACK_TITLE = f"{ESC}[22;2t", f"{ESC}[23;2t"
_DUMB = ("", "dumb", "linux")
TEXT_MAX = 240


def takes_titles(environ: Mapping[str, str]) -> bool:
    """The Linux console draws what it does not know."""
    return environ.get("TERM", "") not in _DUMB


def title_sequence(text: str) -> str:
    return f"{ESC}]2;{clean_line(text, line_max=TEXT_MAX)}{BEL}"


def notification(kind: Literal["", "9", "777", "99"], text: str, environ: Mapping[str, str]) -> str:
    """ "" where nothing is to be written."""
    said = clean_line(text, line_max=TEXT_MAX)
    if not kind or not takes_titles(environ):
        return ""
    if kind == "777":
        sequence = f"{ESC}]777;notify;Omni;{said.replace(';', ',')}{BEL}"
    elif kind == "99":
        sequence = f"{ESC}]99;;{said}{ST}"
    else:
        sequence = f"{ESC}]9;{said}{BEL}"
    if environ.get("TMUX"):
        return f"{ESC}Ptmux;{sequence.replace(ESC, ESC + ESC)}{ST}"
    return sequence
