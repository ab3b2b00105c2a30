"""The event stream (WebSocket, JSON text frames), and errors."""

from __future__ import annotations

from typing import Any

import msgspec

from server.protocol.base import PROTOCOL
from server.protocol.conversations import Conversation, Message
from server.protocol.outreach import Obstacle


class ErrorBody(msgspec.Struct, kw_only=True):
    """Body of every answer that is not 2xx.

    Codes: bad_request, unauthenticated, forbidden, not_found, taken (holder says who), stale (news says
    what came), held (obstacles say why a first message waits), missing (variables of a template that still
    stand in the text), known (who he is was shown lately: nobody asks him again), illegal_state,
    too_large, version, limited, unavailable.
    """

    code: str
    message: str
    hint: str = ""
    holder: str = ""
    news: list[Message] = []
    seq: int = 0  # for stale: the after_seq that gives consent
    obstacles: list[Obstacle] = []  # for held
    missing: list[str] = []  # names of variables


class ErrorAnswer(msgspec.Struct, kw_only=True):
    error: ErrorBody


class Subscribe(msgspec.Struct, kw_only=True):
    """First frame of the client. `resume`: newest seq it has seen, None for "from now"."""

    protocol: int = PROTOCOL
    resume: int | None = None


class Envelope(msgspec.Struct, kw_only=True):
    """Every frame of the server.

    type "welcome": seq is the newest event of the log. "reset": the log no longer reaches back to
    `resume`; load everything anew, then go on from seq. "event": one event of the log. "heartbeat": seq
    is the newest event examined for this client. "trouble": `text` is what operators must know, empty
    when it is over. "presence": the body is a Company, outside the log
    and never resumed. "bye": the server closes, `text` says why; seq is where to resume.
    """

    type: str
    seq: int = 0
    kind: str = ""
    at: int = 0
    text: str = ""
    body: msgspec.Raw = msgspec.Raw(b"null")


class EventBody(msgspec.Struct, kw_only=True):
    """Body of an "event" frame: ids as in the log, and the rows as they are now.

    Kinds: message.received, message.imported (from an archive), message.queued, message.scheduled,
    message.withdrawn, message.status, message.changed, note.added, contact.added (logged by hand),
    conversation.opened, conversation.state (reopened, closed, waiting, snoozed, woken, spam and not),
    conversation.assigned, conversation.changed (priority, summary, promise, tags, due), customer.barred,
    conversation.deadline (data: deadline, level), conversation.silence (data: step: propose, announce,
    close, obstacle), conversation.seen, draft.saved, mention.added and mention.seen (only to the operator
    whom they name; data: mention), conversation.shared and conversation.unshared (data: with), share.ended
    (only to the collaborator; data: conversation, and no rows), customer.changed, customer.merged,
    customer.unmerged, conversation.regrouped, record.changed, identity.suggested, identity.accepted and
    identity.refused (data: suggestion), identity.code_sent, identity.code_failed and identity.code_used
    (data: code), channel.state, operator.changed, template.changed, journal.quarantined.
    """

    conversation_id: int | None = None
    customer_id: int | None = None
    message_id: int | None = None
    operator_id: int | None = None  # who did it; None: the customer or the server
    data: dict[str, Any] = {}
    conversation: Conversation | None = None
    message: Message | None = None
