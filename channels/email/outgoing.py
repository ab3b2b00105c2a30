"""From a reply to a mail and its envelope: recipients, marks, signature. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from channels.base import Outbound, Recipient
from channels.email import identity
from channels.email.addresses import Mailbox, ascii_address, canonical, split_address
from channels.email.message import Draft, build, reply_subject
from channels.email.settings import EmailSettings
from channels.email.smtp import Envelope


class Letter(msgspec.Struct, frozen=True):
    """A mail and those who are still to get it; `unusable` cannot be written to at all."""

    draft: Draft
    sender: str  # of the envelope
    pending: tuple[str, ...]
    unusable: tuple[str, ...]
    envelope_id: str


def usable(address: str) -> str:
    """The address as it travels (domain in ASCII), or "" where no mail can go to it."""
    travels = ascii_address(address)
    domain = split_address(travels)[1]
    # RFC 2606; with these we mark that somebody has no address.
    return "" if not domain or domain == "invalid" or domain.endswith(".invalid") else travels


def letter(settings: EmailSettings, key: bytes, message: Outbound, site_name: str) -> Letter:
    named = message.recipients or (Recipient(role="to", address=message.to, name=message.to_name or ""),)
    numbers = (message.conversation_id, message.message_id)
    address = _ours(settings, message.addressed_to)
    name = message.remote_id or identity.message_id(key, *numbers, split_address(address)[1])
    references = [one for one in message.references if one != name]
    draft = Draft(
        sender=address,
        sender_name=settings.from_name or message.author,
        to=_boxes(named, "to"),
        cc=_boxes(named, "cc"),
        reply_to=identity.signed_address(key, *numbers, address) if settings.plus_address else "",
        subject=_subject(settings, key, message, bool(references), site_name),
        text=message.text,
        quoted=message.quoted,
        answered=message.answered,
        signature=_signature(settings, address),
        marker=identity.marker(key, *numbers) if settings.body_marker else "",
        message_id=name,
        references=references,
        date=message.written_at,
        files=message.files,
        automatic=message.automatic,
        account=settings.address,
    )
    pending = [one.address for one in named if not one.done]
    # Reports come to the account, and relays know it: an alias is only written on the letter.
    sender = settings.address
    if settings.signed_return_path:
        sender = identity.signed_address(key, *numbers, sender)
    return Letter(
        draft,
        sender,
        tuple(dict.fromkeys(usable(one) for one in pending if usable(one))),
        tuple(one for one in pending if not usable(one)),
        identity.envelope_id(key, *numbers),
    )


def _ours(settings: EmailSettings, addressed_to: str) -> str:
    """The address that the customer wrote to, if it is one of ours; else the main one."""
    aliases = {canonical(one): ascii_address(one) for one in settings.aliases}
    return aliases.get(canonical(addressed_to), settings.address)


def _signature(settings: EmailSettings, address: str) -> str:
    own = {canonical(one): text for one, text in settings.signatures.items()}
    return own.get(canonical(address), settings.signature)


def envelope(ready: Letter) -> Envelope:
    """The bytes that travel. Raises MessageError (a file that cannot be read)."""
    return Envelope(
        sender=ready.sender,
        recipients=ready.pending,
        data=build(ready.draft),
        ascii_data=lambda: build(
            msgspec.structs.replace(ready.draft, to=_ascii(ready.draft.to), cc=_ascii(ready.draft.cc))
        ),
        envelope_id=ready.envelope_id,
    )


def copy(ready: Letter, message: Outbound) -> bytes:
    """The same mail for our own Sent folder, where the hidden recipients are named. Raises MessageError."""
    return build(msgspec.structs.replace(ready.draft, bcc=_boxes(message.recipients, "bcc")))


def _subject(settings: EmailSettings, key: bytes, message: Outbound, answers: bool, site_name: str) -> str:
    subject = reply_subject(message.subject, answers, site_name)
    token = identity.subject_token(key, message.conversation_id)
    return f"{subject} {token}" if settings.subject_token and token not in subject else subject


def _boxes(named: Sequence[Recipient], role: str) -> tuple[Mailbox, ...]:
    return tuple(
        Mailbox(one.name, usable(one.address)) for one in named if one.role == role and usable(one.address)
    )


def _ascii(boxes: Sequence[Mailbox]) -> tuple[Mailbox, ...]:
    return tuple(box for box in boxes if box.address.isascii())
