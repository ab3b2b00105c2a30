"""Names of IMAP folders on the wire: modified UTF-7 (RFC 3501 5.1.3), then a quoted string."""

from __future__ import annotations

import base64


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


def quoted_mailbox(name: str) -> str:
    encoded = modified_utf7(name).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{encoded}"'
