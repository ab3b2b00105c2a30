"""Numbers and words that both sides must agree on."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

PROTOCOL = 1

HEARTBEAT_S = 2.0  # the server says something at least this often
OFFLINE_AFTER_S = 4.5  # a console that heard nothing for this long is offline

View = Literal["mine", "queue", "waiting", "all", "closed", "spam"]
State = Literal["open", "waiting", "snoozed", "closed"]
Priority = Literal["urgent", "high", "normal", "low"]
# How an address is known to be this person's: the channel shows it, a code came back from it, the site
# signed it, a colleague vouches for it; or somebody merely said so.
Proof = Literal["channel", "code", "signature", "colleague", "claim"]
MessageKind = Literal["in", "out", "note", "system"]
# Inbound messages are "received". Outbound ones go queued -> sending -> sent -> delivered -> read, or end
# in failed, or in unknown ("maybe delivered": only an operator decides), or wait in "retrying". What is to
# leave later is "scheduled" first; what was taken back before it left is "withdrawn".
Status = Literal[
    "received",
    "scheduled",
    "queued",
    "sending",
    "retrying",
    "sent",
    "delivered",
    "read",
    "failed",
    "unknown",
    "withdrawn",
]
# available: takes new work. pause: takes only what colleagues hand him. away, offline: is not there.
Presence = Literal["available", "pause", "away", "offline"]
# reader: sees everything, changes nothing. collaborator: of another department, sees what is shared with him.
Role = Literal["admin", "lead", "operator", "reader", "collaborator"]
Scope = Literal["read", "write", "admin"]  # how far a token goes, within its operator's role

# What comes in is bounded by what the store can hold.
Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Login = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$")]
# Words on one line, no space at their ends. Spelled out: what \s and . take differs between the programs
# that read the OpenAPI document, and U+0085 is a space for Python alone.
_EDGE = r"[^\s\x1c-\x1f\x85\ufeff]"
ONE_LINE = rf"^{_EDGE}([^\n\r\u2028\u2029]*{_EDGE})?$"
Tag = Annotated[str, msgspec.Meta(pattern=r"^[\w][\w.:/+-]{0,39}$")]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]  # of a field, a purpose, a kind
