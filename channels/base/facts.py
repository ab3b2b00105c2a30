"""What a channel is: facts about a kind of channel that need no instance."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

# How people talk there, which says how many conversations one operator can hold at once.
Medium = Literal["chat", "messenger", "email", "call"]


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    medium: Medium = "messenger"
    text_max: int = 4096
    text_unit: Literal["chars", "bytes", "utf16"] = "chars"
    files_max: int = 0  # per message; 0: the channel carries no files
    file_bytes_max: int = 0
    subject: bool = False
    edit: bool = False
    delete: bool = False
    reactions: bool = False
    delivery_receipts: bool = False
    read_receipts: bool = False
    start_by_us: bool = False  # we may write first
    reply_window_s: float | None = None  # so long after his last message we may write; None: always
    continue_links: bool = False  # a link can lead a person to it: `Channel.continue_link`
    recipients_max: int = 1  # more than one: To, Cc and Bcc can be chosen, and messages be forwarded
    # What names no earlier message begins a conversation of its own, where the customer's open one has
    # been on this channel already (mail). Otherwise it goes on in the open one, as people chat.
    begins_anew: bool = False
    idempotent: bool = False  # sending the same key twice delivers once: an unknown result may be retried
    give_up_after_s: float = 3600.0  # how long a message that surely was not delivered is tried again
    pace_per_s: float = 20.0  # messages a second that the provider takes from us
    send_timeout_s: float = 60.0  # after which an attempt counts as unknown
    # A customer's newer message on the channel holds a stale reply (for e-mail), besides a colleague's.
    holds_on_customer_message: bool = False


class ChannelSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What every channel's table in omni.toml may hold. A channel's own settings extend this."""

    kind: str
    title: str = ""
    owner: str = ""  # who answers for the channel: an operator's login, or a team
    hours: str = ""  # as people write it: "Mon-Fri 09:00-18:00", or the name of [hours.NAME]
    # What is said by itself outside of these hours: "default", or a text with {opens}, {site}; "": nothing.
    out_of_hours: str = ""
    acknowledge: str = ""  # said once, by itself, to whoever begins a conversation
    signature: str = ""  # below every reply that an operator writes
    enabled: bool = True
    # For how long a reply waits before it leaves; None: as long as [sending] says for its kind.
    hold_seconds: Annotated[float, msgspec.Meta(ge=0, le=120)] | None = None


class ChannelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about a kind of channel that need no instance."""

    kind: str
    title: str
    mark: str  # one terminal cell
    scheme: str  # address scheme of `Sender.external_id`
    shared_scheme: bool  # True: one address space for all channels of the scheme (e-mail, phone)
    settings: type[ChannelSettings]
    capabilities: Capabilities
    takes_hooks: bool = False  # POST /hooks/CHANNEL goes to verify() and parse()
    # "module:function" of (raw: bytes, meta: Mapping[str, str]) -> list[InboundEvent], run in the
    # parsing worker process after the raw item is committed. None: parse() before the commit.
    parser: str | None = None


class ChannelHealth(msgspec.Struct, frozen=True, kw_only=True):
    state: Literal["starting", "connected", "retrying", "bad_credentials", "stopped", "failed"]
    detail: str = ""


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `omni doctor`."""

    name: str
    ok: bool
    detail: str
    hint: str = ""
