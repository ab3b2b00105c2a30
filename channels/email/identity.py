"""Marks that only this installation can make, by which an answer finds what it answers.

- `<c42.m977.MAC@domain>`, the Message-ID of everything that we send;
- `support+c42.m977.MAC@domain`, a signed address for Reply-To and the envelope sender;
- `[ref:c42.m977.MAC]`, a line at the end of the text, for relays that replace Message-IDs;
- `[#42-CHECK]`, a token in the subject: short enough to be guessed, so it only counts for who takes part.

The MAC (HMAC-SHA256, 100 bits, base32) makes a mark trustworthy: whoever quotes it was given it by us, or
by somebody who was. It is lower case and compared without case, because some servers change it. It names
the message, so that it leads to wherever the message's conversation is now.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import msgspec

from channels.email.addresses import split_address

MAC_CHARS = 20
CHECK_CHARS = 6
LOCAL_MAX = 64  # RFC 5321 4.5.3.1.1

_STEM = r"c(\d{1,18})\.m(\d{1,18})\.([a-z2-7]{20})"
_MESSAGE_ID = re.compile(rf"<{_STEM}@[^<>@\s]+>", re.IGNORECASE)
_ADDRESS = re.compile(rf"[^@\s]{{1,64}}\+{_STEM}@[^<>@\s]+", re.IGNORECASE)
_MARKER = re.compile(rf"\[ref:{_STEM}\]", re.IGNORECASE)
_BARE = re.compile(_STEM, re.IGNORECASE)
_TOKEN = re.compile(rf"\[#(\d{{1,18}})-([a-z2-7]{{{CHECK_CHARS}}})\]", re.IGNORECASE)

FOUND_MAX = 10


class Named(msgspec.Struct, frozen=True):
    """What a mark names, once its check was found right. `message` 0: only the conversation."""

    conversation: int
    message: int


def message_id(key: bytes, conversation_id: int, message_id: int, domain: str) -> str:
    """The same for the same message on every attempt, so that receivers can collapse a repeat."""
    return f"<{envelope_id(key, conversation_id, message_id)}@{domain}>"


def envelope_id(key: bytes, conversation_id: int, message_id: int) -> str:
    """ENVID of RFC 3461: delivery reports bring it back."""
    stem = f"c{conversation_id}.m{message_id}"
    return f"{stem}.{_mac(key, '', stem)}"


def signed_address(key: bytes, conversation_id: int, message_id: int, address: str) -> str:
    """`address` with a signed tag, or the address as it is where that would be too long to travel."""
    local, domain = split_address(address)
    stem = f"c{conversation_id}.m{message_id}"
    tagged = f"{local}+{stem}.{_mac(key, 'address', stem)}"
    return f"{tagged}@{domain}" if local and len(tagged) <= LOCAL_MAX else address


def marker(key: bytes, conversation_id: int, message_id: int) -> str:
    stem = f"c{conversation_id}.m{message_id}"
    return f"[ref:{stem}.{_mac(key, 'marker', stem)}]"


def subject_token(key: bytes, conversation_id: int) -> str:
    return f"[#{conversation_id}-{_check(key, conversation_id)}]"


def is_ours(key: bytes, remote_id: str) -> bool:
    """Did we make this Message-ID? Constant time in the MAC."""
    return named_by_id(key, remote_id) is not None


def named_by_id(key: bytes, remote_id: str) -> Named | None:
    return _named(key, "", _MESSAGE_ID.fullmatch(remote_id))


def named_by_envelope(key: bytes, envelope: str) -> Named | None:
    return _named(key, "", _BARE.fullmatch(envelope.strip()))


def named_by_address(key: bytes, address: str) -> Named | None:
    return _named(key, "address", _ADDRESS.fullmatch(address))


def named_by_marker(key: bytes, text: str) -> Named | None:
    return _named(key, "marker", _MARKER.fullmatch(text))


def named_by_token(key: bytes, text: str) -> Named | None:
    match = _TOKEN.fullmatch(text)
    if match is None or not hmac.compare_digest(_check(key, int(match[1])), match[2].lower()):
        return None
    return Named(int(match[1]), 0)


def find_addresses(addresses: list[str]) -> list[str]:
    """Those that look like signed ones; whether they are, only the key tells."""
    return [one for one in addresses if _ADDRESS.fullmatch(one)][:FOUND_MAX]


def find_markers(text: str) -> list[str]:
    """What looks like our markers, the last ones first: the newest quotation may stand at either end."""
    found = [match[0] for match in _MARKER.finditer(text)]
    return list(dict.fromkeys(reversed(found)))[:FOUND_MAX]


def find_tokens(subject: str) -> list[str]:
    return [match[0] for match in _TOKEN.finditer(subject)][:FOUND_MAX]


def without_tag(address: str) -> str:
    """`support+c42.m977.MAC@domain` → `support@domain`; any other address as it is."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        return address
    local, domain = split_address(address)
    return f"{local.rpartition('+')[0]}@{domain}"


def _named(key: bytes, purpose: str, match: re.Match[str] | None) -> Named | None:
    if match is None:
        return None
    stem = f"c{match[1]}.m{match[2]}"
    if not hmac.compare_digest(_mac(key, purpose, stem), match[3].lower()):
        return None
    return Named(int(match[1]), int(match[2]))


def _mac(key: bytes, purpose: str, stem: str) -> str:
    # A mark of one purpose is none of another: a token that a subject gave away opens no address.
    text = f"{purpose}\x00{stem}" if purpose else stem
    digest = hmac.new(key, text.encode("ascii"), hashlib.sha256).digest()
    return base64.b32encode(digest).decode("ascii").lower()[:MAC_CHARS]


def _check(key: bytes, conversation_id: int) -> str:
    return _mac(key, "subject", f"c{conversation_id}")[:CHECK_CHARS]
