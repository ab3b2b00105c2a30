"""The tables of omni.toml, typed. How the file is read and refused: `config`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from channels.base import ChannelSettings
from server.people.card_settings import (
    FieldSettings,
    SegmentSettings,
)
from server.queue.deadlines import DeadlineSettings
from server.queue.hours import HoursSettings
from server.queue.silence import SilenceSettings
from server.queue.team_settings import QueueSettings, TeamSettings
from server.webhooks.settings import EventWebhookSettings

Positive = Annotated[int, msgspec.Meta(ge=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


def parse_listen(text: str) -> tuple[str, int]:
    """`127.0.0.1:8480`, `[::1]:8480`, `localhost:0` → host and port. Raises ValueError."""
    host, separator, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not separator or not bare or (":" in bare and bare == host):
        raise ValueError(f"{text!r} is not an address and a port, such as 127.0.0.1:8480")
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError(f"{port!r} is not a port")
    return bare, int(port)


class ServerSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[server]`. `data_dir` and `socket` always hold a value after `load`."""

    data_dir: Path
    socket: Path
    socket_group: str = ""  # a Unix group: a team's server; empty: only its own account
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    disk_reserve_mb: Count = 200  # below this much free space nothing new is accepted
    event_retention_days: Positive = 90
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2  # processes that parse mail
    parse_worker: Path | None = None  # the socket of `omni mail-worker`; None: a child of the server parses


class PublicLimits(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[public.limits]`. An address is one IPv4 address or one IPv6 /64."""

    hook_body_bytes: Positive = 1024 * 1024
    hooks_per_second: Positive = 200  # verified webhooks per channel; also any per address
    hook_burst: Positive = 400
    requests_per_second: Positive = 20  # per address, all that are not webhooks
    request_burst: Positive = 100
    streams_per_address: Positive = 32  # open event streams (site chats that are being shown)
    streams: Positive = 1000
    connections_per_address: Positive = 256  # not for trusted proxies
    connections: Positive = 2000
    header_seconds: Seconds = 10.0  # from the first byte (or the connect) to the end of the headers
    body_grace_seconds: Seconds = 10.0  # after which a body must have come at body_bytes_per_second
    body_bytes_per_second: Positive = 1024
    stalled_write_seconds: Seconds = 60.0  # a reader that takes nothing for this long is let go
    keepalive_seconds: Seconds = 75.0
    addresses_remembered: Positive = 20_000


class PublicSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[public]`: the door that faces the internet, by way of a reverse proxy on the same host."""

    enabled: bool = True
    listen: str = "127.0.0.1:8480"  # port 0: any free port
    base_url: str = ""  # how the world reaches us; empty: http://LISTEN
    # Peers whose X-Forwarded-For is believed.
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    limits: PublicLimits = msgspec.field(default_factory=PublicLimits)

    @property
    def address(self) -> tuple[str, int]:
        return parse_listen(self.listen)


class ApiSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[api]`: the operator API over TCP, for programs and distant consoles that bring a token."""

    listen: str = ""  # "127.0.0.1:8481"; empty: only the operators' socket
    tls_certificate: Path | None = None  # PEM, with the chain
    tls_key: Path | None = None
    behind_proxy: bool = False  # a reverse proxy ends TLS, and nobody else can connect
    trusted_proxies: tuple[str, ...] = ()  # whose connections and X-Forwarded-For are accepted then
    requests_per_second: Positive = 20  # per token
    request_burst: Positive = 100


class SiteSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[site]`: who the customers write to."""

    name: str = "Omni"
    language: Literal["en", "ru"] = "en"
    # Where a phone number without a country code belongs (ISO 3166-1).
    default_country: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] = "RU"
    reopen_days: Count = 7  # a message this long after the closing reopens; later it opens a new one
    identity_days: Count = 30  # who showed who he is on a channel is not asked there again for so long
    link_minutes: Positive = 60  # for so long a link leads a person to another channel


class UrgentSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[urgent]`: what a customer writes that must not wait its turn."""

    # Words or phrases, in whatever form: "заблокирована", "card is blocked".
    words: tuple[Annotated[str, msgspec.Meta(pattern=r"\w", max_length=100)], ...] = ()


HoldSeconds = Annotated[float, msgspec.Meta(ge=0, le=120)]


class SendingSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[sending]`: for how long a reply waits before it leaves, so that it can be taken back; 0: not at all.

    A letter is read minutes later; ten seconds are the glance after the key. In a chat somebody looks at the
    screen: four are enough to see the wrong name, and shorter than it takes to type the next line.
    """

    hold_letters_seconds: HoldSeconds = 10.0  # e-mail
    hold_chats_seconds: HoldSeconds = 4.0  # site chats, messengers and everything else


class OutreachSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`[outreach]`: what holds a message to somebody who did not just write to us."""

    colleague_days: Count = 90  # a colleague wrote to him so lately
    record_days: Count = 90  # he ordered or paid so lately
    record_kinds: tuple[str, ...] = ("order", "payment")


class Config(msgspec.Struct, kw_only=True):
    server: ServerSettings
    public: PublicSettings = msgspec.field(default_factory=PublicSettings)
    api: ApiSettings = msgspec.field(default_factory=ApiSettings)
    site: SiteSettings = msgspec.field(default_factory=SiteSettings)
    urgent: UrgentSettings = msgspec.field(default_factory=UrgentSettings)
    outreach: OutreachSettings = msgspec.field(default_factory=OutreachSettings)
    sending: SendingSettings = msgspec.field(default_factory=SendingSettings)
    channels: dict[str, ChannelSettings] = {}
    teams: dict[str, TeamSettings] = {}  # none: everybody takes by hand what he wants
    queue: QueueSettings = msgspec.field(default_factory=QueueSettings)
    fields: dict[str, FieldSettings] = {}  # that cards may have, besides what every site has
    segments: dict[str, SegmentSettings] = {}  # saved filters over cards
    hours: dict[str, HoursSettings] = {}  # by name: when somebody is there to answer
    deadlines: tuple[DeadlineSettings, ...] = ()  # the first that fits counts
    silence: tuple[SilenceSettings, ...] = ()  # likewise; none: no conversation closes by itself
    webhooks: tuple[EventWebhookSettings, ...] = ()  # systems of the company that are told of events
    config_path: Path | None = None
