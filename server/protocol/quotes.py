"""What a reply's text says of quoting; console and server read it alike. Pure."""

from __future__ import annotations

import re

_QUOTED_LINE = re.compile(r"^>[> ]*[^>\s]", re.MULTILINE)


def quotes_by_hand(text: str) -> bool:
    """Whoever quotes by himself (a line behind ">") has said what is quoted: nothing more goes below."""
    return ">" in text and _QUOTED_LINE.search(text) is not None
