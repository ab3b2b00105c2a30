"""Wire types of the operator API, shared by the server and the console.

Times are UTC milliseconds. Unknown fields are ignored by both sides, so that either may be newer;
what both must agree on is `PROTOCOL`, exchanged in `Hello` and in the first frame of the event stream.
The routes themselves are listed in docs/api.md.
"""

from __future__ import annotations

from server.protocol.base import (
    HEARTBEAT_S,
    OFFLINE_AFTER_S,
    PROTOCOL,
    Login,
    MessageKind,
    Number,
    Role,
    Scope,
    State,
    Status,
    View,
)
from server.protocol.conversations import (
    AssignCommand,
    ClaimCommand,
    CloseCommand,
    Conversation,
    ConversationPage,
    Counts,
    Draft,
    File,
    Message,
    NoteCommand,
    ReplyCommand,
    SeenCommand,
    SnoozeCommand,
)
from server.protocol.pages import ConversationDetail, HistoryPage, SearchHit, SearchPage
from server.protocol.people import Address, Customer, ReplyWay
from server.protocol.service import (
    ChannelInfo,
    Hello,
    JournalItem,
    NewOperator,
    NewToken,
    OperatorInfo,
    OutboxItem,
    SettleCommand,
    Settled,
    TokenInfo,
    TokenMade,
)
from server.protocol.stream import Envelope, ErrorAnswer, ErrorBody, EventBody, Subscribe

__all__ = [
    "HEARTBEAT_S",
    "OFFLINE_AFTER_S",
    "PROTOCOL",
    "Address",
    "AssignCommand",
    "ChannelInfo",
    "ClaimCommand",
    "CloseCommand",
    "Conversation",
    "ConversationDetail",
    "ConversationPage",
    "Counts",
    "Customer",
    "Draft",
    "Envelope",
    "ErrorAnswer",
    "ErrorBody",
    "EventBody",
    "File",
    "Hello",
    "HistoryPage",
    "JournalItem",
    "Login",
    "Message",
    "MessageKind",
    "NewOperator",
    "NewToken",
    "NoteCommand",
    "Number",
    "OperatorInfo",
    "OutboxItem",
    "ReplyCommand",
    "ReplyWay",
    "Role",
    "Scope",
    "SearchHit",
    "SearchPage",
    "SeenCommand",
    "SettleCommand",
    "Settled",
    "SnoozeCommand",
    "State",
    "Status",
    "Subscribe",
    "TokenInfo",
    "TokenMade",
    "View",
]
