"""Raw mail → events. Runs in the parsing worker; total: whatever comes, something visible comes out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from email.message import Message
from typing import Any

from msgspec.structs import replace

from channels.base import Attachment, InboundEvent, Sender
from channels.email import charset, headers
from channels.email.addresses import Mailbox, canonical, find_mailboxes
from channels.email.authenticity import authentication
from channels.email.automatic import ID_HEADER, classify
from channels.email.body import folds
from channels.email.correspondents import correspondents
from channels.email.dsn import read_bounces
from channels.email.look_alike import skeleton, warnings
from channels.email.mail import answers_mail
from channels.email.own_mail import settled
from channels.email.spam_marks import spam_mark
from channels.email.structure import Content, TooComplexError, header_only, parse_message, read
from channels.email.threads import hints

NOBODY = "unknown@invalid"  # RFC 2606: no answer can ever be delivered there
EARLIEST_MS = 7 * 24 * 3600 * 1000
LATEST_MS = 5 * 60 * 1000


def parse(raw: bytes, meta: Mapping[str, str]) -> list[InboundEvent]:
    """One event for one mail.

    `meta` as the poller wrote it: dedupe_key, folder, uid, internal_date (UTC ms or ""), size, limit,
    stub ("", "too_big", "unavailable"), address and aliases (our own), role ("sent": of the Sent folder),
    junk (the server marks the folder as one for junk), trusted_authserv (names of servers, space-separated),
    history (from an archive). A mail that cannot be taken apart comes as a message that says so, with the
    raw mail attached.
    """
    return [settled(_parsed(raw, meta), meta)]


def _parsed(raw: bytes, meta: Mapping[str, str]) -> InboundEvent:
    try:
        if meta.get("stub"):
            return _event(header_only(raw), raw, meta, Content(text=_stub_text(meta), facts={}))
        message = parse_message(raw)
        return _event(message, raw, meta, read(message))
    except TooComplexError as error:
        problem = str(error)
    except Exception as error:
        problem = f"this mail could not be read ({type(error).__name__})"
    return replace(_whole(raw, meta, problem), quarantine=f"unparseable: {problem}")


def _whole(raw: bytes, meta: Mapping[str, str], problem: str) -> InboundEvent:
    """The mail as one attachment, under whatever its header still tells."""
    attachment = Attachment(name="message.eml", content_type="message/rfc822", kind="message", data=raw)
    content = Content(
        text=f"[{problem[0].upper()}{problem[1:]}; the mail is attached as it came.]",
        attachments=[attachment],
        facts={"problem": problem},
    )
    try:
        return _event(header_only(raw), raw, meta, content)
    except Exception:
        return InboundEvent(
            kind="message",
            dedupe_key=_key(raw, meta),
            sender=Sender(external_id=NOBODY),
            thread=NOBODY,
            text=content.text,
            attachments=(attachment,),
            occurred_at=_number(meta, "internal_date"),
            detail=content.facts,
        )


def _event(message: Message[Any, Any], raw: bytes, meta: Mapping[str, str], content: Content) -> InboundEvent:
    own = canonical(meta.get("address", ""))
    facts = content.facts
    sender, name = _sender(message, own, facts)
    verdict = classify(message, sender, content.types, content.text, own)
    if verdict is not None:
        facts["automatic"] = verdict.why
    ids = headers.message_ids([headers.raw_value(message, "message-id")])
    subject = headers.decoded(headers.raw_value(message, "subject"))
    loop = verdict is not None and verdict.kind == "own-loop"
    bounces = read_bounces(message, content.text) if verdict is not None and verdict.kind == "bounce" else ()
    references = hints(message, subject, content.text)
    claimed = headers.message_ids([headers.raw_value(message, ID_HEADER)])
    if claimed and claimed != ids:
        facts["own_id"] = claimed[0]
    _note_correspondents(message, own, facts)
    _note_credibility(message, sender, name, facts, meta)
    return InboundEvent(
        kind="unsupported" if loop else "message",
        dedupe_key=_key(raw, meta),
        sender=Sender(
            external_id=sender,
            name=name or None,
            proven=not facts.get("authentication", "").startswith("fail"),
        ),
        thread=sender,
        remote_message_id=ids[0]
        if ids
        else f"<sha256.{hashlib.sha256(raw).hexdigest()[:40]}@no-message-id.invalid>",
        references=references,
        correspondents=correspondents(message, sender, own),
        skeleton=skeleton(sender),
        text=content.text,
        subject=subject or None,
        attachments=tuple(content.attachments),
        occurred_at=_occurred_at(message, meta),
        is_echo=loop or sender == own,
        automatic=verdict is not None,
        folds=() if bounces else folds(content.body, answers=answers_mail(subject, references)),
        bounces=bounces,
        detail={key: charset.whole(value)[:500] for key, value in facts.items()},
    )


def _sender(message: Message[Any, Any], own: str, facts: dict[str, str]) -> tuple[str, str]:
    """Address on which identity is keyed, and display name.

    Site forms write From: our own address and Reply-To: the visitor; then the visitor is the sender.
    """
    from_headers = headers.raw_values(message, "from")
    authors = [box for value in from_headers for box in find_mailboxes(value) if canonical(box.address)]
    replies = [
        box for box in find_mailboxes(headers.raw_value(message, "reply-to")) if canonical(box.address)
    ]
    shown = headers.decoded(" | ".join(from_headers))
    if len(from_headers) > 1 or shown.count("@") > max(1, len(authors)):
        # "boss@bank.example" <evil@x.example>: show everything that claims to be the author.
        facts["from"] = shown[:300]
    if not authors:
        facts.setdefault(
            "problem", "the mail names no sender" if not shown else f"strange sender: {shown[:200]}"
        )
        for header in ("sender", "return-path"):
            authors += [b for b in find_mailboxes(headers.raw_value(message, header)) if canonical(b.address)]
    author = authors[0] if authors else (replies[0] if replies else Mailbox("", NOBODY))
    address = canonical(author.address)
    reply = next((canonical(box.address) for box in replies), "")
    if address == own and reply and reply != own:
        facts["form"] = f"sent through {own}; the sender typed the address {reply}"
        return reply, _person(replies[0])
    if reply and reply != address:
        facts["reply_to"] = reply
    return address, _person(author)


def _person(box: Mailbox) -> str:
    return headers.decoded(box.name)[:200]


def _note_correspondents(message: Message[Any, Any], own: str, facts: dict[str, str]) -> None:
    """Who else received it: shown, never answered by itself."""
    for header in ("to", "cc"):
        values = ", ".join(headers.raw_values(message, header))
        others = [canonical(box.address) for box in find_mailboxes(values)]
        others = [address for address in dict.fromkeys(others) if address and address != own]
        if others:
            more = f" and {len(others) - 10} more" if len(others) > 10 else ""
            facts[header] = ", ".join(others[:10]) + more


def _note_credibility(
    message: Message[Any, Any], sender: str, name: str, facts: dict[str, str], meta: Mapping[str, str]
) -> None:
    """What speaks for and against the sender being who he seems to be."""
    trusted = frozenset(meta.get("trusted_authserv", "").lower().split())
    verdict = authentication(message, sender, trusted) if trusted else ""
    if verdict:
        facts["authentication"] = verdict
    mark = spam_mark(message, meta.get("folder", ""), junk=bool(meta.get("junk")), authentication=verdict)
    if mark and meta.get("role") != "sent":
        facts["held_for_spam"] = mark
    if "form" not in facts:
        own = canonical(meta.get("address", ""))
        facts.update(warnings(sender, name, facts.get("reply_to", ""), own))


def _occurred_at(message: Message[Any, Any], meta: Mapping[str, str]) -> int | None:
    """The sender's Date, within a week before and five minutes after the arrival at the mail server."""
    arrived = _number(meta, "internal_date")
    written = headers.date_ms(headers.raw_value(message, "date"))
    if arrived is None or written is None:
        return arrived if written is None else written
    return arrived if not arrived - EARLIEST_MS <= written <= arrived + LATEST_MS else min(written, arrived)


def _stub_text(meta: Mapping[str, str]) -> str:
    size = (_number(meta, "size") or 0) / 1024 / 1024
    place = f"folder {meta.get('folder', '?')}, UID {meta.get('uid', '?')}"
    if meta.get("stub") == "too_big":
        limit = (_number(meta, "limit") or 0) / 1024 / 1024
        return (
            f"[This mail has {size:.1f} MiB, more than the limit of {limit:.0f} MiB. "
            f"Only its header was taken; the mail itself is in the mailbox: {place}.]"
        )
    return f"[The mail server does not hand out this mail ({size:.1f} MiB). See the mailbox: {place}.]"


def _key(raw: bytes, meta: Mapping[str, str]) -> str:
    return meta.get("dedupe_key") or f"mail:{hashlib.sha256(raw).hexdigest()}"


def _number(meta: Mapping[str, str], name: str) -> int | None:
    text = meta.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
