"""Is this mail written by a machine? Rules of RFC 3834 and of what mailers really send.

A machine's mail is kept and shown, but it opens no case, reopens none and is answered by no robot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.message import Message
from typing import Any

from channels.email.headers import raw_value, raw_values

LOOP_HEADER = "X-Omni-Console-Loop"

_ROBOT = re.compile(
    r"^(mailer-daemon|postmaster|no-?reply|do-?not-?reply|donotreply|bounces?|auto-?reply|notifications?)"
    r"([+=._-].*)?@",
    re.IGNORECASE,
)


def is_own_loop(message: Message[Any, Any], address: str) -> bool:
    """Did this channel send it itself? The header is set on all that we send."""
    return any(value.strip().lower() == address.lower() for value in raw_values(message, LOOP_HEADER))


def why_automatic(message: Message[Any, Any], sender: str, types: Sequence[str]) -> str:
    """The first rule that says "a machine", in words for operators; "" for a person's mail."""
    content_type = raw_value(message, "content-type").lower()
    return_path = raw_value(message, "return-path").strip()
    if types and types[0] == "multipart/report":
        report = re.search(r"report-type\s*=\s*\"?([\w-]+)", content_type)
        kind = report[1] if report else "report"
        return {
            "delivery-status": "delivery report",
            "disposition-notification": "read receipt",
            "feedback-report": "abuse report",
        }.get(kind, f"report ({kind})")
    if "message/delivery-status" in types:
        return "delivery report"
    submitted = raw_value(message, "auto-submitted").partition(";")[0].strip().lower()
    if submitted and submitted != "no":
        return f"Auto-Submitted: {submitted[:40]}"
    suppress = raw_value(message, "x-auto-response-suppress").lower()
    if raw_values(message, "x-auto-response-suppress") and re.search(r"\b(all|autoreply)\b", suppress):
        return "X-Auto-Response-Suppress"
    for name in ("x-autoreply", "x-autorespond", "x-autoresponder"):
        if raw_values(message, name) and raw_value(message, name).strip().lower() not in ("no", "false"):
            return name.title()
    precedence = raw_value(message, "precedence").strip().lower()
    if precedence in ("bulk", "junk", "list", "auto_reply"):
        return f"Precedence: {precedence}"
    for name in ("list-id", "list-unsubscribe", "list-post"):
        if raw_values(message, name):
            return "mailing list"
    if raw_values(message, "x-loop"):
        return "X-Loop"
    if _ROBOT.match(sender):
        return f"sender {sender.partition('@')[0][:40]}@"
    if return_path == "<>":
        return "empty Return-Path"
    return ""
