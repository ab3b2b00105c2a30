"""Taking people out of log lines: of an e-mail address or a phone number only the last three characters stay.

What identifies somebody is often needed to find a fault, and three characters are enough to tell two apart.
"""

from __future__ import annotations

import re

KEPT = 3
MASK = "***"

# Not the grammar of RFC 5322 but everything that a person would take for an address, in any alphabet.
_EMAIL = re.compile(r"[^\s@<>\"'`(),:;=\[\]{}|/\\]{1,64}@[^\s@<>\"'`(),:;=\[\]{}|/\\]{1,253}\.[^\W\d_]{2,63}")
# Ten to fifteen digits (E.164) with the usual separators; eight are enough after a plus. No dates, no times.
_PHONE = re.compile(
    r"(?<![\w.:-])(?!\d{4}-\d\d-\d\d)(?:\+(?:[ ()-]{0,2}\d){8,15}|\(?\d(?:[ ()-]{0,2}\d){9,14})(?![\w:]|\.\d)"
)


def mask(text: str) -> str:
    """The text without e-mail addresses and phone numbers; linear in its length."""
    if "@" in text:
        text = _EMAIL.sub(lambda found: MASK + found[0][-KEPT:], text)
    return _PHONE.sub(lambda found: MASK + "".join(filter(str.isdigit, found[0]))[-KEPT:], text)
