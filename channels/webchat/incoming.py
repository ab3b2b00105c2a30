"""What a visitor's request says → an `InboundEvent`. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from channels import json_input
from channels.base import Attachment, InboundEvent, Sender, ThreadMessage
from channels.contacts import email_address, phone_number
from channels.web_address import campaign, clean_address
from channels.webchat.access import Refused
from channels.webchat.session import Session

TEXT_MAX = 8000
URL_MAX = 4000
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


def page_detail(given: Any) -> dict[str, str]:
    """Where the visitor is, and how he first came: addresses without secrets, the advertisement, the time."""
    page = json_input.table(given)
    first = json_input.table(page.get("first"))
    landed = clean_address(json_input.string(first.get("url"), URL_MAX))
    at = first.get("at")
    found = {
        "page": clean_address(json_input.string(page.get("url"), URL_MAX)),
        "title": json_input.string(page.get("title"), 300),
        "referrer": clean_address(json_input.string(page.get("referrer"), URL_MAX)),
        "first_page": landed,
        "first_title": json_input.string(first.get("title"), 300),
        "first_referrer": clean_address(json_input.string(first.get("referrer"), URL_MAX)),
        "first_at": str(at) if isinstance(at, int) and not isinstance(at, bool) and 0 < at < 10**15 else "",
        **{f"utm_{name}": value[:300] for name, value in campaign(landed).items()},
    }
    return {name: value for name, value in found.items() if value}


def kept(body: dict[str, Any], raw: bytes) -> bytes:
    """The request as it may be journaled: addresses of pages without secrets."""
    if "page" not in body:
        return raw
    return msgspec.json.encode({**body, "page": page_detail(body["page"])})


def locale(body: dict[str, Any]) -> str:
    text = json_input.string(body.get("locale"), 35)
    return text if re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", text) else ""


def message(
    channel_id: str, session: Session, body: dict[str, Any], files: Sequence[Attachment], now: int
) -> InboundEvent:
    """Raises Refused where it cannot be taken, in which case sending it again would not help."""
    client_id = body.get("client_id")
    if not isinstance(client_id, str) or not _CLIENT_ID.fullmatch(client_id):
        raise Refused(400, "bad_request", "client_id must be 8 to 64 letters, digits, - or _")
    text = body.get("text", "")
    if not isinstance(text, str):
        raise Refused(400, "bad_request", "text is not a string")
    if len(text) > TEXT_MAX:
        raise Refused(413, "too_long", f"a message holds at most {TEXT_MAX} characters")
    if not text.strip() and not files:
        raise Refused(400, "empty", "neither text nor a file")
    return InboundEvent(
        kind="message",
        dedupe_key=f"{session.visitor}:{client_id}",
        sender=session.sender(channel_id, locale(body)),
        thread=session.visitor,
        # With the visitor's id, so that nobody can choose the remote id of another's message.
        remote_message_id=f"{session.visitor}:{client_id}",
        text=text,
        attachments=tuple(files),
        occurred_at=now,
        detail=page_detail(body.get("page")),
    )


def typed_contacts(session: Session, body: dict[str, Any], country: str) -> Session:
    """The session with what the visitor typed into the form. Raises Refused for what cannot be an address."""
    changed = session
    if body.get("email"):
        email = email_address(json_input.string(body["email"], 320))
        if email is None:
            raise Refused(400, "bad_email", "this is not an e-mail address")
        changed = msgspec.structs.replace(changed, email=email)
    if body.get("phone"):
        phone = phone_number(json_input.string(body["phone"], 60), country)
        if phone is None:
            raise Refused(400, "bad_phone", "this is not a phone number")
        changed = msgspec.structs.replace(changed, phone=phone)
    if body.get("name"):
        changed = msgspec.structs.replace(changed, name=json_input.string(body["name"], 200).strip())
    return changed


def _fingerprint(sender: Sender) -> str:
    return hashlib.sha256(msgspec.json.encode(sender)).hexdigest()[:32]


def person_event(session: Session, channel_id: str, now: int, *, signed: bool) -> InboundEvent:
    """The visitor made himself known, by the site's signature or by typing an address."""
    sender = session.sender(channel_id)
    typed = [] if signed else [session.name, session.email, session.phone]
    return InboundEvent(
        kind="identity_changed" if signed else "contact_shared",
        dedupe_key=f"{session.visitor}:person:{_fingerprint(sender)}",
        sender=sender,
        thread=session.visitor,
        text=", ".join(part for part in typed if part),
        occurred_at=now,
    )


_LINK_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,64}")


def continued(channel_id: str, session: Session, body: dict[str, Any], now: int) -> InboundEvent:
    """The visitor came by a link of ours and wants to go on here. Raises Refused."""
    token = body.get("token")
    if not isinstance(token, str) or not _LINK_TOKEN.fullmatch(token):
        raise Refused(400, "bad_request", "token is not what our links carry")
    digest = hashlib.sha256(token.encode()).hexdigest()[:32]
    return InboundEvent(
        kind="continued",
        dedupe_key=f"{session.visitor}:continued:{digest}",
        sender=session.sender(channel_id, locale(body)),
        thread=session.visitor,
        token=token,
        occurred_at=now,
    )


def remote_id(found: ThreadMessage) -> str:
    """The remote id of one of our messages: what `name_message` gave it."""
    return found.remote_id or f"m{found.message_id}"


def read_event(session: Session, channel_id: str, found: ThreadMessage, now: int) -> InboundEvent:
    return InboundEvent(
        kind="read",
        dedupe_key=f"{session.visitor}:read:{found.seq}",
        sender=session.sender(channel_id),
        thread=session.visitor,
        target=remote_id(found),
        occurred_at=now,
    )
