"""What a mail answers, in the order in which its hints are believed.

1. a signed address of ours that it was sent to; 2. a Message-ID of ours in In-Reply-To or References;
3. other ids there, newest first; 4. a marker of ours in its text; 5. a token of ours in its subject.

The parser finds (`hints`), without keys and in another process; the channel, which has the key, checks
and orders (`checked`). What bears a wrong check is dropped and said.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.message import Message
from typing import Any

import msgspec

from channels.base import Bounce, Reference
from channels.email import headers, identity
from channels.email.addresses import canonical, find_mailboxes
from channels.email.identity import Named

# Where a delivery agent writes down for whom it was; To and Cc say what the sender meant.
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "to", "cc")


_BY_ID = ("by In-Reply-To", "by References")


def hints(message: Message[Any, Any], subject: str, text: str) -> tuple[Reference, ...]:
    """Everything that may say what this mail answers, unchecked."""
    found: dict[str, str] = {}
    for identifier in headers.message_ids(headers.raw_values(message, "in-reply-to")):
        found.setdefault(identifier, _BY_ID[0])
    for identifier in reversed(headers.message_ids(headers.raw_values(message, "references"))):
        found.setdefault(identifier, _BY_ID[1])
    ids = [Reference(remote_id=one, how=how) for one, how in list(found.items())[: headers.MAX_IDS]]
    return (
        *(_mark("address", one, "by our signed address") for one in _signed(message)),
        *ids,
        *(_mark("marker", one, "by our marker in the text") for one in identity.find_markers(text)),
        *(_mark("subject", one, "by our token in the subject") for one in identity.find_tokens(subject)),
    )


def _mark(kind: str, text: str, how: str) -> Reference:
    return msgspec.convert({"remote_id": text, "kind": kind, "how": how}, Reference)


def _signed(message: Message[Any, Any]) -> list[str]:
    values = [", ".join(headers.raw_values(message, name)) for name in _DELIVERED]
    addresses = [canonical(box.address) for value in values for box in find_mailboxes(value)]
    return list(dict.fromkeys(identity.find_addresses(addresses)))


def checked(
    key: bytes, references: Sequence[Reference], bounces: Sequence[Bounce]
) -> tuple[tuple[Reference, ...], int]:
    """References in the order of belief, those with our MAC trusted; how many were forged."""
    ranked: list[tuple[int, Reference]] = []
    forged = 0
    for bounce in bounces:
        named = identity.named_by_id(key, bounce.original_message_id or "")
        named = named or identity.named_by_envelope(key, bounce.envelope_id or "")
        if named is not None:
            text = bounce.original_message_id or bounce.envelope_id or ""
            ranked.append((1, _ours(Reference(remote_id=text, how="by the mail it reports"), named)))
    for reference in references:
        rank, named = _look(key, reference)
        if named is not None:
            ranked.append((rank, _ours(reference, named)))
        elif reference.kind == "id":
            ranked.append((3, reference))
        else:
            forged += 1
    ranked.sort(key=lambda pair: pair[0])
    return tuple(reference for _, reference in ranked), forged


def _look(key: bytes, reference: Reference) -> tuple[int, Named | None]:
    if reference.kind == "address":
        return 0, identity.named_by_address(key, reference.remote_id)
    if reference.kind == "marker":
        return 4, identity.named_by_marker(key, reference.remote_id)
    if reference.kind == "subject":
        return 5, identity.named_by_token(key, reference.remote_id)
    return 2, identity.named_by_id(key, reference.remote_id)


def _ours(reference: Reference, named: Named) -> Reference:
    # A subject travels in forwards, and its check is short: it convinces only of those who take part.
    return msgspec.structs.replace(
        reference,
        trusted=reference.kind != "subject",
        how=f"{reference.how}, our own id" if reference.how in _BY_ID else reference.how,
        message_id=named.message or None,
        conversation_id=named.conversation if not named.message else None,
    )
