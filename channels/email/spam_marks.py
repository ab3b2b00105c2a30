"""Does the provider hold a mail for spam? Where it lies, and what its filters wrote into the header. Pure.

Shown to operators, and nothing else: filters err, and a customer's mail is not lost by their mistake. A
sender can write such a header himself; then he only warns of himself.
"""

from __future__ import annotations

import re
from email.message import Message
from typing import Any

from channels.email.headers import decoded, raw_value

# What folders of the kind are called where the server does not say which it is (RFC 6154: \\Junk).
_NAMES = frozenset(
    [
        "junk",
        "junk e-mail",
        "junk email",
        "junk mail",
        "spam",
        "bulk",
        "bulk mail",
        "спам",
        "нежелательная почта",
    ]
)
_YES = re.compile(r"(?:yes|true|1|spam)\b", re.IGNORECASE)
# SpamAssassin and rspamd, each in several dialects.
_FLAGS = ("X-Spam-Flag", "X-Spam-Status", "X-Spam", "X-Rspamd-Flag")
_SCL = 5  # Exchange moves to Junk from this spam confidence level on


def is_junk_folder(name: str) -> bool:
    """By its name; `[Gmail]/Spam` and `INBOX.Junk` too."""
    return re.split(r"[/.]", name.strip().lower())[-1] in _NAMES


def spam_mark(message: Message[Any, Any], folder: str, *, junk: bool, authentication: str) -> str:
    """Why the provider holds it for spam, in words; "" where it does not.

    `junk`: the server marks the folder as one for junk. `authentication`: what a trusted mail server found
    out about the sender (authenticity.py).
    """
    if folder and (junk or is_junk_folder(folder)):
        return f"it lies in {folder}"
    for name in _FLAGS:
        if _YES.match(raw_value(message, name)):
            return f"{name}: {decoded(raw_value(message, name))[:60]}"
    if raw_value(message, "x-yandex-spam") == "4":
        return "X-Yandex-Spam: 4"
    level = raw_value(message, "x-ms-exchange-organization-scl")
    if level.isascii() and level.isdigit() and len(level) == 1 and int(level) >= _SCL:
        return f"X-MS-Exchange-Organization-SCL: {level}"
    if re.search(r"\bSFV:SPM\b", raw_value(message, "x-forefront-antispam-report")):
        return "X-Forefront-Antispam-Report: SFV:SPM"
    if authentication.startswith("fail"):
        return "its mail server found that the sender is not who it says"
    return ""
