"""What a mail system reports of a mail of ours: RFC 3464, and the commonest reports that are none. Pure.

Nothing here is to be believed by itself: whoever can write to us can write a report. Whether the quoted
Message-ID is ours, and the recipient one of its recipients, is looked up by the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from email.message import Message
from typing import Any, Literal

from channels.base import Bounce
from channels.email import headers
from channels.email.addresses import canonical, find_mailboxes
from channels.email.attached import payload
from channels.email.nested import header_blocks, header_of, type_of

MAX_RECIPIENTS = 100
MAX_DIAGNOSTIC = 400

Action = Literal["failed", "delayed", "delivered", "relayed", "expanded"]
_ACTIONS: Mapping[str, Action] = {
    "failed": "failed",
    "failure": "failed",
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "relayed",
    "expanded": "expanded",
}
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_REPLY_CODE = re.compile(r"(?<![\d.#-])([45])\d\d(?=[\s-])")
_MESSAGE_ID = re.compile(r"^message-id:\s*(<[^<>\s]{1,900}>)", re.IGNORECASE | re.MULTILINE)
_DAEMON = re.compile(r"^(?:mailer-daemon|postmaster|mail-?daemon|mdaemon|double-bounce)@", re.IGNORECASE)
# qmail and its heirs: "<ivan@example.org>:" over the reason.
_NAMED = re.compile(r"^[ \t>]*<([^<>\s@]{1,64}@[^<>\s]{1,255})>:?[ \t]*(.*)$", re.MULTILINE)
_IN_WORDS = re.compile(
    r"undeliver|could ?n.t be delivered|could not be delivered|delivery (?:has )?fail|failure notice|"
    r"returned mail|mail delivery (?:failed|system)|не (?:может быть |была? |было )?доставлен|"
    r"недоставлен|не удалось доставить|возвра(?:щен|т)",
    re.IGNORECASE,
)
_LATE_IN_WORDS = re.compile(
    r"delay|temporar|will be retried|still being retried|warning: |задерж|повторн", re.IGNORECASE
)


def is_bounce(message: Message[Any, Any], sender: str, types: list[str], text: str) -> bool:
    """Is this mail a report of a mail system about a mail? `types`: content types of its parts, in order."""
    if "message/delivery-status" in types or "message/global-delivery-status" in types:
        return True
    content_type = headers.raw_value(message, "content-type").lower()
    if types[:1] == ["multipart/report"] and "delivery-status" in content_type:
        return True
    if headers.raw_values(message, "x-failed-recipients"):
        return True
    submitted = headers.raw_value(message, "auto-submitted").partition(";")[0].strip().lower()
    if submitted == "auto-replied":
        return False
    from_nobody = headers.raw_value(message, "return-path").strip() == "<>"
    subject = headers.decoded(headers.raw_value(message, "subject"))
    named = _DAEMON.match(sender) is not None
    if not (named or from_nobody):
        return False
    words = _IN_WORDS.search(f"{subject}\n{text[:2000]}") or _LATE_IN_WORDS.search(subject)
    return (named and (words is not None or from_nobody)) or (from_nobody and bool(_IN_WORDS.search(subject)))


def read_bounces(message: Message[Any, Any], text: str) -> tuple[Bounce, ...]:
    """One report per recipient; at most MAX_RECIPIENTS. A report in no known form gives one without one."""
    original = _original_id(message, text)
    found: dict[tuple[str, str], Bounce] = {}
    envelope = None
    for block in _status_blocks(message):
        envelope = envelope or headers.decoded(headers.raw_value(block, "original-envelope-id")) or None
        bounce = _recipient_block(block, original, envelope)
        if bounce is not None and len(found) < MAX_RECIPIENTS:
            found.setdefault((bounce.recipient, bounce.action), bounce)
    return tuple(found.values()) or tuple(_in_words(message, text, original))


def _status_blocks(message: Message[Any, Any]) -> Iterator[Any]:
    for part in _parts(message):
        if type_of(part) in ("message/delivery-status", "message/global-delivery-status"):
            yield from header_blocks(payload(part), headers.POLICY, MAX_RECIPIENTS + 1)


def _parts(message: Message[Any, Any]) -> Iterator[Any]:
    """The parts of a report: of the mail itself, never of the mail that it returns."""
    stack: list[tuple[Any, int]] = [(message, 0)]
    count = 0
    while stack and count < 100:
        part, depth = stack.pop()
        count += 1
        yield part
        children = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(children, list) and depth < 5:
            stack.extend((child, depth + 1) for child in reversed(children[:50]))


def _recipient_block(block: Message[Any, Any], original: str | None, envelope: str | None) -> Bounce | None:
    final = headers.raw_value(block, "final-recipient")
    wanted = headers.raw_value(block, "original-recipient")
    action = headers.raw_value(block, "action").split("(")[0].strip().lower()
    if not final and not wanted and not action:
        return None  # the fields of the whole message
    diagnostic = headers.decoded(headers.raw_value(block, "diagnostic-code"))
    kind, semicolon, rest = diagnostic.partition(";")
    diagnostic = (rest if semicolon and len(kind) < 20 else diagnostic).strip()
    status = _STATUS.search(headers.raw_value(block, "status")) or _STATUS.search(diagnostic)
    code = status[0] if status else ""
    return Bounce(
        action=_ACTIONS.get(action) or _action_of(code, diagnostic),
        status=code,
        # The original one is what we wrote; the final one may be where it was forwarded to.
        recipient=_address(wanted) or _address(final),
        original_message_id=original,
        envelope_id=envelope,
        diagnostic=diagnostic[:MAX_DIAGNOSTIC],
    )


def _address(field: str) -> str:
    """`rfc822; ivan@example.org`, with or without brackets; UTF-8 addresses in RFC 6533's form."""
    value = headers.decoded(field.partition(";")[2] or field).strip()
    value = re.sub(r"\\x\{([0-9A-Fa-f]{1,6})\}", _scalar, value)
    return next((canonical(box.address) for box in find_mailboxes(value) if canonical(box.address)), "")


