"""The server itself: operators, tokens, channels, replies that are not settled."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from server.protocol.base import Login, Number, Presence, Role, Scope
from server.protocol.conversations import Message


class OperatorInfo(msgspec.Struct, kw_only=True):
    id: int
    login: str
    name: str
    role: Role
    disabled: bool = False
    online: bool = False
    uid: int | None = None  # the local Unix account that signs in by the socket
    presence: Presence | None = None  # None: never had a console
    room: int = 0  # so many conversations that wait for us he holds at most; 0: he is in no team


class TeamInfo(msgspec.Struct, kw_only=True):
    name: str
    title: str


class PresenceCommand(msgspec.Struct, kw_only=True):
    state: Presence


class ChannelInfo(msgspec.Struct, kw_only=True):
    id: str
    kind: str
    title: str
    mark: str
    owner: str = ""
    hours: str = ""
    state: str = "starting"  # starting | connected | retrying | bad_credentials | stopped | failed
    detail: str = ""  # last error
    last_in_at: int | None = None
    last_out_at: int | None = None
    is_open: bool | None = None  # by its calendar, where it has one
    opens_at: int | None = None  # when it opens next, where it is closed
    refused: int = 0  # requests with a wrong signature since the start
    begins: str = ""  # scheme of the addresses to which we may write first there; "": none
    continues: bool = False  # a link can lead a person to it
    team: str = ""  # that serves it


class Hello(msgspec.Struct, kw_only=True):
    protocol: int
    version: str
    site: str
    operator: OperatorInfo
    seq: int
    now: int
    channels: list[ChannelInfo] = []
    operators: list[OperatorInfo] = []
    teams: list[TeamInfo] = []
    trouble: str = ""  # what operators must know: "cannot write: disk full"


class OutboxItem(msgspec.Struct, kw_only=True):
    """A reply that is not settled: held, scheduled, waiting, failed, or with an unknown result."""

    message: Message
    customer: str
    state: str  # scheduled | queued | sending | retrying | failed | unknown
    attempts: int
    due_at: int
    error: str = ""
    keep: bool = False  # of a scheduled one: it goes even though the customer writes before


class JournalItem(msgspec.Struct, kw_only=True):
    id: int
    channel_id: str
    dedupe_key: str
    state: str  # received | taken | quarantined
    received_at: int
    size: int
    error: str = ""


class SettleCommand(msgspec.Struct, kw_only=True):
    """What to do with replies that failed or whose result is unknown; `all` instead of ids: every one."""

    verdict: Literal["arrived", "again", "drop"]
    message_ids: list[Number] = []
    all: bool = False


class Settled(msgspec.Struct, kw_only=True):
    message_ids: list[int]


class NewOperator(msgspec.Struct, kw_only=True):
    login: Login
    name: Annotated[str, msgspec.Meta(pattern=r"\S")]  # customers see it
    role: Role = "operator"
    uid: Number | None = None


class NewToken(msgspec.Struct, kw_only=True):
    """`expires_in_s`: seconds from now; None: it never expires."""

    name: Annotated[str, msgspec.Meta(max_length=100)] = ""  # what it is for
    scope: Scope = "write"
    expires_in_s: Annotated[int, msgspec.Meta(ge=1, le=100 * 366 * 86_400)] | None = None


class TokenInfo(msgspec.Struct, kw_only=True):
    id: int
    login: str  # the operator it speaks for
    name: str
    scope: Scope
    created_at: int
    expires_at: int | None = None
    last_used_at: int | None = None  # to the minute


class TokenMade(msgspec.Struct, kw_only=True):
    """`token` is shown this once: the server keeps only its SHA-256."""

    token: str
    info: TokenInfo


class AuditVerdict(msgspec.Struct, kw_only=True):
    """What the walk along the event log's chain found. `problem` "": nothing was changed."""

    events: int  # that were verified
    first: int | None = None  # the first of them; what is older was forgotten, or is older than the chain
    last: int = 0
    digest: str = ""  # hexadecimal, at `last`: note it elsewhere, and no rewriting goes unseen
    problem: str = ""
