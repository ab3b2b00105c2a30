"""The body of a webhook → one `InboundEvent`. Pure and total."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import UTC, datetime
from typing import Any, Final, cast

from channels import json_input
from channels.base import Attachment, Contact, EventKind, InboundEvent, Reference, Sender
from channels.contacts import email_address, phone_number
from channels.webhook import facts

TEXT_MAX = 100_000
NAME_MAX = 200
ID_MAX = 300
FILES_MAX = 20
DETAILS_MAX = 20

_KINDS: Final = frozenset(
    {"message", "edit", "delete", "reaction", "delivery", "read", "failed", "typing", "started"}
    | {"blocked", "unblocked", "call", "contact_shared", "continued"}
)
# These speak of an earlier message and say nothing without its id.
_NEED_TARGET: Final = frozenset({"edit", "delete", "reaction", "delivery", "read", "failed"})


def event_time(value: Any) -> int | None:
    """UTC milliseconds of an ISO 8601 text, or of Unix seconds or milliseconds; None if it is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        ms = int(value * 1000) if abs(value) < 100_000_000_000 else int(value)
        return ms if 0 < ms < 253_402_300_800_000 else None
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0, int(moment.timestamp() * 1000))
    except (ValueError, OverflowError):
        return None


def unsupported(webhook_id: str, problem: str, raw: bytes) -> InboundEvent:
    """What cannot be understood is shown as such; the raw bytes stay in the journal."""
    return InboundEvent(
        kind="unsupported",
        dedupe_key=webhook_id,
        sender=Sender(external_id="unknown", name="Unknown sender", reachable=False),
        thread="unknown",
        remote_message_id=webhook_id,
        detail={"problem": problem, "size": f"{len(raw)} bytes"},
    )


def _attachment(item: Any) -> Attachment:
    given = json_input.table(item)
    name = json_input.string(given.get("name"), NAME_MAX) or "file"
    content_type = json_input.string(given.get("content_type"), 100) or "application/octet-stream"
    kind = content_type.partition("/")[0]
    data: bytes | None = None
    problem = ""
    encoded = given.get("base64")
    if isinstance(encoded, str) and encoded:
        try:
            data = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            problem = "its content is not valid base64"
    elif "url" in given:
        # Fetching addresses from a message would let its writer reach into the server's network.
        problem = "it was given as an address, which is not fetched; send its content as base64"
    else:
        problem = "it came without content"
    return Attachment(
        name=name,
        content_type=content_type,
        kind=cast(Any, kind if kind in {"image", "audio", "video"} else "file"),
        data=data,
        problem=problem,
    )


def _contacts(given: dict[str, Any], country: str, detail: dict[str, str]) -> tuple[Contact, ...]:
    """Addresses the sender gave; verified only where `verified` names them explicitly."""
    listed = given.get("verified")
    verified = {item for item in listed if isinstance(item, str)} if isinstance(listed, list) else set()
    contacts = []
    given_email = json_input.string(given.get("email"), 320).strip()
    if given_email:
        email = email_address(given_email)
        if email is None:
            detail["email_given"] = given_email
        else:
            contacts.append(
                Contact(
                    scheme="email",
                    external_id=email,
                    verified="email" in verified,
                    evidence="stated as verified by the webhook" if "email" in verified else "given",
                )
            )
    phone = json_input.string(given.get("phone"), 60).strip()
    if phone:
        number = phone_number(phone, country)
        if number is None:
            detail["phone_given"] = phone
        else:
            contacts.append(
                Contact(
                    scheme="phone",
                    external_id=number,
                    verified="phone" in verified,
                    evidence="stated as verified by the webhook" if "phone" in verified else "given",
                )
            )
    return tuple(contacts)


def _sender(given: dict[str, Any], conversation: str, country: str, detail: dict[str, str]) -> Sender | None:
    """Who wrote: by id, else by the conversation's key. None where neither is given."""
    external_id = json_input.string(given.get("id"), ID_MAX)
    is_account = bool(external_id)
    if not external_id:
        if not conversation:
            return None
        external_id = f"conversation:{conversation}"
    return Sender(
        external_id=external_id,
        name=json_input.string(given.get("name"), NAME_MAX) or None,
        username=json_input.string(given.get("username"), NAME_MAX) or None,
        locale=json_input.string(given.get("locale"), 35) or None,
        is_account=is_account,
        contacts=_contacts(given, country, detail),
    )