def _scalar(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return "" if code < 0x20 or 0xD800 <= code < 0xE000 or code > 0x10FFFF else chr(code)


def _action_of(status: str, diagnostic: str) -> Action:
    reply = _REPLY_CODE.search(diagnostic)
    digit = status[:1] or (reply[1] if reply else "5")
    if digit == "2":
        return "delivered"
    return "delayed" if digit == "4" else "failed"


def _original_id(message: Message[Any, Any], text: str) -> str | None:
    """Message-ID of the mail that is reported on: from what is returned of it, else from the text."""
    for part in _parts(message):
        kind = type_of(part)
        if kind in ("message/rfc822", "message/global", "message/global-headers") or kind.endswith(
            "rfc822-headers"
        ):
            returned = header_of(payload(part), headers.POLICY)
            ids = headers.message_ids([headers.raw_value(returned, "message-id")])
            if ids:
                return ids[0]
    found = _MESSAGE_ID.search(text)
    if found:
        return found[1]
    # Some reports answer: then In-Reply-To is the mail they speak of.
    return next(iter(headers.message_ids(headers.raw_values(message, "in-reply-to"))), None)


def _in_words(message: Message[Any, Any], text: str, original: str | None) -> Iterator[Bounce]:
    """Reports for people: Exim's header, qmail's `<address>:` paragraphs, else just the mail as a whole."""
    head = text[:20_000]
    failed = ", ".join(headers.raw_values(message, "x-failed-recipients"))
    named = [(canonical(box.address), "") for box in find_mailboxes(failed)]
    named += [
        (canonical(match[1]), head[match.start(2) : match.start(2) + 600]) for match in _NAMED.finditer(head)
    ]
    subject = headers.decoded(headers.raw_value(message, "subject"))
    late = _LATE_IN_WORDS.search(subject) is not None
    seen = set()
    for address, reason in named[:MAX_RECIPIENTS]:
        if not address or address in seen:
            continue
        seen.add(address)
        reason = reason or _reason_beside(head, address)
        status = _STATUS.search(reason) or _STATUS.search(head)
        code = status[0] if status else ""
        yield Bounce(
            action="delayed" if late else _action_of(code, reason),
            status=code,
            recipient=address,
            original_message_id=original,
            diagnostic=headers.clean(reason)[:MAX_DIAGNOSTIC],
        )
    if not seen:
        status = _STATUS.search(head)
        code = status[0] if status else ""
        yield Bounce(
            action="delayed" if late else _action_of(code, head),
            status=code,
            original_message_id=original,
            diagnostic=headers.clean(subject)[:MAX_DIAGNOSTIC],
        )


def _reason_beside(text: str, address: str) -> str:
    at = text.lower().find(address)
    return text[at + len(address) : at + len(address) + 400].strip(" :>\n") if at >= 0 else ""
