"""What a channel is, and the protocol through which it reaches the server.

A channel turns what a provider says into `InboundEvent`s and sends `Outbound` messages. It owns no
storage: journal, identity, ordering, retries, splitting and attachments belong to the server, which
a channel sees only as a `Host`.

All times are UTC milliseconds.
"""

from __future__ import annotations

from channels.base.channel import Channel, Route
from channels.base.errors import ChannelError, HostUnavailableError
from channels.base.facts import Capabilities, ChannelHealth, ChannelSettings, ChannelSpec, Medium, ProbeResult
from channels.base.heard import (
    Attachment,
    Bounce,
    Contact,
    Correspondent,
    EventKind,
    Fold,
    HookRequest,
    InboundEvent,
    RecordFact,
    Reference,
    Rejected,
    Role,
    Sender,
    Verified,
)
from channels.base.host import (
    BoxLedger,
    Delivery,
    Host,
    Missing,
    Place,
    Placed,
    Receipt,
    StoredFile,
    ThreadFile,
    ThreadMessage,
    ThreadView,
    ThreadWatch,
)
from channels.base.sending import (
    BadCredentials,
    Failed,
    Fate,
    Outbound,
    OutboundFile,
    Paused,
    Quotation,
    Recipient,
    Retry,
    SendResult,
    Sent,
    Unknown,
    WindowClosed,
)

__all__ = [
    "Attachment",
    "BadCredentials",
    "Bounce",
    "BoxLedger",
    "Capabilities",
    "Channel",
    "ChannelError",
    "ChannelHealth",
    "ChannelSettings",
    "ChannelSpec",
    "Contact",
    "Correspondent",
    "Delivery",
    "EventKind",
    "Failed",
    "Fate",
    "Fold",
    "HookRequest",
    "Host",
    "HostUnavailableError",
    "InboundEvent",
    "Medium",
    "Missing",
    "Outbound",
    "OutboundFile",
    "Paused",
    "Place",
    "Placed",
    "ProbeResult",
    "Quotation",
    "Receipt",
    "Recipient",
    "RecordFact",
    "Reference",
    "Rejected",
    "Retry",
    "Role",
    "Route",
    "SendResult",
    "Sender",
    "Sent",
    "StoredFile",
    "ThreadFile",
    "ThreadMessage",
    "ThreadView",
    "ThreadWatch",
    "Unknown",
    "Verified",
    "WindowClosed",
]
