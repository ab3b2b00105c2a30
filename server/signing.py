"""What stands below a reply of an operator. Pure.

It is put there when the reply leaves, so that a reply which is taken back or searched is what he wrote.
"""

from __future__ import annotations

from channels.base import Capabilities

_BETWEEN = "\n\n"


def signed(text: str, signature: str) -> str:
    return f"{text.rstrip()}{_BETWEEN}{signature}" if signature else text


def measured(text: str, can: Capabilities) -> int:
    """Its length as the channel counts it (`Capabilities.text_unit`)."""
    if can.text_unit == "bytes":
        return len(text.encode("utf-8", "surrogatepass"))
    if can.text_unit == "utf16":
        return len(text.encode("utf-16-le", "surrogatepass")) // 2
    return len(text)


def room(signature: str, can: Capabilities) -> int:
    """How long a reply may be, in the channel's units."""
    return can.text_max - (measured(_BETWEEN + signature, can) if signature else 0)