def parse_event(webhook_id: str, raw: bytes, country: str) -> InboundEvent:
    """The one event of a body; see docs/channels/webhook.md for its shape. Never raises.

    `country`: ISO 3166 code for phone numbers without a country code, or empty.
    """
    webhook_id = webhook_id or hashlib.sha256(raw).hexdigest()
    try:
        body = json_input.decode(raw)
    except json_input.JsonInputError as error:
        return unsupported(webhook_id, str(error), raw)
    if not isinstance(body, dict):
        return unsupported(webhook_id, "the body is not a JSON object", raw)
    kind = json_input.string(body.get("type"), 100)
    data = json_input.table(body.get("data"))
    detail: dict[str, str] = {}
    given_detail = json_input.table(data.get("detail"))
    for name in list(given_detail)[:DETAILS_MAX]:
        detail[name[:50]] = json_input.string(given_detail[name], 500)
    if kind == "record":
        return _record(webhook_id, body, data, raw, country)
    conversation = json_input.string(data.get("conversation_key"), ID_MAX)
    if kind == "call" and "call" in data:
        return _call(webhook_id, body, data, raw, country, detail, conversation)
    sender = _sender(json_input.table(data.get("sender")), conversation, country, detail)
    if sender is None:
        return unsupported(webhook_id, "neither data.sender.id nor data.conversation_key is given", raw)
    target = json_input.string(data.get("target"), ID_MAX) or None
    problem = ""
    if kind not in _KINDS:
        problem = f"unknown type {kind!r}"
    elif kind in _NEED_TARGET and target is None:
        problem = f"type {kind!r} without data.target"
    files = data.get("attachments")
    listed = files if isinstance(files, list) else []
    if len(listed) > FILES_MAX:
        detail["problem"] = f"{len(listed) - FILES_MAX} of {len(listed)} attachments are over the limit"
    attachments = tuple(_attachment(item) for item in listed[:FILES_MAX])
    text = json_input.string(data.get("text"), TEXT_MAX)
    if kind == "message" and not text and not attachments:
        problem = "a message without text and attachments"
    token = json_input.string(data.get("token"), 64) if kind in ("started", "continued") else ""
    if kind == "continued" and not token:
        problem = "type 'continued' without data.token"
    if problem:
        detail["problem"] = problem
    answered = json_input.string(data.get("reply_to"), ID_MAX)
    return InboundEvent(
        kind="unsupported" if problem else cast(EventKind, kind),
        dedupe_key=webhook_id,
        sender=sender,
        thread=conversation or sender.external_id,
        remote_message_id=json_input.string(data.get("message_id"), ID_MAX) or webhook_id,
        references=(Reference(remote_id=answered, how="by reply_to"),) if answered else (),
        target=target,
        text=text,
        token=token,
        subject=json_input.string(data.get("subject"), 998) or None,
        attachments=attachments,
        occurred_at=event_time(body.get("timestamp")),
        is_echo=data.get("is_echo") is True,
        automatic=data.get("automatic") is True,
        detail=detail,
    )


def _call(
    webhook_id: str,
    body: dict[str, Any],
    data: dict[str, Any],
    raw: bytes,
    country: str,
    detail: dict[str, str],
    conversation: str,
) -> InboundEvent:
    """A telephone call, with what `data.call` says of it."""
    given = json_input.table(data.get("sender"))
    named = _sender(given, conversation, country, detail) if given.get("id") or conversation else None
    try:
        told = facts.call_detail(json_input.table(data["call"]), country)
    except facts.FactError as error:
        return unsupported(webhook_id, str(error), raw)
    sender = facts.caller(named, told, webhook_id)
    return InboundEvent(
        kind="call",
        dedupe_key=webhook_id,
        sender=sender,
        thread=conversation or sender.external_id,
        remote_message_id=json_input.string(data.get("message_id"), ID_MAX) or webhook_id,
        references=facts.named_conversation(data.get("conversation_id")),
        text=json_input.string(data.get("text"), TEXT_MAX),
        occurred_at=event_time(body.get("timestamp")),
        detail={**detail, **told},
    )


def _record(
    webhook_id: str, body: dict[str, Any], data: dict[str, Any], raw: bytes, country: str
) -> InboundEvent:
    """An order, a payment: of whoever `data.sender` is, as soon as that is proven."""
    given = json_input.table(data.get("sender"))
    try:
        told = facts.record(json_input.table(data.get("record")), given, country, event_time)
    except facts.FactError as error:
        return unsupported(webhook_id, str(error), raw)
    return InboundEvent(
        kind="record",
        dedupe_key=webhook_id,
        sender=Sender(external_id=json_input.string(given.get("id"), ID_MAX) or told.address),
        occurred_at=event_time(body.get("timestamp")),
        record=told,
    )
