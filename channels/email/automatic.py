"""Is this mail written by a machine? Rules of RFC 3834 and of what mailers really send.

A machine's mail is kept and shown, but it opens no case, reopens none and is answered by no robot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.message import Message
from typing import Any, Literal

import msgspec

from channels.email.addresses import canonical
from channels.email.dsn import is_bounce
from channels.email.headers import decoded, raw_value, raw_values

LOOP_HEADER = "X-Omni-Console-Loop"
ID_HEADER = "X-Omni-Console-Id"  # our own Message-ID, which some relays replace

Kind = Literal["bounce", "auto-reply", "list", "own-loop"]

_ROBOT = re.compile(
    r"^(mailer-daemon|postmaster|no-?reply|do-?not-?reply|donotreply|bounces?|auto-?reply|notifications?)"
    r"([+=._-].*)?@",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"^\s*(?:auto(?:matic)?[ -]?(?:reply|response|antwort)\b|automatische antwort|réponse automatique|"
    r"respuesta automática|risposta automatica|out of (?:the )?office\b|"
    r"автоматический ответ|автоответ|отсутствие на рабочем месте|нет на рабочем месте)",
    re.IGNORECASE,
)


class Verdict(msgspec.Struct, frozen=True):
    """`why`: the rule that said so, in words for operators."""

    kind: Kind
    why: str


def is_own_loop(message: Message[Any, Any], address: str) -> bool:
    """Did this channel send it itself? The header is set on all that we send. Without an address: any."""
    return any(
        not address or value.strip().lower() == address.lower() for value in raw_values(message, LOOP_HEADER)
    )


def classify(
    message: Message[Any, Any], sender: str, types: Sequence[str], text: str = "", own: str = ""
) -> Verdict | None:
    """The first rule that says "a machine"; None for a person's mail.

    `sender` in canonical form; `types`: content types of the parts, in order; `own`: our own address, ""
    where it is not known (then any loop header counts).
    """
    if is_own_loop(message, own):
        return Verdict("own-loop", LOOP_HEADER)
    if is_bounce(message, sender, list(types), text):
        return Verdict("bounce", "delivery report")
    return _report(message, types) or _answered(message) or _list(message, own) or _other(message, sender)


def _report(message: Message[Any, Any], types: Sequence[str]) -> Verdict | None:
    if not types or types[0] != "multipart/report":
        return None
    report = re.search(r"report-type\s*=\s*\"?([\w-]+)", raw_value(message, "content-type").lower())
    kind = report[1] if report else "report"
    words = {"disposition-notification": "read receipt", "feedback-report": "abuse report"}
    return Verdict("auto-reply", words.get(kind, f"report ({kind})"))


def _answered(message: Message[Any, Any]) -> Verdict | None:
    """A machine answers: surely, whatever list it went over."""
    submitted = _submitted(message)
    if submitted.startswith("auto-replied"):
        return Verdict("auto-reply", f"Auto-Submitted: {submitted[:40]}")
    for name in ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from", "x-mail-autoreply"):
        if raw_values(message, name) and raw_value(message, name).strip().lower() not in ("no", "false"):
            return Verdict("auto-reply", name.title())
    if raw_value(message, "delivered-to").strip().lower() == "autoresponder":
        return Verdict("auto-reply", "Delivered-To: autoresponder")
    precedence = _precedence(message)
    if precedence == "auto_reply":
        return Verdict("auto-reply", f"Precedence: {precedence}")
    away = _AWAY.match(decoded(raw_value(message, "subject"))) is not None
    if away and (
        submitted not in ("", "no") or precedence or raw_values(message, "x-auto-response-suppress")
    ):
        return Verdict("auto-reply", "its subject says so")
    return None


def _list(message: Message[Any, Any], own: str) -> Verdict | None:
    for name in ("list-id", "list-post", "list-unsubscribe", "feedback-id"):
        values = raw_values(message, name)
        if not values or (name == "feedback-id" and not _precedence(message)):
            continue
        # A group that delivers to us under our own address is how many teams get their customers' mail.
        return None if _is_own_group(message, own) else Verdict("list", "mailing list")
    return None


def _is_own_group(message: Message[Any, Any], own: str) -> bool:
    if not own:
        return False
    posts = re.findall(r"mailto:([^>?\s]+)", " ".join(raw_values(message, "list-post")), re.IGNORECASE)
    names = re.findall(r"<([^<>\s]+)>", " ".join(raw_values(message, "list-id")))
    return any(canonical(post) == own for post in posts) or any(
        name.lower() == own.replace("@", ".") for name in names
    )


def _other(message: Message[Any, Any], sender: str) -> Verdict | None:
    submitted = _submitted(message)
    if submitted and submitted != "no":
        return Verdict("auto-reply", f"Auto-Submitted: {submitted[:40]}")
    suppress = raw_value(message, "x-auto-response-suppress").lower()
    if re.search(r"\b(all|autoreply)\b", suppress):
        return Verdict("auto-reply", "X-Auto-Response-Suppress")
    precedence = _precedence(message)
    if precedence in ("bulk", "junk", "list") and not raw_values(message, "list-id"):
        return Verdict("list", f"Precedence: {precedence}")
    if raw_values(message, "x-loop"):
        return Verdict("auto-reply", "X-Loop")
    if _ROBOT.match(sender):
        return Verdict("auto-reply", f"sender {sender.partition('@')[0][:40]}@")
    if raw_value(message, "return-path").strip() == "<>":
        return Verdict("auto-reply", "empty Return-Path")
    return None


def _submitted(message: Message[Any, Any]) -> str:
    """RFC 3834; parameters and comments may follow the word."""
    return re.split(r"[;(\s]", decoded(raw_value(message, "auto-submitted")).lower(), maxsplit=1)[0]


def _precedence(message: Message[Any, Any]) -> str:
    for name in ("precedence", "x-precedence"):
        value = raw_value(message, name).strip().lower()
        if value in ("bulk", "junk", "list", "auto_reply"):
            return value
    return ""
