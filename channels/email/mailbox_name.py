"""Names of IMAP folders on the wire: modified UTF-7 (RFC 3501 5.1.3), then a quoted string."""

from __future__ import annotations

import base64
import re


def modified_utf7(name: str) -> str:
    """`Входящие` → `&BBIERQQ+BDQETwRJBDgENQ-`; a literal `&` becomes `&-`."""
    result: list[str] = []
    foreign: list[str] = []

    def flush() -> None:
        if foreign:
            raw = "".join(foreign).encode("utf-16-be", "surrogatepass")
            text = base64.b64encode(raw).decode("ascii").rstrip("=").replace("/", ",")
            result.append(f"&{text}-")
            foreign.clear()

    for char in name:
        if " " <= char <= "~":
            flush()
            result.append("&-" if char == "&" else char)
        else:
            foreign.append(char)
    flush()
    return "".join(result)


def from_modified_utf7(name: str) -> str:
    """The reverse; what is no modified UTF-7 stays as it is."""

    def decoded(match: re.Match[str]) -> str:
        if not match[1]:
            return "&"
        text = match[1].replace(",", "/")
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
            return raw.decode("utf-16-be")
        except ValueError:
            return match[0]

    return re.sub(r"&([A-Za-z0-9+,]*)-", decoded, name)


def quoted_mailbox(name: str) -> str:
    encoded = modified_utf7(name).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{encoded}"'
